//! The response's body on its way to the client: passed on as it comes, counted, and followed by the record.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::record::{Ended, Ongoing};
use crate::upstream::{Error, ResponseBody};

/// A response's body. Dropped before its end, it cancels the upstream's.
#[derive(Debug)]
pub struct ReplyBody {
    content: Content,
    /// None if the record is written elsewhere.
    ongoing: Option<Ongoing>,
}

/// Where a response's bytes come from.
pub(super) enum Content {
    /// The upstream's, as they come.
    Upstream(ResponseBody),
    /// All are here; with what comes behind them.
    Whole(Bytes, Option<Box<HeaderMap>>),
    /// Something was made of another body.
    Made(Pin<Box<dyn Body<Data = Bytes, Error = Error>>>),
}

impl ReplyBody {
    pub(super) fn new(content: Content, ongoing: Ongoing) -> Self {
        Self { content, ongoing: Some(ongoing) }
    }

    /// Behind this head comes something that is not HTTP.
    pub(super) fn switched() -> Self {
        Self { content: Content::empty(), ongoing: None }
    }
}

impl Content {
    /// Nothing.
    pub(super) fn empty() -> Self {
        Self::Whole(Bytes::new(), None)
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Upstream(body) => Pin::new(body).poll_frame(context),
            Self::Whole(bytes, trailers) if bytes.is_empty() => {
                Poll::Ready(trailers.take().map(|trailers| Ok(Frame::trailers(*trailers))))
            }
            Self::Whole(bytes, _) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Made(body) => body.as_mut().poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Upstream(body) => body.is_end_stream(),
            Self::Whole(bytes, trailers) => bytes.is_empty() && trailers.is_none(),
            Self::Made(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Upstream(body) => body.size_hint(),
            // Behind a body of known length HTTP/1.1 has no room for trailers.
            Self::Whole(bytes, Some(_)) => {
                let mut hint = SizeHint::new();
                hint.set_lower(bytes.len() as u64);
                hint
            }
            Self::Whole(bytes, None) => SizeHint::with_exact(bytes.len() as u64),
            Self::Made(body) => body.size_hint(),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.content).poll_frame(context));
        if let Some(ongoing) = &mut this.ongoing {
            match &frame {
                Some(Ok(frame)) => ongoing.outcome.sent += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(error)) => ongoing.broke(error),
                None => ongoing.outcome.ended = Ended::Complete,
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        // A body of known length is not polled once more after its last byte.
        let is_whole = self.is_end_stream();
        if let Some(ongoing) = self.ongoing.as_mut().filter(|ongoing| is_whole && ongoing.outcome.ended == Ended::Open)
        {
            ongoing.outcome.ended = Ended::Complete;
        }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Upstream(_) => "Upstream",
            Self::Whole(..) => "Whole",
            Self::Made(_) => "Made",
        })
    }
}
