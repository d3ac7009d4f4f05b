//! A request that was admitted and belongs to a row of the table: its parameters and its body, checked.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::oneshot;

use super::Desk;
use super::orders::Order;
use super::reply::{Refusal, json};
use super::route::{Answering, Route, Takes};
use super::schema::Shown;

/// An order is `{}`; this is room for white space.
const LARGEST_ORDER: usize = 4 << 10;

/// How long an order's body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Rows of a list that are shown, unless the request says other; and the most that it may say.
pub(super) const USUAL_LIMIT: usize = 100;
pub(super) const MOST: u64 = 1000;

/// A request.
pub(super) struct Asked {
    pub(super) desk: Rc<Desk>,
    /// By name, decoded; from the path and the query.
    parameters: Vec<(&'static str, String)>,
    pub(super) request: Request<Incoming>,
}

/// Which rows of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// So many are passed over.
    pub offset: usize,
    /// So many are shown at most.
    pub limit: usize,
}

impl Page {
    /// The rows of it; views are made of these only.
    pub fn part<T>(self, rows: impl Iterator<Item = T>) -> impl Iterator<Item = T> {
        rows.skip(self.offset).take(self.limit)
    }
}

impl Asked {
    /// Checks what is asked against its row. An order's body is read; other bodies are the handler's.
    pub(super) async fn new(
        desk: Rc<Desk>,
        route: &Route,
        in_path: Vec<(&'static str, String)>,
        mut request: Request<Incoming>,
    ) -> Result<Self, Refusal> {
        let mut parameters = in_path;
        for pair in request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (Some(name), Some(value)) = (decode(name, true), decode(value, true)) else {
                return Err(Refusal::bad("the query is not UTF-8 in percent-encoding"));
            };
            let mut known = route.parameters.iter().filter(|parameter| !route.is_in_path(parameter));
            let Some(parameter) = known.clone().find(|parameter| parameter.name == name) else {
                let names: Vec<&str> = known.by_ref().map(|parameter| parameter.name).collect();
                let help = if names.is_empty() {
                    "there is none here".into()
                } else {
                    format!("there are: {}", names.join(", "))
                };
                return Err(Refusal::bad(format!("there is no such parameter in the query; {help}")));
            };
            if parameters.iter().any(|(known, _)| *known == parameter.name) {
                return Err(Refusal::bad(format!("`{name}` stands twice in the query", name = parameter.name)));
            }
            if let Some(words) = parameter.refuse(&value) {
                return Err(Refusal::bad(words));
            }
            parameters.push((parameter.name, value));
        }
        for parameter in route.parameters.iter().filter(|parameter| parameter.is_required) {
            if !parameters.iter().any(|(name, _)| *name == parameter.name) {
                return Err(Refusal::bad(format!("the query must have `{}`: {}", parameter.name, parameter.words)));
            }
        }
        match route.takes {
            Takes::Nothing => {}
            Takes::Order => {
                wants(&request, &["application/json"])?;
                order(&bytes(request.body_mut(), LARGEST_ORDER, PATIENCE).await?)?;
            }
            Takes::Bytes(types, _) => wants(&request, types)?,
        }
        Ok(Self { desk, parameters, request })
    }

    /// A parameter's value.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// The same as text of its own; empty if it is not there.
    pub(super) fn text(&self, name: &str) -> String {
        self.parameter(name).unwrap_or_default().to_owned()
    }

    /// Which rows are wanted.
    pub(super) fn page(&self) -> Page {
        let number = |name: &str| self.parameter(name).and_then(|value| value.parse().ok());
        Page { offset: number("offset").unwrap_or(0), limit: number("limit").unwrap_or(USUAL_LIMIT) }
    }

    /// Gives an order and waits for what comes of it.
    pub(super) async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Refusal> {
        let (answer, answered) = oneshot::channel();
        self.desk.orders.send(order(answer)).await.map_err(|_| Refusal::ending())?;
        answered.await.map_err(|_| Refusal::ending())
    }

    /// Shows what comes of an order.
    pub(super) fn show<T: Shown + 'static>(
        self,
        order: impl FnOnce(oneshot::Sender<T>) -> Order + 'static,
    ) -> Answering {
        Box::pin(async move { Ok(json(StatusCode::OK, &self.ask(order).await?)) })
    }

    /// Shows what comes of an order about something that may not be there.
    pub(super) fn find<T: Shown + 'static>(
        self,
        order: impl FnOnce(oneshot::Sender<Result<T, String>>) -> Order + 'static,
    ) -> Answering {
        Box::pin(async move {
            let found = self.ask(order).await?.map_err(Refusal::not_found)?;
            Ok(json(StatusCode::OK, &found))
        })
    }
}

/// A form of a web page can send three content types, and these are none of them.
fn wants(request: &Request<Incoming>, types: &[&str]) -> Result<(), Refusal> {
    let said = request.headers().get(header::CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let said = said.split(';').next().unwrap_or_default().trim();
    if types.iter().any(|wanted| wanted.eq_ignore_ascii_case(said)) {
        return Ok(());
    }
    let words = match types {
        ["application/json"] => "send `{}` as JSON: curl --json '{}' URL".to_owned(),
        types => format!("send it with `Content-Type: {}`", types.join("` or `")),
    };
    Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, words))
}

/// An order has no details yet; whoever writes some must not believe that they count.
fn order(body: &[u8]) -> Result<(), Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(members)) if members.is_empty() => Ok(()),
        _ => Err(Refusal::bad("the body is `{}`: an order takes no details in its body")),
    }
}

/// A body, within a limit of bytes and of time.
pub(super) async fn bytes(body: &mut Incoming, most: usize, patience: Duration) -> Result<Bytes, Refusal> {
    let whole = Limited::new(body, most).collect();
    match tokio::time::timeout(patience, whole).await {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {most} bytes")))
        }
        Ok(Err(_)) => Err(Refusal::bad("the body broke off")),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, format!("the body did not come within {patience:?}"))),
    }
}

/// Percent-encoding undone; in a query `+` is a space. None if that is not UTF-8.
pub(super) fn decode(text: &str, is_query: bool) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
                let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            b'+' if is_query => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}
