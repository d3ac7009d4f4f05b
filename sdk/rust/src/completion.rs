//! How an exchange ended.

use std::time::Duration;

use crate::host::completion;

pub use crate::bindings::completion::Ending;

/// The exchange that is over: the argument of `on_complete`.
///
/// ```
/// use weir::{Completion, Fault, Store, completion::Ending, testing::Host};
///
/// #[derive(serde::Deserialize, weir::Config)]
/// struct Leavers {
///     /// Where they are counted.
///     #[serde(default)]
///     store: Store,
/// }
///
/// #[weir::filter]
/// impl Leavers {
///     fn configure(leavers: Leavers) -> Result<Self, Fault> {
///         Ok(leavers)
///     }
///
///     fn on_complete(&self, completion: &Completion) -> weir::Result<()> {
///         if completion.ended == Ending::ClientGone {
///             self.store.increment("gone", 1, None)?;
///         }
///         Ok(())
///     }
/// }
///
/// let mut host = Host::new();
/// let leavers: Leavers = host.configure("{}").unwrap();
/// host.exchange.ended = Ending::ClientGone;
/// host.on_complete(&leavers);
/// assert_eq!(host.enter(|| leavers.store.get("gone")), Ok(Some(b"1".to_vec())));
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Completion {
    /// None if no head was sent.
    pub status: Option<u16>,
    /// Who ended it.
    pub ended: Ending,
    /// Bytes of the request's body that were read.
    pub received: u64,
    /// Bytes of the response's body that were sent.
    pub sent: u64,
    /// From the request's head to the end.
    pub duration: Duration,
    /// From the request's head to the response's head.
    pub until_response: Option<Duration>,
}

#[doc(hidden)]
pub fn completion() -> Completion {
    let summary = completion::read();
    Completion {
        status: summary.status,
        ended: summary.ended,
        received: summary.received,
        sent: summary.sent,
        duration: Duration::from_micros(summary.duration),
        until_response: summary.until_response.map(Duration::from_micros),
    }
}
