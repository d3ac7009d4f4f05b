//! A body that was buffered: the hook before ended with `buffer`, the host has read it, and here is what came of it.

use serde::de::DeserializeOwned;

use crate::host::{body, resumption};
use crate::{Ended, Error, Message, Refusal, Reply};

/// The buffered body in `on_request_body` and `on_response_body`.
///
/// Reading one that is not whole is an [`Unread`]; with `?` the client gets the status that fits, and nothing
/// half read is taken for the whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct Body;

#[doc(hidden)]
pub fn body() -> Body {
    Body
}

/// As much as the host hands over in one call.
const PIECE: u32 = 1 << 20;

impl Body {
    /// How buffering ended.
    pub fn outcome(&self) -> Ended {
        resumption::outcome()
    }

    /// How many bytes the body has, if it is whole.
    #[allow(clippy::len_without_is_empty, reason = "of a body that is not whole nobody knows")]
    pub fn len(&self) -> Result<u32, Unread> {
        match resumption::outcome() {
            Ended::Done => Ok(body::size()?),
            Ended::OverLimit => Err(Unread::OverLimit),
            Ended::TimedOut => Err(Unread::TimedOut),
            Ended::Failed => Err(Unread::Failed),
        }
    }

    /// The whole body.
    pub fn bytes(&self) -> Result<Vec<u8>, Unread> {
        let length = self.len()?;
        let mut bytes = body::read(0, PIECE)?;
        while bytes.len() < length as usize {
            let piece = body::read(u32::try_from(bytes.len()).unwrap_or(u32::MAX), PIECE)?;
            if piece.is_empty() {
                return Err(Unread::Failed);
            }
            bytes.extend(piece);
        }
        Ok(bytes)
    }

    /// Bytes from `offset`: fewer than `length` at the end, and at most 1 MiB.
    pub fn read(&self, offset: u32, length: u32) -> Result<Vec<u8>, Unread> {
        self.len()?;
        Ok(body::read(offset, length)?)
    }

    /// The whole body as a value. By `?` one that is not such JSON, or nests more than 127 levels, is answered as one that
    /// cannot be read: 400, or 502 if it is the upstream's.
    pub fn json<T: DeserializeOwned>(&self) -> crate::Result<T> {
        serde_json::from_slice(&self.bytes()?).map_err(|error| {
            let status = match resumption::about() {
                Message::Request => 400,
                Message::Response => 502,
            };
            Reply::new(status).detail(error.to_string()).error("malformed-json")
        })
    }

    /// Replaces the whole body. The host sets the length and removes what described the old bytes;
    /// `content-type` is the filter's.
    pub fn replace(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Refusal> {
        body::replace(bytes.as_ref())
    }
}

/// Why a body cannot be read. By `?` in a hook it becomes an answer: what a client did wrong is no failure of the filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// It is longer than the maximum: 413, or 502 if it is the upstream's.
    OverLimit,
    /// It took too long: 408, or 504.
    TimedOut,
    /// It broke off: 400, or 502.
    Failed,
    /// No hook ended with `buffer`: the filter's own mistake, and a failure of it.
    NotBuffered,
}

impl From<Refusal> for Unread {
    fn from(_: Refusal) -> Self {
        Self::NotBuffered
    }
}

impl From<Unread> for Error {
    fn from(unread: Unread) -> Self {
        let (request, response, code) = match unread {
            Unread::OverLimit => (413, 502, "body-too-large"),
            Unread::TimedOut => (408, 504, "body-too-slow"),
            Unread::Failed => (400, 502, "body-broken-off"),
            Unread::NotBuffered => return Self::new("the body was not buffered; end an earlier hook with `buffer`"),
        };
        let status = match resumption::about() {
            Message::Request => request,
            Message::Response => response,
        };
        Reply::new(status).error(code)
    }
}
