//! From the configuration's entries to filters that are ready to run: read, compiled, linked, configured once.
//!
//! Runs off the workers. Whatever is wrong becomes a fault at the line that asked for it; an entry that did not
//! change since the snapshot before is taken over, instances and all.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sha2::{Digest, Sha256};
use wasmtime::component::{Component, InstancePre};

use super::cache::hex;
use super::calls::{Nowhere, Outbound};
use super::capability;
use super::documents::Document;
use super::engine::Engine;
use super::filter::Filter;
use super::granted::{Granted, Stores};
use super::hook::{Exports, Hook};
use super::image::Image;
use super::instance::{Guest, Instance, Refused};
use super::manifest::About;
use super::metrics::{Counted, Metrics};
use super::pins::Pins;
use super::quarantine::Ward;
use super::setup::Setup;
use super::tally::{Ledger, Sheet, Tally};
use crate::config::grants::{self, Known, Schema};
use crate::config::{
    self, Component as ComponentConfig, ComponentSource, Entry as EntryConfig, Fault, Isolation, Limits, OnFailure,
    Owner,
};

/// No component in sight of a request is larger; language runtimes are 12-18 MB.
const LARGEST_COMPONENT: u64 = 64 << 20;

/// Faults of a configuration that a filter may name, and bytes of what it says of each.
const MOST_FAULTS: usize = 100;
const LONGEST_SAYING: usize = 1 << 10;

/// One filter of the chain, with what the operator wrote about it.
#[derive(Debug)]
pub struct Entry {
    /// Its name in the chain.
    pub name: String,
    /// The name of its plugin.
    pub plugin: String,
    /// Whose keys are whose in a store.
    pub(super) identity: String,
    pub(super) filter: Arc<Filter>,
    pub(super) config: Arc<str>,
    pub(super) on_failure: OnFailure,
    pub(super) limits: Limits,
    pub(super) isolation: Isolation,
    pub(super) granted: Granted,
    pub(super) metrics: Metrics,
    pub(super) ward: Ward,
    linked: Linked,
    owner: Owner,
    quarantine: Option<config::Quarantine>,
    setup: Setup,
    ticks: AtomicBool,
    ledger: Arc<Ledger>,
    /// Its number among those of its name.
    version: u64,
}

/// A filter as this entry may run it.
struct Linked {
    pre: InstancePre<Guest>,
    /// An instance that was configured, if each call has one of its own.
    image: Option<Image>,
    waits: bool,
}

/// A filter and its digest, or why there is none.
type Loaded = Result<(Arc<Filter>, [u8; 32]), Fault>;

/// Makes entries.
pub struct Registry<'a> {
    engine: &'a Engine,
    before: HashMap<(&'a Owner, &'a str), &'a Arc<Entry>>,
    stores: &'a Stores,
    known: Known<'a>,
    loaded: HashMap<([u8; 32], bool), Result<Arc<Filter>, String>>,
    /// What was read and hashed so far: many entries may be of one plugin.
    read: HashMap<(ComponentSource, bool), Loaded>,
}

impl<'a> Registry<'a> {
    /// A registry that takes over what it can from the entries `before`.
    pub fn new(engine: &'a Engine, before: &'a [Arc<Entry>], stores: &'a Stores, known: Known<'a>) -> Self {
        let loaded =
            |entry: &Arc<Entry>| ((entry.filter.digest, entry.filter.stubs_wasi), Ok(Arc::clone(&entry.filter)));
        let loaded = before.iter().map(loaded).collect();
        let before = before.iter().map(|entry| ((&entry.owner, entry.name.as_str()), entry)).collect();
        Self { engine, before, stores, known, loaded, read: HashMap::new() }
    }

