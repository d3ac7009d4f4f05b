//! Filters of chains, and where they come from.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    /// What its instances may use.
    pub limits: Limits,
    /// Whether calls share instances.
    pub isolation: Isolation,
    /// What its config cannot grant.
    pub grants: Grants,
    /// When it is put aside; none is never.
    pub quarantine: Option<Quarantine>,
    /// Where the entry stands.
    pub place: Place,
    /// Where a route changes it.
    pub changed: Option<Place>,
}

/// A plugin that chains may use: one that is declared, or a bundled one that a chain names.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its component, with its name.
    pub component: Component,
    /// What its declaration grants.
    pub grants: Grants,
    /// How long it must compile at most, where it is used nowhere.
    pub limits: Limits,
    /// How a new version is watched; none is not at all.
    pub probation: Option<Probation>,
}

/// A component, and what must be true of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The plugin's name.
    pub plugin: String,
    /// Where it comes from.
    pub source: ComponentSource,
    /// The digests of which it must have one; at least one, if any.
    pub sha256: Option<Located<Vec<[u8; 32]>>>,
    /// What it finds where it imports WASI; without that it is refused.
    pub wasi: Option<Wasi>,
    /// Where the configuration names it.
    pub place: Place,
}

impl Component {
    /// Its file, if it is in one.
    pub fn file(&self) -> Option<&Path> {
        match &self.source {
            ComponentSource::File(path) => Some(path),
            ComponentSource::Bundled(_) => None,
        }
    }
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

/// What stands for WASI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wasi {
    /// Functions that give nothing: no files, sockets or environment.
    Stub,
}

/// Whether calls share instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// An instance serves one call after the other.
    #[default]
    Pooled,
    /// Each call has an instance of its own.
    Fresh,
}

/// What the config of a filter cannot grant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Prefixes of variables that it may write besides its own; each ends with a dot.
    pub vars: Vec<String>,
}

/// When a filter that fails too often is put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quarantine {
    /// Of a hundred calls in the window so many failed, or more; 1 to 100.
    pub percent: u32,
    /// Fewer calls in the window tell nothing.
    pub calls: u32,
    /// How long a call counts.
    pub window: Duration,
    /// How long it is put aside at first.
    pub first: Duration,
    /// How long at most; not less than `first`.
    pub longest: Duration,
}

impl Default for Quarantine {
    fn default() -> Self {
        Self {
            percent: 50,
            calls: 20,
            window: Duration::from_secs(10),
            first: Duration::from_secs(10),
            longest: Duration::from_mins(10),
        }
    }
}

/// How long a version that was just swapped in is watched, and what makes it go again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probation {
    /// Of a hundred calls so many fail, or more; 1 to 100.
    pub percent: u32,
    /// Fewer calls tell nothing.
    pub calls: u32,
    /// How long it lasts.
    pub time: Duration,
}

impl Default for Probation {
    fn default() -> Self {
        Self { percent: 20, calls: 20, time: Duration::from_mins(1) }
    }
}

/// What the instances of a filter may use. Where it says so, each worker has as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// CPU time of one hook.
    pub cpu: Duration,
    /// Bytes of linear memory of one instance.
    pub memory: usize,
    /// Wall time of one hook that waits.
    pub wait: Duration,
    /// CPU time of `configure`.
    pub configure: Duration,
    /// Time of compiling it.
    pub compile: Duration,
    /// Instances of a filter that waits, per worker.
    pub instances: usize,
    /// Exchanges that wait in a hook or for an instance, per worker.
    pub waiting: usize,
    /// How long an exchange waits for an instance.
    pub queue: Duration,
    /// Bodies that keep an instance to themselves, per worker.
    pub pins: usize,
    /// Files that are open for its answers, per worker.
    pub files: usize,
    /// Outbound requests for one exchange.
    pub calls: usize,
    /// Bytes of one body that may be buffered.
    pub body: usize,
    /// Label sets of one metric.
    pub series: usize,
    /// Calls after which an instance is replaced.
    pub recycle_calls: u64,
    /// Bytes of memory from which on an idle instance is replaced; none is half of `memory`.
    pub recycle_memory: Option<usize>,
}

impl Limits {
    /// Bytes of memory from which on an idle instance is replaced.
    pub fn recycle_bytes(&self) -> usize {
        self.recycle_memory.unwrap_or(self.memory / 2)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_millis(10),
            memory: 32 << 20,
            wait: Duration::from_secs(5),
            configure: Duration::from_secs(1),
            compile: Duration::from_mins(2),
            instances: 16,
            waiting: 1024,
            queue: Duration::from_secs(1),
            pins: 16,
            files: 1024,
            calls: 16,
            body: 1 << 20,
            series: 256,
            recycle_calls: 1_000_000,
            recycle_memory: None,
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
    /// What it is an alternative of. Those of one group stand side by side.
    pub any_of: Option<Arc<AnyOf>>,
}

/// Filters of which one is enough: the first that lets a request pass.
#[derive(Debug, PartialEq, Eq)]
pub struct AnyOf {
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// The number of the group that each link of a chain is in, from 1; none for what is no alternative to another.
pub fn groups(links: &[Link]) -> Vec<Option<usize>> {
    let (mut groups, mut count) = (Vec::with_capacity(links.len()), 0);
    for at in 0..links.len() {
        let group = alternatives(links, at);
        count += usize::from(group.len() > 1 && group.start == at);
        groups.push((group.len() > 1).then_some(count));
    }
    groups
}

/// The links of a chain that are alternatives to the one at this place, itself among them: it alone, if it is in no group.
pub fn alternatives(links: &[Link], at: usize) -> Range<usize> {
    let Some(group) = &links[at].any_of else { return at..at + 1 };
    let is_other = |link: &Link| link.any_of.as_ref() != Some(group);
    let first = links[..at].iter().rposition(is_other).map_or(0, |before| before + 1);
    let end = links[at..].iter().position(is_other).map_or(links.len(), |behind| at + behind);
    first..end
}
