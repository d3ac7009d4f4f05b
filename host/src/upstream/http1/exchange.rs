//! One exchange on a connection: the request goes out while the response is waited for, and after it has begun.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Method, request, response};
use hyper::body::Incoming;

use super::Connection;
use super::head::{self, Length};
use super::outgoing::{Framing, Outgoing};
use crate::clock::Sleep;
use crate::upstream::Error;
use crate::upstream::error::Broken;

/// A request that is being sent, and its response.
#[derive(Debug)]
pub(in crate::upstream) struct Exchange {
    pub(super) connection: Connection,
    pub(super) outgoing: Outgoing,
    pub(super) length: Length,
    pub(super) is_kept: bool,
    method: Method,
    has_answered: bool,
}

impl Exchange {
    /// Begins to send.
    pub(in crate::upstream) fn new(mut connection: Connection, head: &request::Parts, body: Incoming) -> Self {
        let framing = Framing::of(&body);
        let mut written = std::mem::take(&mut connection.head);
        written.clear();
        head::write(&mut written, head, framing);
        let outgoing = Outgoing::new(written, body, framing);
        let method = head.method.clone();
        Self { connection, outgoing, length: Length::UntilClose, is_kept: false, method, has_answered: false }
    }

    /// The response's head. `limit` is how long nothing may happen: no byte taken, no byte answered.
    pub(in crate::upstream) async fn response(&mut self, limit: Duration) -> Result<response::Parts, Error> {
        let mut sleep = Sleep::new(limit);
        std::future::poll_fn(|context| {
            let before = self.outgoing.written;
            if let Poll::Ready(head) = self.poll_response(context) {
                return Poll::Ready(head);
            }
            if self.outgoing.written != before {
                sleep = Sleep::new(limit);
            }
            Pin::new(&mut sleep).poll(context).map(|()| Err(Error::Timeout(limit)))
        })
        .await
    }

    fn poll_response(&mut self, context: &mut Context<'_>) -> Poll<Result<response::Parts, Error>> {
        if let Poll::Ready(Err(error)) = self.outgoing.poll(&mut self.connection.stream, context) {
            return Poll::Ready(Err(error));
        }
        loop {
            match std::task::ready!(self.connection.poll_read(context)) {
                Ok(0) => return Poll::Ready(Err(Broken::Closed.into())),
                Ok(_) => self.has_answered = true,
                Err(error) => return Poll::Ready(Err(Broken::Io(error).into())),
            }
            if let Some(head) = head::read(&mut self.connection.input, &self.method)? {
                self.length = head.length;
                self.is_kept = head.is_kept;
                return Poll::Ready(Ok(head.parts));
            }
        }
    }

    /// Whether its failure may only mean that the server had closed a kept connection, and the request can be sent
    /// again on another: nothing came back, nothing of a body is lost, and doing it twice does no harm (RFC 9110, 9.2.2).
    pub(in crate::upstream) fn is_repeatable(&self) -> bool {
        let idempotent = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
        let never_left = self.outgoing.written == 0;
        self.connection.is_used
            && !self.has_answered
            && self.outgoing.is_untouched()
            && (never_left || idempotent.contains(&self.method))
    }

    /// The client's body, to begin again.
    pub(in crate::upstream) fn into_body(self) -> Incoming {
        self.outgoing.into_parts().1
    }
}
