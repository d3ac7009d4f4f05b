//! HTTP/1.1 on one connection, by hyper's server for now; GAPS.md says what it costs.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::proxy::{self, Worker};

/// From a connection's idleness, or its first byte, to the end of a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes of a request's head.
const LARGEST_HEAD: usize = 64 << 10;

/// Serves the connection until either side ends it; after `drain` says so, until the exchange in progress is over.
pub async fn serve(worker: Rc<Worker>, stream: TcpStream, peer: SocketAddr, mut drain: watch::Receiver<bool>) {
    let client = peer.ip().to_canonical();
    let service = service_fn(move |request| {
        let worker = Rc::clone(&worker);
        async move { Ok::<_, Infallible>(proxy::handle(&worker, client, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LARGEST_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let draining = drain.wait_for(|drain| *drain);
    // What goes wrong on the connection, the exchange's record tells; between exchanges it is nobody's loss.
    tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        _ = draining => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}
