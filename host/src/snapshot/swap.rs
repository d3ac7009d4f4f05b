//! The snapshot with another component of one plugin: what is not of that plugin is that which was there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::counts::Counts;
use super::lines::Places;
use super::{Snapshot, sites};
use crate::config::{self, Config, Report};
use crate::plugin::{self, Entry, Given, Registry, Running, Substitute, Substitutes};
use crate::routing::Router;

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
        let mut registry =
            Registry::new(&self.engine, &self.entries, (&self.stores, &self.remotes), config.known(), &substitutes);
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
        let (mut counts, mut places) = (Counts::new(config.workers, Some(self)), Places::new(config, &entries));
        let snapshot = Self {
            router: Router::new(config),
            sites: sites(config, &entries, &mut counts, &mut places),
            access_log: self.access_log,
            is_watched: self.is_watched,
            why: self.why,
            tracing: self.tracing,
            upstreams: self.upstreams.clone(),
            stores: self.stores.clone(),
            remotes: self.remotes.clone(),
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
