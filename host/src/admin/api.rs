//! The table of what is answered. A row is all that there is to say of a request: matching, `Allow`, what is refused and
//! the document of the API are made of it.

use std::rc::Rc;

use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use hyper::body::Incoming;
use serde_json::Value;

use super::asked::{Asked, MOST};
use super::exposition::Format;
use super::guard::{Caller, admit, refuse_browsers};
use super::health::{self, Liveness, Readiness};
use super::orders::{Order, Supposed, WantedEndpoint, WantedRoutes, WantedStories};
use super::reply::{Answer, JSON, Refusal, bytes, json};
use super::route::{Answering, Gives, Kind, Link, Parameter, Route, Takes};
use super::schema::Shown;
use super::views::{
    Chains, Configuration, Documents, Drained, Endpoint, Explanation, Failures, Listeners, Plugins, Quarantine,
    Reloaded, Routes, Sites, Status, Stories, Swapped, Upgraded, Upstream, Upstreams,
};
use super::{Desk, metrics, openapi, plugins};

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
    Route::post::<Drained>("/drain", "End, when exchanges in progress have ended; as SIGTERM.", drain),
    Route::post::<Upgraded>("/upgrade", "Have a process of the binary as it is now take over; as SIGUSR2.", upgrade)
        .refuses(&[(UNPROCESSABLE, "It did not come to serve; the process that was asked goes on.")]),
    Route::get::<Configuration>("/config", "The configuration in force, without secrets.", config),
    Route::get::<Listeners>("/listeners", "Where clients connect.", |asked| asked.show(Order::Listeners)),
    Route::get::<Sites>("/sites", "What is served.", |asked| {
        let page = asked.page();
        asked.show(move |answer| Order::Sites(page, answer))
    })
    .with(&[OFFSET, LIMIT]),
    Route::get::<Routes>("/routes", "From requests to upstreams.", |asked| {
        let (page, wanted) =
            (asked.page(), WantedRoutes { site: asked.text("site"), upstream: asked.text("upstream") });
        asked.show(move |answer| Order::Routes(wanted, page, answer))
    })
    .with(&[
        Parameter::optional("site", Kind::Text, "Only those of the site of this name."),
        Parameter::optional("upstream", Kind::Text, "Only those that lead to the upstream of this name."),
        OFFSET,
        LIMIT,
    ]),
    Route::get::<Explanation>("/explain", "What would become of a request without header fields.", explain)
        .with(&[
            Parameter::required("host", Kind::Text, "The host that it names."),
            Parameter::required("path", Kind::Path, "Its path and query."),
            Parameter::optional("method", Kind::Token, "Its method; GET if it is not said."),
            Parameter::optional(
                "listener",
                Kind::Text,
                "The name of the listener where it arrives; the file's first if not.",
            ),
        ])
        .refuses(&[(StatusCode::NOT_FOUND, "There is no such listener.")]),
    Route::get::<Chains>("/chains", "Filters in order, of sites and of routes that differ.", |asked| {
        let (page, site) = (asked.page(), asked.text("site"));
        asked.show(move |answer| Order::Chains(site, page, answer))
    })
    .with(&[Parameter::optional("site", Kind::Text, "Only those of the site of this name."), OFFSET, LIMIT]),
    Route::get::<Plugins>("/plugins", "What filters are made of.", |asked| {
        let page = asked.page();
        asked.show(move |answer| Order::Plugins(page, answer))
    })
    .with(&[OFFSET, LIMIT]),
    Route::new(
        Method::PUT,
        "/plugins/{plugin}",
        "Swap a plugin's component: new exchanges use this one, those in progress end on the one before.",
        Takes::Bytes(plugins::TYPES, plugins::LARGEST),
        Gives::Json(Swapped::schema),
        plugins::swap,
    )
    .with(&[
        PLUGIN,
        Parameter::optional("sha256", Kind::Digest, "The digest that the component must have, in hexadecimal."),
        Parameter::optional(
            "force",
            Kind::Word(&["true", "false"]),
            "Whether to take it although it was refused before, or wants more than was granted; that it is denied.",
        ),
    ])
    .refuses(&[
        (StatusCode::NOT_FOUND, "There is no such plugin."),
        (StatusCode::CONFLICT, "It failed too often before, and is refused unless it is forced."),
        (UNPROCESSABLE, "It is not what was meant, is no filter, wants too much or refuses its configuration."),
        (UNAVAILABLE, "Others are being swapped in, or the proxy is ending."),
    ])
    .problems(),
    Route::post::<Swapped>(
        "/plugins/{plugin}/rollback",
        "Go back to the component that a plugin had before.",
        plugins::rollback,
    )
    .with(&[PLUGIN])
    .refuses(&[
        (StatusCode::NOT_FOUND, "There is no such plugin."),
        (StatusCode::CONFLICT, "There is no version before."),
        (UNPROCESSABLE, "It refuses the configuration as it is now."),
    ])
    .problems(),
    Route::get::<Upstreams>("/upstreams", "The servers behind the proxy, as they are.", |asked| {
        let page = asked.page();
        asked.show(move |answer| Order::Upstreams(page, answer))
    })
    .with(&[OFFSET, LIMIT])
    .leads_to(&[
        Link { operation: "getUpstreamsUpstream", parameters: FIRST_UPSTREAM },
        Link { operation: "postUpstreamsUpstreamEndpointsEndpointDrain", parameters: FIRST_ENDPOINT },
        Link { operation: "postUpstreamsUpstreamEndpointsEndpointUndrain", parameters: FIRST_ENDPOINT },
    ]),
    Route::get::<Upstream>("/upstreams/{upstream}", "One of them.", |asked| {
        let name = asked.text("upstream");
        asked.find(move |answer| Order::Upstream(name, answer))
    })
    .with(&[UPSTREAM])
    .refuses(&[(StatusCode::NOT_FOUND, "There is no such upstream.")]),
    Route::post::<Endpoint>(
        "/upstreams/{upstream}/endpoints/{endpoint}/drain",
        "Send an endpoint no new exchanges; those in progress end. Holds over reloads, while the endpoint stays.",
        |asked| drain_endpoint(asked, true),
    )
    .with(&[UPSTREAM, ENDPOINT])
    .refuses(&[(StatusCode::NOT_FOUND, "There is no such upstream, or it has no such endpoint.")]),
    Route::post::<Endpoint>(
        "/upstreams/{upstream}/endpoints/{endpoint}/undrain",
        "Send an endpoint exchanges again.",
        |asked| drain_endpoint(asked, false),
    )
    .with(&[UPSTREAM, ENDPOINT])
    .refuses(&[(StatusCode::NOT_FOUND, "There is no such upstream, or it has no such endpoint.")]),
    Route::get::<Documents>("/documents", "Texts that are kept fresh for filters.", |asked| {
        let page = asked.page();
        asked.show(move |answer| Order::Documents(page, answer))
    })
    .with(&[OFFSET, LIMIT]),
    Route::get::<Stories>("/why", "What was decided about exchanges that are over, the newest first.", stories)
        .with(WHICH_STORIES)
        .leads_to(&[Link { operation: "getWhyId", parameters: FIRST_STORY }]),
    Route::get::<Stories>("/why/{id}", "What was decided about one of them.", |asked| {
        let id = asked.text("id");
        asked.find(move |answer| Order::Story(id, answer))
    })
    .with(&[Parameter::required("id", Kind::Text, "Its id, or what its response had as `x-request-id`.")])
    .refuses(&[(StatusCode::NOT_FOUND, "No story of it is kept; the answer says why that may be.")]),
    Route::get::<Failures>("/failures", "What failed lately, by filter and by upstream.", |asked| {
        asked.show(Order::Failures)
    }),
    Route::get::<Quarantine>("/quarantine", "Filters that are not called for a while.", |asked| {
        asked.show(Order::Quarantine)
    }),
    Route::get::<Value>("/openapi.json", "This document.", |asked| {
        let document = openapi::document(ROUTES, &asked.desk.rules.borrow());
        Box::pin(async move { Ok(json(StatusCode::OK, &document)) })
    }),
];

