//! How many connections a listener has, over all workers, and how many it may have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A log that is flooded helps nobody who is.
const SAID_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// One listener's count.
#[derive(Debug)]
pub struct Gate {
    open: AtomicUsize,
    most: AtomicUsize,
}

/// A connection that is counted until this is dropped, whatever ends it.
#[derive(Debug)]
pub struct Permit {
    gate: Arc<Gate>,
    worker: Arc<AtomicUsize>,
}

impl Gate {
    /// For a listener without connections.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), most: AtomicUsize::new(most) })
    }

    /// Connections that are there stay, more than may be or not.
    pub fn allow(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// Whether a connection is open.
    pub fn is_used(&self) -> bool {
        self.open() > 0
    }

    /// How many there are.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Counts a connection in, for the listener and for its worker. Only one thread, the acceptors', comes here.
    pub(super) fn enter(self: &Arc<Self>, worker: &Arc<AtomicUsize>) -> Option<Permit> {
        if self.open.load(Ordering::Relaxed) >= self.most.load(Ordering::Relaxed) {
            return None;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        worker.fetch_add(1, Ordering::Relaxed);
        Some(Permit { gate: Arc::clone(self), worker: Arc::clone(worker) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.open.fetch_sub(1, Ordering::Relaxed);
        self.worker.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections that were refused, on their way to the log.
#[derive(Debug, Default)]
pub(super) struct Refused {
    count: u64,
    said: Option<Instant>,
}

impl Refused {
    pub(super) fn add(&mut self, listener: &str, gate: &Gate) {
        self.count += 1;
        if self.said.is_some_and(|said| said.elapsed() < SAID_AT_MOST_EVERY) {
            return;
        }
        let (count, most) = (std::mem::take(&mut self.count), gate.most.load(Ordering::Relaxed));
        tracing::warn!(listener, "{count} connections closed at once: `{listener}` has its limit of {most}");
        self.said = Some(Instant::now());
    }
}
