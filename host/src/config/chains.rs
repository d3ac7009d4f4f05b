//! Filters of chains, and where they come from.

use std::path::PathBuf;
use std::time::Duration;

use super::{Json, Located, PathPattern, Place};

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

/// A filter in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Index into [`Config::entries`].
    pub entry: usize,
    /// Paths for which it is not run.
    pub except: Vec<PathPattern>,
}
