//! The servers behind the proxy: choosing one, connections to them, and sending a request over one.
//!
//! Knows nothing of routes, filters or clients. A worker has its own pool of each upstream, so taking a connection
//! needs no lock; how endpoints fare is shared by all workers, in atomics.

mod attempts;
mod balance;
mod client;
mod connect;
mod deadlines;
mod dial;
mod endpoint;
mod error;
mod fetch;
mod http1;
mod http2;
mod kept;
mod outbound;
mod pool;
mod request_body;
mod response;
mod stream;
mod tls;
mod trailers;
mod tunnel;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

pub use attempts::{Attempt, Attempts};
pub use deadlines::Wait;
pub use dial::Dial;
pub use endpoint::EndpointState;
pub use error::{Broken, Error};
pub use fetch::Fetch;
pub use outbound::{Added, Host, Outbound};
pub use pool::{Pool, Server};
pub use request_body::RequestBody;
pub use response::ResponseBody;
pub use tunnel::Tunnel;

use crate::config::{self, Fault, Scheme};
use crate::telemetry::metrics::{self, EachWorker};
use endpoint::Endpoint;
use tls::{Tls, TlsPeer};

/// One upstream; shared by all workers.
#[derive(Debug)]
pub struct Upstream {
    config: config::Upstream,
    /// The bytes of the file of authorities, if one is named and used.
    ca: Option<Vec<u8>>,
    endpoints: Vec<Endpoint>,
    /// How many workers have made their part of it.
    pools: AtomicUsize,
}

impl Upstream {
    /// As configured; reads the file of authorities if there is an `https` endpoint. `counts` has what is counted of an
    /// endpoint with this name.
    pub fn new(
        config: &config::Upstream,
        mut counts: impl FnMut(String) -> Arc<EachWorker<metrics::Endpoint>>,
    ) -> Result<Self, Vec<Fault>> {
        let (ca, tls) = if config.endpoints.iter().any(|endpoint| endpoint.scheme == Scheme::Https) {
            let ca = authorities(config).map_err(|fault| vec![fault])?;
            let tls = Tls::new(&config.tls, ca.as_deref()).map_err(|fault| vec![fault])?;
            (ca, Some(tls))
        } else {
            (None, None)
        };
        let (mut endpoints, mut faults) = (Vec::new(), Vec::new());
        for wanted in &config.endpoints {
            let counts = counts(endpoint::name(wanted));
            match endpoint(wanted, config.tls.server_name.as_deref(), tls.as_ref(), counts) {
                Ok(endpoint) => endpoints.push(endpoint),
                Err(why) => faults.push(Fault::nowhere(format!("upstream `{}`: {why}", config.name))),
            }
        }
        if faults.is_empty() {
            Ok(Self { config: config.clone(), ca, endpoints, pools: AtomicUsize::new(0) })
        } else {
            Err(faults)
        }
    }
}

impl Upstream {
    /// Its name in the configuration.
    pub fn name(&self) -> &str {
        &self.config.name
    }

    /// Its endpoints, as they are counted.
    pub fn counted(&self) -> impl Iterator<Item = Counted<'_>> {
        self.endpoints.iter().map(|endpoint| Counted {
            endpoint: endpoint.name.to_string(),
            counts: &endpoint.counts,
            is_avoided: endpoint.is_avoided_at(Instant::now()),
        })
    }

    /// As configured.
    pub fn config(&self) -> &config::Upstream {
        &self.config
    }

    /// How its endpoints are.
    pub fn endpoints(&self) -> impl Iterator<Item = EndpointState> {
        self.endpoints.iter().map(Endpoint::state)
    }

    /// Lets the endpoint of this name (host and port) have no new exchanges, or again. None if there is no such one.
    pub fn drain(&self, endpoint: &str, is_draining: bool) -> Option<EndpointState> {
        let found = self.endpoints.iter().find(|known| *known.name == *endpoint)?;
        found.drain(is_draining);
        Some(found.state())
    }

    /// The same, with what was ordered of the endpoints that were there before.
    #[must_use]
    pub fn taking_over(mut self, before: &Self) -> Self {
        let endpoints = std::mem::take(&mut self.endpoints).into_iter();
        let taken =
            endpoints.map(|endpoint| match before.endpoints.iter().find(|known| known.is_same_server(&endpoint)) {
                Some(known) => endpoint.taking_over(known),
                None => endpoint,
            });
        Self { endpoints: taken.collect(), ..self }
    }
}

/// One endpoint, as it is counted.
#[derive(Debug)]
pub struct Counted<'a> {
    /// Host and port.
    pub endpoint: String,
    /// What was counted.
    pub counts: &'a Arc<EachWorker<metrics::Endpoint>>,
    /// Whether it could not be reached a moment ago.
    pub is_avoided: bool,
}

/// The same servers, reached in the same way; where that stands in the file does not matter.
impl PartialEq for Upstream {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.config, &other.config);
        ours.name == theirs.name
            && ours.endpoints == theirs.endpoints
            && ours.balance == theirs.balance
            && ours.tls.server_name == theirs.tls.server_name
            && self.ca == other.ca
    }
}

fn authorities(config: &config::Upstream) -> Result<Option<Vec<u8>>, Fault> {
    let Some(ca) = &config.tls.ca else { return Ok(None) };
    let read = std::fs::read(&ca.value);
    read.map(Some).map_err(|error| Fault::new(ca.place, format!("cannot read {}: {error}", ca.value.display())))
}

fn endpoint(
    config: &config::Endpoint,
    server_name: Option<&str>,
    tls: Option<&Tls>,
    counts: Arc<EachWorker<metrics::Endpoint>>,
) -> Result<Endpoint, String> {
    let peer = match tls.filter(|_| config.scheme == Scheme::Https) {
        Some(tls) => {
            let name = server_name.unwrap_or(&config.host);
            Some(TlsPeer::new(tls, name).ok_or_else(|| format!("no certificate can be for the name `{name}`"))?)
        }
        None => None,
    };
    Endpoint::new(config, peer, counts).ok_or_else(|| format!("`{}` is not a host", config.host))
}