    /// The entry, ready to run.
    pub fn entry(&mut self, wanted: &EntryConfig) -> Result<Arc<Entry>, Vec<Fault>> {
        let filter = self.filter(&wanted.component, wanted.limits.compile).map_err(|fault| vec![fault])?;
        let about = &filter.about;
        let cannot = |why: String| vec![Fault::new(wanted.place, format!("`{}` cannot be used: {why}", wanted.name))];
        let schema = about.schema.as_ref().map(|schema| Schema::parse(&schema.to_string())).transpose();
        let schema = schema.map_err(|why| cannot(format!("the schema of its configuration is none: {why}")))?;
        let resolved = grants::resolve(&wanted.config, schema.as_ref(), &self.known)?;
        let config: Arc<str> = resolved.config.to_string().into();
        let mut vars = wanted.grants.vars.clone();
        // What ships with weir ships with what it needs.
        if matches!(wanted.component.source, ComponentSource::Bundled(_)) {
            vars.extend(about.grants.vars.iter().cloned());
        }
        let granted = Granted::new(resolved, vars, self.stores);
        let may_call = !granted.upstreams.is_empty();
        let linked = Linked {
            pre: filter.link(self.engine, may_call).map_err(cannot)?,
            image: None,
            waits: filter.waits(may_call),
        };
        let (site, route) = &wanted.owner;
        let known = self.before.get(&(&wanted.owner, wanted.name.as_str())).copied();
        let ledger = known.map(|before| Arc::clone(&before.ledger)).unwrap_or_default();
        let mut entry = Entry {
            name: wanted.name.clone(),
            plugin: wanted.component.plugin.clone(),
            identity: format!("{site}\n{}\n{}", route.as_deref().unwrap_or_default(), wanted.name),
            filter,
            config,
            on_failure: wanted.on_failure,
            limits: wanted.limits,
            isolation: wanted.isolation,
            granted,
            metrics: Metrics::default(),
            ward: Ward::new(wanted.quarantine),
            linked,
            owner: wanted.owner.clone(),
            quarantine: wanted.quarantine,
            setup: Setup::default(),
            ticks: AtomicBool::new(false),
            version: ledger.version(),
            ledger,
        };
        if let Some(same) = known.filter(|before| before.is(&entry)) {
            return Ok(Arc::clone(same));
        }
        let setup;
        (entry, setup) = configure(self.engine, entry).map_err(|refused| match refused {
            Refused::Config(faults) => {
                let fault = |fault: super::bindings::Fault| {
                    let place = wanted.config.place_of(&fault.pointer);
                    let pointer = capability::cut(fault.pointer, LONGEST_SAYING);
                    let at = if pointer.is_empty() { pointer } else { format!(" at {pointer}") };
                    let message = capability::cut(fault.message, LONGEST_SAYING);
                    Fault::new(place, format!("`{}` refuses its config{at}: {message}", wanted.name))
                };
                faults.into_iter().take(MOST_FAULTS).map(fault).collect()
            }
            Refused::Failed(failure) => cannot(format!("while it was configured {failure}")),
        })?;
        for (handle, interval) in &setup.documents {
            entry.granted.keep_fresh(handle, *interval);
        }
        entry.take_documents(known.map(|before| &**before));
        entry.metrics = Metrics::new(setup.metrics.clone(), wanted.limits.series);
        entry.setup = setup;
        let mut entry = Arc::new(entry);
        if entry.isolation == Isolation::Fresh {
            let image = Self::bytes(&wanted.component, &entry).and_then(|bytes| Image::of(self.engine, &entry, &bytes));
            // Nobody else has it yet.
            if let Some(entry) = Arc::get_mut(&mut entry) {
                entry.linked.image = image;
            }
        }
        Ok(entry)
    }

    /// Checks a component that no entry uses.
    pub fn check(&mut self, component: &ComponentConfig) -> Result<(), Fault> {
        self.filter(component, Limits::default().compile).map(|_| ())
    }

    fn filter(&mut self, wanted: &ComponentConfig, patience: Duration) -> Result<Arc<Filter>, Fault> {
        let key = (wanted.source.clone(), wanted.wasi.is_some());
        if !self.read.contains_key(&key) {
            let loaded = self.read(wanted, patience);
            self.read.insert(key.clone(), loaded);
        }
        let (filter, digest) = self.read[&key].clone()?;
        match &wanted.sha256 {
            Some(pinned) if pinned.value != digest => {
                Err(Fault::new(pinned.place, format!("the component's digest is {}", hex(&digest)))
                    .help("write that one, if this is the component that you want"))
            }
            _ => Ok(filter),
        }
    }

    /// The component of an entry once more, if it is still the same.
    fn bytes(wanted: &ComponentConfig, entry: &Entry) -> Option<Cow<'static, [u8]>> {
        let bytes = match &wanted.source {
            ComponentSource::Bundled(name) => Cow::Borrowed(weir_bundle::find(name)?),
            ComponentSource::File(path) => Cow::Owned(read_component(path).ok()?),
        };
        (Sha256::digest(&bytes).as_slice() == entry.filter.digest).then_some(bytes)
    }

    fn read(&mut self, wanted: &ComponentConfig, patience: Duration) -> Loaded {
        let bytes = match &wanted.source {
            ComponentSource::Bundled(name) => weir_bundle::find(name).unwrap_or_default().into(),
            ComponentSource::File(path) => Cow::Owned(read_component(path).map_err(|why| {
                Fault::new(wanted.place, format!("cannot read {}: {why}", path.display()))
                    .help("paths are relative to the file that names them")
            })?),
        };
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        let (engine, stubs_wasi) = (self.engine, wanted.wasi.is_some());
        self.loaded
            .entry((digest, stubs_wasi))
            .or_insert_with(|| Filter::load(engine, digest, &bytes, stubs_wasi, patience).map(Arc::new))
            .clone()
            .map(|filter| (filter, digest))
            .map_err(|why| Fault::new(wanted.place, format!("this is not a filter that this weir can run: {why}")))
    }
}

/// Configures the filter once, off the workers: what comes of it holds for all instances.
fn configure(engine: &Engine, entry: Entry) -> Result<(Entry, Setup), Refused> {
    let entry = Arc::new(entry);
    let counts = entry.metrics.share();
    let nowhere: Arc<dyn Outbound> = Arc::new(Nowhere);
    let setup = Instance::new(engine, &entry, &counts, &Pins::default(), &nowhere)?.into_setup();
    let entry = Arc::into_inner(entry).expect("the instance that shared it is gone");
    Ok((entry, setup))
}

