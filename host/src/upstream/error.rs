//! How sending a request to an upstream fails.

use std::io;
use std::time::Duration;

use crate::telemetry::metrics::Failed;

/// What happened, as far as the proxy has to tell cases apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was sent; every endpoint was tried.
    #[error("cannot connect to {to}: {cause}{}", among(*.tried))]
    Connect {
        /// The endpoint that was tried last.
        to: String,
        /// What the system or TLS said.
        cause: io::Error,
        /// How many endpoints were tried.
        tried: usize,
    },
    /// Operators have all endpoints drained.
    #[error("no endpoint takes new exchanges: all are drained by order")]
    Drained,
    /// It cannot be said in the upstream's protocol.
    #[error("the request cannot be sent: {0}")]
    Request(&'static str),
    /// The client's body failed while it was sent on.
    #[error("the client's body failed: {0}")]
    ClientBody(String),
    /// The client's body is over its limit, in bytes.
    #[error("the client's body is larger than {0} bytes")]
    TooLarge(u64),
    /// A body was cut off on its way by whoever passed it on, who knows why.
    #[error("a body was cut off")]
    Cut,
    /// The response failed, in its head or in its body.
    #[error("the upstream's response failed: {0}")]
    Broke(#[from] Broken),
    /// Neither side moved for so long.
    #[error("the upstream did not answer within {0:?}")]
    Timeout(Duration),
    /// The whole exchange took longer than it may.
    #[error("the exchange took longer than {0:?}")]
    Total(Duration),
}

impl Error {
    /// How it counts, as an attempt that failed.
    pub(super) fn kind(&self) -> Failed {
        match self {
            Self::Connect { .. } => Failed::Connect,
            // The second is no attempt.
            Self::Request(_) | Self::Drained => Failed::Request,
            Self::ClientBody(_) | Self::TooLarge(_) | Self::Cut => Failed::Client,
            Self::Broke(_) => Failed::Broke,
            Self::Timeout(_) | Self::Total(_) => Failed::Timeout,
        }
    }

    /// For figures and lists, if it is the upstream's failure and not the client's or the proxy's.
    pub(super) fn code(&self) -> Option<&'static str> {
        match self {
            Self::Connect { .. } => Some("connect-failed"),
            Self::Drained => Some("drained"),
            Self::Broke(_) => Some("broke"),
            Self::Timeout(_) | Self::Total(_) => Some("timeout"),
            Self::Request(_) | Self::ClientBody(_) | Self::TooLarge(_) | Self::Cut => None,
        }
    }
}

fn among(tried: usize) -> String {
    if tried > 1 { format!(", the last of {tried} endpoints that were tried") } else { String::new() }
}

/// Why a response failed.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// It ended too early.
    #[error("the connection ended before it was whole")]
    Closed,
    /// The connection failed.
    #[error("{0}")]
    Io(io::Error),
    /// It is not HTTP, or not clearly framed.
    #[error("{0}")]
    Invalid(&'static str),
    /// The stream or its connection failed, in HTTP/2.
    #[error("{0}")]
    Http2(String),
}

impl Broken {
    /// hyper's outer words say little; the cause says what happened.
    pub(super) fn http2(error: &hyper::Error) -> Self {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
        Self::Http2(format!("{error}{}", cause.unwrap_or_default()))
    }
}
