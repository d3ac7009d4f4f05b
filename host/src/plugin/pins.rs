//! How many bodies may keep something to themselves that is scarce: an instance, an open file.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A worker's count for one entry.
#[derive(Clone, Debug, Default)]
pub(super) struct Pins(Arc<AtomicUsize>);

/// One of them; counted until it is dropped.
#[derive(Debug)]
pub(super) struct Pin(Pins);

impl Pins {
    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64
    }

    /// One more, if that is not too many.
    pub(super) fn take(&self, most: usize) -> Option<Pin> {
        if self.0.fetch_add(1, Ordering::Relaxed) >= most {
            self.0.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Pin(self.clone()))
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        (self.0).0.fetch_sub(1, Ordering::Relaxed);
    }
}
