//! The operator's file: parsed strictly, then validated into the types that the rest of the host uses.
//!
//! Nothing here opens a port, reads a plugin or calls out. Whatever is wrong becomes a [`Fault`] with its place,
//! and all faults of a stage are returned together. Parsing never panics, whatever the file holds.

mod fault;
mod file;
mod units;
mod validate;

pub(crate) use validate::{MOST_INSTANCES, MOST_MEMORY};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use fault::{Fault, Place, Report};

/// A whole, sound configuration.
#[derive(Debug)]
pub struct Config {
    /// The file, for faults that later stages find.
    pub source: Arc<Source>,
    /// How many threads serve exchanges.
    pub workers: usize,
    /// Whether every exchange leaves a record.
    pub access_log: bool,
    /// Where clients connect.
    pub listeners: Vec<Listener>,
    /// Where requests go.
    pub upstreams: Vec<Upstream>,
    /// The filters, outermost first.
    pub chain: Vec<Entry>,
    /// What leads to an upstream.
    pub routes: Vec<Route>,
}

/// The text that a configuration was read from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As the operator named it.
    pub path: PathBuf,
    /// What it held.
    pub text: String,
}

/// One address to listen on.
#[derive(Debug)]
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
        Self { connections: 16_384, header: 64 << 10, head: Duration::from_secs(60) }
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

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the file.
    pub place: Place,
}

/// A range of addresses: `10.0.0.0/8`, or a single one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The range's first address.
    pub address: std::net::IpAddr,
    /// How many leading bits count.
    pub prefix: u8,
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

/// Servers that do the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its key in the file, or the URL of an inline one.
    pub name: String,
    /// At least one.
    pub endpoints: Vec<Endpoint>,
    /// Which one is asked.
    pub balance: Balance,
    /// For `https` endpoints.
    pub tls: UpstreamTls,
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// What is spoken.
    pub scheme: Scheme,
    /// A name or an IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Its share, compared with the others'; at least 1.
    pub weight: u32,
}

/// What an endpoint speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `http://`: HTTP/1.1.
    Http,
    /// `h2c://`: HTTP/2 without TLS.
    H2c,
    /// `https://`: HTTP/2 or HTTP/1.1, as the server chooses.
    Https,
}

/// Which endpoint is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balance {
    /// In turn, by weight.
    #[default]
    RoundRobin,
    /// The one with the fewest exchanges in progress, by weight.
    LeastConnections,
    /// The same one for the same client, by weight.
    IpHash,
}

/// How the certificates of `https` endpoints are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// PEM file of the authorities that count, instead of the system's.
    pub ca: Option<Located<PathBuf>>,
    /// The name that the certificate must have, instead of the endpoint's host.
    pub server_name: Option<String>,
}

/// How long the parts of an exchange may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To connect to an endpoint.
    pub connect: Duration,
    /// From the last byte of the request that was taken to the response's head.
    pub response: Duration,
    /// Without a byte, in the middle of a response or on an upgraded connection.
    pub idle: Duration,
    /// The whole exchange, to its last byte.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            response: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            total: None,
        }
    }
}

/// One filter of the chain.
#[derive(Debug)]
pub struct Entry {
    /// Unique in the chain.
    pub name: String,
    /// Where its component comes from.
    pub component: ComponentSource,
    /// The entry's `config`, as JSON text.
    pub config: String,
    /// What becomes of an exchange whose filter fails.
    pub on_failure: OnFailure,
    /// What one call may use.
    pub limits: Limits,
    /// Where the entry stands.
    pub place: Place,
    /// Where its `config` stands, or else the entry.
    pub config_place: Place,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ComponentSource {
    /// Inside this binary, under this name.
    Bundled(String),
    /// A file, and where the configuration names it.
    File(PathBuf, Place),
}

/// What becomes of an exchange whose filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// The client gets an error.
    Closed,
    /// The exchange goes on as if the filter were not there.
    Open,
}

/// What one instance of a filter may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of one hook.
    pub cpu: Duration,
    /// Bytes of linear memory.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { cpu: Duration::from_millis(10), memory: 32 << 20 }
    }
}

/// A path and where it leads.
#[derive(Debug)]
pub struct Route {
    /// What it matches; also its name.
    pub path: PathPattern,
    /// Index into [`Config::upstreams`].
    pub upstream: usize,
}

/// `/exact`, or `/prefix/*`, which matches `/prefix` and everything below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// This path only.
    Exact(String),
    /// This path and those below it; without the final slash.
    Prefix(String),
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(path) => formatter.write_str(path),
            Self::Prefix(path) => write!(formatter, "{path}/*"),
        }
    }
}

/// Reads and validates a file.
pub fn load(path: &Path) -> Result<Config, Report> {
    let text = std::fs::read_to_string(path).map_err(|error| Report::unreadable(path, &error))?;
    parse(Source { path: path.to_owned(), text })
}

/// Validates a text that stands for a file.
pub fn parse(source: Source) -> Result<Config, Report> {
    let source = Arc::new(source);
    let file = file::parse(&source.text).map_err(|fault| Report::new(&source, vec![fault]))?;
    validate::validate(file, &source).map_err(|faults| Report::new(&source, faults))
}
