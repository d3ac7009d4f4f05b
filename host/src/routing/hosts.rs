//! From a listener and a host to a site.

use std::borrow::Cow;

use rustc_hash::FxHashMap;

use crate::config::{Config, Host};

/// The sites of every listener; those that are bound to it are asked first.
#[derive(Debug)]
pub(super) struct Hosts {
    listeners: Vec<[Names; 2]>,
}

#[derive(Debug, Default)]
struct Names {
    exact: FxHashMap<Box<str>, u32>,
    wildcard: FxHashMap<Box<str>, u32>,
    any: Option<u32>,
}

impl Hosts {
    pub(super) fn new(config: &Config) -> Self {
        let mut listeners: Vec<[Names; 2]> = config.listeners.iter().map(|_| Default::default()).collect();
        for (index, site) in config.sites.iter().enumerate() {
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            for (position, [bound, unbound]) in listeners.iter_mut().enumerate() {
                match &site.listeners {
                    Some(these) if these.contains(&position) => bound.add(&site.hosts, index),
                    Some(_) => {}
                    None => unbound.add(&site.hosts, index),
                }
            }
        }
        Self { listeners }
    }

    pub(super) fn find(&self, listener: usize, host: &str) -> Option<usize> {
        let host = bare(host);
        let names = self.listeners.get(listener)?;
        names.iter().find_map(|names| names.find(&host)).map(|site| site as usize)
    }
}

impl Names {
    fn add(&mut self, hosts: &[Host], site: u32) {
        for host in hosts {
            match host {
                Host::Exact(name) => drop(self.exact.insert(name.as_str().into(), site)),
                Host::Wildcard(name) => drop(self.wildcard.insert(name.as_str().into(), site)),
                Host::Any => self.any = Some(site),
            }
        }
    }

    fn find(&self, host: &str) -> Option<u32> {
        let exact = || self.exact.get(host).copied();
        let wildcard = || {
            let (label, rest) = host.split_once('.')?;
            self.wildcard.get(rest).copied().filter(|_| !label.is_empty())
        };
        // Many have no hosts at all, and a look into an empty map costs a hash all the same.
        (!self.exact.is_empty())
            .then(exact)
            .flatten()
            .or_else(|| (!self.wildcard.is_empty()).then(wildcard).flatten())
            .or(self.any)
    }
}

/// The name alone: without port, brackets and final dot, in lower case.
pub fn bare(host: &str) -> Cow<'_, str> {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(name.to_ascii_lowercase());
    }
    Cow::Borrowed(name)
}
