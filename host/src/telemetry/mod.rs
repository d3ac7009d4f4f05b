//! What the proxy says about itself. Every room writes here; this room imports none of them.

pub mod access;
pub mod failures;
pub mod log;
pub mod metrics;
mod output;
mod record;
pub mod ring;
pub mod story;
mod time;
pub mod traces;

pub use output::LogFile;
