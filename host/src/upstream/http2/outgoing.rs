//! The request's body on its way out. hyper's task reads it, so what happens to it is left where the exchange finds it.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::upstream::{Error, RequestBody};

/// What the body's two ends know of it.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Frames that were taken.
    pub(super) taken: Cell<u64>,
    /// Why it failed.
    pub(super) failure: RefCell<Option<Error>>,
}

/// The body, in hyper's hands.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) body: RequestBody,
    pub(super) progress: Rc<Progress>,
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.progress.taken.set(self.progress.taken.get() + 1);
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| {
                let cause = std::io::Error::other(error.to_string());
                self.progress.failure.replace(Some(error));
                cause
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
