//! One worker's connections to one endpoint, for the exchanges to come.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use super::http1::Exchange;
use super::http2;
use crate::clock::now;

/// Idle connections beyond this are closed.
const MOST_IDLE: usize = 256;

/// Servers close idle connections after a minute or so; staying below it avoids the race.
const LONGEST_IDLE: Duration = Duration::from_secs(50);

/// What an exchange goes over.
#[derive(Debug)]
pub(super) enum Link {
    /// Its own, until it is over.
    Http1(Box<Exchange>),
    /// One of many on it.
    Http2(Rc<http2::Connection>),
}

/// Which connection an exchange needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Any.
    Any,
    /// One of HTTP/1.1.
    Http1,
    /// One that no other exchange is on.
    Alone,
}

/// Idle HTTP/1.1 connections, the most recently used last, and the HTTP/2 connection that all share.
#[derive(Debug, Default)]
pub(super) struct Kept {
    idle: RefCell<Vec<(Box<Exchange>, Instant)>>,
    http2: RefCell<Option<Rc<http2::Connection>>>,
    /// Held while a connection that many can share is made, so that it is made once.
    pub(super) opening: Mutex<()>,
    /// The server could choose and did not choose HTTP/2.
    pub(super) is_http1: Cell<bool>,
}

impl Kept {
    /// A connection that is not known to be dead.
    pub(super) fn take(&self, need: Need) -> Option<Link> {
        if need == Need::Any
            && let Some(shared) = self.shared()
        {
            return Some(Link::Http2(shared));
        }
        let mut idle = self.idle.borrow_mut();
        while let Some((mut connection, since)) = idle.pop() {
            if now().duration_since(since) > LONGEST_IDLE {
                // The rest have been idle for longer still.
                idle.clear();
            } else if connection.is_quiet() {
                return Some(Link::Http1(connection));
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

    /// The HTTP/2 connection.
    pub(super) fn shared(&self) -> Option<Rc<http2::Connection>> {
        self.http2.borrow().as_ref().filter(|shared| shared.is_open()).cloned()
    }

    /// New exchanges share this one.
    pub(super) fn share(&self, connection: &Rc<http2::Connection>) {
        self.http2.replace(Some(Rc::clone(connection)));
    }

    /// New exchanges do not share this one; those on it are left alone.
    pub(super) fn forget(&self, connection: &Rc<http2::Connection>) {
        self.http2.borrow_mut().take_if(|shared| Rc::ptr_eq(shared, connection));
    }

    /// Closes all that are idle; those that exchanges are on end with them.
    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
        self.http2.borrow_mut().take();
    }

    /// Closes one of the idle connections, if there is one.
    pub(super) fn close_one(&self) -> bool {
        self.idle.borrow_mut().pop().is_some()
    }

    /// Closes connections that have been idle for too long, or that the server has closed.
    pub(super) fn sweep(&self) {
        let is_fresh = |since: Instant| now().duration_since(since) <= LONGEST_IDLE;
        self.idle.borrow_mut().retain_mut(|(connection, since)| is_fresh(*since) && connection.is_quiet());
        self.http2.borrow_mut().take_if(|shared| !shared.is_open() || !is_fresh(shared.last_used()));
    }
}
