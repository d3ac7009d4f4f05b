//! Filters in their chains, and plugins.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::versions::Known;
use super::{InForce, millis};
use crate::admin::{Chain, Chains, Filter, FilterLimits, Page, Plugin, Plugins, QuarantineRule};
use crate::config::{self, Component, ComponentSource, Entry, Isolation, Limits, Link, OnFailure, Quarantine, shown};
use crate::plugin;

/// Bytes of chains that are shown at a time, about: what does not fit is in the next part.
const HEAVIEST: usize = 4 << 20;

/// Bytes of a filter without its configuration, about.
const FILTER: usize = 1 << 10;

impl InForce {
    pub(in crate::server) fn chains(&self, site: &str, page: Page) -> Chains {
        let sites = self.config.sites.iter().filter(|known| site.is_empty() || known.name == site);
        let all = sites.flat_map(|site| {
            let own = site.routes.iter().filter(|route| route.chain != site.chain);
            let own = own.map(move |route| (site, Some(&route.name), &route.chain));
            std::iter::once((site, None, &site.chain)).chain(own)
        });
        let mut weight = 0;
        let chains = page.part(all.clone()).map_while(|(site, route, links)| {
            // The first is shown, whatever it weighs.
            let groups = config::groups(links).into_iter();
            let filters: Vec<Filter> =
                links.iter().zip(groups).map(|(link, any_of)| self.filter(link, any_of)).collect();
            let is_first = weight == 0;
            weight += 1 + filters.iter().map(|filter| FILTER + shown::weight(&filter.config)).sum::<usize>();
            let chain = Chain { site: site.name.clone(), route: route.cloned(), filters };
            (is_first || weight <= HEAVIEST).then_some(chain)
        });
        let chains = chains.collect();
        Chains { total: all.count(), offset: page.offset, chains }
    }

    pub(in crate::server) fn plugins(&self, page: Page, mut known: BTreeMap<String, Known>) -> Plugins {
        let mut plugins: BTreeMap<&str, Plugin> = BTreeMap::new();
        for (entry, filter) in self.config.entries.iter().zip(self.snapshot.entries()) {
            let name = &entry.component.plugin;
            plugins.entry(name).or_insert_with(|| {
                let (filters, used_by) = self.uses(name);
                Plugin { filters, used_by, ..plugin(&entry.component, Some(filter), known.remove(name)) }
            });
        }
        for config::Plugin { component, .. } in &self.config.plugins {
            let name = &component.plugin;
            plugins.entry(name).or_insert_with(|| plugin(component, None, known.remove(name)));
        }
        let total = plugins.len();
        Plugins { total, offset: page.offset, plugins: page.part(plugins.into_values()).collect() }
    }

    fn filter(&self, link: &Link, any_of: Option<usize>) -> Filter {
        let entry = &self.config.entries[link.entry];
        let running = &self.snapshot.entries()[link.entry];
        Filter {
            name: entry.name.clone(),
            plugin: entry.component.plugin.clone(),
            version: running.about().version.clone(),
            digest: running.digest(),
            line: self.config.line_of(entry.place),
            changed: entry.changed.map(|place| self.config.line_of(place)),
            except: link.except.iter().map(ToString::to_string).collect(),
            any_of,
            group: link.any_of.as_ref().filter(|_| any_of.is_some()).and_then(|group| group.name.clone()),
            on_failure: on_failure(entry),
            isolation: match entry.isolation {
                Isolation::Pooled => "pooled",
                Isolation::Fresh => "fresh",
            },
            waits: running.waits(),
            vars: entry.grants.vars.clone(),
            limits: limits(&entry.limits),
            quarantine: entry.quarantine.as_ref().map(rule),
            config: shown::of_entry(&entry.config, running.about().schema.as_ref()),
        }
    }
}

/// What becomes of exchanges while it fails.
pub(super) fn on_failure(entry: &Entry) -> &'static str {
    match entry.on_failure {
        OnFailure::Closed => "closed",
        OnFailure::Open => "open",
    }
}

fn plugin(component: &Component, running: Option<&Arc<plugin::Entry>>, known: Option<Known>) -> Plugin {
    let plugin = Plugin {
        name: component.plugin.clone(),
        source: match &component.source {
            ComponentSource::Bundled(_) => "bundled".to_owned(),
            ComponentSource::File(path) => path.display().to_string(),
        },
        version: running.and_then(|running| running.about().version.clone()),
        description: running.and_then(|running| running.about().description.clone()),
        ..Plugin::default()
    };
    let Some(Known { serves, before, refused, probation_ms, configured, failure }) = known else { return plugin };
    let digest = Some(serves.digest.clone());
    Plugin {
        digest,
        serves: Some(serves),
        before,
        refused,
        probation_ms,
        configured: Some(configured),
        failure,
        ..plugin
    }
}

fn limits(limits: &Limits) -> FilterLimits {
    FilterLimits {
        cpu_ms: millis(limits.cpu),
        wait_ms: millis(limits.wait),
        configure_ms: millis(limits.configure),
        compile_ms: millis(limits.compile),
        queue_ms: millis(limits.queue),
        memory_bytes: limits.memory,
        body_bytes: limits.body,
        instances: limits.instances,
        waiting: limits.waiting,
        pins: limits.pins,
        files: limits.files,
        calls: limits.calls,
        series: limits.series,
        recycle_calls: limits.recycle_calls,
        recycle_memory_bytes: limits.recycle_bytes(),
    }
}

fn rule(rule: &Quarantine) -> QuarantineRule {
    QuarantineRule {
        percent: rule.percent,
        calls: rule.calls,
        window_ms: millis(rule.window),
        first_ms: millis(rule.first),
        longest_ms: millis(rule.longest),
    }
}
