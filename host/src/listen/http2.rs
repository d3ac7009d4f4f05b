//! HTTP/2 on one connection, by hyper's server.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use tokio::task::spawn_local;

use super::serve::exchange;
use super::streams::{State, Streams};
use crate::clock::{self, Sleep, Timer};
use crate::config::ListenerLimits;
use crate::io::{STALLED, Socket};
use crate::proxy::{Connection, Listening, Stage, Worker};
use crate::telemetry::metrics::Listener;

/// Exchanges at the same time on one connection: more than a browser has, and few enough that one client cannot take
/// a worker. Clients learn it with the first frame and wait.
const MOST_STREAMS: u32 = 128;

/// What a client may send ahead of what the upstream has taken, for one exchange and for all of a connection: enough
/// for 100 Mbit/s over 80 ms, and no more memory than that for a client who sends what nobody takes.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;

/// What waits for a client in one exchange.
const MOST_UNSENT: usize = 64 << 10;

/// A client that has not been heard of for so long, while exchanges are open, is asked, and given up without an answer.
const SILENCE: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(20);

/// A client that has no exchange and does not go although it was told that the proxy ends is left after so long.
const FAREWELL: Duration = Duration::from_secs(5);

/// Serves the connection until either side ends it; after a drain began, until the exchanges in progress are over.
pub(super) async fn serve(
    socket: Socket,
    worker: Rc<Worker>,
    (client, counts): (Connection, Arc<Listener>),
    limits: ListenerLimits,
    mut listening: Listening,
) {
    let streams = Rc::new(Streams::new());
    let (counted, client) = (Rc::clone(&streams), Rc::new((client, counts)));
    let service = service_fn(move |request| {
        let (worker, client, stream) = (Rc::clone(&worker), Rc::clone(&client), counted.open());
        async move {
            let response = exchange(&worker, &client.0, &client.1, request).await;
            Ok::<_, Infallible>(response.map(|body| stream.carry(body)))
        }
    });
    let connection = http2::Builder::new(Local)
        .timer(Timer)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(u32::try_from(limits.header).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MOST_UNSENT)
        .keep_alive_interval(SILENCE)
        .keep_alive_timeout(ANSWER)
        .serve_connection(socket, service);
    let mut connection = pin!(connection);
    // Since when it is told to go, and how long it may take to.
    let mut ending: Option<(Instant, Duration)> = None;
    let mut look = Sleep::new(limits.head.min(STALLED));
    // What goes wrong on the connection, the exchanges' records tell.
    std::future::poll_fn(|context| {
        while let Poll::Ready(stage) = listening.poll(context) {
            if stage == Stage::Over {
                return Poll::Ready(());
            }
            ending = Some((clock::now(), FAREWELL));
            look = Sleep::new(FAREWELL);
            connection.as_mut().graceful_shutdown();
        }
        if connection.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        while Pin::new(&mut look).poll(context).is_ready() {
            let quiet = streams.quiet();
            match streams.state() {
                State::HeldByClient if quiet >= STALLED => return Poll::Ready(()),
                // It was told, and does not go.
                State::Idle if ending.is_some_and(|(since, patience)| clock::now() - since >= patience) => {
                    return Poll::Ready(());
                }
                State::Idle if quiet >= limits.head && ending.is_none() => {
                    ending = Some((clock::now(), STALLED));
                    connection.as_mut().graceful_shutdown();
                    // It has something to say now.
                    context.waker().wake_by_ref();
                }
                _ => {}
            }
            let left = limits.head.saturating_sub(quiet);
            let patience = ending.map_or(STALLED, |(_, patience)| patience);
            look = Sleep::new(if left.is_zero() { limits.head } else { left }.min(patience));
        }
        Poll::Pending
    })
    .await;
}

/// Runs exchanges on the worker that has the connection.
#[derive(Clone, Copy, Debug)]
struct Local;

impl<F: Future + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(async move {
            future.await;
        });
    }
}
