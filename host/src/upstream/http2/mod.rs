//! HTTP/2 towards an upstream, by hyper's client: many exchanges at the same time on one connection.

mod ask;
mod body;
mod head;
mod outgoing;

use std::cell::Cell;
use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::TokioIo;

use super::stream::Stream;
use crate::clock::{Timer, now};
use outgoing::Outgoing;

pub(super) use ask::{Failed, ask};
pub(super) use body::Body;

/// While exchanges are in progress, a connection that is silent for so long is asked whether it is alive.
const PING_AFTER: Duration = Duration::from_secs(20);
const PING_WAIT: Duration = Duration::from_secs(10);

/// A client that reads slowly holds back its own stream's window, and with it a part of the connection's: that is as
/// large as can be, or slow clients stop all others. What is held is bounded by the streams' windows.
const STREAM_WINDOW: u32 = 64 << 10;
const CONNECTION_WINDOW: u32 = (1 << 31) - 1;

/// Streams that clients gave up, and that are remembered for what still comes on them. Giving up is a client's right: it
/// must not end the connection of others.
const MOST_RESET: usize = 8192;

/// Of a response's fields.
const LARGEST_HEAD: u32 = 64 << 10;

/// A connection that exchanges share.
pub(super) struct Connection {
    sender: SendRequest<Outgoing>,
    last_used: Cell<Instant>,
}

impl Connection {
    /// Begins HTTP/2 on the stream, whose other end speaks nothing else. A task of this worker serves it to its end.
    pub(super) async fn open(stream: Stream) -> io::Result<Self> {
        let handshake = Builder::new(Local)
            .timer(Timer)
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_WAIT)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(LARGEST_HEAD)
            .max_concurrent_reset_streams(MOST_RESET)
            .max_local_error_reset_streams(None)
            .handshake(TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(io::Error::other)?;
        tokio::task::spawn_local(async move {
            // What goes wrong on it, its exchanges are told.
            let _ = connection.await;
        });
        Ok(Self { sender, last_used: Cell::new(now()) })
    }

    /// Whether it takes another exchange, as far as is known here.
    pub(super) fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    /// When the last exchange began on it.
    pub(super) fn last_used(&self) -> Instant {
        self.last_used.get()
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// hyper's tasks stay on this worker.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F: Future + 'static> hyper::rt::Executor<F> for Local {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}
