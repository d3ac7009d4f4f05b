//! What the host knows about an exchange.

use std::time::Duration;

use crate::completion::Ending;
use crate::exchange::TlsFacts;

/// What the filter learns from `weir::exchange` and, when it is over, from `Completion`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exchange {
    /// The exchange's id.
    pub id: String,
    /// The site's name.
    pub site: String,
    /// The route's name.
    pub route: String,
    /// The listener's name.
    pub listener: String,
    /// The client's address.
    pub client_address: String,
    /// The peer's address.
    pub peer_address: String,
    /// Whether the operator trusts the peer.
    pub is_peer_trusted: bool,
    /// How the connection is protected.
    pub tls: Option<TlsFacts>,
    /// The time since the request's head was there; at the end, of all of it.
    pub elapsed: Duration,
    /// Who ended it.
    pub ended: Ending,
    /// Bytes of the request's body that were read.
    pub received: u64,
    /// Bytes of the response's body that were sent.
    pub sent: u64,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            id: "0123456789abcdef0123456789abcdef".to_owned(),
            site: "example.com".to_owned(),
            route: "/*".to_owned(),
            listener: "public".to_owned(),
            client_address: "192.0.2.1".to_owned(),
            peer_address: "192.0.2.1".to_owned(),
            is_peer_trusted: false,
            tls: None,
            elapsed: Duration::from_millis(1),
            ended: Ending::Complete,
            received: 0,
            sent: 0,
        }
    }
}
