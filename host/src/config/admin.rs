//! Where operators come in, and what they must show.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Certificate, Located, Secret};

/// The address for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub address: Located<AdminAddress>,
    /// What callers must show.
    pub token: Option<Secret>,
    /// Names by which it may be called, besides addresses and `localhost`; in lower case.
    pub hosts: Vec<String>,
    /// None for plain HTTP.
    pub tls: Option<AdminTls>,
    /// Whether probes need to show nothing.
    pub has_open_probes: bool,
}

/// Where operators come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// An address.
    Tcp(SocketAddr),
    /// A socket of the file system.
    Unix(PathBuf),
}

impl std::fmt::Display for AdminAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

/// TLS of the address for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminTls {
    /// What it shows.
    pub certificates: Vec<Certificate>,
    /// PEM file of the authorities whose certificates callers must show.
    pub client_ca: Option<Located<PathBuf>>,
}
