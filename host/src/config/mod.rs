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
}

/// A named server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// Its key in the file.
    pub name: String,
    /// A name or an IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
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
