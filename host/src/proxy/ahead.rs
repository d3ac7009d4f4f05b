//! A body of which some was read before: it goes on from its beginning.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::upstream::Error;

/// What was read, and the rest.
#[derive(Debug)]
pub(super) struct Ahead<B> {
    /// The last first.
    frames: Vec<Frame<Bytes>>,
    /// How it ended, if it ended badly.
    error: Option<Error>,
    rest: B,
}

impl<B> Ahead<B> {
    pub(super) fn new(mut frames: Vec<Frame<Bytes>>, error: Option<Error>, rest: B) -> Self {
        frames.reverse();
        Self { frames, error, rest }
    }
}

impl<B: Body<Data = Bytes, Error = Error> + Unpin> Body for Ahead<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if let Some(frame) = this.frames.pop() {
            return Poll::Ready(Some(Ok(frame)));
        }
        match this.error.take() {
            Some(error) => Poll::Ready(Some(Err(error))),
            None => Pin::new(&mut this.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty() && self.error.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.frames.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum::<u64>();
        let rest = self.rest.size_hint();
        match rest.exact().filter(|_| self.error.is_none()) {
            Some(rest) => SizeHint::with_exact(read + rest),
            None if self.rest.is_end_stream() && self.error.is_none() => SizeHint::with_exact(read),
            None => {
                let mut hint = SizeHint::new();
                hint.set_lower(read + rest.lower());
                hint
            }
        }
    }
}
