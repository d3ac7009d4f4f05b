//! What a filter asks of the host in `configure`, and nowhere else.

use std::time::Duration;

use crate::Refusal;
use crate::host::setup;
use crate::metrics::{Counter, Gauge, Histogram};

pub use crate::bindings::setup::Hook;

/// The host does not call this hook for this configuration, as if the filter had none.
pub fn skip(hook: Hook) {
    setup::skip(hook);
}

/// Calls `on_tick` at this interval, from 100 ms on.
pub fn tick(every: Duration) {
    setup::tick(crate::millis(every).try_into().unwrap_or(u32::MAX));
}

/// This field of requests to upstreams is the filter's: the host removes it from what clients send, on every route of the
/// site that has the entry in one of its chains, whether or not the filter runs there. So nobody can forge what an upstream
/// believes to come from the filter, and the filter need not remove it itself. (What it reads from clients cannot be its own:
/// it is gone before.)
///
/// ```
/// use weir::{Fault, Request, exchange, setup};
///
/// struct Identity;
///
/// #[weir::filter]
/// impl Identity {
///     fn configure() -> Result<Self, Fault> {
///         setup::own_header("x-user-id")?;
///         Ok(Self)
///     }
///
///     fn on_request(&self, request: &mut Request) -> weir::Result<()> {
///         if let Some(user) = exchange::var("user.id") {
///             request.set_header("x-user-id", user)?;
///         }
///         Ok(())
///     }
/// }
///
/// let mut host = weir::testing::Host::new();
/// let identity: Identity = host.configure("{}").unwrap();
/// assert_eq!(host.own_headers, ["x-user-id"]);
/// // What a client sends is gone before the filter looks at it.
/// host.request.header("X-User-Id", "root");
/// host.on_request(&identity);
/// assert_eq!(host.request.get("x-user-id"), None);
/// ```
pub fn own_header(name: &str) -> Result<(), Refusal> {
    setup::own_header(name)
}

/// Declares a counter with the names of its labels. Names are words of `a-z0-9_`; the host puts `weir_filter_` and the
/// plugin's name before it.
///
/// ```
/// use weir::{metrics::Counter, setup, Fault};
///
/// struct Count {
///     seen: Counter<1>,
/// }
///
/// #[weir::filter]
/// impl Count {
///     fn configure() -> Result<Self, Fault> {
///         Ok(Self { seen: setup::counter("seen", "Requests seen", ["method"])? })
///     }
///
///     fn on_request(&self, request: &weir::Request) {
///         self.seen.add([&request.method()], 1);
///     }
/// }
///
/// let mut host = weir::testing::Host::new();
/// let count: Count = host.configure("{}").unwrap();
/// host.on_request(&count);
/// assert_eq!(host.metrics.value("seen", &["GET"]), Some(1.0));
/// ```
pub fn counter<const LABELS: usize>(
    name: &str,
    help: &str,
    labels: [&str; LABELS],
) -> Result<Counter<LABELS>, Refusal> {
    setup::counter(name, help, &labels.map(str::to_owned)).map(Counter::new)
}

/// Declares a gauge.
pub fn gauge<const LABELS: usize>(name: &str, help: &str, labels: [&str; LABELS]) -> Result<Gauge<LABELS>, Refusal> {
    setup::gauge(name, help, &labels.map(str::to_owned)).map(Gauge::new)
}

/// Declares a histogram with these upper bounds, ascending, at most 32.
pub fn histogram<const LABELS: usize>(
    name: &str,
    help: &str,
    labels: [&str; LABELS],
    bounds: &[f64],
) -> Result<Histogram<LABELS>, Refusal> {
    setup::histogram(name, help, &labels.map(str::to_owned), bounds).map(Histogram::new)
}
