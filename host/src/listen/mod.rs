//! The client's side: accepting connections, TLS, and speaking HTTP on them.
//!
//! What a request means is not decided here.

mod accept;
mod gate;
mod http1;
mod http2;
mod quiet;
mod serve;
mod settings;
mod streams;
mod tls;

pub use accept::{Arrival, Door, Doors, Entrance, Id, Stop, accept, bind, bind_beside};
pub use gate::{Gate, Permit};
pub use serve::serve;
pub use settings::Settings;
pub use tls::OperatorTls;
