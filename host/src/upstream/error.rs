//! How sending a request to an upstream fails.

use std::io;
use std::time::Duration;

/// What happened, as far as the proxy has to tell cases apart.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing was sent.
    #[error("cannot connect to {to}: {cause}")]
    Connect {
        /// Which server.
        to: String,
        /// What the system said.
        cause: io::Error,
    },
    /// The client's body failed while it was sent on.
    #[error("the client's body failed: {0}")]
    ClientBody(String),
    /// The response failed, in its head or in its body.
    #[error("the upstream's response failed: {0}")]
    Broke(#[from] Broken),
    /// Neither side moved for so long.
    #[error("the upstream did not answer within {0:?}")]
    Timeout(Duration),
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
}
