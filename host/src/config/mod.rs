//! The operator's file: read strictly, then validated into the types that the rest of the host uses.
//!
//! A text becomes a tree with places (`tree`), the tree typed sections (`read`, `file`), and these what the host uses
//! (`validate`). Whatever is wrong becomes a [`Fault`] with its place and never ends the search; a [`Config`] carries its
//! faults along, so that those of later stages (filters, certificates) are reported beside them. Nothing here opens a
//! port, reads a plugin or calls out. Reading never panics, whatever the file holds.

mod fault;
mod file;
mod json;
mod read;
mod schema;
mod sources;
mod syntax;
mod tree;
mod units;
mod validate;

pub(crate) use validate::{MOST_INSTANCES, MOST_MEMORY};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::{HeaderName, HeaderValue};

pub use fault::{Fault, Place, Report};
pub use json::Json;

use crate::paths::Rules;

/// A configuration: whole and sound if it has no faults.
#[derive(Debug)]
pub struct Config {
    /// The files that it was read from; places point into them.
    pub sources: Arc<Vec<Source>>,
    /// What is wrong. Then the rest holds what is sound.
    pub faults: Vec<Fault>,
    /// How many threads serve exchanges.
    pub workers: usize,
    /// Whether every exchange leaves a record.
    pub access_log: bool,
    /// Where operators reach the running proxy.
    pub admin: Option<Admin>,
    /// Where clients connect.
    pub listeners: Vec<Listener>,
    /// Where requests go.
    pub upstreams: Vec<Upstream>,
    /// All filters of all chains.
    pub entries: Vec<Entry>,
    /// Components of plugins that no chain uses; they are checked all the same.
    pub unused: Vec<Component>,
    /// What is served.
    pub sites: Vec<Site>,
}

/// The text that a configuration was read from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As the operator named it.
    pub path: PathBuf,
    /// What it held.
    pub text: String,
}

/// The address for operators.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub address: Located<SocketAddr>,
    /// What callers must show.
    pub token: Option<Secret>,
}

/// What must not be shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The value, for those who must know.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(...)")
    }
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

impl std::fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::H2c => "h2c",
            Scheme::Https => "https",
        };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{scheme}://{open}{}{close}:{}", self.host, self.port)
    }
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

/// Whose a chain is: a site's, by its name, or a route's of it.
pub type Owner = (String, Option<String>);

/// One filter of a chain.
#[derive(Debug)]
pub struct Entry {
    /// Whose it is: the site's name, and the route's if it is the route's own.
    pub owner: Owner,
    /// Unique in the chain.
    pub name: String,
    /// Where its component comes from.
    pub component: Component,
    /// The entry's `config`.
    pub config: Json,
    /// What becomes of an exchange whose filter fails.
    pub on_failure: OnFailure,
    /// What one call may use.
    pub limits: Limits,
    /// Where the entry stands.
    pub place: Place,
    /// Where a route changes it.
    pub changed: Option<Place>,
}

/// A component, and what must be true of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Where it comes from.
    pub source: ComponentSource,
    /// The digest that it must have.
    pub sha256: Option<Located<[u8; 32]>>,
    /// Where the configuration names it.
    pub place: Place,
}

/// Where a component comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ComponentSource {
    /// Inside this binary, under this name.
    Bundled(String),
    /// A file.
    File(PathBuf),
}

/// What becomes of an exchange whose filter fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// What one or several hosts serve.
#[derive(Debug)]
pub struct Site {
    /// Unique.
    pub name: String,
    /// Which hosts; never empty.
    pub hosts: Vec<Host>,
    /// Indices into [`Config::listeners`]; none means all.
    pub listeners: Option<Vec<usize>>,
    /// How paths are read.
    pub paths: Rules,
    /// For requests that no route takes.
    pub chain: Vec<Link>,
    /// What leads to an upstream.
    pub routes: Vec<Route>,
    /// Where it stands.
    pub place: Place,
}

/// Which hosts a site has, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// This one.
    Exact(String),
    /// Any one label before this.
    Wildcard(String),
    /// Every one.
    Any,
}

impl std::fmt::Display for Host {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(host) => formatter.write_str(host),
            Self::Wildcard(host) => write!(formatter, "*.{host}"),
            Self::Any => formatter.write_str("*"),
        }
    }
}

/// A filter in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index into [`Config::entries`].
    pub entry: usize,
    /// Paths for which it is not run.
    pub except: Vec<PathPattern>,
}

/// What it matches and where it leads.
#[derive(Debug)]
pub struct Route {
    /// For records.
    pub name: String,
    /// For people.
    pub description: Option<String>,
    /// Which path.
    pub path: PathPattern,
    /// What else must be true of a request.
    pub conditions: Conditions,
    /// Settles ties; the higher wins.
    pub priority: i64,
    /// The filters, outermost first.
    pub chain: Vec<Link>,
    /// Index into [`Config::upstreams`].
    pub upstream: usize,
    /// What is taken off the path; empty for nothing.
    pub strip_prefix: String,
    /// The Host that the upstream gets.
    pub host_header: HostHeader,
    /// How long the parts of an exchange may take.
    pub timeouts: Timeouts,
    /// Bytes of a request's body.
    pub largest_body: u64,
    /// Where its path stands.
    pub place: Place,
}

/// What must be true of a request besides its path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// One of these, as written; none means any.
    pub methods: Vec<Method>,
    /// All of these.
    pub headers: Vec<(HeaderName, Wanted<HeaderValue>)>,
    /// All of these; decoded.
    pub query: Vec<(String, Wanted<String>)>,
}

impl Conditions {
    /// How many there are: more are more specific.
    pub fn count(&self) -> usize {
        usize::from(!self.methods.is_empty()) + self.headers.len() + self.query.len()
    }
}

/// What a field or a parameter must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted<T> {
    /// There exactly once, with this value.
    Is(T),
    /// There.
    Any,
    /// Not there.
    None,
}

/// The Host that an upstream gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// The client's.
    Preserve,
    /// The endpoint's own.
    Upstream,
    /// This.
    Name(HeaderValue),
}

/// `/exact`, or `/prefix/*`, which matches `/prefix` and everything below it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathPattern {
    /// This path only.
    Exact(String),
    /// This path and those below it; without the final slash.
    Prefix(String),
}

impl PathPattern {
    /// Whether a path fits.
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => {
                path.strip_prefix(prefix.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
        }
    }

    /// The part that is fixed.
    pub fn fixed(&self) -> &str {
        match self {
            Self::Exact(path) | Self::Prefix(path) => path,
        }
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(path) => formatter.write_str(path),
            Self::Prefix(path) => write!(formatter, "{path}/*"),
        }
    }
}

/// Reads and validates a file and what it includes.
pub fn load(path: &Path) -> Config {
    let (file, sources, faults) = sources::load(path);
    validate::validate(file, sources, faults)
}

/// Validates a text that stands for a file.
pub fn parse(source: Source) -> Config {
    let (file, sources, faults) = sources::parse(source);
    validate::validate(file, sources, faults)
}

/// The JSON Schema of the file.
pub fn schema() -> serde_json::Value {
    file::schema()
}

impl Config {
    /// The configuration, if there is nothing wrong with it and `more`.
    pub fn sound(&self, more: Vec<Fault>) -> Result<(), Report> {
        let mut faults = self.faults.clone();
        faults.extend(more);
        if faults.is_empty() { Ok(()) } else { Err(Report::new(&self.sources, faults)) }
    }

    /// `file:line` of a place.
    pub fn line_of(&self, place: Place) -> String {
        fault::line_of(&self.sources, place)
    }
}
