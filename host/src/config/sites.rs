//! Sites and their routes: what requests must be, and how they go on.

use http::Method;
use http::header::{HeaderName, HeaderValue};

use super::{Link, Place, Timeouts};
use crate::paths::Rules;

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
    /// Index into [`Config::upstreams`]; none if only filters answer.
    pub upstream: Option<usize>,
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
