//! From what was written to what it means. Every fault is collected; none stops the search.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use serde_saphyr::Spanned;

use super::fault::suggestion;
use super::{
    ComponentSource, Config, Entry, Fault, Limits, Listener, OnFailure, PathPattern, Place, Route, Source, Upstream,
    file,
};

/// A chain keeps what became of each entry in one word of bits.
pub(crate) const MOST_ENTRIES: usize = 128;

/// Live filter instances; half of what the engine has room for, because a reload needs new ones beside the old.
pub(crate) const MOST_INSTANCES: u32 = 1024;

/// wasmtime reserves address space for this much memory per instance.
pub(crate) const MOST_MEMORY: usize = 1 << 30;

pub(super) fn validate(file: file::File, source: &Arc<Source>) -> Result<Config, Vec<Fault>> {
    let mut check = Check { text: &source.text, faults: Vec::new() };
    if file.version.value != 1 {
        check.fault(&file.version, format!("version {} is not known to this weir", file.version.value)).help =
            Some("write `version: 1`".into());
    }
    let listeners = check.listeners(file.listeners);
    let upstreams = check.upstreams(&file.upstreams);
    for plugin in file.plugins.values() {
        check.limits(&plugin.limits);
    }
    let (chain, routes) = check.site(file.sites, &file.plugins, &upstreams, source);
    let workers = match file.workers {
        Some(workers) if !(1..=1024).contains(&workers.value) => {
            check.fault(&workers, "`workers` is from 1 to 1024");
            1
        }
        Some(workers) => workers.value,
        None => std::thread::available_parallelism().map_or(1, Into::into),
    };
    if let Some(first) = chain.first().filter(|_| workers * chain.len() > MOST_INSTANCES as usize) {
        let message = format!("{} filters on {workers} workers need {} instances", chain.len(), workers * chain.len());
        check.faults.push(
            Fault::new(first.place, message)
                .help(format!("there is room for {MOST_INSTANCES}; write fewer `workers:`")),
        );
    }
    if !check.faults.is_empty() {
        return Err(check.faults);
    }
    Ok(Config { source: Arc::clone(source), workers, access_log: file.access_log, listeners, upstreams, chain, routes })
}

