//! Where filters keep what they share.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Located, Secret};

/// A store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// Unique; where it stands in the file.
    pub name: Located<String>,
    /// Where it keeps its values.
    pub kept: Kept,
}

/// Where a store keeps its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// In the memory of this process.
    Memory {
        /// Bytes that it may hold.
        size: u64,
    },
    /// In a file of this machine.
    File {
        /// Whose folder may not be there yet.
        path: Located<PathBuf>,
        /// Bytes that it may have.
        size: u64,
    },
    /// On servers that speak Redis's protocol.
    Redis(Box<Redis>),
}

/// A store on Redis or Valkey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redis {
    /// Where it is found.
    pub servers: Servers,
    /// Whom it is told who asks; none for the user `default`.
    pub user: Option<String>,
    /// What it is shown; none for a server without passwords.
    pub password: Option<Secret>,
    /// The number of the database.
    pub database: u16,
    /// Set if every connection speaks TLS.
    pub tls: Option<RedisTls>,
    /// What the keys of this store begin with.
    pub prefix: String,
    /// How long an operation may take.
    pub timeout: Duration,
}

/// Where a store on Redis is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Servers {
    /// One server.
    One(RedisServer),
    /// A cluster: one of these knows all.
    Cluster(Vec<RedisServer>),
    /// Sentinels, who know which server it is.
    Sentinels {
        /// They are asked in turn.
        sentinels: Vec<RedisServer>,
        /// As they call the server.
        master: String,
        /// Whom the sentinels are told who asks.
        user: Option<String>,
        /// What the sentinels are shown.
        password: Option<Secret>,
    },
}

/// A server that speaks Redis's protocol.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RedisServer {
    /// A name or an IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// How the certificates of a store's servers are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedisTls {
    /// PEM file of the authorities that count, instead of the system's.
    pub ca: Option<Located<PathBuf>>,
    /// The name that the certificates must have, instead of the server's host.
    pub server_name: Option<String>,
}

impl std::fmt::Display for RedisServer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{open}{}{close}:{}", self.host, self.port)
    }
}

impl Store {
    /// The name of the one that is always there.
    pub const LOCAL: &str = "local";

    /// What that one may hold unless the file says otherwise.
    pub(super) const LOCAL_MEMORY: u64 = 64 << 20;

    /// The files that it is read from: authorities and passwords.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let redis = if let Kept::Redis(redis) = &self.kept { Some(redis) } else { None };
        let ca = redis.and_then(|redis| redis.tls.as_ref()?.ca.as_ref()).map(|ca| ca.value.as_path());
        let own = redis.and_then(|redis| redis.password.as_ref()?.file());
        let of_sentinels = redis.and_then(|redis| match &redis.servers {
            Servers::Sentinels { password, .. } => password.as_ref()?.file(),
            _ => None,
        });
        [ca, own, of_sentinels].into_iter().flatten()
    }
}
