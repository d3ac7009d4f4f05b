//! Connections of operators: so many at a time, each within limits, so that slow and dead ones harm nobody.
//!
//! Whoever comes when all places are taken gets the one of whoever has been quiet for longest: strangers cannot keep
//! operators out by holding connections.

use std::cell::Cell;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::{AbortHandle, spawn_local};

use super::api::answer;
use super::{Caller, Desk};

/// Connections at a time.
const MOST: usize = 64;

/// For the handshake; then from a connection's idleness to the end of a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// How long an answer may take to be taken, the connection's idleness after it included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of a head, and its fields.
const LARGEST_HEAD: usize = 16 << 10;
const MOST_FIELDS: usize = 64;

/// What is spoken over.
pub trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Stream for T {}

/// A connection as soon as its handshake is done, and how its caller came.
pub type Arrival = Pin<Box<dyn Future<Output = io::Result<(Box<dyn Stream>, Caller)>>>>;

/// A connection's place.
struct Seat {
    /// When it was last asked, or answered.
    since: Cell<Instant>,
    /// Whether an answer is being made.
    is_asking: Cell<bool>,
}

/// Serves what arrives until it is dropped.
pub async fn serve(mut accept: impl AsyncFnMut() -> Arrival, desk: Rc<Desk>) {
    let mut seats: Vec<(Rc<Seat>, AbortHandle)> = Vec::new();
    loop {
        let arrival = accept().await;
        seats.retain(|(_, connection)| !connection.is_finished());
        if seats.len() >= MOST {
            let quiet = seats.iter().enumerate().filter(|(_, (seat, _))| !seat.is_asking.get());
            let Some((longest, _)) = quiet.min_by_key(|(_, (seat, _))| seat.since.get()) else { continue };
            seats.swap_remove(longest).1.abort();
        }
        let seat = Rc::new(Seat { since: Cell::new(Instant::now()), is_asking: Cell::new(false) });
        let connection = spawn_local(talk(arrival, Rc::clone(&desk), Rc::clone(&seat)));
        seats.push((seat, connection.abort_handle()));
    }
}

/// One connection, from its handshake to its end.
async fn talk(arrival: Arrival, desk: Rc<Desk>, seat: Rc<Seat>) {
    let Ok(Ok((stream, caller))) = tokio::time::timeout(HEAD_TIMEOUT, arrival).await else { return };
    let service = service_fn(|request: Request<Incoming>| {
        let (desk, seat) = (Rc::clone(&desk), Rc::clone(&seat));
        async move {
            seat.begin();
            let answer = answer(request, caller, desk).await;
            seat.end();
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD)
        .max_headers(MOST_FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        // Whoever left has its answer, or does not want one.
        _ = connection => {}
        () = seat.overstayed() => {}
    }
}

impl Seat {
    fn begin(&self) {
        self.is_asking.set(true);
        self.since.set(Instant::now());
    }

    fn end(&self) {
        self.is_asking.set(false);
        self.since.set(Instant::now());
    }

    /// When nothing more came of this connection for too long.
    async fn overstayed(&self) {
        loop {
            tokio::time::sleep_until((self.since.get() + ANSWER_TIMEOUT).into()).await;
            if self.is_asking.get() {
                self.since.set(Instant::now());
            } else if self.since.get().elapsed() >= ANSWER_TIMEOUT {
                return;
            }
        }
    }
}
