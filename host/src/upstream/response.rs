//! A response's body as it comes, whatever the protocol, within its time limits.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::config::Scheme;

use super::deadlines::{BodyDeadlines, Wait};
use super::http1::{self, Exchange};
use super::pool::{Place, Server};
use super::{Error, Tunnel, http2};

/// A body. When it has ended well its connection is kept; dropped before, it cancels what is left of the exchange.
#[derive(Debug)]
pub struct ResponseBody {
    coming: Coming,
    place: Place,
    /// When its head was there.
    arrived: Instant,
    deadlines: BodyDeadlines,
    /// While nothing comes.
    waiting: Option<Box<Wait>>,
}

#[derive(Debug)]
enum Coming {
    Http1(http1::Body),
    Http2(Box<http2::Body>),
    /// It failed, or its connection is used for something else.
    Gone,
}

impl ResponseBody {
    pub(super) fn http1(exchange: Box<Exchange>, place: Place, deadlines: BodyDeadlines) -> Self {
        Self::new(Coming::Http1(http1::Body::new(exchange)), place, deadlines)
    }

    pub(super) fn http2(body: http2::Body, place: Place, deadlines: BodyDeadlines) -> Self {
        Self::new(Coming::Http2(Box::new(body)), place, deadlines)
    }

    /// The head is there now.
    fn new(coming: Coming, place: Place, deadlines: BodyDeadlines) -> Self {
        Self { coming, place, arrived: Instant::now(), deadlines, waiting: None }
    }

    /// When its head was there.
    pub fn arrived(&self) -> Instant {
        self.arrived
    }

    /// Scheme and authority of the server that answers.
    pub fn origin(&self) -> (&'static str, &str) {
        let endpoint = self.place.endpoint();
        let scheme = if endpoint.config.scheme == Scheme::Https { "https" } else { "http" };
        (scheme, endpoint.authority.to_str().unwrap_or_default())
    }

    /// The server that answers, to keep.
    pub fn server(&self) -> Server {
        self.place.server()
    }

    /// The connection itself, behind the head of a response that switches protocols.
    pub fn into_tunnel(mut self) -> Option<Tunnel> {
        match std::mem::replace(&mut self.coming, Coming::Gone) {
            Coming::Http1(body) => {
                let (stream, read_ahead) = body.into_switched()?;
                Some(Tunnel::new(stream, read_ahead, self))
            }
            Coming::Http2(_) | Coming::Gone => None,
        }
    }

    /// How long nothing may come.
    pub(super) fn idle(&self) -> Wait {
        self.deadlines.idle()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if let Some(error) = self.deadlines.passed() {
            return Poll::Ready(Some(Err(error)));
        }
        let before = self.sent();
        let polled = match &mut self.coming {
            Coming::Http1(body) => body.poll_frame(context),
            Coming::Http2(body) => body.poll_frame(context),
            Coming::Gone => return Poll::Ready(None),
        };
        if polled.is_ready() || self.sent() != before {
            self.waiting = None;
        }
        if polled.is_ready() {
            return polled;
        }
        let waiting = self.waiting.get_or_insert_with(|| Box::new(self.deadlines.idle()));
        Pin::new(waiting).poll(context).map(|error| Some(Err(error)))
    }

    /// How much of the request's body has gone out: that moves too.
    fn sent(&self) -> u64 {
        match &self.coming {
            Coming::Http1(body) => body.sent(),
            Coming::Http2(body) => body.sent(),
            Coming::Gone => 0,
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let polled = this.poll(context);
        if let Poll::Ready(Some(Err(_))) = polled {
            this.coming = Coming::Gone;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.coming {
            Coming::Http1(body) => body.is_end_stream(),
            Coming::Http2(body) => body.is_end_stream(),
            Coming::Gone => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.coming {
            Coming::Http1(body) => body.size_hint(),
            Coming::Http2(body) => body.size_hint(),
            Coming::Gone => SizeHint::default(),
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Coming::Http1(body) = &mut self.coming
            && let Some(connection) = body.finished()
        {
            self.place.kept().put(connection);
        }
    }
}