const OFFSET: Parameter = Parameter::optional("offset", Kind::Number(0, u32::MAX as u64), "How many are passed over.");
const LIMIT: Parameter =
    Parameter::optional("limit", Kind::Number(1, MOST), "How many are shown at most; 100 if it is not said.");
const PLUGIN: Parameter = Parameter::required("plugin", Kind::Text, "The plugin's name in the configuration.");
const UPSTREAM: Parameter = Parameter::required("upstream", Kind::Text, "The upstream's name.");
const ENDPOINT: Parameter = Parameter::required("endpoint", Kind::Text, "The endpoint's host and port.");

const WHICH_STORIES: &[Parameter] = &[
    Parameter::optional("last", Kind::Number(1, MOST), "So many at most; 20 if it is not said."),
    Parameter::optional("status", Kind::Text, "Only those that were answered so: 403, or 4xx."),
    Parameter::optional("by", Kind::Text, "Only those that this filter answered; or `upstream`, `host` or `client`."),
    Parameter::optional("reason", Kind::Text, "Only those with this reason."),
];

/// Stories that are told where nothing is said.
const USUAL_STORIES: usize = 20;

/// Where an answer of `GET /upstreams` names its first one.
const FIRST_UPSTREAM: &[(&str, &str)] = &[("upstream", "/upstreams/0/name")];
const FIRST_STORY: &[(&str, &str)] = &[("id", "/stories/0/id")];
const FIRST_ENDPOINT: &[(&str, &str)] =
    &[("upstream", "/upstreams/0/name"), ("endpoint", "/upstreams/0/endpoints/0/name")];

