//! Every way in which an exchange ends without the upstream's or a filter's answer, and what the client is told.

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header, response::Parts};

use super::filters::Stopped;
use crate::coding;
use crate::paths::Ambiguous;
use crate::plugin::{ExchangeId, Failed};
use crate::upstream;

/// Why the host has to answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("the request's target is neither a path nor a URL of what this connection speaks")]
    Target,
    #[error("{0}")]
    Path(#[from] Ambiguous),
    #[error("the request names no host, or more than one")]
    Host,
    #[error("the request's transfer coding is not just `chunked`")]
    Coding,
    #[error("no site serves this host")]
    NoSite,
    #[error("no route matches the request")]
    NoRoute,
    #[error("no filter answered, and the route leads to no upstream")]
    NoUpstream,
    #[error("no route takes this method")]
    Method(Vec<Method>),
    #[error("the request's body cannot be decoded: {0}")]
    Decoding(coding::Error),
    #[error("the request's body cannot be encoded: {0}")]
    Encoding(std::io::Error),
    #[error("the request's body broke off while a filter waited for it: {0}")]
    Body(upstream::Error),
    #[error("the file broke off while a filter waited for it: {0}")]
    File(upstream::Error),
    #[error("filter `{}` failed: {}", .0.entry.name, .0.failure)]
    Filter(Failed),
    #[error("upstream `{name}`: {cause}")]
    Upstream { name: String, cause: upstream::Error },
}

impl Error {
    pub(super) fn upstream(name: &str, cause: upstream::Error) -> Self {
        Self::Upstream { name: name.to_owned(), cause }
    }

    /// What stopped a request among the filters.
    pub(super) fn request(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Failed(failed) => Self::Filter(failed),
            Stopped::Lost(cause) => Self::Body(cause),
        }
    }

    /// The table: status, code for logs and metrics, and what the client reads.
    fn answer(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::Target => (
                StatusCode::BAD_REQUEST,
                "bad-target",
                "the request's target is not one that a proxy for this site serves",
            ),
            Self::Path(_) => {
                (StatusCode::BAD_REQUEST, "bad-path", "the request's path can be read in more than one way")
            }
            Self::Host => (StatusCode::BAD_REQUEST, "bad-host", "the request must name one host"),
            Self::Coding => {
                (StatusCode::NOT_IMPLEMENTED, "bad-coding", "transfer codings other than `chunked` are not served here")
            }
            Self::NoSite => (StatusCode::NOT_FOUND, "no-site", "nothing is served here"),
            Self::Method(_) => {
                (StatusCode::METHOD_NOT_ALLOWED, "bad-method", "this method is not served here; see Allow")
            }
            Self::NoRoute => (StatusCode::NOT_FOUND, "no-route", "nothing is served here"),
            Self::NoUpstream => (StatusCode::NOT_FOUND, "no-upstream", "nothing is served here"),
            Self::Decoding(coding::Error::TooLarge(_) | coding::Error::TooDense(_))
            | Self::Body(upstream::Error::TooLarge(_)) => {
                (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "the request's body is too large")
            }
            Self::Decoding(_) => (StatusCode::BAD_REQUEST, "bad-body", "the request's body cannot be decoded"),
            Self::Encoding(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "encoder-failed", "the request could not be processed")
            }
            Self::Body(upstream::Error::Timeout(_) | upstream::Error::Total(_)) => {
                (StatusCode::REQUEST_TIMEOUT, "client-slow", "the request's body did not come in time")
            }
            Self::Body(_) => (StatusCode::BAD_REQUEST, "client-body", "the request's body could not be read"),
            Self::File(_) => (StatusCode::INTERNAL_SERVER_ERROR, "file-broke", "the request could not be processed"),
            Self::Filter(failed) if failed.failure.is_overload() => {
                (StatusCode::SERVICE_UNAVAILABLE, "filter-overload", "the request could not be processed now")
            }
            Self::Filter(_) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "filter-failed", "the request could not be processed")
            }
            Self::Upstream { cause, .. } => match cause {
                upstream::Error::Connect { .. } => {
                    (StatusCode::BAD_GATEWAY, "connect-failed", "the server behind this proxy cannot be reached")
                }
                upstream::Error::Drained => {
                    (StatusCode::SERVICE_UNAVAILABLE, "drained", "the server behind this proxy takes no requests now")
                }
                upstream::Error::Request(_) => {
                    (StatusCode::BAD_REQUEST, "bad-request", "the request cannot be passed on as it is")
                }
                upstream::Error::ClientBody(_) => {
                    (StatusCode::BAD_REQUEST, "client-body", "the request's body could not be read")
                }
                upstream::Error::TooLarge(_) => {
                    (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "the request's body is too large")
                }
                // Whoever cut it off has answered.
                upstream::Error::Cut => (StatusCode::BAD_REQUEST, "cut", "the request's body was refused"),
                upstream::Error::Broke(_) => {
                    (StatusCode::BAD_GATEWAY, "upstream-broke", "the server behind this proxy gave no valid answer")
                }
                upstream::Error::Timeout(_) | upstream::Error::Total(_) => (
                    StatusCode::GATEWAY_TIMEOUT,
                    "upstream-timeout",
                    "the server behind this proxy did not answer in time",
                ),
            },
        }
    }

    pub(super) fn code(&self) -> &'static str {
        self.answer().1
    }

    /// The response. It names the exchange, so that a user's report can be found in the log, and nothing else.
    pub(super) fn response(&self, id: ExchangeId) -> (Parts, Bytes) {
        let (status, _, text) = self.answer();
        let (mut head, body) = page(status, text, id);
        if let Self::Method(allowed) = self {
            let names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
            if let Ok(names) = HeaderValue::try_from(names.join(", ")) {
                head.headers.insert(header::ALLOW, names);
            }
        }
        (head, body)
    }
}

/// What a client reads whose request's body a filter refuses.
pub(super) fn refused(id: ExchangeId) -> (Parts, Bytes) {
    page(StatusCode::BAD_REQUEST, "the request's body was refused", id)
}

fn page(status: StatusCode, text: &str, id: ExchangeId) -> (Parts, Bytes) {
    let mut head = Response::new(()).into_parts().0;
    head.status = status;
    head.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    head.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    (head, format!("{status}: {text}\nexchange {id}\n").into())
}
