//! Watching files: which of them hold something else than before. What they mean is not known here.
//!
//! Folders are watched, not files, because editors put a new file into the place of the old, and Kubernetes a new folder.
//! What the system tells is only a reason to look: a change counts if the content is another. Where the system cannot
//! watch, files are looked at every now and then.

mod eyes;
mod trail;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, timeout};

use eyes::Eyes;

/// What is written in several steps is looked at when nothing has moved for so long.
const QUIET: Duration = Duration::from_millis(100);

/// However much moves, it is looked at after so long.
const LONGEST: Duration = Duration::from_secs(1);

/// How often is looked where the system does not tell.
const POLL: Duration = Duration::from_secs(2);

/// The time by the clock by which files are dated, which is behind: what is written from now on has this time or a later
/// one.
pub(super) fn now() -> SystemTime {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::RealtimeCoarse;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Realtime;
    let time = rustix::time::clock_gettime(clock);
    let (seconds, nanoseconds) = (time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0));
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanoseconds)
}

/// Something that may change.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Item {
    /// What a file holds.
    File(PathBuf),
    /// Which files match a pattern.
    Matches(String),
}

/// What is watched.
#[derive(Clone, Debug)]
struct Set {
    items: Arc<HashSet<Item>>,
    /// What is new among them was read at this time, or later.
    since: SystemTime,
}

/// A watch over files.
#[derive(Debug)]
pub(super) struct Watch {
    sets: watch::Sender<Set>,
    changes: mpsc::UnboundedReceiver<Vec<Item>>,
}

impl Watch {
    /// A watch over nothing yet.
    pub(super) fn start() -> Self {
        let (sets, wanted) = watch::channel(Set { items: Arc::default(), since: SystemTime::UNIX_EPOCH });
        let (found, changes) = mpsc::unbounded_channel();
        spawn_local(run(wanted, found));
        Self { sets, changes }
    }

    /// Watches these from now on, as they were when they were read `since` then.
    pub(super) fn over(&self, items: HashSet<Item>, since: SystemTime) {
        self.sets.send_replace(Set { items: Arc::new(items), since });
    }

    /// The next that change, together. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Vec<Item> {
        match self.changes.recv().await {
            Some(changed) => changed,
            // The watch broke off, and has said so.
            None => std::future::pending().await,
        }
    }
}

async fn run(mut sets: watch::Receiver<Set>, found: mpsc::UnboundedSender<Vec<Item>>) {
    let moves = Arc::new(Notify::new());
    let mut eyes = Eyes::open(&moves);
    loop {
        let is_new = tokio::select! {
            kept = sets.changed() => match kept {
                Ok(()) => true,
                Err(_) => return,
            },
            () = moves.notified() => {
                settle(&moves).await;
                false
            }
            () = sleep(POLL), if eyes.must_poll() => false,
        };
        let Set { items, since } = sets.borrow().clone();
        // Files are read; this thread accepts connections.
        let set = Arc::clone(&items);
        let looked = tokio::task::spawn_blocking(move || {
            let changed = if is_new { eyes.turn(&set, since) } else { eyes.look(&set) };
            (eyes, changed)
        });
        let changed;
        (eyes, changed) = match looked.await {
            Ok(looked) => looked,
            Err(error) => return tracing::error!("files are not watched any more: {error}"),
        };
        if is_new {
            tracing::debug!("watching {} files and patterns", items.len());
        } else {
            tracing::debug!("looked at watched files: {} changed", changed.len());
        }
        if !changed.is_empty() && found.send(changed).is_err() {
            return;
        }
    }
}

/// Waits until nothing has moved for a while.
async fn settle(moves: &Notify) {
    let deadline = Instant::now() + LONGEST;
    while Instant::now() < deadline && timeout(QUIET, moves.notified()).await.is_ok() {}
}
