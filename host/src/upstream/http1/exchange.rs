//! One exchange on a connection: the request goes out while the response is waited for, and after it has begun.

use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderValue, response};

use super::Connection;
use super::head::{self, Asked, Length};
use super::outgoing::Outgoing;
use crate::upstream::deadlines::Deadlines;
use crate::upstream::error::Broken;
use crate::upstream::outbound::is_idempotent;
use crate::upstream::stream::Stream;
use crate::upstream::{Error, Outbound, RequestBody};

/// A connection with the exchange that it serves, or served last. It stays in its box from one to the next, because
/// what is being read is handed through many hands.
#[derive(Debug)]
pub(in crate::upstream) struct Exchange {
    pub(super) connection: Connection,
    pub(super) outgoing: Outgoing,
    pub(super) length: Length,
    pub(super) is_kept: bool,
    asked: Asked,
    has_answered: bool,
    /// Whether there was one before: then the connection's end may only mean that the server was tired of waiting.
    is_second: bool,
}

impl Exchange {
    /// On a new connection.
    pub(in crate::upstream) fn new(stream: Stream) -> Box<Self> {
        Box::new(Self {
            connection: Connection::new(stream),
            outgoing: Outgoing::default(),
            length: Length::UntilClose,
            is_kept: false,
            asked: Asked::default(),
            has_answered: false,
            is_second: false,
        })
    }

    /// Begins to send.
    pub(in crate::upstream) fn begin(
        &mut self,
        outbound: &Outbound<'_>,
        authority: &HeaderValue,
        upgrade: Option<&HeaderValue>,
        body: RequestBody,
    ) {
        self.is_second |= self.has_answered;
        self.has_answered = false;
        self.asked.method.clone_from(&outbound.head.method);
        self.asked.may_switch = upgrade.is_some();
        self.outgoing.begin(outbound, authority, upgrade, body);
    }

    /// The response's head. Waiting ends if nothing happens for too long: no byte taken, no byte answered.
    pub(in crate::upstream) async fn response(&mut self, deadlines: &Deadlines) -> Result<response::Parts, Error> {
        let mut wait = deadlines.response();
        std::future::poll_fn(|context| {
            let before = self.outgoing.written;
            if let Poll::Ready(head) = self.poll_response(context) {
                return Poll::Ready(head);
            }
            if self.outgoing.written != before {
                wait = deadlines.response();
            }
            Pin::new(&mut wait).poll(context).map(Err)
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
            if let Some(head) = head::read(&mut self.connection.input, &self.asked)? {
                self.length = head.length;
                self.is_kept = head.is_kept;
                return Poll::Ready(Ok(head.parts));
            }
        }
    }

    /// Whether its failure may only mean that the server had closed a kept connection, and the request can be sent
    /// again on another: nothing came back, nothing of a body is lost, and doing it twice does no harm (RFC 9110, 9.2.2).
    pub(in crate::upstream) fn is_repeatable(&self) -> bool {
        let never_left = self.outgoing.written == 0;
        self.is_second
            && !self.has_answered
            && self.outgoing.is_untouched()
            && (never_left || is_idempotent(&self.asked.method))
    }

    /// The client's body, to begin again.
    pub(in crate::upstream) fn take_body(&mut self) -> Option<RequestBody> {
        self.outgoing.take_body()
    }

    /// Whether the connection can serve another, now that the response's body has ended.
    pub(super) fn is_finished(&self) -> bool {
        // What comes unasked belongs to nobody.
        self.is_kept && self.outgoing.is_done() && self.connection.input.is_empty()
    }

    /// Whether it still can: nothing has come on the connection since, its end included.
    pub(in crate::upstream) fn is_quiet(&mut self) -> bool {
        self.connection.is_quiet()
    }
}
