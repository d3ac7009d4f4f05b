//! The client's body on its way to an upstream: within its limit, and read to its end for a while if nobody wants the rest.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;

use super::Error;
use super::trailers::keep_trailers;
use crate::clock::within;

/// How long a client may go on sending what nobody reads any more.
const LINGER: Duration = Duration::from_secs(5);

/// The client's body with a limit; empty by default.
#[derive(Debug, Default)]
pub struct RequestBody {
    incoming: Option<Incoming>,
    limit: u64,
    left: u64,
    lingers: bool,
}

impl RequestBody {
    /// Without a limit. One that `lingers` is read on for a while when it is dropped before its end: over HTTP/2 its stream
    /// would be reset, and widely used clients then lose the answer that they were given.
    pub fn new(incoming: Incoming, lingers: bool) -> Self {
        Self { incoming: Some(incoming), limit: u64::MAX, left: u64::MAX, lingers }
    }

    /// At most so many bytes.
    #[must_use]
    pub fn limited(mut self, limit: u64) -> Self {
        (self.limit, self.left) = (limit, limit);
        self
    }

    /// A body that says that it is too large fails before anything is sent.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.size_hint().lower() > self.left { Err(Error::TooLarge(self.limit)) } else { Ok(()) }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        let frame = match ready!(Pin::new(incoming).poll_frame(context)) {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    keep_trailers(trailers);
                }
                frame
            }
            Some(Err(error)) => return Poll::Ready(Some(Err(Error::ClientBody(error.to_string())))),
            None => return Poll::Ready(None),
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        Poll::Ready(Some(match this.left.checked_sub(length) {
            Some(left) => {
                this.left = left;
                Ok(frame)
            }
            None => Err(Error::TooLarge(this.limit)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.incoming.take().filter(|rest| self.lingers && !rest.is_end_stream());
        // At the end of a worker there is nobody left to read.
        if let Some(rest) = rest.filter(|_| Handle::try_current().is_ok()) {
            tokio::task::spawn_local(within(LINGER, discard(rest)));
        }
    }
}

async fn discard(mut rest: Incoming) {
    while let Some(Ok(_)) = std::future::poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await {}
}
