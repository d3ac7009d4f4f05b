//! Traces: which one an exchange belongs to, and what of it is told to whoever collects them.
//!
//! Knows W3C's Trace Context and OTLP, and neither how requests are sent nor when.

mod context;
mod otlp;
mod protobuf;
mod queue;
mod spans;
mod tracer;

pub use context::{LENGTH, PARENT, STATE};
pub use otlp::{Batch, rejected};
pub use queue::{Room, SPANS, Sink, Waiting, queue};
pub use spans::Exchange;
pub use tracer::{Sampling, Trace, Tracer};

/// How exchanges are traced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracing {
    /// Which.
    pub sampling: Sampling,
    /// How many may wait.
    pub room: Room,
}
