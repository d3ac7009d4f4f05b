//! Looking at files, and having the system tell when to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use super::{Item, trail};

/// The system's time of a file's change is as coarse as this: what changed twice within may look unchanged.
const COARSE: Duration = Duration::from_millis(20);

/// What was seen, and what tells of changes.
pub(super) struct Eyes {
    moves: Arc<Notify>,
    seen: HashMap<Item, Seen>,
    watcher: Option<RecommendedWatcher>,
    /// The folders that the system watches, each as it was then: one that was replaced is another.
    folders: HashMap<PathBuf, (u64, u64)>,
}

/// An item as it was when it was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// If this is the same, so is the rest; none if that cannot be told.
    stamp: Option<Stamp>,
    content: Content,
}

/// What it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// It was not looked at: whatever it holds is something else.
    Unknown,
    /// It is not there, or cannot be read.
    Gone,
    /// Something of this digest.
    Is([u8; 32]),
}

/// What the system says of a file: which one it is, how large, and when it was changed.
type Stamp = (u64, u64, u64, i64, i64, i64, i64);

impl Eyes {
    /// Eyes that have seen nothing; whatever moves where they look is told to `moves`.
    pub(super) fn open(moves: &Arc<Notify>) -> Self {
        let told = Arc::clone(moves);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let is_reading = event.is_ok_and(|event| match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
                EventKind::Access(_) => true,
                _ => false,
            });
            if !is_reading {
                told.notify_one();
            }
        });
        let mut eyes = Self { moves: Arc::clone(moves), seen: HashMap::new(), watcher: None, folders: HashMap::new() };
        match watcher {
            Ok(watcher) => eyes.watcher = Some(watcher),
            Err(error) => eyes.strain(&error),
        }
        eyes
    }

    /// Whether nobody tells when something has changed.
    pub(super) fn must_poll(&self) -> bool {
        self.watcher.is_none() && !self.seen.is_empty()
    }

    /// Looks at these from now on. Those that are new among them were read `since` then: what may have been written later
    /// will have changed at the next look, for it may not be whole yet.
    pub(super) fn turn(&mut self, items: &HashSet<Item>, since: SystemTime) -> Vec<Item> {
        // Before the files, so that what changes meanwhile is told.
        self.watch(items);
        self.seen.retain(|item, _| items.contains(item));
        for item in items.iter().filter(|item| !self.seen.contains_key(item)).cloned().collect::<Vec<_>>() {
            let mut seen = item.look(None);
            // In this order, for it may be written just now.
            if item.is_younger_than(since) {
                self.moves.notify_one();
                seen = Seen { stamp: None, content: Content::Unknown };
            }
            self.seen.insert(item, seen);
        }
        Vec::new()
    }

    /// Those of the items that are not as they were at the last look.
    pub(super) fn look(&mut self, items: &HashSet<Item>) -> Vec<Item> {
        self.watch(items);
        let mut changed = Vec::new();
        for (item, before) in &mut self.seen {
            let seen = item.look(Some(*before));
            if seen.content != before.content {
                changed.push(item.clone());
            }
            *before = seen;
        }
        changed
    }

    /// Has the system watch the folders that matter now.
    fn watch(&mut self, items: &HashSet<Item>) {
        let Some(watcher) = &mut self.watcher else { return };
        let mut wanted = BTreeSet::new();
        for item in items {
            match item {
                Item::File(path) => trail::follow(path, &mut wanted),
                Item::Matches(pattern) => trail::of_pattern(pattern, &mut wanted),
            }
        }
        let identity = |folder: &Path| folder.metadata().ok().map(|folder| (folder.dev(), folder.ino()));
        self.folders.retain(|folder, known| {
            let stays = wanted.contains(folder) && identity(folder) == Some(*known);
            if !stays {
                // The system may have forgotten it with the folder.
                let _ = watcher.unwatch(folder);
            }
            stays
        });
        for folder in wanted {
            if self.folders.contains_key(&folder) {
                continue;
            }
            // One that has just gone is missed in its parent at the next look.
            let Some(identity) = identity(&folder) else { continue };
            match watcher.watch(&folder, RecursiveMode::NonRecursive) {
                Ok(()) => drop(self.folders.insert(folder, identity)),
                Err(error) if folder.exists() => return self.strain(&error),
                Err(_) => {}
            }
        }
    }

    /// Goes on without the system's help.
    fn strain(&mut self, error: &notify::Error) {
        let every = super::POLL;
        tracing::warn!("the system cannot watch files ({error}): they are looked at every {every:?}");
        self.watcher = None;
        self.folders.clear();
    }
}

