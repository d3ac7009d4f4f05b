//! Answers, and the fields that keep browsers from making anything of them.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

use super::schema::view;

/// What nearly all answers are.
pub(super) const JSON: &str = "application/json";

/// A whole answer.
pub(super) type Answer = Response<Full<Bytes>>;

/// No page of a browser may read, show or guess at an answer.
const FIELDS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (header::REFERRER_POLICY, "no-referrer"),
];

view! {
    /// Why there is no other answer.
    struct Problem {
        /// What is wrong, and what to do.
        error: String,
    }
}

/// A request that is not served: a status and words.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) words: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, words: impl Into<String>) -> Self {
        Self { status, words: words.into() }
    }

    /// What it asked for is not there.
    pub(super) fn not_found(words: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, words)
    }

    /// It cannot be meant as it was written.
    pub(super) fn bad(words: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, words)
    }

    /// Nobody takes orders any more.
    pub(super) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "this weir is ending")
    }

    pub(super) fn answer(&self) -> Answer {
        let mut answer = json(self.status, &Problem { error: self.words.clone() });
        if self.status == StatusCode::UNAUTHORIZED {
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        answer
    }
}

/// A value as JSON.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let (status, mut text) = match serde_json::to_vec(value) {
        Ok(text) => (status, text),
        // Views are maps with words for keys; only a figure that is no number could get here.
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, br#"{"error":"the answer cannot be written"}"#.to_vec()),
    };
    text.push(b'\n');
    bytes(status, JSON, text)
}

/// Bytes of this content type.
pub(super) fn bytes(status: StatusCode, content_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(bytes.into()));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in FIELDS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
