//! What is counted of the exchanges of one route.

use std::sync::OnceLock;
use std::time::Duration;

use super::{Bounds, Counter, Histogram, Tally};

static BOUNDS: Bounds = Bounds::EXCHANGE;

/// Methods that are told apart, in the order of [`Method`].
pub const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];

/// Classes of a response's status; the last one is for exchanges whose client left before there was any.
pub const STATUSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "none"];

/// Who made a response, in the order of [`Maker`].
pub const MAKERS: [&str; 4] = ["upstream", "filter", "host", "none"];

/// How exchanges end, in the order of [`End`].
pub const ENDS: [&str; 7] =
    ["complete", "client-gone", "upstream-broke", "upstream-timeout", "body-too-large", "filter-cut", "proxy-ended"];

/// A request's method, as far as methods are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Method(usize);

impl Method {
    /// By its name.
    pub fn of(name: &str) -> Self {
        let known = METHODS.iter().position(|known| *known == name);
        Self(known.unwrap_or(METHODS.len() - 1))
    }
}

/// The place of a status among [`STATUSES`].
pub fn status_class(status: Option<u16>) -> usize {
    match status {
        Some(status @ 100..600) => usize::from(status / 100) - 1,
        _ => STATUSES.len() - 1,
    }
}

/// Who made a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    /// The upstream.
    Upstream,
    /// A filter.
    Filter,
    /// The proxy itself.
    Host,
    /// There was none: the client left before.
    Nobody,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With its last byte.
    Complete,
    /// The client left.
    ClientGone,
    /// The upstream's body failed.
    UpstreamBroke,
    /// It took too long.
    UpstreamTimeout,
    /// The client sent more than it may.
    BodyTooLarge,
    /// A filter cut it off.
    FilterCut,
    /// A drain's time was over.
    ProxyEnded,
}

/// An exchange that is over.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The request's.
    pub method: Method,
    /// None if the client left before there was one.
    pub status: Option<u16>,
    /// Who made the response.
    pub maker: Maker,
    /// Why, if the proxy itself did.
    pub code: Option<&'static str>,
    /// How it ended.
    pub end: End,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes of the response's body.
    pub sent: u64,
    /// From the request's head to the last byte; none for those that switched to another protocol and may last for days.
    pub duration: Option<Duration>,
    /// From the request's head to the response's.
    pub until_head: Option<Duration>,
}

/// One worker's part of a route.
#[derive(Debug)]
pub struct Route {
    begun: Counter,
    ended: Counter,
    requests: [[Counter; STATUSES.len()]; METHODS.len()],
    makers: [Counter; MAKERS.len()],
    ends: [Counter; ENDS.len()],
    /// Bytes of requests' bodies.
    pub received: Counter,
    /// Bytes of responses' bodies.
    pub sent: Counter,
    /// From the request's head to the last byte.
    pub duration: Histogram,
    /// From the request's head to the response's.
    pub until_head: Histogram,
    /// Why the proxy itself answered; most routes never need it.
    codes: OnceLock<Box<Tally>>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            begun: Counter::new(),
            ended: Counter::new(),
            requests: Default::default(),
            makers: Default::default(),
            ends: Default::default(),
            received: Counter::new(),
            sent: Counter::new(),
            duration: Histogram::new(&BOUNDS),
            until_head: Histogram::new(&BOUNDS),
            codes: OnceLock::new(),
        }
    }
}

impl Route {
    /// An exchange begins here.
    pub fn begin(&self) {
        self.begun.add(1);
    }

    /// It is over.
    pub fn end(&self, exchange: &Exchange) {
        self.ended.add(1);
        self.requests[exchange.method.0][status_class(exchange.status)].add(1);
        self.makers[exchange.maker as usize].add(1);
        self.ends[exchange.end as usize].add(1);
        self.received.add(exchange.received);
        self.sent.add(exchange.sent);
        if let Some(duration) = exchange.duration {
            self.duration.observe(duration);
        }
        if let Some(until) = exchange.until_head {
            self.until_head.observe(until);
        }
        if let Some(code) = exchange.code {
            self.codes.get_or_init(Box::default).add(code);
        }
    }

    /// Exchanges that were begun.
    pub fn begun(&self) -> u64 {
        self.begun.get()
    }

    /// Exchanges that are over.
    pub fn ended(&self) -> u64 {
        self.ended.get()
    }

    /// Exchanges by their places in [`METHODS`] and [`STATUSES`].
    pub fn requests(&self, method: usize, class: usize) -> u64 {
        self.requests[method][class].get()
    }

    /// Exchanges by the place in [`MAKERS`].
    pub fn made_by(&self, maker: usize) -> u64 {
        self.makers[maker].get()
    }

    /// Exchanges by the place in [`ENDS`].
    pub fn ends(&self, end: usize) -> u64 {
        self.ends[end].get()
    }

    /// Why the proxy itself answered, by code.
    pub fn codes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.codes.get().into_iter().flat_map(|codes| codes.read())
    }
}