/// Answers a request.
pub(super) async fn answer(request: Request<Incoming>, caller: Caller, desk: Rc<Desk>) -> Answer {
    match serve(request, caller, Rc::clone(&desk)).await {
        Ok(answer) => answer,
        Err(refused) => {
            if [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&refused.status) {
                desk.refused.note(&refused.words);
            }
            refused.answer()
        }
    }
}

async fn serve(request: Request<Incoming>, caller: Caller, desk: Rc<Desk>) -> Result<Answer, Refusal> {
    let rules = Rc::clone(&desk.rules.borrow());
    refuse_browsers(&request, &rules, caller)?;
    let path = request.uri().path().to_owned();
    let is_open = |route: &Route| route.is_probe && rules.has_open_probes;
    let mut here = ROUTES.iter().filter_map(|route| Some((route, route.matches(&path)?))).peekable();
    // Who may not ask is not told what there is.
    if !here.peek().is_some_and(|(route, _)| is_open(route)) {
        admit(request.headers(), &rules, caller)?;
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

fn drain(asked: Asked) -> Answering {
    Box::pin(async move {
        asked.ask(Order::Drain).await?;
        Ok(json(StatusCode::OK, &Drained { draining: true }))
    })
}

fn config(asked: Asked) -> Answering {
    Box::pin(async move {
        let mut shown = asked.desk.shown.lock().await;
        let known = shown.as_ref().map(|(number, _)| *number);
        if let Some((number, new)) = asked.ask(|answer| Order::Config(known, answer)).await? {
            let answer = json(StatusCode::OK, &new);
            let text = answer.into_body().collect().await.map(Collected::to_bytes).unwrap_or_default();
            *shown = Some((number, text));
        }
        let text = shown.as_ref().map(|(_, text)| text.clone()).unwrap_or_default();
        Ok(bytes(StatusCode::OK, JSON, text))
    })
}

fn upgrade(asked: Asked) -> Answering {
    Box::pin(async move {
        let (status, upgraded) = match asked.ask(Order::Upgrade).await? {
            Ok(pid) => (StatusCode::OK, Upgraded { upgraded: true, pid: Some(pid), report: None }),
            Err(report) => (UNPROCESSABLE, Upgraded { upgraded: false, pid: None, report: Some(report) }),
        };
        Ok(json(status, &upgraded))
    })
}

fn explain(asked: Asked) -> Answering {
    let method = asked.parameter("method").unwrap_or("GET").to_owned();
    let supposed =
        Supposed { listener: asked.text("listener"), host: asked.text("host"), target: asked.text("path"), method };
    asked.find(move |answer| Order::Explain(supposed, answer))
}

fn stories(asked: Asked) -> Answering {
    let some = |name: &str| asked.parameter(name).map(str::to_owned);
    let wanted = WantedStories {
        id: None,
        most: asked.parameter("last").and_then(|last| last.parse().ok()).unwrap_or(USUAL_STORIES),
        status: some("status"),
        by: some("by"),
        reason: some("reason"),
    };
    asked.show(move |answer| Order::Stories(wanted, answer))
}

fn drain_endpoint(asked: Asked, drain: bool) -> Answering {
    let wanted = WantedEndpoint { upstream: asked.text("upstream"), endpoint: asked.text("endpoint"), drain };
    asked.find(move |answer| Order::DrainEndpoint(wanted, answer))
}

fn reload(asked: Asked) -> Answering {
    Box::pin(async move {
        let (status, reloaded) = match asked.ask(Order::Reload).await? {
            Ok(notes) => (StatusCode::OK, Reloaded { reloaded: true, report: None, notes }),
            Err(report) => (UNPROCESSABLE, Reloaded { reloaded: false, report: Some(report), notes: Vec::new() }),
        };
        Ok(json(status, &reloaded))
    })
}
