//! What is counted for operators.

use weir::metrics::Counter;
use weir::{Refusal, setup};

/// The plugin's counters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metrics {
    /// Requests that were counted and let through.
    pub(crate) admitted: Counter,
    /// By limit.
    pub(crate) limited: Counter<1>,
    /// By limit.
    pub(crate) would_limit: Counter<1>,
    /// By error.
    pub(crate) store_failures: Counter<1>,
    /// By what came of it.
    pub(crate) takings: Counter<1>,
}

impl Metrics {
    /// Declares them.
    pub(crate) fn declare() -> Result<Self, Refusal> {
        let takings = "Takings from the shared store, with local_batch: a batch, a single permit, or empty";
        Ok(Self {
            admitted: setup::counter("admitted", "Requests that were counted and let through", [])?,
            limited: setup::counter("limited", "Requests that were refused", ["limit"])?,
            would_limit: setup::counter("would_limit", "Requests that dry_run has let through", ["limit"])?,
            store_failures: setup::counter("store_failures", "Requests for which the store failed", ["error"])?,
            takings: setup::counter("takings", takings, ["what"])?,
        })
    }
}
