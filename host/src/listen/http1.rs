//! HTTP/1.1 on one connection, by hyper's server for now; GAPS.md says what it costs.

use std::convert::Infallible;
use std::pin::pin;
use std::task::Poll;

use hyper::server::conn::http1;
use hyper::service::service_fn;

use crate::clock::Timer;
use crate::config::ListenerLimits;
use crate::io::Socket;
use crate::proxy::{self, Connection, Listening, Stage, Worker};

/// hyper takes no smaller limit for a head.
const SMALLEST_HEADER: usize = 8 << 10;

/// Serves the connection until either side ends it; after its drain began, until the exchange in progress is over.
pub(super) async fn serve(
    socket: Socket,
    worker: &Worker,
    client: &Connection,
    limits: ListenerLimits,
    mut listening: Listening,
) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(proxy::handle(worker, client, request).await) });
    let connection = http1::Builder::new()
        .timer(Timer)
        .header_read_timeout(limits.head)
        .max_buf_size(limits.header.max(SMALLEST_HEADER))
        .serve_connection(socket, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // A request that came in the last moment is read before the connection is told to end.
    let mut has_begun = false;
    // What goes wrong on the connection, the exchange's record tells; between exchanges it is nobody's loss.
    std::future::poll_fn(|context| {
        // First, so that an answer that is about to leave says that the connection ends with it.
        while let Poll::Ready(stage) = listening.poll(context) {
            if stage == Stage::Over || !has_begun && connection.as_mut().poll(context).is_ready() {
                return Poll::Ready(());
            }
            connection.as_mut().graceful_shutdown();
        }
        has_begun = true;
        connection.as_mut().poll(context).map(drop)
    })
    .await;
}
