//! Everything that an exchange uses, immutable: a reload builds a new one beside the old and swaps it in.
//!
//! A snapshot is shared by all workers; [`Local`] adds what each worker owns: connections and filter
//! instances. An exchange holds the `Local` that it began with until its last byte.

use std::rc::Rc;
use std::sync::Arc;

use crate::config::{Config, Report};
use crate::plugin::{self, Engine, Registry};
use crate::routing::Routes;
use crate::upstream::{self, Upstream};

/// Routes, upstreams and the chain.
#[derive(Debug)]
pub struct Snapshot {
    /// Where paths lead.
    pub routes: Routes<Target>,
    /// Whether exchanges leave a record.
    pub access_log: bool,
    upstreams: Vec<Arc<Upstream>>,
    chain: Vec<Arc<plugin::Entry>>,
    engine: Arc<Engine>,
}

/// Where a route leads.
#[derive(Debug)]
pub struct Target {
    /// The route's name.
    pub route: Arc<str>,
    /// Index into [`Local::upstreams`].
    pub upstream: usize,
}

impl Snapshot {
    /// Builds and verifies; what did not change since the snapshot before is taken over. Slow: compiles filters.
    pub fn build(config: &Config, engine: &Arc<Engine>, before: Option<&Snapshot>) -> Result<Self, Report> {
        let mut registry = Registry::new(engine, before.map_or(&[], |snapshot| &snapshot.chain));
        let (mut chain, mut faults) = (Vec::new(), Vec::new());
        for entry in &config.chain {
            match registry.entry(entry) {
                Ok(entry) => chain.push(entry),
                Err(found) => faults.extend(found),
            }
        }
        let same = |wanted: &Upstream| before?.upstreams.iter().find(|upstream| ***upstream == *wanted).cloned();
        let mut upstreams = Vec::new();
        for upstream in &config.upstreams {
            match Upstream::new(upstream) {
                Ok(wanted) => upstreams.push(same(&wanted).unwrap_or_else(|| Arc::new(wanted))),
                Err(found) => faults.extend(found),
            }
        }
        if !faults.is_empty() {
            return Err(Report::new(&config.source, faults));
        }
        let routes = config.routes.iter().map(|route| {
            let target = Target { route: route.path.to_string().into(), upstream: route.upstream };
            (route.path.clone(), target)
        });
        Ok(Self {
            routes: Routes::new(routes),
            access_log: config.access_log,
            upstreams,
            chain,
            engine: Arc::clone(engine),
        })
    }
}

/// A snapshot with one worker's connections and instances.
#[derive(Debug)]
pub struct Local {
    /// The shared part.
    pub snapshot: Arc<Snapshot>,
    /// The chain, with this worker's instances.
    pub chain: plugin::Pools,
    /// The upstreams, with this worker's connections.
    pub upstreams: Vec<Rc<upstream::Pool>>,
}

impl Local {
    /// The worker's part of a snapshot; connections and instances of what is in both are kept.
    pub fn new(snapshot: Arc<Snapshot>, before: Option<&Local>) -> Self {
        let chain = plugin::Pools::new(&snapshot.engine, &snapshot.chain, before.map(|local| &local.chain));
        let pool = |upstream: &Arc<Upstream>| {
            let kept = before.and_then(|local| local.upstreams.iter().find(|pool| pool.is_for(upstream)));
            kept.map_or_else(|| upstream::Pool::new(upstream), Rc::clone)
        };
        let upstreams = snapshot.upstreams.iter().map(pool).collect();
        Self { snapshot, chain, upstreams }
    }
}
