//! What the exchanges of one HTTP/2 connection are doing, as far as its end depends on it.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body::{Body, Frame, SizeHint};

use crate::clock::now;

/// One connection's exchanges.
#[derive(Debug)]
pub(super) struct Streams {
    open: Cell<usize>,
    /// Those whose client has to take something before they go on.
    held: Cell<usize>,
    moved: Cell<Instant>,
}

/// What they are doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There is none.
    Idle,
    /// All wait for the client to take what there is for it.
    HeldByClient,
    /// Some go on, or wait for an upstream.
    Busy,
}

impl Streams {
    pub(super) fn new() -> Self {
        Self { open: Cell::new(0), held: Cell::new(0), moved: Cell::new(now()) }
    }

    /// Counts an exchange.
    pub(super) fn open(self: &Rc<Self>) -> Stream {
        self.open.set(self.open.get() + 1);
        self.moved.set(now());
        Stream { streams: Rc::clone(self), is_held: false }
    }

    pub(super) fn state(&self) -> State {
        match self.open.get() {
            0 => State::Idle,
            open if open == self.held.get() => State::HeldByClient,
            _ => State::Busy,
        }
    }

    /// How long nothing has begun, gone on or ended.
    pub(super) fn quiet(&self) -> Duration {
        now().duration_since(self.moved.get())
    }
}

/// One exchange, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Stream {
    streams: Rc<Streams>,
    is_held: bool,
}

impl Stream {
    /// Goes on with the response's body.
    pub(super) fn carry<B>(mut self, body: B) -> Carried<B> {
        self.hold(true);
        Carried { body, stream: self }
    }

    fn hold(&mut self, is_held: bool) {
        let held = &self.streams.held;
        match (std::mem::replace(&mut self.is_held, is_held), is_held) {
            (false, true) => held.set(held.get() + 1),
            (true, false) => held.set(held.get() - 1),
            _ => {}
        }
        self.streams.moved.set(now());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.hold(false);
        self.streams.open.set(self.streams.open.get() - 1);
    }
}

/// A response's body. hyper asks it for more only when the client's window has room: in between, the client holds it.
#[derive(Debug)]
pub(super) struct Carried<B> {
    body: B,
    stream: Stream,
}

impl<B: Body + Unpin> Body for Carried<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.stream.hold(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http_body_util::Full;

    use super::*;

    fn poll(body: &mut Carried<Full<Bytes>>) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        Pin::new(body).poll_frame(&mut context).is_ready()
    }

    #[test]
    fn only_if_all_are_held_the_client_holds_the_connection() {
        let streams = Rc::new(Streams::new());
        assert_eq!(streams.state(), State::Idle);
        let asked = streams.open();
        assert_eq!(streams.state(), State::Busy);
        // hyper waits for room before it asks for the first piece, and after each one.
        let mut first = asked.carry(Full::new(Bytes::from_static(b"x")));
        assert_eq!(streams.state(), State::HeldByClient);
        assert!(poll(&mut first));
        assert_eq!(streams.state(), State::HeldByClient);
        let second = streams.open();
        assert_eq!(streams.state(), State::Busy);
        drop(second);
        assert_eq!(streams.state(), State::HeldByClient);
        drop(first);
        assert_eq!(streams.state(), State::Idle);
    }

    #[test]
    fn one_that_waits_for_its_upstream_is_busy() {
        struct Waiting;
        impl Body for Waiting {
            type Data = Bytes;
            type Error = std::convert::Infallible;

            fn poll_frame(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
                Poll::Pending
            }
        }
        let streams = Rc::new(Streams::new());
        let mut body = streams.open().carry(Waiting);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut body).poll_frame(&mut context).is_pending());
        assert_eq!(streams.state(), State::Busy);
    }
}
