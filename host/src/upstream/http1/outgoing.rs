//! The request on its way out: its head, then its body as the client's comes.

use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderValue;
use http_body::Body;
use tokio::io::AsyncWrite;

use super::head;
use crate::upstream::stream::Stream;
use crate::upstream::{Error, Outbound, RequestBody};

/// Up to here a body's bytes are copied behind what is to be written before them: one place costs less than two.
const SMALL: usize = 4 << 10;

/// How the request's body is framed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is none, or all of it is sent.
    #[default]
    Done,
    /// So many bytes are still to come.
    Length(u64),
    /// In chunks, because the client's length is unknown.
    Chunked,
}

impl Framing {
    pub(super) fn of(body: &RequestBody) -> Self {
        match body.size_hint().exact() {
            _ if body.is_end_stream() => Self::Done,
            Some(length) => Self::Length(length),
            None => Self::Chunked,
        }
    }
}

/// What is to be written, in three parts: bytes of our own, bytes of the client, and the end of their chunk.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    body: Option<RequestBody>,
    framing: Framing,
    own: Vec<u8>,
    own_written: usize,
    data: Bytes,
    tail: &'static [u8],
    /// Bytes that the connection took.
    pub(super) written: u64,
    /// The connection may hold back what it took.
    is_held_back: bool,
    is_failed: bool,
}

impl Outgoing {
    /// Begins a request. The one before was done.
    pub(super) fn begin(
        &mut self,
        outbound: &Outbound<'_>,
        authority: &HeaderValue,
        upgrade: Option<&HeaderValue>,
        body: RequestBody,
    ) {
        self.framing = Framing::of(&body);
        self.body = Some(body);
        self.written = 0;
        head::write(&mut self.own, outbound, authority, upgrade, self.framing);
    }

    /// The client's body, to begin again with elsewhere.
    pub(super) fn take_body(&mut self) -> Option<RequestBody> {
        self.body.take()
    }

    /// Whether all of it has been written.
    pub(super) fn is_done(&self) -> bool {
        !self.is_failed && self.framing == Framing::Done && self.is_gone()
    }

    /// Whether the same request can be sent again.
    pub(super) fn is_untouched(&self) -> bool {
        self.framing == Framing::Done
    }

    fn is_flushed(&self) -> bool {
        self.own_written == self.own.len() && self.data.is_empty() && self.tail.is_empty()
    }

    /// Whether the connection has to be flushed, too.
    fn is_gone(&self) -> bool {
        self.is_flushed() && !self.is_held_back
    }

    /// Writes as much as can be. An upstream that takes no more may have answered all the same: that is found out
    /// by reading, so only the client's failure is an error.
    pub(super) fn poll(&mut self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        loop {
            if self.is_failed {
                return Poll::Ready(Ok(()));
            }
            while !self.is_flushed() {
                match ready!(self.poll_write(stream, context)) {
                    Ok(length) if length > 0 => self.advance(length),
                    _ => {
                        self.is_failed = true;
                        return Poll::Ready(Ok(()));
                    }
                }
                self.is_held_back = stream.holds_back();
            }
            if self.is_held_back {
                self.is_failed = ready!(Pin::new(&mut *stream).poll_flush(context)).is_err();
                self.is_held_back = false;
                continue;
            }
            if self.framing == Framing::Done {
                return Poll::Ready(Ok(()));
            }
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(())) };
            match ready!(Pin::new(body).poll_frame(context)) {
                // A client's trailers end here.
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.frame(data)?;
                    }
                }
                Some(Err(error)) => return Poll::Ready(Err(error)),
                None => self.end()?,
            }
        }
    }

    fn poll_write(&self, stream: &mut Stream, context: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        let own = &self.own[self.own_written..];
        let stream = Pin::new(stream);
        if self.data.is_empty() && self.tail.is_empty() {
            stream.poll_write(context, own)
        } else {
            stream.poll_write_vectored(context, &[IoSlice::new(own), IoSlice::new(&self.data), IoSlice::new(self.tail)])
        }
    }

    fn advance(&mut self, length: usize) {
        self.written += length as u64;
        let own = length.min(self.own.len() - self.own_written);
        self.own_written += own;
        let data = (length - own).min(self.data.len());
        self.data.advance(data);
        self.tail = &self.tail[length - own - data..];
        if self.own_written == self.own.len() {
            self.own.clear();
            self.own_written = 0;
        }
    }

    /// Puts a piece of the client's body in line.
    fn frame(&mut self, data: Bytes) -> Result<(), Error> {
        match &mut self.framing {
            _ if data.is_empty() => return Ok(()),
            Framing::Length(left) if *left < data.len() as u64 => {
                return Err(Error::ClientBody("it is longer than it said".into()));
            }
            Framing::Length(left) => {
                *left -= data.len() as u64;
                if *left == 0 {
                    self.framing = Framing::Done;
                }
            }
            Framing::Chunked => {
                self.own.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
                self.tail = b"\r\n";
            }
            Framing::Done => return Err(Error::ClientBody("it goes on after its end".into())),
        }
        if data.len() <= SMALL {
            self.own.extend_from_slice(&data);
            self.own.extend_from_slice(std::mem::take(&mut self.tail));
        } else {
            self.data = data;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), Error> {
        match self.framing {
            Framing::Length(_) => return Err(Error::ClientBody("it is shorter than it said".into())),
            Framing::Chunked => self.own.extend_from_slice(b"0\r\n\r\n"),
            Framing::Done => {}
        }
        self.framing = Framing::Done;
        Ok(())
    }
}
