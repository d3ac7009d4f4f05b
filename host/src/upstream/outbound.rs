//! What is sent to an upstream: a request's head with what the route makes of it, and the client's body.

use std::net::IpAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, request};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;

use super::Error;
use crate::clock::within;
use crate::config::Timeouts;

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
    /// How long its parts may take.
    pub timeouts: &'a Timeouts,
    /// The protocol that the client wants to change to.
    pub upgrade: Option<&'a HeaderValue>,
    /// Whether the client said that it takes trailers.
    pub trailers: bool,
}

impl Outbound<'_> {
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

/// How long a client may go on sending what nobody reads any more.
const LINGER: Duration = Duration::from_secs(5);

/// The client's body with a limit; empty by default.
#[derive(Debug, Default)]
pub struct RequestBody {
    incoming: Option<Incoming>,
    limit: u64,
    left: u64,
    lingers: bool,
}

impl RequestBody {
    /// Without a limit. One that `lingers` is read on for a while when it is dropped before its end: over HTTP/2 its stream
    /// would be reset, and widely used clients then lose the answer that they were given.
    pub fn new(incoming: Incoming, lingers: bool) -> Self {
        Self { incoming: Some(incoming), limit: u64::MAX, left: u64::MAX, lingers }
    }

    /// At most so many bytes.
    #[must_use]
    pub fn limited(mut self, limit: u64) -> Self {
        (self.limit, self.left) = (limit, limit);
        self
    }

    /// A body that says that it is too large fails before anything is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.size_hint().lower() > self.left { Err(Error::TooLarge(self.limit)) } else { Ok(()) }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        let frame = match ready!(Pin::new(incoming).poll_frame(context)) {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    keep_trailers(trailers);
                }
                frame
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(Error::ClientBody(error.to_string())))),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        Poll::Ready(Some(match this.left.checked_sub(length) {
            Some(left) => {
                this.left = left;
                Ok(frame)
            }
            None => Err(Error::TooLarge(this.limit)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

/// Removes what must not come behind a body (RFC 9110, 6.5.1): framing, routing, who asks and what proves it. No filter has
/// seen trailers, and some servers read them as if they had come before the body.
pub(super) fn keep_trailers(trailers: &mut HeaderMap) {
    let is_out_of_place = |name: &HeaderName| {
        let name = name.as_str();
        let beginnings = ["content-", "x-forwarded", "proxy-", "if-", "x-real", "x-client", "sec-"];
        let names = [
            "accept",
            "authorization",
            "connection",
            "cookie",
            "expect",
            "forwarded",
            "host",
            "keep-alive",
            "range",
            "te",
            "trailer",
            "transfer-encoding",
            "true-client-ip",
            "upgrade",
            "via",
        ];
        names.contains(&name) || beginnings.iter().any(|beginning| name.starts_with(beginning))
    };
    let removed: Vec<HeaderName> = trailers.keys().filter(|name| is_out_of_place(name)).cloned().collect();
    for name in removed {
        trailers.remove(name);
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.incoming.take().filter(|rest| self.lingers && !rest.is_end_stream());
        // At the end of a worker there is nobody left to read.
        if let Some(rest) = rest.filter(|_| Handle::try_current().is_ok()) {
            tokio::task::spawn_local(within(LINGER, discard(rest)));
        }
    }
}

async fn discard(mut rest: Incoming) {
    while let Some(Ok(_)) = std::future::poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await {}
}
