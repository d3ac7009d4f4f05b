//! Which files are open in this process: each once, whatever snapshots use it.
//!
//! A store stays open as long as a snapshot has it, and one that comes back while an old snapshot still has it is the same. When
//! the process ends, or another takes over, all are closed: what they hold is on the disk then, and the files are free.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::keeper::Keeper;
use super::{Figures, File, Memory, Shared, Time};

/// How long a store that was given up a moment ago may take to let go of its file.
const LETTING_GO: Duration = Duration::from_secs(5);

static KNOWN: Mutex<Vec<Known>> = Mutex::new(Vec::new());

struct Known {
    path: PathBuf,
    file: Weak<File>,
    shared: Weak<Shared>,
    /// Ends when the keeper has; none before there is one.
    ended: Option<Receiver<()>>,
}

impl File {
    /// The store in this file, of so many bytes. Nothing is touched before it [begins](super::super::Store::begin).
    pub fn at(path: &Path, bytes: usize) -> Arc<Self> {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let began = Instant::now();
        Self::with_clock(path, bytes, move || u64::try_from((start + began.elapsed()).as_millis()).unwrap_or(u64::MAX))
    }

    /// The same with a clock of the caller's: milliseconds since 1970 that do not go back while it is open.
    pub fn with_clock(path: &Path, bytes: usize, clock: impl Fn() -> u64 + Send + Sync + 'static) -> Arc<Self> {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut known = locked();
        known.retain(|known| known.shared.strong_count() > 0);
        if let Some(file) = known.iter().filter(|known| known.path == path).find_map(|known| known.file.upgrade()) {
            return file;
        }
        let time = Arc::new(Time { clock: Box::new(clock), behind: 0.into() });
        let of_memory = Arc::clone(&time);
        let shared = Arc::new(Shared {
            path: path.clone(),
            memory: Memory::with_clock(bytes, move || of_memory.now()),
            time,
            is_open: AtomicBool::new(false),
            is_changed: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            keeper: OnceLock::new(),
            figures: Figures::default(),
        });
        let file = Arc::new(Self { shared: Arc::clone(&shared) });
        known.push(Known { path, file: Arc::downgrade(&file), shared: Arc::downgrade(&shared), ended: None });
        file
    }

    /// Opens the file and reads it; comes back when that is done, or when it is known why it cannot be: then the store is
    /// unavailable, and the file is looked at again and again.
    pub(super) fn open(&self) {
        let mut known = locked();
        let is_this = |known: &Known| std::ptr::eq(known.shared.as_ptr(), &raw const *self.shared);
        for before in known.iter().filter(|known| known.path == self.shared.path && !is_this(known)) {
            // Its last user has just gone.
            let _ = before.ended.as_ref().map(|ended| ended.recv_timeout(LETTING_GO));
        }
        let Some(this) = known.iter_mut().find(|known| is_this(known) && known.ended.is_none()) else { return };
        // Nothing is ever sent on either: that their other ends are gone is the news.
        let (tried, is_tried) = sync_channel::<()>(0);
        let (ends, ended) = sync_channel::<()>(0);
        this.ended = Some(ended);
        drop(known);
        let keeper = Keeper::new(Arc::clone(&self.shared), tried);
        let run = move || {
            let _ends = ends;
            keeper.run();
        };
        match std::thread::Builder::new().name("weir-store".into()).spawn(run) {
            Ok(thread) => {
                let _ = self.shared.keeper.set(thread.thread().clone());
                // What was noticed before its handle was here.
                self.shared.wake();
                let _ = is_tried.recv();
            }
            Err(error) => self.shared.figures.failed(format!("no thread can be started for the store: {error}")),
        }
    }
}

/// Closes all files. What is in them can still be read and changed, in memory, for those who are about to end; but no change
/// is kept any more. Those that are not closed after this time are left.
pub fn close(within: Duration) {
    let deadline = Instant::now() + within;
    let all = std::mem::take(&mut *locked());
    for shared in all.iter().filter_map(|known| known.shared.upgrade()) {
        shared.is_closing.store(true, Ordering::Release);
        shared.wake();
    }
    for Known { path, ended, .. } in all {
        let left = deadline.saturating_duration_since(Instant::now());
        if ended.is_some_and(|ended| ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout)) {
            tracing::error!("{} was not closed within {within:?}: its last changes may be lost", path.display());
        }
    }
}

fn locked() -> MutexGuard<'static, Vec<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
