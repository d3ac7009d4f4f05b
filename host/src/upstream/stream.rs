//! A connection's bytes, with TLS or without.

use std::io::{ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::tls::TlsStream;
use crate::telemetry::metrics::Open;

/// A connection's bytes, counted as an open connection until they are dropped.
#[derive(Debug)]
pub(super) struct Stream {
    bytes: Bytes,
    _open: Open,
}

/// An enum and not a trait object: the plain path stays direct.
#[derive(Debug)]
pub(super) enum Bytes {
    Plain(TcpStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    pub(super) fn new(bytes: Bytes, open: Open) -> Self {
        Self { bytes, _open: open }
    }

    /// Whether nothing has come on it, its end included, as far as is known here.
    pub(super) fn is_quiet(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        match &mut self.bytes {
            Bytes::Plain(stream) if stream.poll_read_ready(&mut context).is_pending() => true,
            // Ready may be left from the last exchange; asking settles it.
            Bytes::Plain(stream) => stream.try_read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
            // What TLS says to itself, such as a new session ticket, is no answer.
            Bytes::Tls(stream) => {
                Pin::new(stream.as_mut()).poll_read(&mut context, &mut ReadBuf::new(&mut [0])).is_pending()
            }
        }
    }

    /// Whether what was written may still be on this side until it is flushed.
    pub(super) fn holds_back(&self) -> bool {
        matches!(self.bytes, Bytes::Tls(_))
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_flush(context),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.get_mut().bytes {
            Bytes::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Bytes::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
        }
    }
}
