//! How sending a request to an upstream fails.

use std::io;

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
    ClientBody(hyper::Error),
    /// The connection failed before a response's head was there.
    #[error("the upstream's connection failed before it answered: {0}")]
    Broke(hyper::Error),
    /// No response's head within the time.
    #[error("the upstream did not answer within {0:?}")]
    Timeout(std::time::Duration),
}
