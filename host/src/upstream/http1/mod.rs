//! HTTP/1.1 towards an upstream: one exchange at a time on a connection that is kept.
//!
//! Why not a client library: those copy the head into a request of their own, hand it to a task that owns the
//! connection, and wake the caller when that has an answer. Here the head is written from where it stands, and the task
//! that serves the client reads the answer itself (measured: a tenth of the CPU time per request).
//!
//! It must not guess: what is not clearly framed is refused, and a connection on which anything was odd is not used again.

mod body;
mod exchange;
mod head;
mod outgoing;

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio_util::io::poll_read_buf;

use super::stream::Stream;

pub(super) use body::Body;
pub(super) use exchange::Exchange;

/// Room for one read; grows while reads fill it.
const SMALLEST_READ: usize = 8 << 10;
const LARGEST_READ: usize = 64 << 10;

/// A connection, and what was read from it.
#[derive(Debug)]
struct Connection {
    stream: Stream,
    /// What was read and not yet used; empty between exchanges.
    input: BytesMut,
    next_read: usize,
}

impl Connection {
    fn new(stream: Stream) -> Self {
        Self { stream, input: BytesMut::new(), next_read: SMALLEST_READ }
    }

    /// Whether it can serve another exchange, as far as is known here: nothing has come on it, its end included.
    fn is_quiet(&mut self) -> bool {
        self.stream.is_quiet()
    }

    /// Reads what is there; 0 is the connection's end.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<Result<usize>> {
        if self.input.capacity() - self.input.len() < SMALLEST_READ / 8 {
            self.input.reserve(self.next_read);
        }
        let room = self.input.capacity() - self.input.len();
        let read = poll_read_buf(Pin::new(&mut self.stream), context, &mut self.input);
        if let Poll::Ready(Ok(length)) = read {
            self.next_read = if length == room { (self.next_read * 2).min(LARGEST_READ) } else { SMALLEST_READ };
        }
        read
    }
}
