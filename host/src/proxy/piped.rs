//! A body that passes through what filters asked for.

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use crate::plugin::{Cut, Pipe};
use crate::upstream::Error;

/// Where it is said why a body was cut off: its reader learns only that it was. There is room for it once a body is
/// piped; most never are.
#[derive(Debug, Default)]
pub(super) struct WhyCut(OnceCell<Said>);

type Said = Rc<RefCell<Option<Cut>>>;

impl WhyCut {
    pub(super) fn tell(&self, cut: Cut) {
        self.said().replace(Some(cut));
    }

    pub(super) fn take(&self) -> Option<Cut> {
        self.0.get()?.take()
    }

    /// What was said, if something was.
    pub(super) fn with<T>(&self, look: impl FnOnce(Option<&Cut>) -> T) -> T {
        match self.0.get() {
            Some(said) => look(said.borrow().as_ref()),
            None => look(None),
        }
    }

    pub(super) fn is_said(&self) -> bool {
        self.with(|cut| cut.is_some())
    }

    fn said(&self) -> &Said {
        self.0.get_or_init(Rc::default)
    }
}

/// What codings are given at once. A slow encoder takes half a millisecond for it; and a thousand times as much may come
/// out of a piece that is decoded.
const SMALL: usize = 8 << 10;
/// A body that has kept codings at work for so long lets others of its worker have their turn.
const TURN: Duration = Duration::from_micros(500);

type Working = Pin<Box<dyn Future<Output = (Box<Pipe>, Result<Vec<Bytes>, Cut>)>>>;

/// A body behind a pipe.
#[allow(clippy::struct_excessive_bools, reason = "each is one fact about the way of a body")]
pub(super) struct Piped<B> {
    rest: B,
    pipe: Option<Box<Pipe>>,
    /// While a piece is on its way through.
    working: Option<Working>,
    /// What came out of it.
    ready: VecDeque<Bytes>,
    trailers: Option<HeaderMap>,
    /// What is still to go in of a piece of the source's, and whether it is the last.
    left: Option<(Bytes, bool)>,
    is_kept_back: bool,
    /// Nothing more goes in.
    has_ended: bool,
    /// Nothing more comes from the source, trailers neither.
    is_drained: bool,
    /// What goes in comes out as it was.
    only_watches: bool,
    /// Codings take time: pieces are small, and it is counted. Filters' time is, where they are called.
    has_codings: bool,
    /// Since the worker did something else.
    worked: Duration,
    why: Said,
}

impl<B> Piped<B> {
    pub(super) fn new(rest: B, pipe: Pipe, why: &WhyCut) -> Self {
        Self {
            rest,
            only_watches: pipe.only_watches(),
            has_codings: pipe.encodes() || pipe.decodes(),
            worked: Duration::ZERO,
            pipe: Some(Box::new(pipe)),
            working: None,
            ready: VecDeque::new(),
            trailers: None,
            left: None,
            is_kept_back: false,
            has_ended: false,
            is_drained: false,
            why: Rc::clone(why.said()),
        }
    }

    fn push(&mut self, bytes: Bytes, end: bool) {
        self.has_ended = end;
        if let Some(mut pipe) = self.pipe.take() {
            self.is_kept_back = pipe.encodes() && !end;
            self.working = Some(Box::pin(async move {
                let pushed = pipe.push(bytes, end).await;
                (pipe, pushed)
            }));
        }
    }

    /// Nothing more goes in; those who are not told yet are told.
    fn end(&mut self) {
        if !self.has_ended {
            self.push(Bytes::new(), true);
        }
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
            if this.worked >= TURN {
                this.worked = Duration::ZERO;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            if let Some(working) = &mut this.working {
                let began = this.has_codings.then(Instant::now);
                let polled = working.as_mut().poll(context);
                this.worked += began.map_or(Duration::ZERO, |began| began.elapsed());
                let (pipe, pushed) = ready!(polled);
                this.working = None;
                match pushed {
                    Ok(pieces) => {
                        this.pipe = Some(pipe);
                        this.ready.extend(pieces);
                    }
                    Err(cut) => {
                        this.has_ended = true;
                        this.is_drained = true;
                        this.trailers = None;
                        this.why.replace(Some(cut));
                        return Poll::Ready(Some(Err(Error::Cut)));
                    }
                }
                continue;
            }
            if this.has_ended && (this.is_drained || this.trailers.is_some() || this.rest.is_end_stream()) {
                this.is_drained = true;
                return Poll::Ready(this.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            }
            if let Some((mut next, is_last)) = this.left.take() {
                let more = next.split_off(next.len().min(SMALL));
                this.push(next, is_last && more.is_empty());
                this.left = (!more.is_empty()).then_some((more, is_last));
                continue;
            }
            let polled = Pin::new(&mut this.rest).poll_frame(context);
            if polled.is_pending() && this.is_kept_back {
                this.flush();
                continue;
            }
            match ready!(polled) {
                Some(Ok(frame)) => match frame.into_data() {
                    // Behind the end of its data a source has trailers only.
                    Ok(_) if this.has_ended => {}
                    Ok(data) => {
                        // Whoever reads a body of known length does not ask for more after its last byte.
                        let is_last = this.rest.is_end_stream() || this.rest.size_hint().exact() == Some(0);
                        if this.has_codings {
                            this.left = Some((data, is_last));
                        } else {
                            this.push(data, is_last);
                        }
                    }
                    Err(frame) => {
                        this.trailers = frame.into_trailers().ok();
                        this.end();
                    }
                },
                None => {
                    this.is_drained = true;
                    this.end();
                }
                Some(Err(error)) => {
                    this.has_ended = true;
                    this.is_drained = true;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let is_through = self.working.is_none() && self.ready.is_empty() && self.left.is_none();
        self.has_ended && is_through && self.trailers.is_none() && (self.is_drained || self.rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        // An empty body would not be asked for, and those who watch it are told of its end.
        match self.rest.size_hint() {
            hint if self.only_watches && self.working.is_none() && hint.exact() != Some(0) => {
                let ready = self.ready.iter().map(|piece| piece.len() as u64).sum::<u64>();
                let mut known = SizeHint::new();
                known.set_lower(hint.lower() + ready);
                if let Some(upper) = hint.upper() {
                    known.set_upper(upper + ready);
                }
                known
            }
            _ => SizeHint::default(),
        }
    }
}

impl<B> std::fmt::Debug for Piped<B> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Piped").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}
