//! Filters: sandboxed components that decide about exchanges.
//!
//! This room loads components, links them to the capabilities, runs their hooks within limits and puts them in
//! chains. It is the only room that knows wasmtime. It must not know upstreams, sockets or the
//! operator's file: what a filter may touch comes in with the [`Exchange`] and the entry.
//!
//! An exchange lives outside every store: it is lent to one for the time of a hook. A trap costs the store, never
//! the exchange.

mod bindings;
mod cache;
mod capability;
mod chain;
mod engine;
mod error;
mod exchange;
mod fields;
mod instance;
mod limits;
mod registry;

pub use cache::CompiledCache;
pub use chain::{Chain, Flow, Pools};
pub use engine::Engine;
pub use error::{Failed, Failure};
pub use exchange::{Answer, Exchange, ExchangeId, Held, Origin};
pub use registry::{Entry, Registry};
