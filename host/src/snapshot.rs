//! Everything that an exchange uses, immutable: a reload builds a new one beside the old and swaps it in.
//!
//! A snapshot is shared by all workers; [`Local`] adds what each worker owns: connections and filter
//! instances. An exchange holds the `Local` that it began with until its last byte.

pub mod order;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::clock::Slices;
use crate::config::{self, Config, Fault, HostHeader, Report, Timeouts};
use crate::paths::Rules;
use crate::plugin::{
    self, Chain, Document, Engine, Entry, Given, Outbound, Registry, Running, Serving, Station, Stores, Substitute,
    Substitutes, Warm,
};
use crate::routing::Router;
use crate::store;
use crate::upstream::{self, Upstream};

/// How often it is looked whether an old snapshot is still used.
const LOOK: Duration = Duration::from_millis(100);

/// What instances that are made beforehand may take, all together.
const WARM_MEMORY: usize = 256 << 20;

/// Sites with their routes, upstreams and filters.
#[derive(Debug)]
pub struct Snapshot {
    /// From requests to `sites` and their routes.
    pub router: Router,
    /// In the router's order.
    pub sites: Vec<Site>,
    /// Whether exchanges leave a record.
    pub access_log: bool,
    upstreams: Vec<Arc<Upstream>>,
    entries: Vec<Arc<plugin::Entry>>,
    stores: Stores,
    plugins: BTreeMap<String, Running>,
    engine: Arc<Engine>,
}

/// What one or several hosts serve.
#[derive(Debug)]
pub struct Site {
    /// As filters and the record name it.
    pub serving: Arc<Serving>,
    /// How paths are read.
    pub paths: Rules,
    /// For requests that no route takes.
    pub chain: Chain,
    /// In the router's order.
    pub routes: Vec<Route>,
}

/// Where a route leads, and how.
#[derive(Debug)]
pub struct Route {
    /// As filters and the record name it.
    pub serving: Arc<Serving>,
    /// Its filters.
    pub chain: Chain,
    /// Index into [`Local::upstreams`].
    pub upstream: usize,
    /// What is taken off the path; empty for nothing.
    pub strip_prefix: String,
    /// The Host that the upstream gets.
    pub host_header: HostHeader,
    /// How long the parts of an exchange may take.
    pub timeouts: Timeouts,
    /// Bytes of a request's body.
    pub largest_body: u64,
}

impl Snapshot {
    /// Builds and verifies; what did not change since the snapshot before is taken over. Slow: compiles filters.
    /// `faults` are those that were found elsewhere: all are reported together.
    pub fn build(
        config: &Config,
        engine: &Arc<Engine>,
        before: Option<&Snapshot>,
        substitutes: &Substitutes,
        mut faults: Vec<Fault>,
    ) -> Result<Self, Report> {
        let stores = stores(config, before);
        let entries_before: &[Arc<Entry>] = before.map_or(&[], |snapshot| &snapshot.entries);
        let mut registry = Registry::new(engine, entries_before, &stores, config.known(), substitutes);
        let mut entries = Vec::with_capacity(config.entries.len());
        for entry in &config.entries {
            match registry.entry(entry) {
                Ok(entry) => entries.push(entry),
                Err(found) => faults.extend(found),
            }
        }
        for plugin in &config.plugins {
            faults.extend(registry.check(&plugin.component, plugin.limits.compile).err());
        }
        let plugins = registry.running().map(|(name, running)| (name.to_owned(), running)).collect();
        let kept: HashMap<&str, &Arc<Upstream>> = before
            .map(|snapshot| snapshot.upstreams.iter().map(|upstream| (upstream.name(), upstream)).collect())
            .unwrap_or_default();
        let mut upstreams = Vec::with_capacity(config.upstreams.len());
        for upstream in &config.upstreams {
            let new = match Upstream::new(upstream) {
                Ok(new) => new,
                Err(found) => {
                    faults.extend(found);
                    continue;
                }
            };
            upstreams.push(match kept.get(upstream.name.as_str()) {
                Some(before) if ***before == new => Arc::clone(before),
                Some(before) => Arc::new(new.taking_over(before)),
                None => Arc::new(new),
            });
        }
        config.sound(faults)?;
        Ok(Self {
            router: Router::new(config),
            sites: sites(config, &entries),
            access_log: config.access_log,
            upstreams,
            stores,
            entries,
            plugins,
            engine: Arc::clone(engine),
        })
    }
}

