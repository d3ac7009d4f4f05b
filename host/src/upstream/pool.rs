//! One worker's part of an upstream: its connections and its turns.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Upstream;
use super::balance::Balancer;
use super::endpoint::Endpoint;
use super::kept::Kept;
use crate::clock::Slices;

/// Connections to every endpoint.
#[derive(Debug)]
pub struct Pool {
    pub(super) upstream: Arc<Upstream>,
    pub(super) balancer: Balancer,
    /// By the endpoint's place.
    pub(super) kept: Vec<Kept>,
}

impl Pool {
    /// An empty pool.
    pub fn new(upstream: &Arc<Upstream>) -> Rc<Self> {
        let start = upstream.pools.fetch_add(1, Ordering::Relaxed);
        Rc::new(Self {
            upstream: Arc::clone(upstream),
            balancer: Balancer::new(upstream.config.balance, &upstream.endpoints, start),
            kept: upstream.endpoints.iter().map(|_| Kept::default()).collect(),
        })
    }

    /// Which upstream it holds connections to.
    pub fn upstream_ptr(&self) -> *const Upstream {
        Arc::as_ptr(&self.upstream)
    }

    /// The upstream's name.
    pub fn name(&self) -> &str {
        &self.upstream.config.name
    }

    /// Host and port of one of its endpoints.
    pub(super) fn endpoint_name(&self, index: usize) -> &Arc<str> {
        &self.upstream.endpoints[index].name
    }

    /// Closes its idle connections in slices.
    pub async fn close(self, slices: &mut Slices) {
        while self.kept.iter().any(Kept::close_one) {
            slices.pause().await;
        }
    }

    /// Closes connections that have been idle for too long, that a server has closed, or that go to a server that gets no
    /// new exchanges.
    pub fn sweep(&self) {
        for (kept, endpoint) in self.kept.iter().zip(&self.upstream.endpoints) {
            if endpoint.is_draining() { kept.clear() } else { kept.sweep() }
        }
    }
}

/// The server that answered an exchange, for whoever tells of it.
#[derive(Debug)]
pub struct Server {
    pool: Rc<Pool>,
    index: usize,
}

impl Server {
    /// As `Host` names it.
    pub fn authority(&self) -> &str {
        self.pool.upstream.endpoints[self.index].authority.to_str().unwrap_or_default()
    }
}

/// An exchange's place at an endpoint: counted until it is over, however it ends.
#[derive(Debug)]
pub(super) struct Place {
    pool: Rc<Pool>,
    index: usize,
}

impl Place {
    pub(super) fn take(pool: &Rc<Pool>, index: usize) -> Self {
        pool.upstream.endpoints[index].begin();
        Self { pool: Rc::clone(pool), index }
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.pool.upstream.endpoints[self.index]
    }

    pub(super) fn kept(&self) -> &Kept {
        &self.pool.kept[self.index]
    }

    pub(super) fn server(&self) -> Server {
        Server { pool: Rc::clone(&self.pool), index: self.index }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.endpoint().end();
    }
}
