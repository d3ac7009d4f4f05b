//! Which worker this thread is, and what it counts about itself.

use std::cell::Cell;
use std::time::Duration;

use super::{Bounds, Counter, Histogram};

/// How many looks at the clock the largest lateness is kept for, at least: a minute of them.
const LOOKS: u64 = 1200;

static GATEWAY: Bounds = Bounds::GATEWAY;
static LATENESS: Bounds = Bounds::LATENESS;

/// What threads that are no workers count goes here, and is not shown.
static NOBODY: Worker = Worker::new(usize::MAX);

thread_local! {
    static HERE: Cell<&'static Worker> = const { Cell::new(&NOBODY) };
}

/// What one worker counts about itself.
#[derive(Debug)]
pub struct Worker {
    index: usize,
    /// What the proxy added until the response's head was there: the time until then, without the wait for the upstream.
    pub gateway: Histogram,
    /// How late its loop was when it should have looked at the clock.
    pub lateness: Histogram,
    /// The largest of them in nanoseconds: since some time ago, and in the time before that.
    latest: [Counter; 2],
    looks: Counter,
}

impl Worker {
    const fn new(index: usize) -> Self {
        Self {
            index,
            gateway: Histogram::new(&GATEWAY),
            lateness: Histogram::new(&LATENESS),
            latest: [const { Counter::new() }; 2],
            looks: Counter::new(),
        }
    }

    /// A worker's counts. They live as long as the process, as workers do.
    pub fn register(index: usize) -> &'static Self {
        Box::leak(Box::new(Self::new(index)))
    }

    /// This thread is that worker.
    pub fn enter(&'static self) {
        HERE.set(self);
    }

    /// Its place among the workers.
    pub(super) fn index(&self) -> usize {
        self.index
    }

    /// It looked at the clock so late.
    pub fn late(&self, by: Duration) {
        self.lateness.observe(by);
        let nanos = u64::try_from(by.as_nanos()).unwrap_or(u64::MAX);
        let [now, before] = &self.latest;
        if self.looks.get().is_multiple_of(LOOKS) {
            before.set(now.get());
            now.set(0);
        }
        self.looks.add(1);
        now.set(now.get().max(nanos));
    }

    /// The largest lateness of the last minute or two. Reading it changes nothing: there may be several readers.
    pub fn latest(&self) -> Duration {
        Duration::from_nanos(self.latest.iter().map(Counter::get).max().unwrap_or_default())
    }
}

/// The worker that this thread is.
pub fn worker() -> &'static Worker {
    HERE.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_lateness_is_forgotten_after_a_while_and_not_by_reading() {
        let worker = Worker::register(0);
        worker.late(Duration::from_millis(70));
        for _ in 1..LOOKS {
            worker.late(Duration::from_millis(1));
        }
        assert_eq!(worker.latest(), Duration::from_millis(70));
        for _ in 0..LOOKS {
            worker.late(Duration::from_millis(2));
        }
        assert_eq!(worker.latest(), Duration::from_millis(70), "it was seen a minute ago");
        worker.late(Duration::from_millis(3));
        assert_eq!(worker.latest(), Duration::from_millis(3));
    }
}