/// How long the steps of a swap took.
#[derive(Clone, Copy, Debug, Default)]
pub struct SwapSteps {
    /// Reading what the component is, and compiling it.
    pub compile: Duration,
    /// Configuring it once for each entry, and the rest of the snapshot.
    pub configure: Duration,
}

impl Snapshot {
    /// The same, but for one plugin: its entries have this component. Nothing else is read anew. `config` is what this
    /// snapshot was built from. If the component wants more than was granted, that is a fault, unless it `may_want_more`.
    pub fn with_component(
        &self,
        config: &Config,
        plugin: &config::Plugin,
        given: Given,
        configured: plugin::Digest,
        may_want_more: bool,
    ) -> Result<(Self, SwapSteps), Report> {
        let began = Instant::now();
        let name = &plugin.component.plugin;
        let is_of_file = given.digest == configured;
        let substitutes = Substitutes::from([(name.clone(), Substitute::Always(given, configured))]);
        let mut registry = Registry::new(&self.engine, &self.entries, &self.stores, config.known(), &substitutes);
        let checked = registry.check(&plugin.component, plugin.limits.compile);
        checked.map_err(|mut fault| {
            // What the configuration says there is not at fault.
            fault.place = fault.place.filter(|_| is_of_file);
            Report::new(&config.sources, vec![fault])
        })?;
        let compile = began.elapsed();
        let (mut entries, mut faults) = (Vec::with_capacity(self.entries.len()), Vec::new());
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for (wanted, entry) in config.entries.iter().zip(&self.entries) {
            if wanted.component.plugin != *name {
                entries.push(Arc::clone(entry));
                continue;
            }
            before.push(entry);
            match registry.entry(wanted) {
                Ok(entry) => {
                    after.push((wanted, Arc::clone(&entry)));
                    entries.push(entry);
                }
                Err(found) => faults.extend(found),
            }
        }
        if !may_want_more {
            faults.extend(plugin::ungranted(plugin, &before, &after));
        }
        config.sound(faults)?;
        let mut plugins = self.plugins.clone();
        plugins.extend(registry.running().map(|(name, running)| (name.to_owned(), running)));
        let snapshot = Self {
            router: Router::new(config),
            sites: sites(config, &entries),
            access_log: self.access_log,
            upstreams: self.upstreams.clone(),
            stores: self.stores.clone(),
            entries,
            plugins,
            engine: Arc::clone(&self.engine),
        };
        Ok((snapshot, SwapSteps { compile, configure: began.elapsed().saturating_sub(compile) }))
    }

    /// What runs under each plugin's name.
    pub fn plugins(&self) -> &BTreeMap<String, Running> {
        &self.plugins
    }

    /// The entries of a plugin.
    pub fn entries_of<'a>(&'a self, plugin: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.entries.iter().filter(move |entry| entry.plugin == plugin)
    }
}

fn sites(config: &Config, entries: &[Arc<Entry>]) -> Vec<Site> {
    let site = |site: &crate::config::Site| Site {
        serving: Arc::new(Serving { site: site.name.clone(), ..Serving::default() }),
        paths: site.paths,
        chain: Chain::new(&site.chain, entries),
        routes: site.routes.iter().map(|route| Route::new(site, route, entries)).collect(),
    };
    config.sites.iter().map(site).collect()
}

/// The stores, with what they hold if they were there before and as large.
fn stores(config: &Config, before: Option<&Snapshot>) -> Stores {
    let store = |store: &crate::config::Store| {
        let size = usize::try_from(store.memory).unwrap_or(usize::MAX);
        let kept = before.and_then(|before| before.stores.get(&store.name)).filter(|kept| kept.size() == size);
        (store.name.clone(), kept.map_or_else(|| Arc::new(store::Memory::new(size)) as _, Arc::clone))
    };
    config.stores.iter().map(store).collect()
}

impl Snapshot {
    /// First instances of the filters that the snapshot before does not have, for the workers at the ends of these lines.
    pub fn warm(&self, before: &Snapshot, lines: &[Arc<dyn Outbound>]) -> Vec<Warm> {
        let mut room = WARM_MEMORY;
        let up = |line| Warm::up(&self.engine, &self.entries, &before.entries, line, &mut room);
        lines.iter().map(up).collect()
    }

