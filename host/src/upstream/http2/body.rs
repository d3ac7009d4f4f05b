//! A response's body from a shared connection. Dropped before its end, it resets the stream.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;

use super::outgoing::Progress;
use crate::upstream::error::{Broken, Error};

/// The body, and what becomes of the request's.
#[derive(Debug)]
pub(in crate::upstream) struct Body {
    incoming: Incoming,
    progress: Rc<Progress>,
}

impl Body {
    pub(super) fn new(incoming: Incoming, progress: Rc<Progress>) -> Self {
        Self { incoming, progress }
    }

    /// How far the request's body has gone out.
    pub(in crate::upstream) fn sent(&self) -> u64 {
        self.progress.taken.get()
    }

    /// The next data, or the trailers.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.incoming).poll_frame(context));
        let failed = |error| self.progress.failure.take().unwrap_or_else(|| Broken::http2(&error).into());
        Poll::Ready(frame.map(|frame| frame.map_err(failed)))
    }

    pub(in crate::upstream) fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    pub(in crate::upstream) fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
