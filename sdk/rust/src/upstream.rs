//! Requests of the filter's own. They wait, and read like any other call.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::bindings::http_client as wire;
use crate::host::http_client;

pub use crate::bindings::http_client::Error;

/// The name of an upstream: a field of this type in a filter's configuration lets the filter send requests to the upstream
/// that the operator names there.
///
/// ```
/// # use weir::{Result, Upstream, testing};
/// fn allowed(policy: &Upstream, user: &str) -> Result<bool> {
///     let answer = policy.get("/allowed").header("x-user", user).send()?;
///     Ok(answer.status == 204)
/// }
///
/// let mut host = testing::Host::new();
/// host.upstream("policy", |request| {
///     assert_eq!(request.target, "/allowed");
///     Ok(testing::answer(204, ""))
/// });
/// assert!(host.enter(|| allowed(&Upstream::from("policy"), "ada")).unwrap());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Upstream(String);

impl From<&str> for Upstream {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Upstream {
    /// The name that the operator wrote.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// A GET of path and query: `/authorize?x=1`.
    pub fn get(&self, target: impl Into<String>) -> Call {
        self.call("GET", target)
    }

    /// A POST.
    pub fn post(&self, target: impl Into<String>) -> Call {
        self.call("POST", target)
    }

    /// A request of any method.
    pub fn call(&self, method: impl Into<String>, target: impl Into<String>) -> Call {
        Call(wire::Request {
            upstream: self.0.clone(),
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: None,
            max_body: None,
        })
    }
}

/// A request in the making.
#[derive(Clone, Debug)]
#[must_use = "a request is sent by `send` or `send_all`"]
pub struct Call(wire::Request);

impl Call {
    /// Adds a field. `host` is the upstream's unless it is set here.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body, at most 1 MiB.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Sets the body and says that it is JSON. Fails as the value's own `Serialize` does.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> crate::Result<Self> {
        Ok(self.header("content-type", "application/json").body(serde_json::to_vec(value)?))
    }

    /// How long all of it may take; 5 s otherwise.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout = Some(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
        self
    }

    /// Bytes of the answer's body beyond which it fails; 1 MiB otherwise, which is also the most.
    pub fn max_body(mut self, bytes: u32) -> Self {
        self.0.max_body = Some(bytes);
        self
    }

    /// Sends it and waits for the answer.
    pub fn send(self) -> Result<Answer, Error> {
        http_client::send(&self.0).map(Answer::from)
    }

    /// The same, but requests of this entry that are under way with the same key at the same time are one, whatever
    /// instance and worker they come from: the first is sent, and the others get what it comes to. So the key must name
    /// all that the answer depends on. Nothing is remembered.
    ///
    /// ```
    /// # use weir::{Result, Upstream, testing};
    /// fn is_active(introspection: &Upstream, digest_of_token: &str, form: String) -> Result<bool> {
    ///     let answer = introspection.post("/introspect").body(form).send_shared(digest_of_token)?;
    ///     Ok(answer.status == 200)
    /// }
    ///
    /// let mut host = testing::Host::new();
    /// host.upstream("auth", |_| Ok(testing::answer(200, "{}")));
    /// assert!(host.enter(|| is_active(&Upstream::from("auth"), "9f86", "token=t".into())).unwrap());
    /// assert_eq!(host.shared, ["9f86"]);
    /// ```
    pub fn send_shared(self, key: &str) -> Result<Answer, Error> {
        http_client::send_shared(key, &self.0).map(Answer::from)
    }
}

/// Sends all at the same time; the results are in the order of the requests.
pub fn send_all(calls: impl IntoIterator<Item = Call>) -> Vec<Result<Answer, Error>> {
    let requests: Vec<_> = calls.into_iter().map(|call| call.0).collect();
    http_client::send_all(&requests).into_iter().map(|result| result.map(Answer::from)).collect()
}

/// What an upstream answered.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// All fields in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl From<wire::Response> for Answer {
    fn from(response: wire::Response) -> Self {
        Self { status: response.status, headers: response.headers, body: response.body }
    }
}

impl Answer {
    /// The first value of the field.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_slice())
    }

    /// The body as a value.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.body)
    }
}
