//! Which worker this thread is, and what it counts about itself.

use std::cell::Cell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{Bounds, Counter, Histogram, Tally};

/// How many looks at the clock the largest lateness is kept for, at least: a minute of them.
const LOOKS: u64 = 1200;

static GATEWAY: Bounds = Bounds::GATEWAY;
static LATENESS: Bounds = Bounds::LATENESS;

/// What threads that are no workers count goes here, and is not shown.
static NOBODY: Worker = Worker::new(None);

/// By seat, and whether a thread has it.
static SEATS: Mutex<Vec<(&'static Worker, bool)>> = Mutex::new(Vec::new());

thread_local! {
    static HERE: Cell<&'static Worker> = const { Cell::new(&NOBODY) };
}

/// What one worker counts about itself.
#[derive(Debug)]
pub struct Worker {
    seat: Option<usize>,
    /// What the proxy added until the response's head was there: the time until then, without the wait for the upstream.
    pub gateway: Histogram,
    /// Why the proxy itself answered where no site serves.
    pub unserved: Tally,
    /// How late its loop was when it should have looked at the clock.
    pub lateness: Histogram,
    /// The largest of them in nanoseconds: since some time ago, and in the time before that.
    latest: [Counter; 2],
    looks: Counter,
}

impl Worker {
    const fn new(seat: Option<usize>) -> Self {
        Self {
            seat,
            gateway: Histogram::new(&GATEWAY),
            unserved: Tally::new(),
            lateness: Histogram::new(&LATENESS),
            latest: [const { Counter::new() }; 2],
            looks: Counter::new(),
        }
    }

    /// Its place among the workers; none for a thread that is no worker.
    pub(super) fn seat(&self) -> Option<usize> {
        self.seat
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

/// A thread's place among the workers, as long as it is one. One that comes later counts on from there, so no two threads
/// write the same counters at a time.
#[derive(Debug)]
pub struct Seat(usize);

impl Seat {
    /// Makes this thread a worker. Its counters live as long as the process, so that reading them needs no lock.
    pub fn take() -> Self {
        let mut seats = seats();
        let free = seats.iter().position(|(_, is_taken)| !is_taken);
        let seat = free.unwrap_or_else(|| {
            let seat = seats.len();
            seats.push((Box::leak(Box::new(Worker::new(Some(seat)))), false));
            seat
        });
        seats[seat].1 = true;
        HERE.set(seats[seat].0);
        Self(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        HERE.set(&NOBODY);
        seats()[self.0].1 = false;
    }
}

/// All workers that there were, by seat, and whether they run.
pub fn workers() -> Vec<(&'static Worker, bool)> {
    seats().clone()
}

fn seats() -> MutexGuard<'static, Vec<(&'static Worker, bool)>> {
    SEATS.lock().unwrap_or_else(PoisonError::into_inner)
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
        let worker = Worker::new(None);
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
