//! A host for tests of a filter's logic, in the test's own process: no proxy, no sandbox, no network.
//!
//! A [`Host`] is one exchange. Set up what the filter will find, call the hooks, look at what they did.
//!
//! ```
//! use weir::{Flow, Request, Result, testing::Host};
//!
//! #[derive(Default)]
//! struct Stamp;
//!
//! #[weir::filter]
//! impl Stamp {
//!     fn on_request(&self, request: &mut Request) -> Result<()> {
//!         request.set_header("x-stamp", weir::exchange::client_address())?;
//!         Ok(())
//!     }
//! }
//!
//! let mut host = Host::new();
//! host.request.method("POST").path("/letters").header("user-agent", "a test");
//! host.exchange.client_address = "192.0.2.7".into();
//! assert_eq!(host.on_request(&Stamp), Flow::Next);
//! assert_eq!(host.request.get("x-stamp"), Some("192.0.2.7"));
//! ```
//!
//! It keeps the contract's rules where a filter's logic can depend on them: which hook may do what, which fields are
//! the host's own, the limits of the slot. What it does not have are the sandbox's limits and signatures of public keys:
//! what these should come to is said with [`Host::signatures`].

mod answered;
mod exchange;
mod hooks;
pub(crate) mod imports;
mod message;
mod metrics;
mod sha1;
mod sources;
mod stores;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use crate::schema::Schema;
use crate::{Ended, Level, Operation};

pub use crate::bindings::crypto::{PublicKey, RsaKey};
pub use answered::Answered;
pub use exchange::Exchange;
pub use hooks::Hook;
pub use message::{Message, RequestHead, ResponseHead};
pub use metrics::Metrics;
pub use sources::{Asked, answer};
pub use stores::Stores;

use hooks::{Armed, Looked, Phase};
use sources::Sources;

/// One exchange, and the host around it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Host {
    /// The request, with what the filter changed about it.
    pub request: Message<RequestHead>,
    /// The response, with what the filter changed about it.
    pub response: Message<ResponseHead>,
    /// What the host knows about the exchange.
    pub exchange: Exchange,
    /// What the filter answered in the hook that ran last.
    pub reply: Option<Answered>,
    /// The variables of the exchange.
    pub vars: BTreeMap<String, String>,
    /// What the filter said by `exchange::note`.
    pub notes: Vec<String>,
    /// The lines of the log.
    pub log: Vec<(Level, String)>,
    /// What the filter keeps with the exchange.
    pub slot: Vec<u8>,
    /// The time since 1970; [`Host::advance`] moves it.
    pub now: Duration,
    /// What the next random number is made of: the same seed, the same numbers.
    pub seed: u64,
    /// The values in stores.
    pub stores: Stores,
    /// What the filter counted.
    pub metrics: Metrics,
    /// What `configure` asked for by `setup::tick`.
    pub tick: Option<Duration>,
    /// Hooks that `configure` switched off by `setup::skip`.
    pub skipped: Vec<crate::setup::Hook>,
    /// What `configure` asked for by `keep_fresh`: handles and intervals.
    pub kept_fresh: BTreeMap<String, Duration>,
    /// Fields that `configure` took for its own by `setup::own_header`: what the request has of them is removed before
    /// `on_request`.
    pub own_headers: Vec<String>,
    /// The names of parameters that were concealed.
    pub concealed: Vec<String>,
    /// The keys of the requests that were sent by `send_shared`.
    pub shared: Vec<String>,
    granted_vars: Option<Vec<String>>,
    sources: Sources,
    phase: Phase,
    armed: Option<Armed>,
    /// What came of looking for files in the hook that runs.
    looked: Option<Looked>,
    ends: Option<Ended>,
    outcome: Ended,
    waited_for: Operation,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            request: Message::default(),
            response: Message::default(),
            exchange: Exchange::default(),
            reply: None,
            vars: BTreeMap::new(),
            notes: Vec::new(),
            log: Vec::new(),
            slot: Vec::new(),
            now: Duration::from_hours(500_000),
            seed: 1,
            stores: Stores::default(),
            metrics: Metrics::default(),
            tick: None,
            skipped: Vec::new(),
            kept_fresh: BTreeMap::new(),
            own_headers: Vec::new(),
            concealed: Vec::new(),
            shared: Vec::new(),
            granted_vars: None,
            sources: Sources::default(),
            phase: Phase::None,
            armed: None,
            looked: None,
            ends: None,
            outcome: Ended::Done,
            waited_for: Operation::Body,
        }
    }
}

thread_local! {
    /// The host whose hook is running: there is one exchange at a time, as in the sandbox.
    static CURRENT: RefCell<Option<Host>> = const { RefCell::new(None) };
}

impl Host {
    /// A host with a `GET http://example.com/` and a response `200` without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves both clocks.
    pub fn advance(&mut self, time: Duration) {
        self.now += time;
    }

    /// Lets the filter set variables with these prefixes only, as `user.`; otherwise it may set all.
    pub fn grant_vars(&mut self, prefixes: &[&str]) {
        self.granted_vars = Some(prefixes.iter().map(ToString::to_string).collect());
    }

    /// Calls a function of the filter's that is no hook, as if from `on_request`.
    pub fn enter<T>(&mut self, function: impl FnOnce() -> T) -> T {
        self.within(Phase::Request, function)
    }

    /// Lends the host to the imports for the time of a hook.
    fn within<T>(&mut self, phase: Phase, function: impl FnOnce() -> T) -> T {
        struct Lent<'a>(&'a mut Host);
        impl Drop for Lent<'_> {
            fn drop(&mut self) {
                *self.0 = CURRENT.take().unwrap_or_default();
                self.0.phase = Phase::None;
            }
        }
        assert!(CURRENT.with_borrow(Option::is_none), "a hook cannot be called from within another one");
        self.phase = phase;
        CURRENT.set(Some(std::mem::take(self)));
        let lent = Lent(self);
        let returned = function();
        drop(lent);
        returned
    }
}

/// The schema of a configuration, as it is shipped with the component.
pub fn schema<T: Schema>() -> String {
    let mut text = vec![0; crate::schema::length(T::SCHEMA)];
    crate::schema::write(T::SCHEMA, &mut text);
    String::from_utf8(text).expect("it is made of texts")
}

/// What the imports act on.
fn current<T>(act: impl FnOnce(&mut Host) -> T) -> T {
    CURRENT.with_borrow_mut(|current| match current {
        Some(host) => act(host),
        None => panic!("there is no exchange here: call the filter's hooks through `weir::testing::Host`, and what is no hook by `Host::enter`"),
    })
}
