//! Write filters for the Weir reverse proxy.
//!
//! A filter is a type with an impl block under [`#[weir::filter]`](macro@filter); its methods are the hooks.
//! Only the hooks that are there are exported, so a filter costs nothing where it does nothing.
//!
//! ```
//! use weir::{Request, Reply, Result, Flow};
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
//! ```
//!
//! * `fn configure(config: T) -> Result<Self, E>` reads the entry's configuration: `T` is any type with
//!   `serde::Deserialize` (give it `#[serde(deny_unknown_fields)]`), `E` is [`Fault`] or [`Faults`]. Without it the type
//!   needs `Default`, and any configuration is refused.
//! * `fn on_request(&self, request: &mut Request)` and `fn on_response(&self, response: &mut Response)`
//!   (or `&self, request: &Request, response: &mut Response`) return nothing, a [`Flow`] or a [`Result`]. An
//!   error or a panic is a failure of the filter: it is logged, and the operator's `on_failure` decides.
//! * What must last from one hook to the next goes into [`exchange::set_slot`]: the next hook may run in
//!   another instance.

pub mod exchange;
mod fault;
mod flow;
mod head;
mod log;
mod reply;

pub use fault::{Fault, Faults};
pub use flow::{Error, Flow, Result};
pub use head::{Request, Response};
pub use log::{Level, log};
pub use reply::Reply;
pub use weir_macros::filter;

pub use bindings::weir::filter::response::Origin;
pub use bindings::weir::filter::types::Refusal;

#[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
}

// One world per hook, because the section that tells the component's exports is written where the
// hook is exported: in the filter's crate, for just the hooks that it has.
#[doc(hidden)]
#[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
pub mod configure_world {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "configure-hook",
        with: { "weir:filter/types@0.1.0": crate::bindings::weir::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_configure",
    });
}

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
pub mod on_request_world {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "request-hook",
        with: { "weir:filter/types@0.1.0": crate::bindings::weir::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_on_request",
    });
}

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, unreachable_pub, missing_debug_implementations, clippy::pedantic)]
pub mod on_response_world {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "response-hook",
        with: { "weir:filter/types@0.1.0": crate::bindings::weir::filter::types },
        pub_export_macro: true,
        export_macro_name: "export_on_response",
    });
}

/// What the attribute's expansion calls; not for filters.
#[doc(hidden)]
pub mod __private {
    pub use crate::bindings::weir::filter::types::Flow as WireFlow;
    pub use crate::configure_world::export_configure;
    pub use crate::configure_world::exports::weir::filter::configure;
    pub use crate::fault::{configured, install, unconfigured};
    pub use crate::flow::finish;
    pub use crate::head::{request, response};
    pub use crate::on_request_world::export_on_request;
    pub use crate::on_request_world::exports::weir::filter::on_request;
    pub use crate::on_response_world::export_on_response;
    pub use crate::on_response_world::exports::weir::filter::on_response;
    pub use crate::{configure_world, on_request_world, on_response_world};
}
