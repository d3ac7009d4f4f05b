//! HTTP/1.1 on one connection, by hyper's server for now; GAPS.md says what it costs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use tokio::net::TcpStream;

use super::drain::{Drain, Listening};
use crate::clock::Timer;
use crate::io::Socket;
use crate::proxy::{self, Worker};

/// From a connection's idleness, or its first byte, to the end of a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of a request's head.
const LARGEST_HEAD: usize = 64 << 10;

/// Serves the connection until either side ends it; after a drain began, until the exchange in progress is over.
pub async fn serve(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr, drain: Rc<Drain>) {
    let client = peer.ip().to_canonical();
    let service = service_fn(|request| async { Ok::<_, Infallible>(proxy::handle(&worker, client, request).await) });
    let connection = http1::Builder::new()
        .timer(Timer)
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(Socket::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut draining = Some(Listening::to(&drain));
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
