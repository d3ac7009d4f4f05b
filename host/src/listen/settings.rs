//! What the new connections of a listener use. A reload makes new ones; what did not change in them is taken over.

use std::sync::Arc;

use super::tls::Tls;
use crate::config::{Fault, Listener, ListenerLimits, Network};

/// One listener's settings, verified; immutable and shared by all workers.
#[derive(Debug)]
pub struct Settings {
    /// The listener's.
    pub name: Arc<str>,
    pub(super) tls: Option<Tls>,
    pub(super) redirect: Option<u16>,
    pub(super) trusted_proxies: Arc<[Network]>,
    pub(super) limits: ListenerLimits,
}

impl Settings {
    /// Reads the files that the configuration names. If neither it nor they changed, TLS sessions of before go on.
    pub fn load(listener: &Listener, before: Option<&Self>) -> Result<Self, Vec<Fault>> {
        let kept = before.and_then(|settings| settings.tls.as_ref());
        let tls = listener.tls.as_ref().map(|tls| Tls::load(tls, kept)).transpose()?;
        Ok(Self {
            name: listener.name.as_str().into(),
            tls,
            redirect: listener.redirect,
            trusted_proxies: listener.trusted_proxies.as_slice().into(),
            limits: listener.limits,
        })
    }
}
