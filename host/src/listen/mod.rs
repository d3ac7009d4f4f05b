//! The client's side: accepting connections, and speaking HTTP on them.
//!
//! What a request means is not decided here.

mod accept;
mod drain;
mod http;

pub use accept::{Door, accept, bind};
pub use drain::Drain;
pub use http::serve;
