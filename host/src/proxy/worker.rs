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
use super::story::Teller;
use crate::config::Network;
use crate::plugin::{ExchangeId, Peer};
use crate::snapshot::Local;
use crate::telemetry::access::WorkerLog;
use crate::telemetry::ring::Ring;
use crate::telemetry::traces::{Sink, Tracer};

/// What the exchanges of one worker share.
#[derive(Debug)]
pub struct Worker {
    local: RefCell<Rc<Local>>,
    pub(super) log: Rc<WorkerLog>,
    teller: Rc<Teller>,
    pub(super) tracer: Tracer,
    /// Where traced exchanges go.
    pub(super) sink: Sink,
    id: Cell<u128>,
}

impl Worker {
    /// A worker that begins with this snapshot, and keeps the stories of its exchanges there.
    pub fn new(local: Local, log: Rc<WorkerLog>, stories: Arc<Ring>, sink: Sink) -> Self {
        // The random upper half tells workers and restarts apart, the lower half counts.
        let id = u128::from(RandomState::new().hash_one(0)) << 64;
        let teller = Rc::new(Teller::new(stories));
        let (local, tracer) = (RefCell::new(Rc::new(local)), Tracer::default());
        Self { local, log, teller, tracer, sink, id: Cell::new(id) }
    }

    /// What exchanges that begin now use.
    pub fn local(&self) -> Rc<Local> {
        Rc::clone(&self.local.borrow())
    }

    /// What exchanges that begin from now on use.
    pub fn adopt(&self, local: Local) {
        self.local.replace(Rc::new(local));
    }

    /// Who tells of exchanges, if stories are kept.
    pub(super) fn teller(&self, local: &Local) -> Option<Rc<Teller>> {
        local.snapshot.why.map(|_| Rc::clone(&self.teller))
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
    /// Whoever holds it keeps the connection counted as open. Every exchange does.
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

    /// Whether it has no exchange: neither one on its way, nor one of which somebody is still to be told.
    pub fn is_idle(&self) -> bool {
        Rc::strong_count(&self.open) == 1
    }

    /// What the client speaks, as a URL names it.
    pub fn scheme(&self) -> &'static str {
        self.peer.scheme
    }
}
