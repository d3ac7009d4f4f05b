//! HTTP/1.1 on one connection, by hyper's server for now; GAPS.md says what it costs.

use std::cell::Cell;
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use http::{HeaderValue, StatusCode, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;

use super::quiet::Quiet;
use super::serve::exchange;
use crate::clock::Timer;
use crate::config::ListenerLimits;
use crate::io::Socket;
use crate::proxy::{Connection, Drain, Stage, Worker};
use crate::telemetry::metrics::Listener;

/// hyper takes no smaller limit for a head.
const SMALLEST_HEADER: usize = 8 << 10;

/// Serves the connection until either side ends it; after its drain began, until the exchange in progress is over.
pub(super) async fn serve(
    socket: Socket,
    worker: &Worker,
    (client, counts): (&Connection, &Listener),
    limits: ListenerLimits,
    drain: &Rc<Drain>,
) {
    let exchanges = Cell::new(0);
    let service = service_fn(|request| {
        exchanges.set(exchanges.get() + 1);
        async {
            let mut response = exchange(worker, client, counts, request).await;
            // Then hyper closes it behind this answer.
            if drain.has_begun() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(Timer)
        .header_read_timeout(limits.head)
        .max_buf_size(limits.header.max(SMALLEST_HEADER))
        .serve_connection(socket, service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut quiet = Quiet::on(drain);
    // What goes wrong on the connection, the exchange's record tells; between exchanges it is nobody's loss.
    std::future::poll_fn(|context| {
        while let Poll::Ready(stage) = quiet.poll(context, exchanges.get(), || client.is_idle()) {
            if stage == Stage::Over {
                return Poll::Ready(());
            }
            connection.as_mut().graceful_shutdown();
        }
        connection.as_mut().poll(context).map(drop)
    })
    .await;
}
