//! The time that filters are told. On a worker it is the system's; a thread on which filters are tried has a time that
//! stands still until somebody advances it, so that what depends on time comes to the same result each time.
//!
//! It is the thread's, as the coarse clock beside it is: where it is read, one look at a thread's own memory comes before
//! the system's clock.

use std::cell::Cell;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What a clock that counts from no known moment shows when its time begins: not zero, which would look like none.
const UP: Duration = Duration::from_secs(1);

/// A thousand years of 366 days.
const LONGEST: Duration = Duration::from_hours(1000 * 366 * 24);

thread_local! {
    static GIVEN: Cell<Option<Given>> = const { Cell::new(None) };
}

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

#[derive(Clone, Copy)]
struct Given {
    /// Since 1970, at its beginning.
    start: Duration,
    began: Instant,
    passed: Duration,
}

/// This thread's time stands still from now on, at so much since 1970.
pub fn give(start: Duration) {
    GIVEN.set(Some(Given { start, began: Instant::now(), passed: Duration::ZERO }));
}

/// Time passes on this thread, if it is given; a thousand years at most, for no clock shows more.
pub fn advance(by: Duration) {
    if let Some(given) = GIVEN.get() {
        GIVEN.set(Some(Given { passed: given.passed.saturating_add(by).min(LONGEST), ..given }));
    }
}

/// Whether this thread's time is given.
pub fn is_given() -> bool {
    GIVEN.get().is_some()
}

/// This moment, for what is measured on behalf of filters.
pub fn moment() -> Instant {
    GIVEN.get().map_or_else(Instant::now, |given| given.began + given.passed)
}

/// Since a moment in the past; never goes back.
pub fn uptime() -> Duration {
    GIVEN.get().map_or_else(|| BEGAN.elapsed(), |given| UP + given.passed)
}

/// Since 1970.
pub fn since_1970() -> Duration {
    match GIVEN.get() {
        Some(given) => given.start + given.passed,
        None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_time_passes_when_it_is_advanced_and_on_its_thread_only() {
        give(Duration::from_secs(1000));
        let (began, up) = (moment(), uptime());
        advance(Duration::from_mins(1));
        assert_eq!(since_1970(), Duration::from_secs(1060));
        assert_eq!(moment() - began, Duration::from_mins(1));
        assert_eq!(uptime(), up + Duration::from_mins(1));
        assert!(std::thread::spawn(|| !is_given() && since_1970() > Duration::from_hours(400_000)).join().unwrap());
    }
}
