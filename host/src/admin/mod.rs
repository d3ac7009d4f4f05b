//! The operator's door to the running proxy: an HTTP address of its own that tells how it is and takes orders.
//!
//! It knows nothing of what it passes on: orders go to whoever runs the server, answers come back as JSON. It must not be
//! reachable through a browser on the same machine: a request that names another host than an address (a rebound
//! name) or that a page made (`Origin`) is refused.

mod client;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

pub use client::{Call, call};

/// From a connection's idleness to the end of a request's head.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// What is asked of whoever runs the server.
#[derive(Debug)]
pub enum Order {
    /// How is it?
    Status(oneshot::Sender<Status>),
    /// Read the configuration again. Answered with what is wrong with it, if so.
    Reload(oneshot::Sender<Result<(), String>>),
}

/// How the proxy is.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Of this weir.
    pub version: &'static str,
    /// Of its process.
    pub pid: u32,
    /// What it serves.
    pub config: String,
    /// Seconds since its start.
    pub uptime: u64,
    /// Its threads.
    pub workers: usize,
    /// Clients' connections that are open.
    pub connections: usize,
    /// Name and address.
    pub listeners: Vec<(String, SocketAddr)>,
    /// How many of what is served.
    pub sites: usize,
    /// How many of what is served.
    pub routes: usize,
    /// How many of what is served.
    pub filters: usize,
    /// What filters count.
    pub counts: Vec<Count>,
    /// Their instances that live, in use or idle.
    pub instances: usize,
    /// The last reload, if there was one.
    pub reload: Option<Reload>,
}

/// One value that a filter counts.
#[derive(Clone, Debug, Serialize)]
pub struct Count {
    /// The entry's name.
    pub filter: String,
    /// The metric's name.
    pub metric: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
    /// The sum or the last value; of a histogram the sum of what was observed.
    pub value: f64,
    /// Of a histogram: upper bounds, and how many were at most so large, but above the bound before.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<(f64, u64)>,
}

/// How a reload went.
#[derive(Clone, Debug, Serialize)]
pub struct Reload {
    /// Seconds ago.
    pub ago: u64,
    /// What was wrong; then what ran before runs on.
    pub report: Option<String>,
}

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, token: Option<String>, orders: mpsc::Sender<Order>) {
    let token = Rc::new(token);
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
                async move { Ok::<_, Infallible>(answer(&request, token.as_deref(), &orders).await) }
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

async fn answer(
    request: &Request<Incoming>,
    token: Option<&str>,
    orders: &mpsc::Sender<Order>,
) -> Response<Full<Bytes>> {
    if let Err((status, why)) = admit(request, token) {
        return json_response(status, &json!({ "error": why }));
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/status") => match ask(orders, Order::Status).await {
            Some(status) => json_response(StatusCode::OK, &serde_json::to_value(status).unwrap_or_default()),
            None => ending(),
        },
        (&Method::POST, "/reload") => match ask(orders, Order::Reload).await {
            Some(Ok(())) => json_response(StatusCode::OK, &json!({ "reloaded": true })),
            Some(Err(report)) => {
                json_response(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "reloaded": false, "report": report }))
            }
            None => ending(),
        },
        (_, "/status" | "/reload") => {
            json_response(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": "GET /status, POST /reload" }))
        }
        _ => json_response(StatusCode::NOT_FOUND, &json!({ "error": "there are /status and /reload" })),
    }
}

async fn ask<T>(orders: &mpsc::Sender<Order>, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    orders.send(order(answer)).await.ok()?;
    answered.await.ok()
}

/// Whether this caller may ask.
fn admit(request: &Request<Incoming>, token: Option<&str>) -> Result<(), (StatusCode, &'static str)> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_address = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok();
    if !is_address && token.is_none() {
        return Err((StatusCode::FORBIDDEN, "call this address by its number, not by a name"));
    }
    if request.headers().contains_key(header::ORIGIN) {
        return Err((StatusCode::FORBIDDEN, "pages of a browser may not call this address"));
    }
    let Some(token) = token else { return Ok(()) };
    let shown = request.headers().get(header::AUTHORIZATION).map(http::HeaderValue::as_bytes).unwrap_or_default();
    if shown.strip_prefix(b"Bearer ").is_some_and(|shown| is_same(shown, token.as_bytes())) {
        return Ok(());
    }
    Err((StatusCode::UNAUTHORIZED, "show the token: Authorization: Bearer TOKEN"))
}

/// In a time that tells nothing of where they differ.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    use sha2::{Digest, Sha256};
    // Digests have one length, and what is learnt of a digest's bytes says nothing of the token's.
    let difference =
        Sha256::digest(one).iter().zip(Sha256::digest(other)).fold(0, |all, (one, other)| all | (one ^ other));
    difference == 0
}

fn ending() -> Response<Full<Bytes>> {
    json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "this weir is ending" }))
}

fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
    }
    response
}
