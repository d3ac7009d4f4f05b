//! Random bits that nobody can guess.
//!
//! In a test the same seed gives the same numbers:
//!
//! ```
//! use weir::{random, testing::Host};
//!
//! let token = || Host::new().enter(|| random::bytes(16));
//! assert_eq!(token(), token());
//! assert_eq!(token().len(), 16);
//! ```

use crate::host::random;

/// As many bytes, at most 64 KiB.
pub fn bytes(length: u32) -> Vec<u8> {
    random::bytes(length)
}

/// A random number.
pub fn number() -> u64 {
    random::number()
}
