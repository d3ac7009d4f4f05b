//! Random bits that nobody can guess.

use crate::host::random;

/// As many bytes, at most 64 KiB.
pub fn bytes(length: u32) -> Vec<u8> {
    random::bytes(length)
}

/// A random number.
pub fn number() -> u64 {
    random::number()
}
