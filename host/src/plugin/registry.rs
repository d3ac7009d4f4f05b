//! From the configuration's entries to filters that are ready to run: read, compiled, linked, configured once.
//!
//! Runs off the workers. Whatever is wrong becomes a fault at the line that asked for it; an entry that did not
//! change since the snapshot before is taken over, instances and all.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderName;
use wasmtime::component::{Component, InstancePre};

use super::cache::hex;
use super::calls::{Nowhere, Outbound};
use super::capability;
use super::documents::Document;
use super::engine::Engine;
use super::filter::Filter;
use super::given::{Digest, Given, Running, Substitute, Substitutes, check_pin, read};
use super::granted::{Granted, Remotes, Stores};
use super::hook::{Exports, Hook};
use super::image::Image;
use super::instance::{Guest, Instance, Refused};
use super::manifest::About;
use super::metrics::{Counted, Metrics};
use super::pins::Pins;
use super::quarantine::Ward;
use super::setup::Setup;
use super::shared::Shared;
use super::tally::{Ledger, Sheet, Tally};
use super::wants::shipped;
use crate::config::grants::{self, Known, Schema};
use crate::config::{
    self, Component as ComponentConfig, ComponentSource, Entry as EntryConfig, Fault, Isolation, Limits, OnFailure,
    Owner,
};

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
    /// Its filter's own requests that are under way, as far as others may join them.
    pub(super) shared: Arc<Shared>,
    /// Passwords that it has checked just now, on all workers.
    pub(super) checks: AtomicUsize,
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

/// What stands for a plugin's name, and the digest of what the configuration names.
#[derive(Clone)]
struct Named {
    filter: Arc<Filter>,
    configured: Digest,
}

/// Makes entries.
pub struct Registry<'a> {
    engine: &'a Engine,
    before: HashMap<(&'a Owner, &'a str), &'a Arc<Entry>>,
    stores: &'a Stores,
    remotes: &'a Remotes,
    known: Known<'a>,
    substitutes: &'a Substitutes,
    loaded: HashMap<(Digest, bool), Result<Arc<Filter>, String>>,
    /// By the plugin's name: many entries may be of one.
    named: BTreeMap<String, Result<Named, Fault>>,
}

impl<'a> Registry<'a> {
    /// A registry that takes over what it can from the entries `before`. What is in `substitutes` takes the place of what
    /// the configuration names.
    pub fn new(
        engine: &'a Engine,
        before: &'a [Arc<Entry>],
        (stores, remotes): (&'a Stores, &'a Remotes),
        known: Known<'a>,
        substitutes: &'a Substitutes,
    ) -> Self {
        let loaded =
            |entry: &Arc<Entry>| ((entry.filter.given.digest, entry.filter.stubs_wasi), Ok(Arc::clone(&entry.filter)));
        let loaded = before.iter().map(loaded).collect();
        let before = before.iter().map(|entry| ((&entry.owner, entry.name.as_str()), entry)).collect();
        Self { engine, before, stores, remotes, known, substitutes, loaded, named: BTreeMap::new() }
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
        if matches!(wanted.component.source, ComponentSource::Bundled(_)) {
            // What ships with weir ships with what it needs.
            let is_own = self.is_as_configured(&wanted.component.plugin);
            let shipped = if is_own { about.grants.vars.clone() } else { shipped(&wanted.component) };
            vars.extend(shipped.into_iter().filter(|shipped| about.grants.vars.contains(shipped)));
        }
        let granted = Granted::new(resolved, vars, self.stores, self.remotes);
        let away = granted.away();
        let linked =
            Linked { pre: filter.link(self.engine, away).map_err(cannot)?, image: None, waits: filter.waits(away) };
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
            shared: Arc::default(),
            checks: AtomicUsize::new(0),
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
            let image = Image::of(self.engine, &entry);
            // Nobody else has it yet.
            if let Some(entry) = Arc::get_mut(&mut entry) {
                entry.linked.image = image;
            }
        }
        Ok(entry)
    }

    /// Checks a component that perhaps no entry uses.
    pub fn check(&mut self, component: &ComponentConfig, patience: Duration) -> Result<(), Fault> {
        match self.named.get(&component.plugin) {
            // What is wrong with it was told by who uses it.
            Some(_) => Ok(()),
            None => self.filter(component, patience).map(drop),
        }
    }

    /// What runs under each plugin's name, of those that were asked for.
    pub fn running(&self) -> impl Iterator<Item = (&str, Running)> {
        self.named.iter().filter_map(|(name, named)| {
            let Named { filter, configured } = named.as_ref().ok()?;
            Some((name.as_str(), Running { given: filter.given.clone(), configured: *configured }))
        })
    }

    pub(super) fn filter(&mut self, wanted: &ComponentConfig, patience: Duration) -> Result<Arc<Filter>, Fault> {
        if !self.named.contains_key(&wanted.plugin) {
            let named = self.find(wanted, patience);
            self.named.insert(wanted.plugin.clone(), named);
        }
        self.named[&wanted.plugin].as_ref().map(|named| Arc::clone(&named.filter)).map_err(Clone::clone)
    }

    /// Whether it is what the configuration names.
    fn is_as_configured(&self, plugin: &str) -> bool {
        let named = self.named.get(plugin).and_then(|named| named.as_ref().ok());
        named.is_some_and(|named| named.configured == named.filter.given.digest)
    }

    fn find(&mut self, wanted: &ComponentConfig, patience: Duration) -> Result<Named, Fault> {
        let substitute = self.substitutes.get(&wanted.plugin);
        if let Some(Substitute::Always(given, configured)) = substitute {
            let filter = self.load(given.clone(), wanted, patience)?;
            return Ok(Named { filter, configured: *configured });
        }
        let given = read(wanted)?;
        check_pin(wanted, &given.digest)?;
        let configured = given.digest;
        let given = match substitute {
            Some(Substitute::For(digests, instead)) if digests.contains(&configured) => instead.clone(),
            _ => given,
        };
        Ok(Named { filter: self.load(given, wanted, patience)?, configured })
    }

    fn load(&mut self, given: Given, wanted: &ComponentConfig, patience: Duration) -> Result<Arc<Filter>, Fault> {
        let (engine, stubs_wasi) = (self.engine, wanted.wasi.is_some());
        self.loaded
            .entry((given.digest, stubs_wasi))
            .or_insert_with(|| Filter::load(engine, given, stubs_wasi, patience).map(Arc::new))
            .clone()
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
        self.filter.link_as(engine, component, self.granted.away())
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
        hex(&self.filter.given.digest)
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

    /// The fields of requests to upstreams that are its filter's, whatever clients send.
    pub fn own_headers(&self) -> &[HeaderName] {
        &self.setup.own_headers
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

    /// Whether its plugin is made to answer what others let pass. One that says no place may be.
    pub fn is_made_to_answer(&self) -> bool {
        self.filter.answers && self.recommended_place().is_none_or(|place| place == "answer")
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
            && self.filter.given.digest == other.filter.given.digest
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
