//! The store in a file: values in memory, and every change on the disk a moment later.
//!
//! Filters read and write what [`Memory`] holds, as fast and by the same rules, so no worker ever waits for a disk. A thread
//! of the store, its keeper, takes what has changed away, as at one moment, and adds it to the file: one record, and one
//! `fdatasync`, for all that came together. At the start the file is read from its beginning to its end.
//!
//! **What can be lost.** A process that is killed loses what it wrote in its last [`INTERVAL`] and the time of one commit:
//! the store is then as it was at one moment before. What it loses is never the middle, and never half of a value.
//!
//! **When the disk refuses**, changes are refused, too, as unavailable; what was written before is there to be read, and is
//! tried again. A file that cannot be used at all leaves a store that is unavailable, and is looked at again and again.
//!
//! **Time** goes on from the last record if the system's clock was set back meanwhile, and never goes back while the process
//! runs: a value is gone after its time to live, at the latest, and a clock that is wrong for once makes no value immortal.

mod disk;
mod fault;
mod keeper;
mod open;
mod record;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use bytes::Bytes;

use super::{Error, Memory, Options, Stand, Step, Store, Usage};
pub use open::{close, take_back};

/// How often changes are put on the disk, if there are any.
pub const INTERVAL: Duration = Duration::from_millis(50);

/// Changes that may wait to be put on the disk, in bytes.
const WAITING: usize = 64 << 20;

/// How a store's file is, for operators.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// Bytes of the file.
    pub bytes: u64,
    /// Values whose last change is not on the disk yet.
    pub waiting: u64,
    /// How often changes were put on the disk, since the start.
    pub commits: u64,
    /// How long that took, all together.
    pub took: Duration,
    /// How often it failed.
    pub failures: u64,
    /// What is wrong now.
    pub fault: Option<String>,
}

/// Values in a file, for all workers of this process.
pub struct File {
    shared: Arc<Shared>,
}

/// What a store and its keeper share.
struct Shared {
    path: PathBuf,
    memory: Memory,
    time: Arc<Time>,
    /// Whether the values are there.
    is_open: AtomicBool,
    /// Whether something changed since the keeper last looked.
    is_changed: AtomicBool,
    is_closing: AtomicBool,
    keeper: Mutex<Option<Thread>>,
    figures: Figures,
}

#[derive(Default)]
struct Figures {
    bytes: AtomicU64,
    /// Changes that were taken away and are not on the disk; 1 until it is known how many.
    held: AtomicU64,
    commits: AtomicU64,
    nanoseconds: AtomicU64,
    failures: AtomicU64,
    fault: Mutex<Option<String>>,
}

/// Milliseconds since 1970, as the store counts them.
struct Time {
    clock: Box<dyn Fn() -> u64 + Send + Sync>,
    /// How far the clock is behind what the file says.
    behind: AtomicU64,
}

impl Time {
    fn now(&self) -> u64 {
        (self.clock)().saturating_add(self.behind.load(Ordering::Relaxed))
    }

    /// It was as late as this before.
    fn is_after(&self, last: u64) {
        self.behind.store(last.saturating_sub((self.clock)()), Ordering::Relaxed);
    }
}

impl File {
    /// How its file is.
    pub fn kept(&self) -> Kept {
        let Figures { bytes, held, commits, nanoseconds, failures, fault } = &self.shared.figures;
        // In this order: what is taken away is held before it has changed no more, and is counted before it is held no more.
        let changed = self.shared.memory.changed() as u64;
        let waiting = changed + held.load(Ordering::Acquire);
        Kept {
            bytes: bytes.load(Ordering::Relaxed),
            waiting,
            commits: commits.load(Ordering::Relaxed),
            took: Duration::from_nanos(nanoseconds.load(Ordering::Relaxed)),
            failures: failures.load(Ordering::Relaxed),
            fault: fault.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    fn memory(&self) -> Result<&Memory, Error> {
        if self.shared.is_open.load(Ordering::Acquire) { Ok(&self.shared.memory) } else { Err(Error::Unavailable) }
    }

    /// Something that may change a value.
    fn change<T>(&self, act: impl FnOnce(&Memory) -> Result<T, Error>) -> Result<T, Error> {
        let done = act(self.memory()?);
        self.shared.changed();
        done
    }
}

impl Shared {
    fn changed(&self) {
        // The first change wakes the keeper, which is a system call; others see that it has been.
        if !self.is_changed.load(Ordering::Relaxed) && !self.is_changed.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    fn wake(&self) {
        if let Some(keeper) = &*self.keeper.lock().unwrap_or_else(PoisonError::into_inner) {
            keeper.unpark();
        }
    }
}

impl Store for File {
    fn begin(&self, bytes: usize) {
        self.shared.memory.resize(bytes);
        self.open();
    }

    fn size(&self) -> usize {
        self.shared.memory.size()
    }

    fn usage(&self) -> Usage {
        self.shared.memory.usage()
    }

    fn kept(&self) -> Option<Kept> {
        Some(Self::kept(self))
    }

    fn get(&self, owner: &str, key: &str) -> Result<Option<Bytes>, Error> {
        self.memory()?.get(owner, key)
    }

    /// A value that is to be durable is refused: who calls this does not wait.
    fn set(&self, owner: &str, key: &str, value: &[u8], options: Options) -> Result<(), Error> {
        self.change(|memory| memory.set(owner, key, value, options))
    }

    fn delete(&self, owner: &str, key: &str) -> Result<bool, Error> {
        self.change(|memory| memory.delete(owner, key))
    }

    fn increment(&self, owner: &str, key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Error> {
        self.change(|memory| memory.increment(owner, key, by, ttl))
    }

    fn step(&self, owner: &str, step: &Step<'_>) -> Result<Stand, Error> {
        self.change(|memory| memory.step(owner, step))
    }

    fn compare_and_swap(
        &self,
        owner: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> Result<bool, Error> {
        self.change(|memory| memory.compare_and_swap(owner, key, expected, new, options))
    }
}

impl Drop for File {
    /// The keeper puts what is left on the disk, and nobody waits for that here.
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::Release);
        self.shared.wake();
    }
}

impl std::fmt::Debug for File {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("File")
            .field("path", &self.shared.path)
            .field("usage", &self.usage())
            .finish_non_exhaustive()
    }
}
