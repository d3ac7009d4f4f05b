//! Answering in the upstream's place.

use crate::Flow;
use crate::bindings::weir::filter::reply;
use crate::bindings::weir::filter::types::Reason;

/// An answer in the making: `Reply::new(403).text("no\n").send("blocked")`.
#[derive(Debug)]
#[must_use = "an answer is made by `send`"]
pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    detail: String,
}

impl Reply {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), detail: String::new() }
    }

    /// Adds a field.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body and says that it is plain text.
    pub fn text(self, body: impl Into<String>) -> Self {
        self.header("content-type", "text/plain; charset=utf-8").body(body.into())
    }

    /// What the operator's log says beside the reason's code; the client never sees it.
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Answers. `code` says why, for metrics and logs: a short kebab-case word, few distinct ones.
    pub fn send(self, code: &str) -> crate::Result {
        let why = Reason { code: code.to_owned(), detail: self.detail };
        reply::send(self.status, &self.headers, &self.body, &why)?;
        Ok(Flow::Stop)
    }
}
