//! A body that passes through what filters asked for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::plugin::{Cut, Pipe};
use crate::upstream::Error;

/// Where it is said why a body was cut off: its reader learns only that it was.
pub(super) type WhyCut = Rc<RefCell<Option<Cut>>>;

/// A thousand times as much may come out of a piece that is decoded.
const SMALL: usize = 8 << 10;

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
    /// What is still to go in of a piece of the source's.
    left: Bytes,
    is_kept_back: bool,
    /// Filters only look at it: as much comes out as goes in.
    keeps_length: bool,
    /// Bytes of the piece on its way.
    inside: usize,
    /// Nothing more goes in.
    has_ended: bool,
    /// Nothing more comes of the source, trailers neither.
    is_dry: bool,
    why: WhyCut,
}

impl<B> Piped<B> {
    pub(super) fn new(rest: B, pipe: Pipe, why: &WhyCut) -> Self {
        Self {
            rest,
            keeps_length: pipe.only_watches(),
            inside: 0,
            is_dry: false,
            pipe: Some(Box::new(pipe)),
            working: None,
            ready: VecDeque::new(),
            trailers: None,
            left: Bytes::new(),
            is_kept_back: false,
            has_ended: false,
            why: Rc::clone(why),
        }
    }

    fn push(&mut self, bytes: Bytes, end: bool) {
        self.has_ended = end;
        self.inside = bytes.len();
        if let Some(mut pipe) = self.pipe.take() {
            self.is_kept_back = pipe.encodes() && !end;
            self.working = Some(Box::pin(async move {
                let pushed = pipe.push(bytes, end).await;
                (pipe, pushed)
            }));
        }
    }

    /// Whether no byte follows those that came. Who reads a body of known length need not ask for more.
    fn is_last(&self) -> bool
    where
        B: Body<Data = Bytes, Error = Error>,
    {
        self.rest.is_end_stream() || self.rest.size_hint().exact() == Some(0)
    }

    /// What codings keep back goes out: the source has paused.
    fn flush(&mut self) {
        self.is_kept_back = false;
        if let Some(mut pipe) = self.pipe.take() {
            self.working = Some(Box::pin(async move {
                let pushed = pipe.flush().await;
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
                this.inside = 0;
                match pushed {
                    Ok(pieces) => {
                        this.pipe = Some(pipe);
                        this.ready.extend(pieces);
                    }
                    Err(cut) => {
                        (this.has_ended, this.is_dry) = (true, true);
                        this.trailers = None;
                        this.why.replace(Some(cut));
                        return Poll::Ready(Some(Err(Error::Cut)));
                    }
                }
                continue;
            }
            if this.has_ended && this.is_dry {
                return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            if !this.left.is_empty() {
                let next = this.left.split_to(this.left.len().min(SMALL));
                let end = this.left.is_empty() && this.is_last();
                this.push(next, end);
                continue;
            }
            let polled = Pin::new(&mut this.rest).poll_frame(context);
            if this.has_ended {
                // Behind the last bytes of a known length.
                let frame = ready!(polled);
                this.is_dry = true;
                return Poll::Ready(frame.filter(|frame| !frame.as_ref().is_ok_and(Frame::is_data)));
            }
            if polled.is_pending() && this.is_kept_back {
                this.flush();
                continue;
            }
            match ready!(polled) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if this.pipe.as_ref().is_some_and(|pipe| pipe.decodes()) => this.left = data,
                    Ok(data) => {
                        let end = this.is_last();
                        this.push(data, end);
                    }
                    Err(frame) => {
                        this.trailers = frame.into_trailers().ok();
                        this.is_dry = true;
                        this.push(Bytes::new(), true);
                    }
                },
                None => {
                    this.is_dry = true;
                    this.push(Bytes::new(), true);
                }
                Some(Err(error)) => {
                    (this.has_ended, this.is_dry) = (true, true);
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_through = self.has_ended && self.working.is_none() && self.ready.is_empty() && self.trailers.is_none();
        is_through && (self.is_dry || self.rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.size_hint().exact().filter(|_| self.keeps_length);
        rest.map_or_else(SizeHint::default, |rest| {
            let ready: usize = self.ready.iter().map(Bytes::len).sum();
            SizeHint::with_exact(rest + (self.left.len() + self.inside + ready) as u64)
        })
    }
}

impl<B> std::fmt::Debug for Piped<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Piped").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}
