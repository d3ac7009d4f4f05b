//! How the process ends, is replaced by another, and where it writes.

use std::path::PathBuf;
use std::time::Duration;

use super::Located;

/// What concerns the process rather than what it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// How it ends.
    pub drain: Drain,
    /// How another takes over.
    pub upgrade: Upgrade,
    /// The file of the records; standard output without one.
    pub access_file: Option<Located<PathBuf>>,
    /// The file of the log; standard error without one.
    pub log_file: Option<Located<PathBuf>>,
}

/// How the proxy comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drain {
    /// How long connections are still accepted while it is not ready any more.
    pub delay: Duration,
    /// How long what is open has from then on.
    pub grace: Duration,
}

/// How another process takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// How long the new one may take until it serves.
    pub timeout: Duration,
    /// How long what is open has in the old one.
    pub grace: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { delay: Duration::ZERO, grace: Duration::from_secs(30) }
    }
}

impl Default for Upgrade {
    fn default() -> Self {
        Self { timeout: Duration::from_mins(1), grace: Duration::from_mins(5) }
    }
}
