//! Counting. Metrics are declared in `configure` by [`setup`](crate::setup) and kept in the filter; how many labels one has
//! is part of its type, for a wrong number would be a failure.
//!
//! ```
//! use weir::metrics::{Gauge, Histogram};
//! use weir::{Completion, Fault, setup, testing::Host};
//!
//! struct Sizes {
//!     sent: Histogram,
//!     last: Gauge<1>,
//! }
//!
//! #[weir::filter]
//! impl Sizes {
//!     fn configure() -> Result<Self, Fault> {
//!         Ok(Self {
//!             sent: setup::histogram("sent_bytes", "Bytes sent", [], &[1e3, 1e6])?,
//!             last: setup::gauge("last_bytes", "Bytes sent last", ["route"])?,
//!         })
//!     }
//!
//!     fn on_complete(&self, completion: &Completion) {
//!         self.sent.observe([], completion.sent as f64);
//!         self.last.set([&weir::exchange::route()], completion.sent as f64);
//!     }
//! }
//!
//! let mut host = Host::new();
//! let sizes: Sizes = host.configure("{}").unwrap();
//! host.exchange.sent = 5;
//! host.exchange.route = "/letters/*".into();
//! host.on_complete(&sizes);
//! assert_eq!(host.metrics.observed("sent_bytes", &[]), [5.0]);
//! assert_eq!(host.metrics.value("last_bytes", &["/letters/*"]), Some(5.0));
//! ```

use crate::host::metrics;

/// What only goes up.
#[derive(Clone, Copy, Debug)]
pub struct Counter<const LABELS: usize = 0>(u32);

/// What goes up and down.
#[derive(Clone, Copy, Debug)]
pub struct Gauge<const LABELS: usize = 0>(u32);

/// How values are spread.
#[derive(Clone, Copy, Debug)]
pub struct Histogram<const LABELS: usize = 0>(u32);

impl<const LABELS: usize> Counter<LABELS> {
    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }

    /// Adds to the counter of these labels.
    pub fn add(&self, labels: [&str; LABELS], amount: u64) {
        metrics::add(self.0, &labels.map(str::to_owned), amount);
    }
}

impl<const LABELS: usize> Gauge<LABELS> {
    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }

    /// Sets the gauge of these labels.
    pub fn set(&self, labels: [&str; LABELS], value: f64) {
        metrics::set(self.0, &labels.map(str::to_owned), value);
    }
}

impl<const LABELS: usize> Histogram<LABELS> {
    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }

    /// Counts a value in the histogram of these labels.
    pub fn observe(&self, labels: [&str; LABELS], value: f64) {
        metrics::observe(self.0, &labels.map(str::to_owned), value);
    }
}
