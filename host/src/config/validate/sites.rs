//! Sites: their hosts, their listeners, their names.

use std::collections::{HashMap, HashSet};

use super::Check;
use super::chains::Chains;
use super::upstreams::{Upstreams, is_host};
use crate::config::fault::{quoted, suggestion};
use crate::config::file::{self, File};
use crate::config::{Host, Listener, Located, Place, Site};
use crate::paths::Rules;

/// What to write where there is none.
const EXAMPLE: &str = "write `sites: [{ routes: [{ path: /*, upstream: app }] }]`";

impl Check {
    pub(super) fn sites<'a>(
        &mut self,
        file: &'a File,
        listeners: &[Listener],
        chains: &mut Chains<'a>,
        upstreams: &mut Upstreams,
    ) -> Vec<Site> {
        let Some(written) = &file.sites else {
            self.missing(file.place, "the key `sites` is missing here", EXAMPLE);
            return Vec::new();
        };
        if written.is_empty() {
            self.missing(file.place, "there is no site", EXAMPLE);
        }
        let by_name: HashMap<&str, usize> =
            file.listeners.names().map(|name| (name, index(listeners, name).unwrap_or(usize::MAX))).collect();
        let mut names = HashMap::new();
        written
            .iter()
            .map(|site| {
                let hosts = self.hosts(site);
                let on = site.listeners.as_ref().map(|names| self.listeners_of(&names.0, &by_name));
                let name = self.site_name(site, &hosts, &mut names);
                let chain = chains.list(self, site.chain.as_deref().unwrap_or_default(), &(name.clone(), None));
                let paths = site.paths.as_ref();
                let paths = Rules {
                    encoded_slash: paths.and_then(|paths| paths.encoded_slash).unwrap_or_default(),
                    merge_slashes: paths.and_then(|paths| paths.merge_slashes).unwrap_or(true),
                };
                let routes = self.routes(site, &name, &chain, paths, file.defaults.as_ref(), chains, upstreams);
                Site { name, hosts, listeners: on, paths, chain, routes, place: site.place }
            })
            .collect()
    }

    fn hosts(&mut self, site: &file::Site) -> Vec<Host> {
        let Some(written) = &site.host else { return vec![Host::Any] };
        let mut seen = HashSet::new();
        written.0.iter().filter_map(|host| self.host(host)).filter(|host| seen.insert(host.clone())).collect()
    }

    fn host(&mut self, written: &Located<String>) -> Option<Host> {
        let text = written.value.to_ascii_lowercase();
        let text = text.strip_suffix('.').unwrap_or(&text);
        if text == "*" {
            return Some(Host::Any);
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let host = match text.strip_prefix("*.") {
            Some(rest) => Host::Wildcard(rest.to_owned()),
            None => Host::Exact(bare.to_owned()),
        };
        let (Host::Exact(name) | Host::Wildcard(name)) = &host else { return Some(host) };
        if is_host(name) {
            return Some(host);
        }
        let help = if text.contains("://") || text.contains('/') {
            "write the name alone, without scheme and path"
        } else if text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
            "write the name without a port: sites are found by name, `listeners:` says on which ports"
        } else if text.contains('*') {
            "a `*` stands alone before the first dot, for one label: *.example.com"
        } else if !text.is_ascii() {
            "write the name in its ASCII form (xn--...)"
        } else {
            "write a name as in api.example.com, an address, or *.example.com"
        };
        self.fault(written.place, format!("{} is not a host name", quoted(&written.value))).help = Some(help.into());
        None
    }

    fn listeners_of(&mut self, names: &[Located<String>], known: &HashMap<&str, usize>) -> Vec<usize> {
        let mut found = Vec::new();
        for name in names {
            match known.get(name.as_str()) {
                Some(index) => found.push(*index),
                None => {
                    let mut listeners: Vec<&str> = known.keys().copied().collect();
                    listeners.sort_unstable();
                    let help = suggestion(&name.value, "listeners", listeners);
                    self.fault(name.place, format!("there is no listener {}", quoted(&name.value))).help = Some(help);
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn site_name(&mut self, site: &file::Site, hosts: &[Host], names: &mut HashMap<String, Place>) -> String {
        let written = site.name.as_ref();
        let mut name = written.map_or_else(
            || hosts.first().map_or_else(|| "?".to_owned(), ToString::to_string),
            |name| name.value.clone(),
        );
        let place = written.map_or(site.place, |name| name.place);
        if written.is_none() {
            if let Some(listeners) = site.listeners.as_ref().filter(|_| names.contains_key(&name)) {
                let on: Vec<&str> = listeners.0.iter().map(Located::as_str).collect();
                name = format!("{name}@{}", on.join("+"));
            }
            // Two sites for the same host are told apart by what they are bound to, or are a tie.
            while names.contains_key(&name) {
                name.push('\'');
            }
        } else if let Some(first) = names.get(&name) {
            let fault = self.fault(place, format!("there is a site {} already", quoted(&name)));
            fault.also = Some((*first, "here before".into()));
            fault.help = Some("give it another name".into());
        }
        names.insert(name.clone(), place);
        name
    }
}

fn index(listeners: &[Listener], name: &str) -> Option<usize> {
    listeners.iter().position(|listener| listener.name == name)
}
