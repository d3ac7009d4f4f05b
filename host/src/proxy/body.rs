//! The response's body on its way to the client: passed on as it comes, counted, and followed by the record.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::record::{Ended, Ongoing};
use crate::upstream::{self, ResponseBody};

/// A response's body. Dropped before its end, it cancels the upstream's.
#[derive(Debug)]
pub struct ReplyBody {
    from: From,
    /// None if the record is written elsewhere.
    ongoing: Option<Ongoing>,
}

#[derive(Debug)]
enum From {
    Upstream(ResponseBody),
    Whole(Bytes),
}

impl ReplyBody {
    pub(super) fn upstream(body: ResponseBody, ongoing: Ongoing) -> Self {
        Self { from: From::Upstream(body), ongoing: Some(ongoing) }
    }

    pub(super) fn whole(body: Bytes, ongoing: Ongoing) -> Self {
        Self { from: From::Whole(body), ongoing: Some(ongoing) }
    }

    /// Behind this head comes something that is not HTTP.
    pub(super) fn switched() -> Self {
        Self { from: From::Whole(Bytes::new()), ongoing: None }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = upstream::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, upstream::Error>>> {
        let this = self.get_mut();
        let frame = match &mut this.from {
            From::Upstream(body) => std::task::ready!(Pin::new(body).poll_frame(context)),
            From::Whole(bytes) if bytes.is_empty() => None,
            From::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
        };
        if let Some(ongoing) = &mut this.ongoing {
            match &frame {
                Some(Ok(frame)) => ongoing.sent += frame.data_ref().map_or(0, |data| data.len() as u64),
                Some(Err(error)) => ongoing.ended = Ended::of(error),
                None => ongoing.ended = Ended::Complete,
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        match &self.from {
            From::Upstream(body) => body.is_end_stream(),
            From::Whole(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.from {
            From::Upstream(body) => body.size_hint(),
            From::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
        }
    }
}

impl Drop for ReplyBody {
    fn drop(&mut self) {
        // A body of known length is not polled once more after its last byte.
        let is_whole = self.is_end_stream();
        if let Some(ongoing) = self.ongoing.as_mut().filter(|ongoing| is_whole && ongoing.ended == Ended::Open) {
            ongoing.ended = Ended::Complete;
        }
    }
}