    /// All filters, in the configuration's order.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// All upstreams, in the configuration's order.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// What filters want to be kept fresh.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.entries.iter().flat_map(|entry| entry.documents())
    }

    /// The files of filters' secrets.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        self.entries.iter().flat_map(|entry| entry.secret_files())
    }

    /// What filters count, by entry.
    pub fn counted(&self) -> impl Iterator<Item = (&str, plugin::Counted)> {
        self.entries.iter().flat_map(|entry| entry.counted().into_iter().map(|counted| (entry.name.as_str(), counted)))
    }

    /// What filters did, by entry.
    pub fn tallies(&self) -> impl Iterator<Item = (&Entry, plugin::Tally)> {
        self.entries.iter().map(|entry| (entry.as_ref(), entry.tally()))
    }

    /// What is to be said of the order of filters.
    pub fn warnings(&self, config: &Config) -> Vec<Fault> {
        order::of(config, |entry| self.entries[entry].recommended_place())
    }

    /// How many sites, routes and filters there are.
    pub fn size(&self) -> (usize, usize, usize) {
        (self.sites.len(), self.sites.iter().map(|site| site.routes.len()).sum(), self.entries.len())
    }
}

impl Route {
    fn new(site: &crate::config::Site, route: &crate::config::Route, entries: &[Arc<Entry>]) -> Self {
        let serving =
            Serving { site: site.name.clone(), route: route.name.clone(), strip_prefix: route.strip_prefix.clone() };
        Self {
            serving: Arc::new(serving),
            chain: Chain::new(&route.chain, entries),
            upstream: route.upstream,
            strip_prefix: route.strip_prefix.clone(),
            host_header: route.host_header.clone(),
            timeouts: route.timeouts,
            largest_body: route.largest_body,
        }
    }
}

/// A snapshot with one worker's connections and instances.
#[derive(Debug)]
pub struct Local {
    /// The shared part.
    pub snapshot: Arc<Snapshot>,
    /// The filters, with this worker's instances.
    pub pools: plugin::Pools,
    /// The upstreams, with this worker's connections.
    pub upstreams: Vec<Rc<upstream::Pool>>,
}

impl Local {
    /// The worker's part of a snapshot; connections and instances of what is in both are kept. It is made in slices, in
    /// which the worker serves others.
    pub async fn new(snapshot: Arc<Snapshot>, station: &Station, warm: Warm, before: Option<&Local>) -> Self {
        let mut slices = Slices::new();
        let kept = before.map(|local| &local.pools);
        let pools = plugin::Pools::new(&snapshot.engine, &snapshot.entries, station, warm, kept, &mut slices).await;
        let before = before.map(|local| local.upstreams.as_slice()).unwrap_or_default();
        let mut kept: HashMap<*const Upstream, &Rc<upstream::Pool>> = HashMap::with_capacity(before.len());
        for pool in before {
            kept.insert(pool.upstream_ptr(), pool);
            slices.pause().await;
        }
        let mut upstreams = Vec::with_capacity(snapshot.upstreams.len());
        for upstream in &snapshot.upstreams {
            let known = kept.get(&Arc::as_ptr(upstream));
            upstreams.push(known.map_or_else(|| upstream::Pool::new(upstream), |pool| Rc::clone(pool)));
            slices.pause().await;
        }
        Self { snapshot, pools, upstreams }
    }

    /// Waits until no exchange uses it, and frees it in slices; what is dear to free, beside the worker.
    pub async fn retire(mut local: Rc<Self>) {
        let local = loop {
            match Rc::try_unwrap(local) {
                Ok(local) => break local,
                Err(used) => local = used,
            }
            tokio::time::sleep(LOOK).await;
        };
        let mut slices = Slices::new();
        let instances = local.pools.take_apart(&mut slices).await;
        // The worker does not wait for it.
        drop(tokio::task::spawn_blocking(move || drop(instances)));
        for pool in local.upstreams {
            if let Some(pool) = Rc::into_inner(pool) {
                pool.close(&mut slices).await;
            }
            slices.pause().await;
        }
    }
}
