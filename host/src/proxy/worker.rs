//! What exchanges have in common: those of a worker, and those of a connection.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use http::request;

use super::Listener;
use super::forwarded::{self, Fields};
use crate::config::Network;
use crate::plugin::{ExchangeId, Peer};
use crate::snapshot::Local;
use crate::telemetry::access::WorkerLog;

/// What the exchanges of one worker share.
#[derive(Debug)]
pub struct Worker {
    local: RefCell<Rc<Local>>,
    pub(super) log: Rc<WorkerLog>,
    id: Cell<u128>,
}

impl Worker {
    /// A worker that begins with this snapshot.
    pub fn new(local: Local, log: Rc<WorkerLog>) -> Self {
        // The random upper half tells workers and restarts apart, the lower half counts.
        let id = u128::from(RandomState::new().hash_one(0)) << 64;
        Self { local: RefCell::new(Rc::new(local)), log, id: Cell::new(id) }
    }

    /// What exchanges that begin now use.
    pub fn local(&self) -> Rc<Local> {
        Rc::clone(&self.local.borrow())
    }

    /// What exchanges that begin from now on use.
    pub fn adopt(&self, local: Local) {
        self.local.replace(Rc::new(local));
    }

    pub(super) fn next_id(&self) -> ExchangeId {
        self.id.set(self.id.get() + 1);
        ExchangeId(self.id.get())
    }
}

/// What is known of the connection that requests come on.
#[derive(Debug)]
pub struct Connection {
    /// Where it was accepted.
    pub(super) listener: Rc<Listener>,
    /// Who connected, and how.
    pub peer: Arc<Peer>,
    /// Every request is redirected to https at this port.
    pub redirect: Option<u16>,
    /// Peers whose word about the client counts.
    trusted: Arc<[Network]>,
    /// What upstreams are told about the client.
    pub(super) fields: Fields,
    /// Whoever holds it keeps the connection counted as open.
    pub(super) open: Rc<dyn Debug>,
}

impl Connection {
    /// A connection that was just accepted; `open` counts it.
    pub fn new(
        listener: Rc<Listener>,
        peer: Peer,
        redirect: Option<u16>,
        trusted: &Arc<[Network]>,
        open: Rc<dyn Debug>,
    ) -> Self {
        let fields = Fields::new(peer.address, peer.scheme);
        Self { listener, peer: Arc::new(peer), redirect, trusted: Arc::clone(trusted), fields, open }
    }

    /// Who the client is. What a peer that is not trusted says about it is removed.
    pub(super) fn client(&self, head: &mut request::Parts, has_claims: bool) -> IpAddr {
        forwarded::accept(&mut head.headers, self.peer.address, &self.trusted, has_claims)
    }

    /// What the client speaks, as a URL names it.
    pub fn scheme(&self) -> &'static str {
        self.peer.scheme
    }
}
