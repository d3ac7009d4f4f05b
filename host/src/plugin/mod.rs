//! Filters: sandboxed components that decide about exchanges.
//!
//! This room loads components, links them to the capabilities, runs their hooks within limits and puts them in
//! chains. It is the only room that knows wasmtime. It must not know upstreams, sockets or the
//! operator's file: what a filter may touch comes in with the [`Exchange`] and the entry.
//!
//! An exchange lives outside every store: it is lent to one for the time of a hook. A trap costs the store, never
//! the exchange.

mod after;
mod alternatives;
mod bindings;
mod cache;
mod calls;
mod capability;
mod chain;
mod compile;
mod contract;
mod documents;
mod engine;
mod error;
mod exchange;
mod fields;
mod filter;
mod given;
mod granted;
mod hook;
mod image;
mod instance;
mod limits;
mod manifest;
mod metrics;
mod pins;
mod pipe;
mod pool;
mod quarantine;
mod registry;
mod setup;
mod shared;
mod steering;
mod tally;
mod trail;
mod trial;
mod vars;
mod wants;
mod warm;

pub use after::Completion;
pub use cache::{CompiledCache, hex};
pub use calls::{Call, CallFailed, Called, Nowhere, Outbound};
pub use chain::{Chain, OpenFile, Pools, Sending, Station, Step};
pub use contract::{CAPABILITIES, VERSION};
pub use documents::{Document, DocumentState};
pub use engine::Engine;
pub use error::{Failed, Failure};
pub use exchange::{Answer, Ending, Exchange, ExchangeId, Held, Origin, Peer, Serving, Summary, Tls};
pub use given::{Digest, Given, Running, Substitute, Substitutes, check_pin, read, read_component};
pub use granted::{Remotes, Stores};
pub use manifest::{About, Interface, Manifest};
pub use metrics::{Counted, Kind, Metric, Value};
pub use pipe::{Cut, Pipe};
pub use registry::{Entry, Registry};
pub use steering::{Armed, Message, Outcome, Steering};
pub use tally::{HookTally, Instances, Tally};
pub use trail::{Did, Mark, Said, Streamed, Trail};
pub use trial::{GivenChance, Shelf, Variables};
pub use wants::ungranted;
pub use warm::Warm;

/// The bundled component of this name.
pub fn bundled(name: &str) -> Option<&'static [u8]> {
    weir_bundle::find(name)
}

/// The names of the bundled components.
pub fn bundled_names() -> impl Iterator<Item = &'static str> + Clone {
    weir_bundle::PLUGINS.iter().map(|(name, _)| *name)
}
