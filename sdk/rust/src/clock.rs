//! The time.
//!
//! A test moves the host's clocks by [`Host::advance`](crate::testing::Host::advance):
//!
//! ```
//! use std::time::Duration;
//! use weir::{clock, testing::Host};
//!
//! let mut host = Host::new();
//! let before = host.enter(clock::monotonic);
//! host.advance(Duration::from_secs(2));
//! assert_eq!(host.enter(clock::monotonic) - before, Duration::from_secs(2));
//! ```

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
