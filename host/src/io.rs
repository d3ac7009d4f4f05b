//! A client's connection as hyper uses it: plain TCP, or what was put around it.
//!
//! Knows no protocol. It adds three things: small messages leave together, bytes that were read ahead are read again,
//! and a peer that takes nothing for too long is given up.

use std::cell::RefCell;
use std::io::{Error, ErrorKind, IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

mod tcp;

pub use tcp::{STALLED, Tcp};

/// Up to here, copying a head and a body together costs less than telling the kernel of two places
/// (about 0.1 us of CPU per message).
const SMALL: usize = 4 << 10;

/// As many bytes as can be read ahead: what tells HTTP/2 from HTTP/1.1.
pub const AHEAD: usize = 24;

thread_local! {
    static TOGETHER: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(SMALL));
}

/// What a connection may be wrapped in.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A connection.
#[derive(Debug)]
pub struct Socket {
    inner: Inner,
    ahead: Ahead,
}

enum Inner {
    Plain(TokioIo<Tcp>),
    Wrapped(TokioIo<Box<dyn Stream>>),
}

/// Bytes that were read to look at, and are still to be read by whoever serves the connection.
#[derive(Debug, Default)]
struct Ahead {
    bytes: [u8; AHEAD],
    start: u8,
    end: u8,
}

impl Socket {
    /// Takes over a TCP connection.
    pub fn plain(stream: Tcp) -> Self {
        Self { inner: Inner::Plain(TokioIo::new(stream)), ahead: Ahead::default() }
    }

    /// Takes over a connection that is wrapped, in TLS for example.
    pub fn wrapped(stream: impl Stream + 'static) -> Self {
        Self { inner: Inner::Wrapped(TokioIo::new(Box::new(stream))), ahead: Ahead::default() }
    }

    /// Waits for more bytes than were read ahead before, up to [`AHEAD`], and shows them all. They will be read again.
    pub async fn read_ahead(&mut self) -> Result<&[u8]> {
        std::future::poll_fn(|context| {
            let mut buffer = ReadBuf::new(&mut self.ahead.bytes);
            buffer.set_filled(usize::from(self.ahead.end));
            match &mut self.inner {
                Inner::Plain(stream) => ready!(Pin::new(stream.inner_mut()).poll_read(context, &mut buffer))?,
                Inner::Wrapped(stream) => ready!(Pin::new(stream.inner_mut()).poll_read(context, &mut buffer))?,
            }
            let end = u8::try_from(buffer.filled().len()).map_err(Error::other)?;
            let more = end > std::mem::replace(&mut self.ahead.end, end);
            Poll::Ready(if more { Ok(()) } else { Err(Error::from(ErrorKind::UnexpectedEof)) })
        })
        .await?;
        Ok(self.ahead.rest())
    }
}

impl Ahead {
    fn rest(&self) -> &[u8] {
        &self.bytes[usize::from(self.start)..usize::from(self.end)]
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Wrapped(_) => "Wrapped",
        })
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<()>> {
        let this = &mut *self;
        if this.ahead.start != this.ahead.end {
            let rest = this.ahead.rest();
            let length = rest.len().min(buffer.remaining());
            buffer.put_slice(&rest[..length]);
            this.ahead.start += u8::try_from(length).map_err(Error::other)?;
            return Poll::Ready(Ok(()));
        }
        match &mut this.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Inner::Wrapped(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl Write for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Inner::Wrapped(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        match slices {
            [bytes] => self.poll_write(context, bytes),
            _ if slices.iter().map(|slice| slice.len()).sum::<usize>() > SMALL => match &mut self.inner {
                Inner::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
                Inner::Wrapped(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            },
            _ => TOGETHER.with_borrow_mut(|together| {
                together.clear();
                for slice in slices {
                    together.extend_from_slice(slice);
                }
                self.poll_write(context, together)
            }),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.inner {
            // Nothing is held back.
            Inner::Plain(_) => Poll::Ready(Ok(())),
            Inner::Wrapped(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.inner {
            Inner::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Inner::Wrapped(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