impl Entry {
    /// Whether the filter takes part in this hook.
    pub(super) fn has(&self, hook: Hook) -> bool {
        self.filter.exports.get(hook).is_some() && !self.setup.skips(hook)
    }

    /// Whether its hooks may have to wait.
    pub fn waits(&self) -> bool {
        self.linked.waits
    }

    pub(super) fn linked(&self) -> &InstancePre<Guest> {
        &self.linked.pre
    }

    pub(super) fn image(&self) -> Option<&Image> {
        self.linked.image.as_ref()
    }

    /// Where an instance has its hooks.
    pub(super) fn exports(&self) -> &Exports {
        self.linked.image.as_ref().map_or(&self.filter.exports, |image| &image.exports)
    }

    /// Another form of its component, linked in the same way.
    pub(super) fn link(&self, engine: &Engine, component: &Component) -> wasmtime::Result<InstancePre<Guest>> {
        self.filter.link_as(engine, component, !self.granted.upstreams.is_empty())
    }

    /// How often it ticks, if it does.
    pub(super) fn tick_interval(&self) -> Option<Duration> {
        self.setup.tick.filter(|_| self.has(Hook::Tick))
    }

    /// The same, for the one who asks first.
    pub(super) fn claim_ticks(&self) -> Option<Duration> {
        let interval = self.tick_interval()?;
        (!self.ticks.swap(true, Ordering::Relaxed)).then_some(interval)
    }

    /// How often it was put aside because it failed too often.
    pub fn quarantines(&self) -> u64 {
        self.ward.closed()
    }

    /// The SHA-256 digest of its component, in hexadecimal.
    pub fn digest(&self) -> String {
        hex(&self.filter.digest)
    }

    /// What its component says about itself.
    pub fn about(&self) -> &About {
        &self.filter.about
    }

    /// For how long it is not called yet, because it failed too often, and how often in a row that was so.
    pub fn quarantined(&self) -> Option<(Duration, u32)> {
        self.ward.shut()
    }

    /// What is kept fresh for it, by the pointers of its configuration's fields.
    pub fn named_documents(&self) -> impl Iterator<Item = (&str, &Document)> {
        let documents: BTreeMap<_, _> = self.granted.documents.iter().collect();
        documents.into_iter().map(|(pointer, document)| (pointer.as_str(), &**document))
    }

    /// Whose keys in a store are its own.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// What must be kept fresh for it.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.granted.documents.values()
    }

    /// The files of its secrets.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        self.granted.secrets.values().filter_map(config::Secret::file)
    }

    /// What its filter counts, summed over the workers.
    pub fn counted(&self) -> Vec<Counted> {
        self.metrics.read()
    }

    /// What it did, summed over the workers, and over the versions that bore its name before it.
    pub fn tally(&self) -> Tally {
        self.ledger.read()
    }

    /// What this version of it did, as long as a worker uses it.
    pub fn tally_of_version(&self) -> Tally {
        self.ledger.read_version(self.version)
    }

    /// The names of the site that it belongs to, and of the route, if it is the route's own.
    pub fn owner(&self) -> (&str, Option<&str>) {
        (&self.owner.0, self.owner.1.as_deref())
    }

    /// Whether exchanges go on without it when it fails.
    pub fn is_open(&self) -> bool {
        self.on_failure == OnFailure::Open
    }

    pub(super) fn open_sheet(&self, sheet: &Arc<Sheet>) {
        self.ledger.open(self.version, sheet);
    }

    pub(super) fn close_sheet(&self, sheet: &Arc<Sheet>) {
        self.ledger.close(sheet);
    }

    /// Where in a chain its plugin says that it belongs.
    pub fn recommended_place(&self) -> Option<&str> {
        self.filter.about.place.as_deref()
    }

    /// Documents that were kept fresh before need not be fetched again.
    fn take_documents(&mut self, before: Option<&Self>) {
        let Some(before) = before else { return };
        for (handle, document) in &mut self.granted.documents {
            if let Some(same) = before.granted.documents.get(handle).filter(|before| before.is_same(document)) {
                *document = Arc::clone(same);
            }
        }
    }

    fn is(&self, other: &Self) -> bool {
        self.name == other.name
            && self.plugin == other.plugin
            && self.owner == other.owner
            && self.filter.digest == other.filter.digest
            && self.filter.stubs_wasi == other.filter.stubs_wasi
            && self.config == other.config
            && self.on_failure == other.on_failure
            && self.limits == other.limits
            && self.isolation == other.isolation
            && self.quarantine == other.quarantine
            && self.granted.is_same(&other.granted)
    }
}

impl std::fmt::Debug for Linked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Linked").field("waits", &self.waits).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Registry<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Registry").finish_non_exhaustive()
    }
}

/// A component's file, if it is not too large.
pub fn read_component(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LARGEST_COMPONENT {
        return Err(format!("it has {} MiB; a component may have {} MiB", length >> 20, LARGEST_COMPONENT >> 20));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
