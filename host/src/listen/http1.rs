//! HTTP/1.1 on one connection, by hyper's server for now; GAPS.md says what it costs.

use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;

use hyper::server::conn::http1;
use hyper::service::service_fn;

use super::drain::{Drain, Listening};
use super::serve::exchange;
use crate::clock::Timer;
use crate::config::ListenerLimits;
use crate::io::Socket;
use crate::proxy::{Connection, Worker};
use crate::telemetry::metrics::Listener;

/// hyper takes no smaller limit for a head.
const SMALLEST_HEADER: usize = 8 << 10;

/// Serves the connection until either side ends it; after a drain began, until the exchange in progress is over.
pub(super) async fn serve(
    socket: Socket,
    worker: &Worker,
    (client, counts): (&Connection, &Listener),
    limits: ListenerLimits,
    drain: &Rc<Drain>,
) {
    let service = service_fn(|request| async { Ok::<_, Infallible>(exchange(worker, client, counts, request).await) });
    let connection = http1::Builder::new()
        .timer(Timer)
        .header_read_timeout(limits.head)
        .max_buf_size(limits.header.max(SMALLEST_HEADER))
        .serve_connection(socket, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut draining = Some(Listening::to(drain));
    // What goes wrong on the connection, the exchange's record tells; between exchanges it is nobody's loss.
    let _ = std::future::poll_fn(|context| {
        // First, so that an answer that is about to leave says that the connection ends with it.
        if draining.as_mut().is_some_and(|drain| drain.poll(context).is_ready()) {
            draining = None;
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context)
    })
    .await;
}
