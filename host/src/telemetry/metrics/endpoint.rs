//! What is counted of one server of an upstream.

use std::sync::Arc;
use std::time::Duration;

use super::exchanges::STATUSES;
use super::{Bounds, Counter, Histogram, status_class};

static BOUNDS: Bounds = Bounds::EXCHANGE;

/// How attempts fail, in the order of [`Failed`].
pub const FAILURES: [&str; 5] = ["connect", "timeout", "broke", "client", "request"];

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// No connection could be made: TCP, TLS, or in time.
    Connect,
    /// The answer's head did not come in time.
    Timeout,
    /// The connection broke, or what came was no answer.
    Broke,
    /// The client's body failed, or was refused.
    Client,
    /// The request cannot be said in the server's protocol.
    Request,
}

/// One worker's part of an endpoint.
#[derive(Debug)]
pub struct Endpoint {
    begun: Counter,
    ended: Counter,
    answered: [Counter; STATUSES.len()],
    failed: [Counter; FAILURES.len()],
    /// Times that another endpoint was tried, because this one could not be reached.
    pub failovers: Counter,
    /// Requests that were sent once more, because a kept connection turned out to be closed.
    pub repeats: Counter,
    /// Times that a connection which was there was used.
    pub reused: Counter,
    opened: Counter,
    closed: Counter,
    /// From the first byte of an attempt, connecting included, to the answer's head.
    pub latency: Histogram,
    /// From the beginning of a connection to where requests can be sent on it.
    pub connecting: Histogram,
}

impl Default for Endpoint {
    fn default() -> Self {
        Self {
            begun: Counter::new(),
            ended: Counter::new(),
            answered: Default::default(),
            failed: Default::default(),
            failovers: Counter::new(),
            repeats: Counter::new(),
            reused: Counter::new(),
            opened: Counter::new(),
            closed: Counter::new(),
            latency: Histogram::new(&BOUNDS),
            connecting: Histogram::new(&BOUNDS),
        }
    }
}

impl Endpoint {
    /// A request begins.
    pub fn begin(&self) {
        self.begun.add(1);
    }

    /// It is over, with its response's body.
    pub fn end(&self) {
        self.ended.add(1);
    }

    /// An answer's head came after so long.
    pub fn answered(&self, status: u16, after: Duration) {
        self.answered[status_class(Some(status))].add(1);
        self.latency.observe(after);
    }

    /// An attempt failed before there was an answer's head.
    pub fn failed(&self, how: Failed) {
        self.failed[how as usize].add(1);
    }

    /// Requests that were begun.
    pub fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Requests that are over.
    pub fn ended(&self) -> u64 {
        self.ended.get()
    }

    /// Answers by the place in [`STATUSES`].
    pub fn answers(&self, class: usize) -> u64 {
        self.answered[class].get()
    }

    /// Failures by the place in [`FAILURES`].
    pub fn failures(&self, kind: usize) -> u64 {
        self.failed[kind].get()
    }

    /// Connections that were opened.
    pub fn opened(&self) -> u64 {
        self.opened.get()
    }

    /// Connections that were closed.
    pub fn closed(&self) -> u64 {
        self.closed.get()
    }
}

/// A connection that is counted as open until this is dropped, on the same worker.
#[derive(Debug)]
pub struct Open(Arc<Endpoint>);

impl Open {
    /// One more.
    pub fn new(endpoint: Arc<Endpoint>) -> Self {
        endpoint.opened.add(1);
        Self(endpoint)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed.add(1);
    }
}
