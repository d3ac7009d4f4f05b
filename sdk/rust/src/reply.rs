//! Answering in the upstream's place.

use serde::Serialize;

use crate::host::reply;
use crate::{Error, Flow, Reason};

/// An answer in the making.
///
/// ```
/// # use weir::{Reply, Request, Result, Flow};
/// fn on_request(request: &Request) -> Result {
///     let Some(token) = request.header("authorization") else {
///         return Reply::new(401).header("www-authenticate", "Bearer").text("Who are you?\n").send("no-token");
///     };
///     # drop(token);
///     Ok(Flow::Next)
/// }
/// # let mut host = weir::testing::Host::new();
/// # assert_eq!(host.enter(|| on_request(&weir::__private::request()).unwrap()), Flow::Stop);
/// # assert_eq!(host.reply.unwrap().code, "no-token");
/// ```
#[derive(Debug)]
#[must_use = "an answer is made by `send`"]
pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    detail: String,
}

impl Reply {
    /// An answer without a body.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), trailers: Vec::new(), detail: String::new() }
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

    /// Sets the body and says that it is JSON. Fails as the value's own `Serialize` does.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> crate::Result<Self> {
        Ok(self.header("content-type", "application/json").body(serde_json::to_vec(value)?))
    }

    /// Adds a trailer field, as gRPC wants for its status.
    pub fn trailer(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.trailers.push((name.into(), value.into()));
        self
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
        for (name, value) in &self.trailers {
            reply::add_trailer(name, value)?;
        }
        Ok(Flow::Stop)
    }

    /// The answer as an error, for `?`: it is sent where a hook returns it.
    ///
    /// ```
    /// # use weir::{Reply, Request, Result};
    /// fn token(request: &Request) -> Result<String> {
    ///     request.header_str("x-token").ok_or_else(|| Reply::new(401).error("no-token"))
    /// }
    /// ```
    pub fn error(self, code: &str) -> Error {
        Error::answer(self, code)
    }
}
