//! Where a store's servers are, as whom they are asked, and the way there, which others make.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

/// A store on Redis. Two with the same settings are the same store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// As operators call it.
    pub name: String,
    /// Where it is found.
    pub servers: Servers,
    /// As whom it is asked.
    pub login: Login,
    /// The number of the database.
    pub database: u16,
    /// Set if every connection speaks TLS.
    pub tls: Option<Tls>,
    /// What all keys begin with.
    pub prefix: String,
    /// How long an operation may take.
    pub timeout: Duration,
}

/// Where a store is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// One server.
    One(Address),
    /// A cluster: one of these knows all.
    Cluster(Vec<Address>),
    /// Sentinels, who know which server it is.
    Sentinels {
        /// They are asked in turn.
        sentinels: Vec<Address>,
        /// As they call the server.
        master: String,
        /// As whom they are asked.
        login: Login,
    },
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// As whom a server is asked.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    /// None for `default`.
    pub user: Option<String>,
    /// None if it wants none.
    pub password: Option<String>,
}

/// Whose certificates count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM of the authorities, instead of the system's.
    pub ca: Option<Vec<u8>>,
    /// The name that certificates must have, instead of the server's host.
    pub server_name: Option<String>,
}

/// A connection's bytes.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// What dialling comes to.
pub type Dialled<'a> = Pin<Box<dyn Future<Output = io::Result<Box<dyn Wire>>> + Send + 'a>>;

/// The way to the servers: names, TCP and TLS are not this room's business.
pub trait Dial: fmt::Debug + Send + Sync {
    /// Connects. Names are looked up each time: where they lead may change.
    fn dial<'a>(&'a self, address: &'a Address) -> Dialled<'a>;
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{open}{}{close}:{}", self.host, self.port)
    }
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}
