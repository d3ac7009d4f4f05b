//! What is sent to an upstream: a request's head with what the route makes of it.

use std::net::IpAddr;
use std::time::Instant;

use http::{HeaderName, HeaderValue, Method, request};

use crate::config::Timeouts;
use crate::telemetry::traces::{LENGTH, Trace};

/// A request's head. It is written from where it stands, so that sending it again elsewhere needs no copy.
#[derive(Clone, Copy, Debug)]
pub struct Outbound<'a> {
    /// Method and fields.
    pub head: &'a request::Parts,
    /// Path and query as they are sent, in place of the head's.
    pub target: &'a str,
    /// Which host is named.
    pub host: Host<'a>,
    /// Fields that are sent besides the head's.
    pub added: &'a Added,
    /// Who asks.
    pub client: IpAddr,
    /// When sending begins.
    pub began: Instant,
    /// How long its parts may take.
    pub timeouts: &'a Timeouts,
    /// The protocol that the client wants to change to.
    pub upgrade: Option<&'a HeaderValue>,
    /// Whether the client said that it takes trailers.
    pub trailers: bool,
    /// The trace that it is part of, and how many endpoints were asked before.
    pub trace: Option<(&'a Trace, usize)>,
}

impl Outbound<'_> {
    /// Whether a field of the head is left out, because the trace says something else.
    pub(super) fn leaves_out(&self, name: &HeaderName) -> bool {
        self.trace.is_some_and(|(trace, _)| trace.replaces(name))
    }

    /// The trace's `traceparent` for the endpoint that is asked.
    pub(super) fn parent(&self) -> Option<[u8; LENGTH]> {
        self.trace.map(|(trace, attempt)| trace.parent_for(attempt))
    }

    /// Bytes of the head, about.
    pub(super) fn size(&self) -> usize {
        let fields = self.head.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        self.target.len() + fields.sum::<usize>()
    }
}

/// Fields to send besides a head's. They are the same for many requests, so HTTP/1.1 has them in writing.
#[derive(Debug)]
pub struct Added {
    fields: Vec<(HeaderName, HeaderValue)>,
    pub(super) lines: Vec<u8>,
}

impl Added {
    /// These fields.
    pub fn new(fields: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        let fields: Vec<_> = fields.into_iter().collect();
        let mut lines = Vec::new();
        for (name, value) in &fields {
            lines.extend_from_slice(&[name.as_ref(), b": ".as_slice(), value.as_bytes(), b"\r\n"].concat());
        }
        Self { fields, lines }
    }
}

impl std::ops::Deref for Added {
    type Target = [(HeaderName, HeaderValue)];

    fn deref(&self) -> &Self::Target {
        &self.fields
    }
}

/// Which `Host` the upstream is sent.
#[derive(Clone, Copy, Debug)]
pub enum Host<'a> {
    /// The client's; the endpoint's own if it sent none.
    Client,
    /// That of the endpoint that is chosen.
    Endpoint,
    /// This one.
    Is(&'a HeaderValue),
}

impl<'a> Host<'a> {
    /// What to send, where the client sent `client` and the endpoint is called `endpoint`.
    pub(super) fn choose(self, client: Option<&'a HeaderValue>, endpoint: &'a HeaderValue) -> &'a HeaderValue {
        match self {
            Self::Client => client.unwrap_or(endpoint),
            Self::Endpoint => endpoint,
            Self::Is(host) => host,
        }
    }
}

/// Whether doing it twice is the same as doing it once: RFC 9110, 9.2.2.
pub(super) fn is_idempotent(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE].contains(method)
}
