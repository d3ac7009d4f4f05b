//! First instances, made beside the workers that will use them.
//!
//! To make an instance takes as long as the filter takes to configure itself: tens of microseconds for a small one,
//! milliseconds for a language runtime. A worker would serve nobody meanwhile, and it cannot be done in slices; so whoever
//! builds a configuration makes them, on its own thread, and hands them over.

use std::collections::HashMap;
use std::sync::Arc;

use super::calls::Outbound;
use super::engine::Engine;
use super::instance::Instance;
use super::metrics::Counts;
use super::registry::Entry;
use super::tally::Sheet;
use crate::config::Isolation;

/// What a worker's pool of one entry begins with.
pub(super) struct Beginning {
    pub(super) counts: Arc<Counts>,
    pub(super) sheet: Arc<Sheet>,
    pub(super) instance: Instance,
}

/// Beginnings for the pools of one worker, by the entry's place. Where there is none, the first exchange makes the first
/// instance.
#[derive(Default)]
pub struct Warm(HashMap<usize, Beginning>);

impl Warm {
    /// One instance for each entry that is not among those `before`, as long as there is room for their memory.
    pub fn up(
        engine: &Engine,
        entries: &[Arc<Entry>],
        before: &[Arc<Entry>],
        outbound: &Arc<dyn Outbound>,
        room: &mut usize,
    ) -> Self {
        let mut known: Vec<_> = before.iter().map(Arc::as_ptr).collect();
        known.sort_unstable();
        let mut warm = HashMap::new();
        for (place, entry) in entries.iter().enumerate() {
            let is_known = known.binary_search(&Arc::as_ptr(entry)).is_ok();
            if is_known || entry.isolation == Isolation::Fresh || *room == 0 {
                continue;
            }
            let (counts, sheet) = (entry.metrics.share(), Arc::<Sheet>::default());
            // Whatever is wrong with it, the exchange that needs one is told.
            if let Ok(instance) = Instance::new(engine, entry, &counts, &sheet.pins, outbound) {
                *room = room.saturating_sub(instance.size());
                warm.insert(place, Beginning { counts, sheet, instance });
            }
        }
        Self(warm)
    }

    pub(super) fn take(&mut self, place: usize) -> Option<Beginning> {
        self.0.remove(&place)
    }
}

impl std::fmt::Debug for Warm {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Warm({})", self.0.len())
    }
}
