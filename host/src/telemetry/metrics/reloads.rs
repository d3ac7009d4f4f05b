//! How reloads went.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Shared;

/// Those of this process.
pub static RELOADS: Reloads = Reloads {
    good: Shared::new(),
    failed: Shared::new(),
    has_failed: AtomicBool::new(false),
    first: Shared::new(),
    adopted: Shared::new(),
};

/// How they went.
#[derive(Debug)]
pub struct Reloads {
    /// Configurations that were adopted while the process ran.
    pub good: Shared,
    /// Those that were refused.
    pub failed: Shared,
    has_failed: AtomicBool,
    first: Shared,
    adopted: Shared,
}

impl Reloads {
    /// The process serves its first configuration.
    pub fn started(&self) {
        self.first.set(now());
        self.adopted.set(now());
    }

    /// One is over.
    pub fn done(&self, is_good: bool) {
        self.has_failed.store(!is_good, Ordering::Relaxed);
        if is_good {
            self.good.add(1);
            self.adopted.set(now());
        } else {
            self.failed.add(1);
        }
    }

    /// Whether the last one was adopted; so is the first configuration.
    pub fn is_good(&self) -> bool {
        !self.has_failed.load(Ordering::Relaxed)
    }

    /// When the process began to serve, since 1970; to the millisecond.
    pub fn first(&self) -> Duration {
        Duration::from_millis(self.first.get())
    }

    /// When the configuration that is served was adopted, since 1970; to the millisecond.
    pub fn adopted(&self) -> Duration {
        Duration::from_millis(self.adopted.get())
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_millis().try_into().unwrap_or(u64::MAX)
}
