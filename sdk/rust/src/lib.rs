//! Write filters for the Weir reverse proxy.
//!
//! A filter is a type with an impl block under [`#[weir::filter]`](macro@filter); its methods are the hooks.
//! Only the hooks that are there are exported, so a filter costs nothing where it does nothing.
//!
//! ```
//! use weir::{Flow, Reply, Request, Result};
//!
//! #[derive(Default)]
//! struct NoTrace;
//!
//! #[weir::filter]
//! impl NoTrace {
//!     fn on_request(&self, request: &Request) -> Result {
//!         match request.method().as_str() {
//!             "TRACE" => Reply::new(405).text("TRACE is switched off here\n").send("trace"),
//!             _ => Ok(Flow::Next),
//!         }
//!     }
//! }
//!
//! let mut host = weir::testing::Host::new();
//! host.request.method("TRACE");
//! assert_eq!(host.on_request(&NoTrace), Flow::Stop);
//! assert_eq!(host.reply.unwrap().status, 405);
//! ```
//!
//! # Hooks
//!
//! | method | when |
//! | --- | --- |
//! | `fn configure(config: T) -> Result<Self, E>` | first; `T` has `serde::Deserialize` and [`Config`](derive@Config), `E` is [`Fault`] or [`Faults`]. Without a parameter, or without the method (then the type needs `Default`), any configuration is refused |
//! | `fn on_request(&self, request: &mut Request)` | the request's head is there |
//! | `fn on_response(&self, response: &mut Response)`, or `(&self, request: &Request, response: &mut Response)` | the response's head is there |
//! | `fn on_request_body(&self, request: &mut Request, body: &mut Body)` | the hook before ended with `request.buffer(max)` |
//! | `fn on_response_body(&self, response: &mut Response, body: &mut Body)`, or with `request: &Request` first | the hook before ended with `response.buffer(max)` |
//! | `fn on_resume(&self, resumed: &mut Resumed)` | any other pause is over: `document.refresh()` |
//! | `fn on_request_chunk(&self, bytes: Vec<u8>, end: bool) -> Result<Vec<u8>, Refuse>`, `on_response_chunk` | bytes of a body pass, after `request.rewrite()` or `response.rewrite()` |
//! | `fn observe_request_chunk(&self, bytes: Vec<u8>, end: bool)`, `observe_response_chunk` | the same to look at only, after `observe()` |
//! | `fn on_complete(&self, completion: &Completion)`, or with `request: &Request` first | the exchange is over |
//! | `fn on_tick(&self)` | at the interval of [`setup::tick`] |
//!
//! The hooks that steer return nothing, a [`Flow`] or a [`Result`]. An error or a panic is a failure of the filter: it is
//! logged, and the operator's `on_failure` decides. What must last from one hook to the next goes into
//! [`exchange::set_state`]: the next hook may run in another instance.
//!
//! # Configuration
//!
//! The configuration is a type. Its JSON Schema is derived from it, and shipped with the component: editors and
//! `weir validate` use it, and a field that is an [`Upstream`], a [`Store`], a [`Document`], a [`Secret`] or a
//! [`Directory`] grants the filter what the operator writes there. Times and sizes with units are [`config::Duration`] and [`config::Size`].
//!
//! ```
//! use weir::{Fault, Flow, Reply, Request, Result};
//!
//! /// Lets in who has the key.
//! #[derive(serde::Deserialize, weir::Config)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     /// The key that clients send in `x-key`.
//!     key: weir::Secret,
//!     /// Paths that need no key.
//!     #[serde(default)]
//!     open: Vec<String>,
//! }
//!
//! struct Door(Config);
//!
//! #[weir::filter]
//! impl Door {
//!     fn configure(config: Config) -> std::result::Result<Self, Fault> {
//!         match config.open.iter().position(|path| !path.starts_with('/')) {
//!             Some(index) => Err(Fault::at(format!("/open/{index}"), "a path begins with `/`")),
//!             None => Ok(Self(config)),
//!         }
//!     }
//!
//!     fn on_request(&self, request: &Request) -> Result {
//!         if self.0.open.contains(&request.path()) || self.0.key.equals(request.header("x-key").unwrap_or_default())? {
//!             return Ok(Flow::Next);
//!         }
//!         Reply::new(401).send("wrong-key")
//!     }
//! }
//!
//! let mut host = weir::testing::Host::new();
//! host.secret("the-key", "sesame");
//! let door: Door = host.configure(r#"{"key": "the-key", "open": ["/health"]}"#).unwrap();
//! host.request.path("/vault");
//! assert_eq!(host.on_request(&door), Flow::Stop);
//! host.request.header("x-key", "sesame");
//! assert_eq!(host.on_request(&door), Flow::Next);
//! ```
//!
//! # Bodies
//!
//! A hook that wants the whole body ends with `buffer`; the filter goes on with it when it is there. No instance is held
//! meanwhile.
//!
//! ```
//! use weir::{Body, Flow, Reply, Request, Result};
//!
//! #[derive(Default)]
//! struct NoSwearing;
//!
//! #[weir::filter]
//! impl NoSwearing {
//!     fn on_request(&self, request: &mut Request) -> Result {
//!         request.buffer(64 << 10)
//!     }
//!
//!     fn on_request_body(&self, _request: &mut Request, body: &mut Body) -> Result {
//!         if body.bytes()?.windows(4).any(|word| word == b"darn") {
//!             return Reply::new(422).send("swearing");
//!         }
//!         Ok(Flow::Next)
//!     }
//! }
//!
//! let mut host = weir::testing::Host::new();
//! host.request.body("well, darn");
//! assert_eq!(host.on_request(&NoSwearing), Flow::Pause);
//! assert_eq!(host.on_resume(&NoSwearing), Flow::Stop);
//! ```

#[doc(hidden)]
pub extern crate self as weir;

#[doc(hidden)]
pub mod bindings;
mod body;
pub mod clock;
pub mod completion;
pub mod config;
pub mod crypto;
pub mod document;
pub mod escape;
pub mod exchange;
mod fault;
pub mod fields;
pub mod files;
mod filter;
mod flow;
mod head;
mod host;
pub mod identity;
mod log;
pub mod memo;
pub mod metrics;
pub mod network;
pub mod password;
pub mod problem;
pub mod random;
mod refuse;
mod reply;
mod resume;
pub mod schema;
pub mod secret;
pub mod setup;
pub mod source;
pub mod store;
pub mod template;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
pub mod upstream;

pub use body::{Body, Unread};
pub use completion::Completion;
pub use document::Document;
pub use fault::{Fault, Faults};
pub use files::Directory;
pub use flow::{Error, Flow, Result};
pub use head::{Request, Response, Several};
pub use log::{Level, log};
pub use refuse::Refuse;
pub use reply::Reply;
pub use resume::Resumed;
pub use secret::Secret;
pub use store::Store;
pub use upstream::Upstream;
pub use weir_macros::{Config, filter};

pub use bindings::body::Coding;
pub use bindings::response::Origin;
pub use bindings::resumption::{Ended, Operation};
pub use bindings::types::{Message, Refusal};

use bindings::types::Reason;

/// What the macros' expansion calls; not for filters.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings;
    pub use crate::bindings::types::{Flow as WireFlow, Reason};
    pub use crate::body::body;
    pub use crate::completion::completion;
    pub use crate::filter::{Filter, configured, flow, install, reason, run, unconfigured};
    pub use crate::flow::{Done, Outcome};
    pub use crate::head::{request, response};
    pub use crate::refuse::Rewritten;
    pub use crate::resume::{Next, Resumes};
}

/// As the contract counts time.
fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
