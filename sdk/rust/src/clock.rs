//! The time.

use std::time::Duration;

use crate::host::clock;

/// The time since 1970-01-01T00:00:00Z. May jump.
pub fn now() -> Duration {
    Duration::from_nanos(clock::now())
}

/// The time since a moment in the past. Never goes back.
pub fn monotonic() -> Duration {
    Duration::from_nanos(clock::monotonic())
}
