//! The operator's door to the running proxy: an HTTP address of its own that tells how it is and takes orders.
//!
//! It knows nothing of what it passes on: orders go to whoever runs the server, answers come back as JSON. It must not be
//! reachable through a browser on the same machine: a request that names another host than an address (a rebound
//! name) or that a page made (`Origin`) is refused.

mod api;
mod client;
mod guard;
mod orders;

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::spawn_local;

use api::answer;
pub use client::{Call, call};
pub use orders::{Count, Order, Reload, Status};

/// From a connection's idleness to the end of a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What callers must show now, if anything: it may change while connections are open.
pub type Token = Rc<RefCell<Option<String>>>;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, token: Token, orders: mpsc::Sender<Order>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // No descriptor is left; accepting again at once would spin.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (token, orders) = (Rc::clone(&token), orders.clone());
        spawn_local(async move {
            let service = service_fn(|request| {
                let (token, orders) = (Rc::clone(&token), orders.clone());
                async move {
                    let token = token.borrow().clone();
                    Ok::<_, Infallible>(answer(&request, token.as_deref(), &orders).await)
                }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // Whoever left has its answer, or does not want one.
            let _ = connection.await;
        });
    }
}
