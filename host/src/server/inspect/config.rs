//! The configuration in force, and the listeners by it.

use super::{InForce, millis};
use crate::admin::{Configuration, Listener, Listeners};
use crate::config::{self, shown};
use crate::server::{Bound, Server};

impl InForce {
    /// Merged, and without what must not be seen.
    pub(in crate::server) fn configuration(&self) -> Configuration {
        let schemas: Vec<_> = self.state.snapshot.entries().iter().map(|entry| entry.about().schema.as_ref()).collect();
        Configuration {
            sources: self.config.sources.iter().map(|source| source.path.display().to_string()).collect(),
            config: shown::whole(&self.config, &schemas),
        }
    }
}

impl Server {
    /// Where clients connect.
    pub(in crate::server) fn listeners(&self) -> Listeners {
        let wanted = |bound: &&Bound| self.state.config.listeners.iter().find(|wanted| wanted.name == bound.name);
        let listeners = self.listeners.iter().filter_map(|bound| Some(bound.view(wanted(&bound)?)));
        Listeners { listeners: listeners.collect() }
    }
}

impl Bound {
    /// As it is.
    fn view(&self, listener: &config::Listener) -> Listener {
        let Self { address, gate, scheme, .. } = self;
        let certificates = listener.tls.iter().flat_map(|tls| &tls.certificates);
        Listener {
            name: listener.name.clone(),
            scheme,
            address: address.to_string(),
            connections: gate.open(),
            most_connections: listener.limits.connections,
            largest_head: listener.limits.header,
            head_ms: millis(listener.limits.head),
            redirect: listener.redirect,
            trusted_proxies: listener.trusted_proxies.iter().map(ToString::to_string).collect(),
            certificates: certificates.map(|pair| pair.cert.value.display().to_string()).collect(),
        }
    }
}
