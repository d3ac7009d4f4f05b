//! One worker's connections to one upstream.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::client::conn::http1::SendRequest;

use super::{RequestBody, Upstream};
use crate::clock::now;

/// Idle connections beyond this are closed.
const MOST_IDLE: usize = 256;

/// Servers close idle connections after a minute or so; staying below it avoids the race.
const LONGEST_IDLE: Duration = Duration::from_secs(50);

/// Idle connections, the most recently used last.
#[derive(Debug)]
pub struct Pool {
    pub(super) upstream: Arc<Upstream>,
    idle: RefCell<Vec<(SendRequest<RequestBody>, Instant)>>,
}

impl Pool {
    /// An empty pool.
    pub fn new(upstream: &Arc<Upstream>) -> Rc<Self> {
        Rc::new(Self { upstream: Arc::clone(upstream), idle: RefCell::new(Vec::new()) })
    }

    /// Whether it holds connections to this upstream.
    pub fn is_for(&self, upstream: &Arc<Upstream>) -> bool {
        Arc::ptr_eq(&self.upstream, upstream)
    }

    /// The upstream's name.
    pub fn name(&self) -> &str {
        &self.upstream.name
    }

    /// Its host and port, as `Host` names them.
    pub fn authority(&self) -> String {
        self.upstream.authority()
    }

    /// An idle connection that is not known to be dead.
    pub(super) fn take(&self) -> Option<SendRequest<RequestBody>> {
        let mut idle = self.idle.borrow_mut();
        while let Some((sender, since)) = idle.pop() {
            if now().duration_since(since) > LONGEST_IDLE {
                // The rest have been idle for longer still.
                idle.clear();
            } else if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    fn put(&self, sender: SendRequest<RequestBody>) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() == MOST_IDLE {
            idle.remove(0);
        }
        idle.push((sender, now()));
    }

    /// Closes connections that have been idle for too long.
    pub fn sweep(&self) {
        self.idle
            .borrow_mut()
            .retain(|(sender, since)| !sender.is_closed() && now().duration_since(*since) <= LONGEST_IDLE);
    }
}

/// A connection in use; dropping it closes the connection.
#[derive(Debug)]
pub struct Lease {
    pub(super) pool: Rc<Pool>,
    pub(super) sender: SendRequest<RequestBody>,
}

impl Lease {
    /// The response has been read to its end: the connection can serve the next request.
    pub fn release(self) {
        let Self { pool, mut sender } = self;
        if sender.is_ready() {
            pool.put(sender);
        } else if !sender.is_closed() {
            // The upstream answered before it had read the whole request.
            tokio::task::spawn_local(async move {
                if sender.ready().await.is_ok() {
                    pool.put(sender);
                }
            });
        }
    }
}
