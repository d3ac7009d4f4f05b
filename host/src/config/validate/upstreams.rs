//! Where requests go, by name or inline.

use std::collections::HashMap;

use super::Check;
use crate::config::fault::{quoted, suggestion};
use crate::config::file;
use crate::config::read::Named;
use crate::config::{Endpoint, Located, Scheme, Upstream, UpstreamTls};

/// What a route says that leads to none.
pub(super) const NO_UPSTREAM: &str = "none";

/// All upstreams, and how routes find them.
pub(super) struct Upstreams {
    pub(super) all: Vec<Upstream>,
    /// None for one that is faulty: what refers to it is not.
    by_name: HashMap<String, Option<usize>>,
}

impl Upstreams {
    pub(super) fn new(check: &mut Check, named: &Named<file::Upstream>) -> Self {
        let mut upstreams = Self { all: Vec::new(), by_name: HashMap::new() };
        for (name, upstream) in &named.0 {
            if name.value == NO_UPSTREAM {
                check.fault(name.place, "no upstream can be called `none`: a route says so that leads to none").help =
                    Some("give it another name".into());
            }
            let sound = upstream.as_ref().and_then(|upstream| check.upstream(name, upstream));
            let index = sound.map(|upstream| upstreams.push(upstream));
            upstreams.by_name.insert(name.value.clone(), index);
        }
        upstreams
    }

    fn push(&mut self, upstream: Upstream) -> usize {
        self.all.push(upstream);
        self.all.len() - 1
    }

    /// The upstream that a route names.
    pub(super) fn find(&mut self, check: &mut Check, wanted: &Located<String>) -> Option<usize> {
        if let Some(known) = self.by_name.get(&wanted.value) {
            return *known;
        }
        let index = if wanted.value.contains("://") {
            check.endpoint(wanted, 1).map(|endpoint| {
                self.push(Upstream {
                    name: wanted.value.clone(),
                    endpoints: vec![endpoint],
                    balance: crate::config::Balance::default(),
                    tls: UpstreamTls::default(),
                })
            })
        } else {
            let mut names: Vec<&str> =
                self.by_name.keys().map(String::as_str).filter(|name| !name.contains("://")).collect();
            names.sort_unstable();
            let help = if authority(&wanted.value).is_ok_and(|(_, port)| port.is_some()) {
                format!("write `http://{}`, or a name under `upstreams:`", wanted.value)
            } else if names.is_empty() {
                "declare it under `upstreams:`, or write a URL as in http://127.0.0.1:9000".to_owned()
            } else {
                suggestion(&wanted.value, "upstreams", names)
            };
            check.fault(wanted.place, format!("there is no upstream {}", quoted(&wanted.value))).help = Some(help);
            return None;
        };
        self.by_name.insert(wanted.value.clone(), index);
        index
    }
}

impl Check {
    fn upstream(&mut self, name: &Located<String>, upstream: &file::Upstream) -> Option<Upstream> {
        if upstream.endpoints.value.is_empty() {
            let message = format!("upstream `{}` has no endpoint", name.value);
            self.missing(upstream.endpoints.place, message, "write `endpoints: [http://127.0.0.1:9000]`");
        }
        let endpoints = &upstream.endpoints.value;
        let mut sound: Vec<Endpoint> = Vec::new();
        for endpoint in endpoints {
            let Some(endpoint) =
                self.endpoint(&endpoint.value.url, endpoint.value.weight).map(|sound| (sound, endpoint.place))
            else {
                continue;
            };
            let (endpoint, place) = endpoint;
            if sound.iter().any(|known| known.host == endpoint.host && known.port == endpoint.port) {
                self.fault(place, "this endpoint stands here twice").help = Some("write one, with a `weight`".into());
                continue;
            }
            sound.push(endpoint);
        }
        let tls = upstream.tls.as_ref();
        if let Some(tls) =
            tls.filter(|_| !sound.is_empty() && sound.iter().all(|endpoint| endpoint.scheme != Scheme::Https))
        {
            self.fault(tls.place, "no endpoint here is https, so `tls` does nothing").help =
                Some("write https:// endpoints, or remove `tls`".into());
        }
        let mut server_name = tls.and_then(|tls| tls.server_name.as_ref());
        if let Some(name) = server_name.filter(|name| !is_host(&name.value)) {
            self.fault(name.place, format!("{} is not a host name", quoted(&name.value))).help =
                Some("write the name that the certificate has, as in app.example.com".into());
            server_name = None;
        }
        let tls = UpstreamTls {
            ca: tls.and_then(|tls| tls.ca.as_ref()).map(|ca| Located { value: self.path(ca), place: ca.place }),
            server_name: server_name.map(|name| name.value.clone()).filter(|name| is_host(name)),
        };
        let balance = upstream.balance.unwrap_or_default();
        (!sound.is_empty()).then(|| Upstream { name: name.value.clone(), endpoints: sound, balance, tls })
    }

    fn endpoint(&mut self, url: &Located<String>, weight: u64) -> Option<Endpoint> {
        match endpoint(&url.value) {
            Ok((scheme, host, port)) => {
                Some(Endpoint { scheme, host, port, weight: u32::try_from(weight).unwrap_or(1) })
            }
            Err(why) => {
                self.fault(url.place, format!("{} {why}", quoted(&url.value))).help =
                    Some("write scheme, host and port, as in http://127.0.0.1:9000".into());
                None
            }
        }
    }
}

fn endpoint(url: &str) -> Result<(Scheme, String, u16), &'static str> {
    let schemes = [("http://", Scheme::Http, 80), ("h2c://", Scheme::H2c, 80), ("https://", Scheme::Https, 443)];
    let known = schemes.iter().find_map(|(prefix, scheme, port)| Some((url.strip_prefix(prefix)?, *scheme, *port)));
    let (rest, scheme, port) = known.ok_or("is not an http://, https:// or h2c:// URL")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('/') {
        return Err("has a path, which an endpoint cannot have: paths come from the requests");
    }
    let (host, written) = authority(rest)?;
    Ok((scheme, host, written.unwrap_or(port)))
}

/// A host without brackets, and its port if there is one.
pub(super) fn authority(text: &str) -> Result<(String, Option<u16>), &'static str> {
    if text.contains('@') {
        return Err("has user information, which is not sent");
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let port = port.map(|port| port.parse().ok().filter(|port| *port != 0).ok_or("has no port from 1 to 65535"));
    let port = port.transpose()?;
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_sound = match bare {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.contains(':') && is_host(host.strip_suffix('.').unwrap_or(host)),
    };
    if is_sound { Ok((bare.unwrap_or(host).to_owned(), port)) } else { Err("names no host") }
}

/// A name of labels, or an address.
pub(super) fn is_host(name: &str) -> bool {
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    name.len() <= 253 && name.split('.').all(label) || name.parse::<std::net::Ipv6Addr>().is_ok()
}
