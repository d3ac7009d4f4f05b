//! Everything that an exchange uses, immutable: a reload builds a new one beside the old and swaps it in.
//!
//! A snapshot is shared by all workers; [`Local`] adds what each worker owns: connections and filter
//! instances. An exchange holds the `Local` that it began with until its last byte.

mod counts;
mod lines;
pub mod order;
mod remotes;
mod swap;
mod unanswered;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;

use crate::clock::{self, Slices};
use crate::config::{self, Config, Fault, HostHeader, Kept, Report, Store, Timeouts, Why};
use crate::paths::Rules;
use crate::plugin::{
    self, Chain, Document, Engine, Entry, Outbound, Registry, Remotes, Running, Serving, Station, Stores, Substitutes,
    Warm,
};
use crate::routing::Router;
use crate::store::{self, redis::Redis};
use crate::telemetry::traces::{Room, Sampling, Tracing};
use crate::upstream::{self, Upstream};
use counts::Counts;
use lines::Places;
pub use swap::SwapSteps;

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
    /// Whether hooks are timed and leave marks: only then can anybody ask.
    pub is_watched: bool,
    /// What is kept for those who ask why.
    pub why: Option<Why>,
    /// How exchanges are traced, if they are.
    pub tracing: Option<Tracing>,
    upstreams: Vec<Arc<Upstream>>,
    entries: Vec<Arc<plugin::Entry>>,
    stores: Stores,
    remotes: Remotes,
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
    /// Fields that filters of it set for upstreams: what clients send of them counts for nothing.
    pub own_headers: Arc<Vec<HeaderName>>,
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
    /// Index into [`Local::upstreams`]; none if only filters answer.
    pub upstream: Option<usize>,
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
        let remotes = remotes::of(config, before, &mut faults);
        let entries_before: &[Arc<Entry>] = before.map_or(&[], |snapshot| &snapshot.entries);
        let mut registry = Registry::new(engine, entries_before, (&stores, &remotes), config.known(), substitutes);
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
        let mut counts = Counts::new(config.workers, before);
        let mut upstreams = Vec::with_capacity(config.upstreams.len());
        for upstream in &config.upstreams {
            let new = match Upstream::new(upstream, |endpoint| counts.endpoint(&upstream.name, endpoint)) {
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
        let mut places = Places::new(config, &entries);
        Ok(Self {
            router: Router::new(config),
            sites: sites(config, &entries, &mut counts, &mut places),
            access_log: config.access_log,
            is_watched: config.admin.is_some(),
            why: config.why,
            tracing: config.traces.as_ref().map(tracing),
            upstreams,
            stores,
            remotes,
            entries,
            plugins,
            engine: Arc::clone(engine),
        })
    }
}

fn sites(config: &Config, entries: &[Arc<Entry>], counts: &mut Counts, places: &mut Places) -> Vec<Site> {
    let mut all = Vec::with_capacity(config.sites.len());
    for site in &config.sites {
        all.push(Site {
            serving: Arc::new(Serving {
                site: site.name.clone(),
                counts: counts.route(&site.name, ""),
                served: places.of_site(site),
                ..Serving::default()
            }),
            paths: site.paths,
            own_headers: own_headers(&site.name, entries),
            chain: Chain::new(&site.chain, entries),
            routes: site.routes.iter().map(|route| Route::new(site, route, entries, (counts, places))).collect(),
        });
    }
    all
}

/// What the filters of a site call their own, whichever of its chains they are in.
fn own_headers(site: &str, entries: &[Arc<Entry>]) -> Arc<Vec<HeaderName>> {
    let of_site = entries.iter().filter(|entry| entry.owner().0 == site);
    let mut names: Vec<HeaderName> = of_site.flat_map(|entry| entry.own_headers()).cloned().collect();
    names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    Arc::new(names)
}

fn tracing(traces: &config::Traces) -> Tracing {
    Tracing {
        sampling: Sampling::new(traces.sample, traces.trusts_all),
        room: Room { exchanges: traces.queue_exchanges, bytes: traces.queue_size },
    }
}

/// The time by which values in stores end.
fn milliseconds() -> u64 {
    u64::try_from(clock::uptime().as_millis()).unwrap_or(u64::MAX)
}

