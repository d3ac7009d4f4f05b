//! What operators ask about exchanges that are over, and what they are told.

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;

use super::api::{ask, ending, json_response};
use super::orders::Order;

/// Stories in one answer.
const MOST: usize = 1000;

/// As many as are told where nothing is said.
const USUAL: usize = 20;

/// Which exchanges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// That which has this id, or was named so by who made the response.
    pub id: Option<String>,
    /// At most so many, the newest first.
    pub most: usize,
    /// `403`, or `4xx` for all of a kind.
    pub status: Option<String>,
    /// Who made the response.
    pub by: Option<String>,
    /// For this reason.
    pub reason: Option<String>,
}

/// What is known.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The newest first.
    pub stories: Vec<Account>,
    /// What there is to be found.
    pub kept: Kept,
}

/// What there is to be found.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Refusals and failures.
    pub refused_or_failed: usize,
    /// Those that had to make room for newer ones, or came too many at once.
    pub gone: u64,
    /// Samples of the rest.
    pub sampled: usize,
    /// One in so many of the rest is kept; 0 for none. None if nothing at all is kept.
    pub sample: Option<u32>,
}

/// The story of one exchange.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: String,
    /// The id that its response had, if that was another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When it began.
    pub time: String,
    /// Who asked.
    pub client: String,
    /// Where it came in.
    pub listener: String,
    /// What was asked.
    pub method: String,
    /// Of whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Path and query.
    pub target: String,
    /// What was answered; null if the client had gone.
    pub status: Option<u16>,
    /// Who made the response: `upstream`, `host`, `client` or a filter's name.
    pub by: String,
    /// Why, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in more words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// `complete`, or who ended it early.
    pub ended: String,
    /// Bytes of the response's body.
    pub bytes: u64,
    /// Milliseconds to the response's head, as far as that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_ms: Option<f64>,
    /// Milliseconds to the end.
    pub ms: f64,
    /// What serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Named>,
    /// What serves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<Named>,
    /// The filters, outermost first.
    pub chain: Vec<Filter>,
    /// What they did, in order.
    pub hooks: Vec<Hook>,
    /// Hooks there was no room for.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub hooks_missed: usize,
    /// Who was asked for a response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream: Option<Upstream>,
}

/// A part of the configuration.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Named {
    /// Its name.
    pub name: String,
    /// `file:line`.
    pub line: String,
}

/// A filter of the chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Filter {
    /// Its name.
    pub name: String,
    /// `file:line`.
    pub line: String,
    /// Where a route changes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<String>,
    /// What becomes of exchanges when it fails: `open` or `closed`.
    pub on_failure: String,
    /// Whether the request came to it.
    pub reached: bool,
}

/// A hook of a filter that ran, or did not and why.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hook {
    /// The filter's name.
    pub filter: String,
    /// Its place in the chain, from 0.
    pub position: usize,
    /// As the contract calls it.
    pub hook: String,
    /// `next`, `answer`, `pause`, `failed`, `quarantine` (not called), `except` (not called), or `unfinished` (it waited
    /// when the exchange ended).
    pub flow: String,
    /// Why, in a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in more words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Milliseconds from the exchange's begin.
    pub at_ms: f64,
    /// Milliseconds on the worker's thread.
    pub ms: f64,
    /// Milliseconds in which it waited.
    pub waited_ms: f64,
    /// Pieces of a body; not there if it is not about a body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pieces: Option<u64>,
}

/// Who was asked for a response.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Upstream {
    /// Its name.
    pub name: String,
    /// Its endpoints that were asked, in order.
    pub attempts: Vec<Attempt>,
}

/// An endpoint that was asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// Host and port.
    pub endpoint: String,
    /// Milliseconds from the exchange's begin.
    pub at_ms: f64,
    /// Milliseconds to the response's head or the error; null if neither came.
    pub ms: Option<f64>,
    /// Whether a connection was opened for it.
    pub is_new: bool,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Answers `/why/ID` and `/why?last=N&status=S&by=B&reason=R`.
pub(super) async fn answer(path: &str, query: Option<&str>, orders: &mpsc::Sender<Order>) -> Response<Full<Bytes>> {
    let question = match Question::parse(path, query) {
        Ok(question) => question,
        Err(why) => return json_response(StatusCode::BAD_REQUEST, &json!({ "error": why })),
    };
    let is_one = question.id.is_some();
    match ask(orders, |answer| Order::Why(question, answer)).await {
        Some(told) if is_one && told.stories.is_empty() => {
            let error = "no story of this exchange is kept";
            json_response(StatusCode::NOT_FOUND, &json!({ "error": error, "kept": told.kept }))
        }
        Some(told) => json_response(StatusCode::OK, &serde_json::to_value(told).unwrap_or_default()),
        None => ending(),
    }
}

impl Question {
    fn parse(path: &str, query: Option<&str>) -> Result<Self, String> {
        let mut question = Self { most: USUAL, ..Self::default() };
        let id = path.strip_prefix("/why").unwrap_or_default().trim_start_matches('/');
        if !id.is_empty() {
            question.id = Some(decode(id)?);
        }
        for pair in query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decode(value)?;
            match key {
                "last" => {
                    let last = value.parse().ok().filter(|last| (1..=MOST).contains(last));
                    question.most = last.ok_or_else(|| format!("`last` is a whole number from 1 to {MOST}"))?;
                }
                "status" if is_status(&value) => question.status = Some(value),
                "status" => return Err("`status` is as 403, or 4xx".into()),
                "by" => question.by = Some(value),
                "reason" => question.reason = Some(value),
                _ => return Err(format!("there are last, status, by and reason, but no `{key}`")),
            }
        }
        Ok(question)
    }
}

/// Three digits, or one and `xx`.
fn is_status(text: &str) -> bool {
    let rest = text.strip_prefix(|first: char| ('1'..='5').contains(&first));
    rest.is_some_and(|rest| rest == "xx" || rest.len() == 2 && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Percent-encoded text.
fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                let (high, low) = (digit(), digit());
                let number = high.zip(low).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
                number.ok_or("behind a `%` come two hexadecimal digits")?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "this is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_read_strictly() {
        let one = Question { id: Some("a/b c".into()), most: USUAL, ..Question::default() };
        assert_eq!(Question::parse("/why/a%2Fb%20c", None), Ok(one));
        let last = Question {
            most: 3,
            status: Some("4xx".into()),
            by: Some("authz".into()),
            reason: Some("no-rule".into()),
            ..Question::default()
        };
        assert_eq!(Question::parse("/why", Some("last=3&status=4xx&by=authz&reason=no-rule")), Ok(last));
        for query in
            ["last=0", "last=1001", "last=x", "status=40", "status=9xx", "status=4000", "from=1", "by=%2", "by=%ff"]
        {
            assert!(Question::parse("/why", Some(query)).is_err(), "{query}");
        }
    }
}
