//! One worker's connections to one upstream.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Upstream;
use super::http1::Exchange;
use crate::clock::now;

/// Idle connections beyond this are closed.
const MOST_IDLE: usize = 256;

/// Servers close idle connections after a minute or so; staying below it avoids the race.
const LONGEST_IDLE: Duration = Duration::from_secs(50);

/// Idle connections, the most recently used last.
#[derive(Debug)]
pub struct Pool {
    pub(super) upstream: Arc<Upstream>,
    idle: RefCell<Vec<(Box<Exchange>, Instant)>>,
}

impl Pool {
    /// An empty pool.
    pub fn new(upstream: &Arc<Upstream>) -> Rc<Self> {
        Rc::new(Self { upstream: Arc::clone(upstream), idle: RefCell::new(Vec::new()) })
    }

    /// Which upstream it holds connections to.
    pub fn upstream_ptr(&self) -> *const Upstream {
        Arc::as_ptr(&self.upstream)
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
    pub(super) fn take(&self) -> Option<Box<Exchange>> {
        let mut idle = self.idle.borrow_mut();
        while let Some((connection, since)) = idle.pop() {
            if now().duration_since(since) > LONGEST_IDLE {
                // The rest have been idle for longer still.
                idle.clear();
            } else if connection.is_quiet() {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection for the next exchange.
    pub(super) fn put(&self, connection: Box<Exchange>) {
        let mut idle = self.idle.borrow_mut();
        if idle.len() == MOST_IDLE {
            idle.remove(0);
        }
        idle.push((connection, now()));
    }

    /// Closes connections that have been idle for too long, or that the server has closed.
    pub fn sweep(&self) {
        self.idle
            .borrow_mut()
            .retain(|(connection, since)| now().duration_since(*since) <= LONGEST_IDLE && connection.is_quiet());
    }
}
