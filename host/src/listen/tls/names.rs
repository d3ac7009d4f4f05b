//! Which certificate a client gets, by the host that it names.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::Pair;
use crate::config::Fault;

/// Certificates by name: an exact one wins, then a wildcard for one label, else the first certificate.
#[derive(Debug)]
pub(super) struct Names {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
}

impl Names {
    /// No name may stand in two certificates: which one a client gets would be chance.
    pub(super) fn new(pairs: Vec<Pair>) -> Result<Self, Vec<Fault>> {
        let first = pairs.first().map(|pair| Arc::clone(&pair.key));
        let mut by_name = HashMap::new();
        let mut faults = Vec::new();
        for pair in pairs {
            for name in pair.names {
                match by_name.entry(name) {
                    Entry::Vacant(place) => {
                        place.insert(Arc::clone(&pair.key));
                    }
                    // A certificate may repeat a name.
                    Entry::Occupied(taken) if Arc::ptr_eq(taken.get(), &pair.key) => {}
                    Entry::Occupied(taken) => faults.push(
                        Fault::new(pair.place, format!("another certificate is for `{}` already", taken.key()))
                            .help("a listener has one certificate for a name; take one of them out"),
                    ),
                }
            }
        }
        if faults.is_empty() { Ok(Self { by_name, first }) } else { Err(faults) }
    }

    fn find(&self, host: &str) -> Option<&Arc<CertifiedKey>> {
        let wildcard = || host.split_once('.').map(|(_, parent)| format!("*.{parent}"));
        self.by_name.get(host).or_else(|| self.by_name.get(&wildcard()?)).or(self.first.as_ref())
    }
}

impl ResolvesServerCert for Names {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let host = hello.server_name().unwrap_or_default().to_ascii_lowercase();
        self.find(&host).cloned()
    }
}
