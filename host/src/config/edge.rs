//! Where clients connect, and what their connections may use.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::{Located, Place};

/// One address to listen on.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Its key in the file.
    pub name: String,
    /// Port 0 means any free one.
    pub address: SocketAddr,
    /// Where the address stands.
    pub place: Place,
    /// None for plain TCP.
    pub tls: Option<Tls>,
    /// Every request is redirected to https at this port.
    pub redirect: Option<u16>,
    /// Peers whose word about the client counts.
    pub trusted_proxies: Vec<Network>,
    /// What its connections may use.
    pub limits: ListenerLimits,
}

/// What the connections of a listener may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenerLimits {
    /// Connections at the same time; more are closed at once.
    pub connections: usize,
    /// Bytes of a request's head.
    pub header: usize,
    /// From a connection's idleness, or its first byte, to the end of a request's head.
    pub head: Duration,
}

impl Default for ListenerLimits {
    fn default() -> Self {
        Self { connections: 16_384, header: 32 << 10, head: Duration::from_secs(60) }
    }
}

/// What a listener shows to its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The first is for clients that name no host, or one that no certificate has.
    pub certificates: Vec<Certificate>,
}

/// A certificate chain and its key, as PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The chain, the server's own first.
    pub cert: Located<PathBuf>,
    /// Its private key.
    pub key: Located<PathBuf>,
}

/// A range of addresses: `10.0.0.0/8`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The range's first address.
    pub address: std::net::IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

impl Network {
    /// Whether the address is in the range.
    pub fn contains(&self, address: std::net::IpAddr) -> bool {
        use std::net::IpAddr::{V4, V6};
        match (self.address, address.to_canonical()) {
            (V4(ours), V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                (ours.to_bits() ^ other.to_bits()) & mask == 0
            }
            (V6(ours), V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                (ours.to_bits() ^ other.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}
