//! A body that passes through what filters asked for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame};

use crate::plugin::{Cut, Pipe};
use crate::upstream::Error;

/// Where it is said why a body was cut off: its reader learns only that it was.
pub(super) type WhyCut = Rc<RefCell<Option<Cut>>>;

type Working = Pin<Box<dyn Future<Output = (Box<Pipe>, Result<Vec<Bytes>, Cut>)>>>;

/// A body behind a pipe.
pub(super) struct Piped<B> {
    rest: B,
    pipe: Option<Box<Pipe>>,
    /// While a piece is on its way through.
    working: Option<Working>,
    /// What came out of it.
    ready: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    /// Nothing more goes in.
    has_ended: bool,
    why: WhyCut,
}

impl<B> Piped<B> {
    pub(super) fn new(rest: B, pipe: Pipe, why: &WhyCut) -> Self {
        Self {
            rest,
            pipe: Some(Box::new(pipe)),
            working: None,
            ready: VecDeque::new(),
            trailers: None,
            has_ended: false,
            why: Rc::clone(why),
        }
    }

    fn push(&mut self, bytes: Bytes, end: bool) {
        self.has_ended = end;
        if let Some(mut pipe) = self.pipe.take() {
            self.working = Some(Box::pin(async move {
                let pushed = pipe.push(bytes, end).await;
                (pipe, pushed)
            }));
        }
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for Piped<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        loop {
            if let Some(piece) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if let Some(working) = &mut this.working {
                let (pipe, pushed) = ready!(working.as_mut().poll(context));
                this.working = None;
                match pushed {
                    Ok(pieces) => {
                        this.pipe = Some(pipe);
                        this.ready.extend(pieces);
                    }
                    Err(cut) => {
                        this.has_ended = true;
                        this.trailers = None;
                        this.why.replace(Some(cut));
                        return Poll::Ready(Some(Err(Error::Cut)));
                    }
                }
                continue;
            }
            if this.has_ended {
                return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            match ready!(Pin::new(&mut this.rest).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.push(data, false),
                    Err(frame) => {
                        this.trailers = frame.into_trailers().ok();
                        this.push(Bytes::new(), true);
                    }
                },
                None => this.push(Bytes::new(), true),
                Some(Err(error)) => {
                    this.has_ended = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl<B> std::fmt::Debug for Piped<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Piped").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}