struct Check<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn place<T>(&self, spanned: &Spanned<T>) -> Place {
        file::place(spanned.referenced, self.text)
    }

    fn fault<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) -> &mut Fault {
        let place = self.place(at);
        self.faults.push(Fault::new(place, message));
        self.faults.last_mut().expect("one was pushed")
    }

    fn listeners(&mut self, listeners: Spanned<BTreeMap<String, file::Listener>>) -> Vec<Listener> {
        if listeners.value.is_empty() {
            self.fault(&listeners, "there is no listener").help =
                Some("write `listeners: { public: { address: 127.0.0.1:8080 } }`".into());
        }
        let mut valid = Vec::new();
        for (name, listener) in listeners.value {
            match listener.address.value.parse::<SocketAddr>() {
                Ok(address) => valid.push(Listener {
                    name,
                    address,
                    place: self.place(&listener.address),
                    tls: None,
                    redirect: None,
                    trusted_proxies: Vec::new(),
                    limits: super::ListenerLimits::default(),
                }),
                Err(_) => {
                    let message = format!("`{}` is not an address to listen on", listener.address.value);
                    self.fault(&listener.address, message).help =
                        Some("write an IP address and a port, as in 127.0.0.1:8080, 0.0.0.0:80 or [::]:80".into());
                }
            }
        }
        valid
    }

    fn upstreams(&mut self, upstreams: &BTreeMap<String, file::Upstream>) -> Vec<Upstream> {
        let mut valid = Vec::new();
        for (name, upstream) in upstreams {
            let [endpoint] = upstream.endpoints.value.as_slice() else {
                self.fault(
                    &upstream.endpoints,
                    format!(
                        "upstream `{name}` has {} endpoints; this weir takes exactly one",
                        upstream.endpoints.value.len()
                    ),
                );
                continue;
            };
            match Self::endpoint(&endpoint.value) {
                Ok((host, port)) => valid.push(Upstream {
                    name: name.clone(),
                    endpoints: vec![super::Endpoint { scheme: super::Scheme::Http, host, port, weight: 1 }],
                    balance: super::Balance::default(),
                    tls: super::UpstreamTls::default(),
                }),
                Err(why) => {
                    self.fault(endpoint, format!("`{}` {why}", endpoint.value)).help =
                        Some("write scheme, host and port, as in http://127.0.0.1:9000".into());
                }
            }
        }
        valid
    }

    fn endpoint(url: &str) -> Result<(String, u16), &'static str> {
        let rest = url.strip_prefix("http://").ok_or("is not an http:// URL")?;
        let authority: http::uri::Authority =
            rest.trim_end_matches('/').parse().map_err(|_| "is not a URL of a host")?;
        if authority.as_str().contains('@') {
            return Err("has user information, which is not sent");
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok((host, authority.port_u16().unwrap_or(80)))
    }

    fn site(
        &mut self,
        sites: Spanned<Vec<file::Site>>,
        plugins: &BTreeMap<String, file::Plugin>,
        upstreams: &[Upstream],
        source: &Source,
    ) -> (Vec<Entry>, Vec<Route>) {
        let place = self.place(&sites);
        let Ok([site]) = <[file::Site; 1]>::try_from(sites.value) else {
            self.faults.push(Fault::new(place, "this weir serves exactly one site"));
            return (Vec::new(), Vec::new());
        };
        let chain = self.chain(site.chain, plugins, source.path.parent().unwrap_or(Path::new("")));
        let mut seen = HashSet::new();
        let routes =
            site.routes.value.into_iter().filter_map(|route| self.route(&route, upstreams, &mut seen)).collect();
        (chain, routes)
    }

    fn route(&mut self, route: &file::Route, upstreams: &[Upstream], seen: &mut HashSet<PathPattern>) -> Option<Route> {
        let upstream = upstreams.iter().position(|known| known.name == route.upstream.value);
        if upstream.is_none() {
            let help =
                suggestion(&route.upstream.value, "upstreams", upstreams.iter().map(|upstream| upstream.name.as_str()));
            self.fault(&route.upstream, format!("there is no upstream `{}`", route.upstream.value)).help = Some(help);
        }
        let path = match pattern(&route.path.value) {
            Ok(path) => path,
            Err(why) => {
                self.fault(&route.path, format!("`{}` {why}", route.path.value)).help =
                    Some("write /exact or /prefix/*".into());
                return None;
            }
        };
        if !seen.insert(path.clone()) {
            self.fault(&route.path, format!("there is a route `{}` already", route.path.value));
        }
        Some(Route { path, upstream: upstream? })
    }

    fn chain(
        &mut self,
        entries: Vec<Spanned<file::Entry>>,
        plugins: &BTreeMap<String, file::Plugin>,
        folder: &Path,
    ) -> Vec<Entry> {
        let mut names = HashSet::new();
        let mut chain = Vec::new();
        for (index, spanned) in entries.into_iter().enumerate() {
            let place = self.place(&spanned);
            if index == MOST_ENTRIES {
                self.faults.push(Fault::new(place, format!("a chain has at most {MOST_ENTRIES} entries")));
            }
            let entry = spanned.value;
            let name = entry.name.unwrap_or_else(|| entry.plugin.clone());
            if !names.insert(name.clone()) {
                self.faults.push(
                    Fault::new(place, format!("there is an entry `{name}` already"))
                        .help("give one of them a `name:` of its own"),
                );
            }
            let declared = plugins.get(&entry.plugin);
            let component = match declared.and_then(|plugin| plugin.file.as_ref()) {
                Some(file) => ComponentSource::File(folder.join(&file.value), self.place(file)),
                None if weir_bundle::find(&entry.plugin).is_some() => ComponentSource::Bundled(entry.plugin),
                None => {
                    let bundled = weir_bundle::PLUGINS.iter().map(|(name, _)| *name);
                    let help = suggestion(&entry.plugin, "plugins", bundled.chain(plugins.keys().map(String::as_str)));
                    let fault = Fault::new(place, format!("there is no plugin `{}`", entry.plugin));
                    self.faults.push(
                        fault.help(format!("{help} One of your own is declared under `plugins:` with its `file:`")),
                    );
                    continue;
                }
            };
            let limits = declared.map_or_else(Limits::default, |plugin| limits(&plugin.limits));
            let config_place = entry.config.as_ref().map_or(place, |config| self.place(config));
            let config = entry.config.map_or_else(|| "{}".to_owned(), |config| config.value.to_string());
            let on_failure = entry.on_failure.unwrap_or(OnFailure::Closed);
            chain.push(Entry { name, component, config, on_failure, limits, place, config_place });
        }
        chain
    }

    fn limits(&mut self, limits: &file::Limits) {
        if let Some(memory) =
            limits.memory.as_ref().filter(|memory| !(64 << 10..=MOST_MEMORY).contains(&memory.value.0))
        {
            self.fault(memory, "a plugin's memory is from 64KiB to 1GiB");
        }
        if let Some(cpu) = limits.cpu.as_ref().filter(|cpu| !(1..=60_000).contains(&cpu.value.0.as_millis())) {
            self.fault(cpu, "a hook's CPU time is from 1ms to 60s");
        }
    }
}

fn limits(limits: &file::Limits) -> Limits {
    let default = Limits::default();
    Limits {
        cpu: limits.cpu.as_ref().map_or(default.cpu, |cpu| cpu.value.0),
        memory: limits.memory.as_ref().map_or(default.memory, |memory| memory.value.0),
    }
}

fn pattern(path: &str) -> Result<PathPattern, &'static str> {
    let sound = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
    let (fixed, is_prefix) = path.strip_suffix("/*").map_or((path, false), |fixed| (fixed, true));
    match () {
        () if !path.starts_with('/') => Err("does not begin with a slash"),
        () if !sound => Err("has a character that a path cannot have; percent-encode it"),
        () if fixed.contains('*') => Err("has a * that is not a whole last segment"),
        () if is_prefix => Ok(PathPattern::Prefix(fixed.to_owned())),
        () => Ok(PathPattern::Exact(path.to_owned())),
    }
}
