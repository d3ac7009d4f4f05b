//! Upstreams with their endpoints as they are, and documents.

use super::{InForce, millis};
use crate::admin::{Document, Documents, Drift, Endpoint, Page, Upstream, Upstreams, WantedEndpoint};
use crate::config::Balance;
use crate::upstream::{self, EndpointState};

impl InForce {
    pub(in crate::server) fn upstreams(&self, page: Page) -> Upstreams {
        let all = self.snapshot.upstreams();
        Upstreams {
            total: all.len(),
            offset: page.offset,
            upstreams: page.part(all.iter()).map(|upstream| view(upstream)).collect(),
        }
    }

    pub(in crate::server) fn upstream(&self, name: &str) -> Result<Upstream, String> {
        self.find(name).map(view)
    }

    /// Lets an endpoint have no new exchanges, or again.
    pub(in crate::server) fn drain_endpoint(&self, wanted: &WantedEndpoint) -> Result<Endpoint, String> {
        let upstream = self.find(&wanted.upstream)?;
        let Some(state) = upstream.drain(&wanted.endpoint, wanted.drain) else {
            let names: Vec<String> = upstream.endpoints().map(|endpoint| endpoint.name).collect();
            return Err(format!("upstream `{}` has no such endpoint; it has: {}", upstream.name(), names.join(", ")));
        };
        let how = if wanted.drain { "gets no new exchanges" } else { "gets exchanges again" };
        tracing::warn!(upstream = upstream.name(), endpoint = state.name, "an endpoint {how}, by order");
        Ok(endpoint(state))
    }

    /// The endpoints that get no new exchanges.
    pub(super) fn drift(&self) -> Vec<Drift> {
        let drained = self.snapshot.upstreams().iter().flat_map(|upstream| {
            let drained = upstream.endpoints().filter(|endpoint| endpoint.is_draining);
            drained.map(|endpoint| (upstream.name().to_owned(), endpoint))
        });
        let drift = drained.map(|(upstream, endpoint)| Drift {
            kind: "endpoint",
            name: format!("{upstream} {}", endpoint.name),
            words: format!("gets no new exchanges, by order; {} are in progress", endpoint.in_progress),
        });
        drift.collect()
    }

    pub(in crate::server) fn documents(&self, page: Page) -> Documents {
        let all = self.config.entries.iter().zip(self.snapshot.entries()).flat_map(|(entry, filter)| {
            filter
                .named_documents()
                .map(|(pointer, document)| (entry, pointer.to_owned(), document))
                .collect::<Vec<_>>()
        });
        let documents = page.part(all.clone()).map(|(entry, pointer, document)| {
            let state = document.state();
            let (site, route) = entry.owner.clone();
            Document {
                site,
                route,
                filter: entry.name.clone(),
                pointer,
                source: state.source,
                interval_ms: millis(state.interval),
                version: state.version,
                bytes: state.copy.map(|(bytes, _)| bytes),
                age_ms: state.copy.map(|(_, age)| millis(age)),
                error: state.error,
            }
        });
        let documents = documents.collect();
        Documents { total: all.count(), offset: page.offset, documents }
    }

    fn find(&self, name: &str) -> Result<&upstream::Upstream, String> {
        let all = self.snapshot.upstreams();
        let found = all.iter().find(|upstream| upstream.name() == name);
        found.map(AsRef::as_ref).ok_or_else(|| "there is no such upstream; GET /upstreams names all".to_owned())
    }
}

fn view(upstream: &upstream::Upstream) -> Upstream {
    Upstream {
        name: upstream.name().to_owned(),
        balance: match upstream.config().balance {
            Balance::RoundRobin => "round-robin",
            Balance::LeastConnections => "least-connections",
            Balance::IpHash => "ip-hash",
        },
        endpoints: upstream.endpoints().map(endpoint).collect(),
    }
}

fn endpoint(state: EndpointState) -> Endpoint {
    Endpoint {
        url: state.config.to_string(),
        weight: state.config.weight,
        name: state.name,
        in_progress: state.in_progress,
        avoided_ms: state.avoided.map(millis),
        draining: state.is_draining,
    }
}
