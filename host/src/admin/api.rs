//! From requests to orders, and from what comes back to JSON.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::guard::admit;
use super::orders::Order;
use super::why;

pub(super) async fn answer(
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
        (&Method::GET, path) if path == "/why" || path.starts_with("/why/") => {
            why::answer(path, request.uri().query(), orders).await
        }
        (_, "/status" | "/reload" | "/why") => {
            let error = "GET /status, POST /reload, GET /why";
            json_response(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": error }))
        }
        _ => json_response(StatusCode::NOT_FOUND, &json!({ "error": "there are /status, /reload, /why and /why/ID" })),
    }
}

pub(super) async fn ask<T>(orders: &mpsc::Sender<Order>, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Option<T> {
    let (answer, answered) = oneshot::channel();
    orders.send(order(answer)).await.ok()?;
    answered.await.ok()
}

pub(super) fn ending() -> Response<Full<Bytes>> {
    json_response(StatusCode::SERVICE_UNAVAILABLE, &json!({ "error": "this weir is ending" }))
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
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
