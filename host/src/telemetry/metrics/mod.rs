//! What the proxy counts about itself: plain numbers, written where things happen and read by whoever shows them.
//!
//! Nothing here may cost a request more than a few nanoseconds. So each worker has counters of its own, which only its
//! thread writes: a load, an addition and a store, without a lock, an instruction that locks, or an allocation (but for
//! the first exchange of a route, or with an endpoint, on a worker, which makes room for its counters). Whoever reads adds
//! them up, and may see one number a moment before another.
//!
//! What has a name in the configuration is counted under that name: whoever builds the next configuration takes the
//! counters of the one before over, so a reload resets nothing.

mod counter;
mod each;
mod endpoint;
mod exchanges;
mod histogram;
mod listener;
mod tally;
mod worker;

pub use counter::{Counter, Shared};
pub use each::EachWorker;
pub use endpoint::{Endpoint, FAILURES, Failed, Open};
pub use exchanges::{ENDS, End, Exchange, MAKERS, METHODS, Maker, Method, Route, STATUSES, status_class};
pub use histogram::{Bounds, Distribution, Histogram};
pub use listener::{Accepted, HANDSHAKE_FAILURES, HandshakeFailed, Listener, TLS_VERSIONS, VERSIONS};
pub use tally::Tally;
pub use worker::{Seat, Worker, worker, workers};
