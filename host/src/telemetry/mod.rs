//! What the proxy says about itself. Every room writes here; this room imports none of them.

pub mod access;
pub mod failures;
pub mod log;
mod time;