/// The stores of this process, with what they hold if they were there before and as large.
fn stores(config: &Config, before: Option<&Snapshot>) -> Stores {
    let mut stores = Stores::with_capacity(config.stores.len());
    for Store { name, kept } in &config.stores {
        let before = before.and_then(|before| before.stores.get(&name.value));
        match kept {
            Kept::Memory { size } => {
                let size = usize::try_from(*size).unwrap_or(usize::MAX);
                let kept = before.filter(|kept| kept.kept().is_none() && kept.size() == size).map(Arc::clone);
                let new = || Arc::new(store::Memory::with_clock(size, milliseconds)) as _;
                stores.insert(name.value.clone(), kept.unwrap_or_else(new));
            }
            Kept::File { path, size } => {
                let size = usize::try_from(*size).unwrap_or(usize::MAX);
                stores.insert(name.value.clone(), store::File::at(&path.value, size));
            }
            // Nobody returns at once there: see `remotes`.
            Kept::Redis(_) => {}
        }
    }
    stores
}

impl Snapshot {
    /// Readies the stores: those in files are opened and read, those on servers are connected to, which is not waited for.
    /// Slow. What is wrong with one is that store's fault, and no reason not to serve.
    pub fn begin_stores(&self, config: &Config) {
        self.remotes.values().for_each(|store| store.start());
        for Store { name, kept } in &config.stores {
            if let (Kept::File { size, .. }, Some(store)) = (kept, self.stores.get(&name.value)) {
                store.begin(usize::try_from(*size).unwrap_or(usize::MAX));
            }
        }
    }

    /// What serves exchanges: of each site, the requests that no route takes and then the routes.
    pub fn serving(&self) -> impl Iterator<Item = &Serving> {
        self.sites.iter().flat_map(|site| {
            let routes = site.routes.iter().map(|route| &*route.serving);
            std::iter::once(&*site.serving).chain(routes)
        })
    }

    /// All filters, in the configuration's order.
    pub fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// All upstreams, in the configuration's order.
    pub fn upstreams(&self) -> &[Arc<Upstream>] {
        &self.upstreams
    }

    /// First instances of the filters that the snapshot before does not have, for the workers at the ends of these lines.
    pub fn warm(&self, before: &Snapshot, lines: &[Arc<dyn Outbound>]) -> Vec<Warm> {
        let mut room = WARM_MEMORY;
        let up = |line| Warm::up(&self.engine, &self.entries, &before.entries, line, &mut room);
        lines.iter().map(up).collect()
    }

    /// What filters want to be kept fresh.
    pub fn documents(&self) -> impl Iterator<Item = &Arc<Document>> {
        self.entries.iter().flat_map(|entry| entry.documents())
    }

    /// Where filters keep what they share, by name.
    pub fn stores(&self) -> impl Iterator<Item = (&str, &dyn store::Store)> {
        self.stores.iter().map(|(name, store)| (name.as_str(), &**store))
    }

    /// Those that have to be waited for, by name.
    pub fn remotes(&self) -> impl Iterator<Item = (&str, &Redis)> {
        self.remotes.iter().map(|(name, store)| (name.as_str(), &**store))
    }

    /// The files of filters' secrets.
    pub fn secret_files(&self) -> impl Iterator<Item = &Path> {
        self.entries.iter().flat_map(|entry| entry.secret_files())
    }

    /// A store, by its name.
    pub fn store(&self, name: &str) -> Option<&Arc<dyn store::Store>> {
        self.stores.get(name)
    }

    /// What filters count, by entry.
    pub fn counted(&self) -> impl Iterator<Item = (&str, plugin::Counted)> {
        self.entries.iter().flat_map(|entry| entry.counted().into_iter().map(|counted| (entry.name.as_str(), counted)))
    }

    /// What filters did, by entry.
    pub fn tallies(&self) -> impl Iterator<Item = (&Entry, plugin::Tally)> {
        self.entries.iter().map(|entry| (entry.as_ref(), entry.tally()))
    }

    /// What is to be said of the order of filters, and of routes that nobody answers.
    pub fn warnings(&self, config: &Config) -> Vec<Fault> {
        let mut warnings = order::of(config, |entry| self.entries[entry].recommended_place());
        warnings.extend(unanswered::of(config, |entry| self.entries[entry].is_made_to_answer()));
        warnings
    }

    /// How many sites, routes and filters there are.
    pub fn size(&self) -> (usize, usize, usize) {
        (self.sites.len(), self.sites.iter().map(|site| site.routes.len()).sum(), self.entries.len())
    }
}

impl Route {
    fn new(
        site: &crate::config::Site,
        route: &crate::config::Route,
        entries: &[Arc<Entry>],
        (counts, places): (&mut Counts, &mut Places),
    ) -> Self {
        let serving = Serving {
            site: site.name.clone(),
            route: route.name.clone(),
            strip_prefix: route.strip_prefix.clone(),
            counts: counts.route(&site.name, &route.name),
            served: places.of_route(site, route),
        };
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
