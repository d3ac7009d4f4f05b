//! Which files are open in this process: each once, whatever snapshots use it.
//!
//! A store stays open as long as a snapshot has it, and one that comes back while an old snapshot still has it is the same. When
//! the process ends, or another takes over, all are closed: what they hold is on the disk then, and the files are free.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::keeper::{Keeper, Task};
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
            keeper: Mutex::new(None),
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
        for before in known.iter().filter(|known| known.path == self.shared.path && !known.is_of(&self.shared)) {
            // Its last user has just gone.
            let _ = before.ended.as_ref().map(|ended| ended.recv_timeout(LETTING_GO));
        }
        // One that was closed has its values, and is not read again.
        let is_new = |known: &&mut Known| known.ended.is_none() && !self.shared.is_closing.load(Ordering::Acquire);
        let this = known.iter_mut().find(|known| known.is_of(&self.shared)).filter(is_new);
        let Some(tried) = this.map(|this| this.start(&self.shared, Task::Read)) else { return };
        drop(known);
        // That the other end is gone is the news.
        let _ = tried.recv();
    }
}

impl Known {
    fn is_of(&self, shared: &Arc<Shared>) -> bool {
        std::ptr::eq(self.shared.as_ptr(), Arc::as_ptr(shared))
    }

    /// Starts the keeper. Nothing is ever sent to what this returns, but it ends when the file has been tried.
    fn start(&mut self, shared: &Arc<Shared>, task: Task) -> Receiver<()> {
        let (tried, is_tried) = sync_channel::<()>(0);
        let (ends, ended) = sync_channel::<()>(0);
        self.ended = Some(ended);
        let keeper = Keeper::new(Arc::clone(shared), task, tried);
        let run = move || {
            let _ends = ends;
            keeper.run();
        };
        match std::thread::Builder::new().name("weir-disk".into()).spawn(run) {
            Ok(thread) => {
                *shared.keeper.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread.thread().clone());
                // What was noticed before its handle was here.
                shared.wake();
            }
            Err(error) => shared.figures.failed(format!("no thread can be started for the store: {error}")),
        }
        is_tried
    }
}

/// Closes all files: what is in them is on the disk, and another process can have them. Values can still be read and changed, in
/// memory, for what this process has yet to do; but no change is kept any more. Files that are not closed after this time are
/// left.
pub fn close(within: Duration) {
    let deadline = Instant::now() + within;
    let mut known = locked();
    for shared in known.iter().filter_map(|known| known.shared.upgrade()) {
        shared.is_closing.store(true, Ordering::Release);
        shared.wake();
    }
    for Known { path, ended, .. } in known.iter_mut() {
        let left = deadline.saturating_duration_since(Instant::now());
        match ended.as_ref().map(|ended| ended.recv_timeout(left)) {
            Some(Err(RecvTimeoutError::Timeout)) => {
                tracing::error!("{} is not closed within {within:?}: its last changes may be lost", path.display());
            }
            _ => *ended = None,
        }
    }
}

/// Takes files that were closed for another process, which did not come to serve after all: what changed meanwhile is kept,
/// too.
pub fn take_back() {
    for known in locked().iter_mut() {
        let Some(shared) = known.file.upgrade().map(|file| Arc::clone(&file.shared)) else { continue };
        if !shared.is_closing.load(Ordering::Acquire) {
            continue;
        }
        if known.ended.as_ref().is_some_and(|ended| ended.recv_timeout(LETTING_GO) == Err(RecvTimeoutError::Timeout)) {
            tracing::error!("{} is still being closed: what changes from now on is not kept", known.path.display());
            continue;
        }
        shared.is_closing.store(false, Ordering::Release);
        let task = if shared.is_open.load(Ordering::Acquire) { Task::WriteAnew } else { Task::Read };
        // Nobody waits for it.
        drop(known.start(&shared, task));
    }
}

fn locked() -> MutexGuard<'static, Vec<Known>> {
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}
