//! Not calling a filter that fails too often.
//!
//! Each worker judges by what it sees; what one decides holds for all. Two things are too often: a share of the calls
//! (half of at least twenty in ten seconds, unless the operator says other), and time: calls that were cut off at their
//! CPU limit took a fiftieth of the window. The second is what a share cannot see: one call in a hundred that loops for
//! 10 ms costs as much as all others together, and everybody behind it on the worker waits.

use std::cell::Cell;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::config::Quarantine;
use crate::telemetry::metrics::Shared;

/// The part of the window that calls which were cut off may take.
const LOST: u32 = 50;

/// An entry's state, shared by all workers. Times are milliseconds since it was made, and one.
#[derive(Debug)]
pub(super) struct Ward {
    began: Instant,
    rules: Option<Quarantine>,
    /// Not called before then; 0 for none.
    until: AtomicU64,
    /// How often in a row.
    times: AtomicU32,
    /// How often at all.
    closed: Shared,
}

/// One worker's figures.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// When the window began, in the ward's time.
    since: Cell<u64>,
    calls: Cell<u32>,
    failures: Cell<u32>,
    lost: Cell<Duration>,
}

impl Ward {
    pub(super) fn new(rules: Option<Quarantine>) -> Self {
        Self { began: Instant::now(), rules, until: AtomicU64::new(0), times: AtomicU32::new(0), closed: Shared::new() }
    }

    /// How often it was put aside.
    pub(super) fn closed(&self) -> u64 {
        self.closed.get()
    }

    /// Whether the filter may be called; counts the call if so.
    pub(super) fn admits(&self, record: &Record) -> bool {
        let until = self.until.load(Ordering::Relaxed);
        let may_be = until == 0 || self.now() >= until;
        if may_be {
            record.calls.set(record.calls.get().saturating_add(1));
        }
        may_be
    }

    /// A call failed, having taken so much time for nothing. Says for how long the filter is put aside, if it is.
    pub(super) fn failed(&self, record: &Record, lost: Duration) -> Option<Duration> {
        let rules = self.rules?;
        let now = self.now();
        let until = self.until.load(Ordering::Relaxed);
        let window = millis(rules.window);
        if now.saturating_sub(record.since.get()) > window {
            record.begin(now);
            record.calls.set(1);
        }
        record.failures.set(record.failures.get() + 1);
        record.lost.set(record.lost.get() + lost);
        // Just released: fewer calls are enough, and one that is cut off.
        let on_probation = until != 0 && now < until.saturating_add(window);
        if until != 0 && !on_probation {
            self.times.store(0, Ordering::Relaxed);
        }
        let (calls, failures) = (record.calls.get(), record.failures.get());
        let enough = if on_probation { rules.calls.div_ceil(4) } else { rules.calls };
        let is_share = calls >= enough && u64::from(failures) * 100 >= u64::from(rules.percent) * u64::from(calls);
        let allowed = if on_probation { Duration::ZERO } else { rules.window / LOST };
        let is_loss = record.lost.get() > allowed;
        if !is_share && !is_loss {
            return None;
        }
        // What led to it does not count once more when the filter is back.
        record.begin(now);
        let times = self.times.fetch_add(1, Ordering::Relaxed).min(20);
        let length = rules.first.saturating_mul(1 << times).min(rules.longest);
        // Another worker may have come first; then this is nothing new.
        let new = now + millis(length);
        let is_first = self.until.swap(new, Ordering::Relaxed) <= now;
        if is_first {
            self.closed.add(1);
        }
        is_first.then_some(length)
    }

    /// For how long it is not called yet, and how often in a row that was so.
    pub(super) fn shut(&self) -> Option<(Duration, u32)> {
        let left = self.until.load(Ordering::Relaxed).checked_sub(self.now()).filter(|left| *left > 0)?;
        Some((Duration::from_millis(left), self.times.load(Ordering::Relaxed)))
    }

    fn now(&self) -> u64 {
        millis(self.began.elapsed()) + 1
    }
}

impl Record {
    /// A window that begins now, without a call.
    fn begin(&self, now: u64) {
        self.since.set(now);
        self.calls.set(0);
        self.failures.set(0);
        self.lost.set(Duration::ZERO);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
