//! An upstream's connection that has switched to another protocol: bytes, and no longer HTTP.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::ResponseBody;
use super::deadlines::Wait;
use super::stream::Stream;

/// The connection. The exchange counts as in progress as long as it is there.
#[derive(Debug)]
pub struct Tunnel {
    stream: Stream,
    /// What came behind the head.
    read_ahead: BytesMut,
    exchange: ResponseBody,
}

impl Tunnel {
    pub(super) fn new(stream: Stream, read_ahead: BytesMut, exchange: ResponseBody) -> Self {
        Self { stream, read_ahead, exchange }
    }

    /// How long nothing may move on it, counted from now.
    pub fn idle(&self) -> Wait {
        self.exchange.idle()
    }
}

impl AsyncRead for Tunnel {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        if self.read_ahead.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let length = buffer.remaining().min(self.read_ahead.len());
        buffer.put_slice(&self.read_ahead[..length]);
        self.read_ahead.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tunnel {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
