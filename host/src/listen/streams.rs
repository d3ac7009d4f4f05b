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
