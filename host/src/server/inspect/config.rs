//! The configuration in force, and the listeners by it.

use super::{InForce, millis};
use crate::admin::{Configuration, Listener};
use crate::config::{self, shown};
use crate::server::Server;
use crate::server::listeners::Bound;

impl InForce {
    /// Merged, and without what must not be seen.
    pub(in crate::server) fn configuration(&self) -> Configuration {
        let schemas: Vec<_> = self.snapshot.entries().iter().map(|entry| entry.about().schema.as_ref()).collect();
        Configuration {
            sources: self.config.sources.iter().map(|source| source.path.display().to_string()).collect(),
            config: shown::whole(&self.config, &schemas),
        }
    }
}

impl Server {
    /// The listeners as they are.
    pub(in crate::server) fn listener_views(&self) -> Vec<Listener> {
        let config = &self.state.config.listeners;
        let written = |bound: &Bound| config.iter().find(|listener| listener.name == bound.name);
        self.listeners.iter().filter_map(|bound| Some(bound.view(written(bound)?))).collect()
    }
}

impl Bound {
    fn view(&self, listener: &config::Listener) -> Listener {
        let certificates = listener.tls.iter().flat_map(|tls| &tls.certificates);
        Listener {
            name: self.name.clone(),
            scheme: self.scheme,
            address: self.address.to_string(),
            connections: self.connections(),
            most_connections: listener.limits.connections,
            largest_head: listener.limits.header,
            head_ms: millis(listener.limits.head),
            redirect: listener.redirect,
            trusted_proxies: listener.trusted_proxies.iter().map(ToString::to_string).collect(),
            certificates: certificates.map(|pair| pair.cert.value.display().to_string()).collect(),
        }
    }
}
