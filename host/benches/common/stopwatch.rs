//! CPU time of this thread: what other processes and the threads that compile take does not count.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Of one round.
const WHILE: Duration = Duration::from_millis(200);

/// Of so many rounds the cheapest counts.
pub(crate) const ROUNDS: usize = 5;

/// One round of work.
pub(crate) struct Stopwatch(Duration);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(used())
    }

    /// Once the round is over: nanoseconds for each of so many pieces of work.
    pub(crate) fn each_of(&self, done: u32) -> Option<f64> {
        let used = used().saturating_sub(self.0);
        (used >= WHILE).then(|| used.as_secs_f64() * 1e9 / f64::from(done))
    }
}

fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let nanoseconds = u32::try_from(time.tv_nsec).expect("below a second");
    Duration::new(time.tv_sec.unsigned_abs(), nanoseconds)
}
