//! The client's body on its way to an upstream: within its limit, and read to its end for a while if nobody wants the rest.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderName;
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
    coming: Coming,
    limit: u64,
    left: u64,
    lingers: bool,
    /// Counts what was read.
    read: Option<Rc<Cell<u64>>>,
    /// What may not come behind it.
    unwanted: Option<Arc<Vec<HeaderName>>>,
}

#[derive(Default)]
enum Coming {
    /// Nothing.
    #[default]
    Nothing,
    /// As the client sends it.
    Client(Incoming),
    /// At once.
    Whole(Bytes),
    /// Made of another one.
    Made(Pin<Box<dyn Body<Data = Bytes, Error = Error>>>),
}

impl RequestBody {
    /// Without a limit. One that `lingers` is read on for a while when it is dropped before its end: over HTTP/2 its stream
    /// would be reset, and widely used clients then lose the answer that they were given.
    pub fn new(incoming: Incoming, lingers: bool) -> Self {
        Self { coming: Coming::Client(incoming), limit: u64::MAX, left: u64::MAX, lingers, read: None, unwanted: None }
    }

    /// All of it is here.
    pub fn whole(bytes: Bytes) -> Self {
        Self {
            coming: Coming::Whole(bytes),
            limit: u64::MAX,
            left: u64::MAX,
            lingers: false,
            read: None,
            unwanted: None,
        }
    }

    /// What was made of another body, which it holds if there is more to come of that.
    pub fn made(body: impl Body<Data = Bytes, Error = Error> + 'static) -> Self {
        Self {
            coming: Coming::Made(Box::pin(body)),
            limit: u64::MAX,
            left: u64::MAX,
            lingers: false,
            read: None,
            unwanted: None,
        }
    }

    /// Counts the bytes that are read.
    #[must_use]
    pub fn counted(mut self, read: &Rc<Cell<u64>>) -> Self {
        self.read = Some(Rc::clone(read));
        self
    }

    /// At most so many bytes.
    #[must_use]
    pub fn limited(mut self, limit: u64) -> Self {
        (self.limit, self.left) = (limit, limit);
        self
    }

    /// None of these fields comes behind it.
    #[must_use]
    pub fn without_trailers(mut self, unwanted: &Arc<Vec<HeaderName>>) -> Self {
        self.unwanted = Some(Arc::clone(unwanted));
        self
    }

    /// A body that says that it is too large fails before anything is sent.
    pub fn check(&self) -> Result<(), Error> {
        if self.size_hint().lower() > self.left { Err(Error::TooLarge(self.limit)) } else { Ok(()) }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = match &mut this.coming {
            Coming::Nothing => None,
            Coming::Client(incoming) => {
                let frame = ready!(Pin::new(incoming).poll_frame(context));
                frame.map(|frame| frame.map_err(|error| Error::ClientBody(error.to_string())))
            }
            Coming::Whole(bytes) if bytes.is_empty() => None,
            Coming::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Coming::Made(body) => ready!(body.as_mut().poll_frame(context)),
        };
        let frame = match frame {
            Some(Ok(mut frame)) => {
                if let Some(trailers) = frame.trailers_mut() {
                    keep_trailers(trailers);
                    for name in this.unwanted.iter().flat_map(|unwanted| unwanted.iter()) {
                        trailers.remove(name);
                    }
                }
                frame
            }
            other => return Poll::Ready(other),
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(read) = &this.read {
            read.set(read.get() + length);
        }
        Poll::Ready(Some(match this.left.checked_sub(length) {
            Some(left) => {
                this.left = left;
                Ok(frame)
            }
            None => Err(Error::TooLarge(this.limit)),
        }))
    }

    fn is_end_stream(&self) -> bool {
        match &self.coming {
            Coming::Nothing => true,
            Coming::Client(incoming) => incoming.is_end_stream(),
            Coming::Whole(bytes) => bytes.is_empty(),
            Coming::Made(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.coming {
            Coming::Nothing => SizeHint::with_exact(0),
            Coming::Client(incoming) => incoming.size_hint(),
            Coming::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Coming::Made(body) => body.size_hint(),
        }
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let Coming::Client(rest) = std::mem::take(&mut self.coming) else { return };
        // At the end of a worker there is nobody left to read.
        if self.lingers && !rest.is_end_stream() && Handle::try_current().is_ok() {
            tokio::task::spawn_local(within(LINGER, discard(rest)));
        }
    }
}

impl std::fmt::Debug for Coming {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Client(_) => "Client",
            Self::Whole(_) => "Whole",
            Self::Made(_) => "Made",
        })
    }
}

async fn discard(mut rest: Incoming) {
    while let Some(Ok(_)) = std::future::poll_fn(|context| Pin::new(&mut rest).poll_frame(context)).await {}
}