impl Item {
    fn look(&self, before: Option<Seen>) -> Seen {
        match self {
            Self::File(path) => {
                let Some(stamp) = stamp(path) else { return Seen { stamp: None, content: Content::Gone } };
                match before {
                    Some(before) if before.stamp == Some(stamp) => before,
                    _ => Seen {
                        stamp: (!is_fresh(path)).then_some(stamp),
                        content: digest(path).map_or(Content::Gone, Content::Is),
                    },
                }
            }
            Self::Matches(pattern) => {
                let mut digest = Sha256::new();
                for path in matching(pattern) {
                    digest.update(path.as_os_str().as_encoded_bytes());
                    digest.update([0]);
                }
                Seen { stamp: None, content: Content::Is(digest.finalize().into()) }
            }
        }
    }

    fn is_younger_than(&self, since: SystemTime) -> bool {
        let is_younger = |path: &Path| changed_at(path).is_some_and(|at| at >= since);
        match self {
            Self::File(path) => is_younger(path),
            Self::Matches(pattern) => matching(pattern).any(|path| is_younger(&path)),
        }
    }
}

fn matching(pattern: &str) -> impl Iterator<Item = PathBuf> {
    glob::glob(pattern).into_iter().flatten().filter_map(Result::ok).filter(|path| path.is_file())
}

/// None for what is no file: a pipe could be read once only.
fn stamp(path: &Path) -> Option<Stamp> {
    let file = path.metadata().ok().filter(std::fs::Metadata::is_file)?;
    Some((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec(), file.ctime(), file.ctime_nsec()))
}

/// When its content, its name or its rights were changed.
fn changed_at(path: &Path) -> Option<SystemTime> {
    let file = path.metadata().ok()?;
    let (seconds, nanoseconds) = (u64::try_from(file.ctime()).ok()?, u32::try_from(file.ctime_nsec()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds))
}

/// Whether it could change once more and look the same.
fn is_fresh(path: &Path) -> bool {
    changed_at(path).is_none_or(|at| at.elapsed().map_or(true, |age| age < COARSE))
}

fn digest(path: &Path) -> Option<[u8; 32]> {
    let mut file = std::fs::File::open(path).ok()?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; 64 << 10]);
    loop {
        match file.read(&mut piece) {
            Ok(0) => return Some(digest.finalize().into()),
            Ok(length) => digest.update(&piece[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eyes() -> (Eyes, Arc<Notify>) {
        let moves = Arc::new(Notify::new());
        (Eyes::open(&moves), moves)
    }

    #[test]
    fn without_the_systems_help_a_change_is_seen_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        std::fs::write(&file, "one").unwrap();
        let items = HashSet::from([Item::File(file.clone())]);
        let (mut eyes, _moves) = eyes();
        eyes.turn(&items, SystemTime::now() + Duration::from_secs(60));
        assert!(!eyes.must_poll());
        eyes.strain(&notify::Error::new(notify::ErrorKind::MaxFilesWatch));
        assert!(eyes.must_poll());
        assert_eq!(eyes.look(&items), []);
        // As long as before, and at once: only the content tells.
        std::fs::write(&file, "two").unwrap();
        assert_eq!(eyes.look(&items), [Item::File(file.clone())]);
        assert_eq!(eyes.look(&items), []);
        std::fs::remove_file(&file).unwrap();
        assert_eq!(eyes.look(&items), [Item::File(file)]);
    }

    #[test]
    fn what_was_written_since_it_was_read_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let (early, late) = (folder.path().join("early"), folder.path().join("late"));
        std::fs::write(&early, "").unwrap();
        let written = changed_at(&early).unwrap();
        let (mut eyes, _moves) = eyes();
        eyes.turn(&HashSet::from([Item::File(early.clone())]), written + Duration::from_nanos(1));
        std::fs::write(&late, "").unwrap();
        let items = HashSet::from([Item::File(early), Item::File(late.clone())]);
        eyes.turn(&items, written);
        assert_eq!(eyes.look(&items), [Item::File(late)]);
    }
}
