//! How many connections a listener has, over all workers, and how many it may have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::telemetry::metrics::{self, Accepted, EachWorker};

/// A log that is flooded helps nobody who is.
const SAID_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// One listener's count.
#[derive(Debug)]
pub struct Gate {
    open: AtomicUsize,
    most: AtomicUsize,
    accepted: Accepted,
    counts: EachWorker<metrics::Listener>,
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
        Arc::new(Self {
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(most),
            accepted: Accepted::default(),
            counts: EachWorker::default(),
        })
    }

    /// What is counted where connections are accepted.
    pub fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// What workers count of its connections.
    pub fn counts(&self) -> &EachWorker<metrics::Listener> {
        &self.counts
    }

    /// Connections that are there stay, more than may be or not.
    pub fn allow(&self, most: usize) {
        self.most.store(most, Ordering::Relaxed);
    }

    /// How many there are.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Whether a connection is open.
    pub fn is_used(&self) -> bool {
        self.open() > 0
    }

    /// Counts a connection in, for the listener and for its worker. Only one thread, the acceptors', comes here.
    pub(super) fn enter(self: &Arc<Self>, worker: &Arc<AtomicUsize>) -> Option<Permit> {
        if self.open.load(Ordering::Relaxed) >= self.most.load(Ordering::Relaxed) {
            self.accepted.refused.add(1);
            return None;
        }
        self.accepted.accepted.add(1);
        self.open.fetch_add(1, Ordering::Relaxed);
        worker.fetch_add(1, Ordering::Relaxed);
        Some(Permit { gate: Arc::clone(self), worker: Arc::clone(worker) })
    }
}

impl Permit {
    /// What this worker counts of the listener.
    pub(super) fn counts(&self) -> Arc<metrics::Listener> {
        self.gate.counts.keep()
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
