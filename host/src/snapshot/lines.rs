//! Where sites, routes and filters stand in the configuration that a snapshot was built from: an entry that a reload
//! took over may stand elsewhere than before.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{self, Config, Lines, Place};
use crate::plugin::Entry;
use crate::telemetry::story::{Line, Link, Served};

/// Resolves places. Chains of the same entries are one in memory: thousands of routes may run their site's.
pub(super) struct Places {
    lines: Lines,
    entries: Vec<Link>,
    chains: HashMap<Vec<usize>, Arc<[Link]>>,
}

impl Places {
    pub(super) fn new(config: &Config, entries: &[Arc<Entry>]) -> Self {
        let lines = config.lines();
        let link = |(written, entry): (&config::Entry, &Arc<Entry>)| Link {
            name: entry.name.as_str().into(),
            line: line(&lines, written.place),
            changed: written.changed.map(|place| line(&lines, place)),
            is_open: entry.is_open(),
            any_of: None,
        };
        let entries = config.entries.iter().zip(entries).map(link).collect();
        Self { lines, entries, chains: HashMap::new() }
    }

    /// What serves requests that no route takes.
    pub(super) fn of_site(&mut self, site: &config::Site) -> Arc<Served> {
        let chain = self.chain(&site.chain);
        Arc::new(Served { site: line(&self.lines, site.place), route: None, chain })
    }

    pub(super) fn of_route(&mut self, site: &config::Site, route: &config::Route) -> Arc<Served> {
        let chain = self.chain(&route.chain);
        let at = line(&self.lines, route.place);
        Arc::new(Served { site: line(&self.lines, site.place), route: Some(at), chain })
    }

    fn chain(&mut self, chain: &[config::Link]) -> Arc<[Link]> {
        let entries: Vec<usize> = chain.iter().map(|link| link.entry).collect();
        let known = &self.entries;
        let made = self.chains.entry(entries).or_insert_with_key(|entries| {
            let groups = config::groups(chain).into_iter();
            entries.iter().zip(groups).map(|(entry, any_of)| Link { any_of, ..known[*entry].clone() }).collect()
        });
        Arc::clone(made)
    }
}

fn line(lines: &Lines, place: Place) -> Line {
    let (file, number) = lines.line(place);
    Line { file, number }
}
