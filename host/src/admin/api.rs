//! The table of what is answered. A row is all that there is to say of a request: matching, `Allow`, what is refused and
//! the document of the API are made of it.

use std::rc::Rc;

use http::{Method, Request, StatusCode, header};
use hyper::body::Incoming;
use serde_json::Value;

use super::asked::Asked;
use super::exposition::Format;
use super::guard::{Caller, admit, refuse_browsers};
use super::health::{self, Liveness, Readiness};
use super::orders::Order;
use super::reply::{Answer, Refusal, json};
use super::route::{Answering, Gives, Route, Takes};
use super::views::{Reloaded, Status};
use super::{Desk, metrics, openapi};

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

static ROUTES: &[Route] = &[
    Route::get::<Status>("/status", "How the proxy is.", |asked| asked.show(Order::Status)),
    Route::get::<Liveness>("/live", "Whether the process works.", health::live)
        .refuses(&[(UNAVAILABLE, "A thread does not respond.")])
        .probe(),
    Route::get::<Readiness>("/ready", "Whether new connections are wanted.", health::ready)
        .refuses(&[(UNAVAILABLE, "They are not; the answer says why.")])
        .probe(),
    Route::new(
        Method::GET,
        "/metrics",
        "What was counted, as text for Prometheus; as OpenMetrics if `Accept` prefers that.",
        Takes::Nothing,
        Gives::Text(Format::Prometheus.content_type()),
        metrics::show,
    )
    .with(metrics::PARAMETERS),
    Route::post::<Reloaded>("/reload", "Read the configuration again, and serve it if it is sound.", reload)
        .refuses(&[(UNPROCESSABLE, "It is not sound; what was running goes on.")]),
    Route::get::<Value>("/openapi.json", "This document.", |_| {
        Box::pin(async { Ok(json(StatusCode::OK, &openapi::document(ROUTES))) })
    }),
];

/// Answers a request.
pub(super) async fn answer(request: Request<Incoming>, caller: Caller, desk: Rc<Desk>) -> Answer {
    match serve(request, caller, desk).await {
        Ok(answer) => answer,
        Err(refused) => refused.answer(),
    }
}

async fn serve(request: Request<Incoming>, caller: Caller, desk: Rc<Desk>) -> Result<Answer, Refusal> {
    refuse_browsers(&request, &desk.rules, caller)?;
    let path = request.uri().path().to_owned();
    let is_open = |route: &Route| route.is_probe && desk.rules.has_open_probes;
    let mut here = ROUTES.iter().filter_map(|route| Some((route, route.matches(&path)?))).peekable();
    // Who may not ask is not told what there is.
    if !here.peek().is_some_and(|(route, _)| is_open(route)) {
        admit(request.headers(), &desk.rules, caller)?;
    }
    let mut allowed = Vec::new();
    for (route, in_path) in here {
        let is_head = request.method() == Method::HEAD && route.method == Method::GET;
        if route.method == request.method() || is_head {
            if route.method != Method::GET {
                tracing::info!("asked for {} {path}", route.method);
            }
            let asked = Asked::new(desk, route, in_path, request).await?;
            return (route.handler)(asked).await;
        }
        allowed.push(route.method.as_str());
        if route.method == Method::GET {
            allowed.push("HEAD");
        }
    }
    if allowed.is_empty() {
        return Err(Refusal::not_found("there is no such path; GET /openapi.json tells what there is"));
    }
    let allowed = allowed.join(", ");
    let refused = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, format!("this path takes {allowed}"));
    let mut answer = refused.answer();
    if let Ok(allowed) = allowed.parse() {
        answer.headers_mut().insert(header::ALLOW, allowed);
    }
    Ok(answer)
}

fn reload(asked: Asked) -> Answering {
    Box::pin(async move {
        let report = asked.ask(Order::Reload).await?.err();
        let status = if report.is_none() { StatusCode::OK } else { UNPROCESSABLE };
        Ok(json(status, &Reloaded { reloaded: report.is_none(), report }))
    })
}
