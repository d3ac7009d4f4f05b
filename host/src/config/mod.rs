//! The operator's file: read strictly, then validated into the types that the rest of the host uses.
//!
//! A text becomes a tree with places (`tree`), the tree typed sections (`read`, `file`), and these what the host uses
//! (`validate`). Whatever is wrong becomes a [`Fault`] with its place and never ends the search; a [`Config`] carries its
//! faults along, so that those of later stages (filters, certificates) are reported beside them. Nothing here opens a
//! port, reads a plugin or calls out. Reading never panics, whatever the file holds.

mod admin;
pub mod cases;
mod chains;
mod edge;
mod entries;
mod fault;
mod file;
mod files;
mod filters;
mod forms;
pub mod grants;
mod json;
mod lines;
mod process;
mod read;
mod schema;
mod secrets;
pub mod shown;
mod sites;
mod sources;
mod stores;
mod syntax;
mod traces;
mod tree;
mod units;
mod upstreams;
mod validate;

pub(crate) use validate::{MOST_INSTANCES, MOST_MEMORY};

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use admin::{Admin, AdminAddress, AdminTls};
pub use chains::{
    AnyOf, Component, ComponentSource, Entry, Grants, Isolation, Limits, Link, OnFailure, Owner, Plugin, Probation,
    Quarantine, Wasi, alternatives, groups,
};
pub use edge::{Certificate, Listener, ListenerLimits, Network, Tls};
pub use fault::{Fault, Place, Report};
pub use files::Origin;
pub use json::Json;
pub use lines::Lines;
pub use process::{Drain, Process, Upgrade};
pub use secrets::Secret;
pub use sites::{Conditions, Host, HostHeader, PathPattern, Route, Site, Wanted};
pub use stores::{Kept, Redis, RedisServer, RedisTls, Servers, Store};
pub use traces::Traces;
pub use upstreams::{Balance, Endpoint, Scheme, Timeouts, Upstream, UpstreamTls};

/// A configuration: whole and sound if it has no faults.
#[derive(Debug)]
pub struct Config {
    /// The files that it was read from; places point into them.
    pub sources: Arc<Vec<Source>>,
    /// Where it was read from.
    pub origin: Origin,
    /// What is wrong. Then the rest holds what is sound.
    pub faults: Vec<Fault>,
    /// What is not wrong, and yet to be looked at.
    pub warnings: Vec<Fault>,
    /// How many threads serve exchanges.
    pub workers: usize,
    /// Whether every exchange leaves a record.
    pub access_log: bool,
    /// How the process ends and is replaced, and where it writes.
    pub process: Process,
    /// Where operators reach the running proxy.
    pub admin: Option<Admin>,
    /// What is kept for those who ask why; nothing if there is nobody to ask.
    pub why: Option<Why>,
    /// Where traces of exchanges go.
    pub traces: Option<Traces>,
    /// Where clients connect.
    pub listeners: Vec<Listener>,
    /// Where requests go.
    pub upstreams: Vec<Upstream>,
    /// Where filters keep what they share; `local` is among them.
    pub stores: Vec<Store>,
    /// All filters of all chains.
    pub entries: Vec<Entry>,
    /// The plugins that are declared or used, by name, in its order; those that no chain uses are checked all the same.
    pub plugins: Vec<Plugin>,
    /// What is served.
    pub sites: Vec<Site>,
    /// Values of secrets that are not to be read from where they are kept: those of a trial.
    secrets: HashMap<String, String>,
    /// Names under `upstreams` and `stores`, also of what is faulty: what refers to that is not.
    names: grants::Names,
}

/// The text that a configuration was read from.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As the operator named it.
    pub path: PathBuf,
    /// What it held.
    pub text: String,
}

/// How much is kept of what was decided about exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Why {
    /// Refusals and failures, and as many samples of the rest.
    pub keep: usize,
    /// One in so many of the rest is kept; 0 for none.
    pub sample: u32,
}

impl Default for Why {
    fn default() -> Self {
        Self { keep: 1000, sample: 100 }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it stands in the file.
    pub place: Place,
}

/// Reads and validates a file and what it includes.
pub fn load(path: &Path) -> Config {
    validate::validate(sources::load(path))
}

/// Validates a text that stands for a file.
pub fn parse(source: Source) -> Config {
    validate::validate(sources::parse(source))
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

    /// The warnings and `more`, if there are any.
    pub fn warned(&self, more: Vec<Fault>) -> Option<Report> {
        let mut warnings = self.warnings.clone();
        warnings.extend(more);
        (!warnings.is_empty()).then(|| Report::warnings(&self.sources, warnings))
    }

    /// The plugin of this name, or words that say which there are.
    pub fn plugin(&self, name: &str) -> Result<&Plugin, String> {
        let found = self.plugins.iter().find(|plugin| plugin.component.plugin == name);
        found.ok_or_else(|| {
            let names = self.plugins.iter().map(|plugin| plugin.component.plugin.as_str());
            let help = fault::suggestion(name, "plugins", names);
            format!("there is no plugin {} that is declared or used; {help}", fault::quoted(name))
        })
    }

    /// The name of the upstream that a route leads to; `none` if it leads to none.
    pub fn upstream_of(&self, route: &Route) -> &str {
        route.upstream.map_or("none", |upstream| &self.upstreams[upstream].name)
    }

    /// What fields of a filter's config may refer to.
    pub fn known(&self) -> grants::Known<'_> {
        grants::Known { sources: &self.sources, names: &self.names, upstreams: &self.upstreams, secrets: &self.secrets }
    }

    /// The file that a place is in, and the bytes there.
    pub fn written(&self, place: Place) -> Option<(&Source, std::ops::Range<usize>)> {
        Some((place.source(&self.sources)?, place.start()..place.start() + place.length()))
    }

    /// Finds the lines of places.
    pub fn lines(&self) -> Lines {
        Lines::of(&self.sources)
    }

    /// `file:line` of a place.
    pub fn line_of(&self, place: Place) -> String {
        fault::line_of(&self.sources, place)
    }
}
