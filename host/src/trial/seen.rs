//! What came of an exchange.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

use super::ears::Heard;
use crate::plugin::Counted;
use crate::proxy::ReplyBody;

/// A request, as its receiver saw it.
#[derive(Debug)]
pub(super) struct Received {
    /// Of the filter's own: to whom.
    pub(super) upstream: Option<String>,
    pub(super) method: String,
    /// Path and query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What the client saw.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) trailers: HeaderMap,
}

impl Reply {
    /// Reads it to its end, or to where it breaks off.
    pub(super) async fn read(response: http::Response<ReplyBody>) -> Self {
        let (head, mut content) = response.into_parts();
        let (mut body, mut trailers) = (Vec::new(), HeaderMap::new());
        while let Some(Ok(frame)) = content.frame().await {
            match frame.into_data() {
                Ok(data) => body.extend_from_slice(&data),
                Err(frame) => trailers = frame.into_trailers().unwrap_or_default(),
            }
        }
        Self { status: head.status, headers: head.headers, body, trailers }
    }
}

/// The exchange's record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Who answered: `upstream`, `host` or the filter's name.
    pub(super) by: String,
    pub(super) reason: Option<String>,
    pub(super) detail: Option<String>,
    pub(super) ended: String,
}

impl Record {
    /// Out of its line.
    pub(super) fn read(line: &[u8]) -> Self {
        let record: Value = serde_json::from_slice(line).unwrap_or_default();
        let text = |key: &str| record[key].as_str().map(str::to_owned);
        Self {
            by: text("by").unwrap_or_default(),
            reason: text("reason"),
            detail: text("detail"),
            ended: text("ended").unwrap_or_default(),
        }
    }
}

/// All that can be compared.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) reply: Reply,
    pub(super) record: Record,
    pub(super) received: Vec<Received>,
    pub(super) calls: Vec<Received>,
    /// Calls that no answer fits.
    pub(super) odd: Vec<String>,
    pub(super) vars: Vec<(String, String)>,
    pub(super) heard: Vec<Heard>,
    pub(super) counted: Vec<Counted>,
}

/// How long a step may take, whatever the filter does.
pub(super) const LONGEST: Duration = Duration::from_secs(30);
