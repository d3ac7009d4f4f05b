//! How a hook ends.

use std::fmt;

use crate::Refusal;
use crate::bindings::weir::filter::types::Flow as Wire;

/// What the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on with the chain.
    Next,
    /// The filter has answered; [`crate::Reply::send`] returns this.
    Stop,
}

/// Why a hook failed: text for the operator's log.
#[derive(Debug)]
pub struct Error(String);

impl Error {
    /// An error of the filter's own.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self(format!("the host refused the call: {}", refusal.name()))
    }
}

/// What a hook returns when it uses `?`.
pub type Result<T = Flow> = std::result::Result<T, Error>;

/// What a hook may return.
pub trait Outcome {
    /// The flow, or why the filter failed.
    fn outcome(self) -> Result;
}

impl Outcome for () {
    fn outcome(self) -> Result {
        Ok(Flow::Next)
    }
}

impl Outcome for Flow {
    fn outcome(self) -> Result {
        Ok(self)
    }
}

impl<T: Outcome, E: Into<Error>> Outcome for std::result::Result<T, E> {
    fn outcome(self) -> Result {
        self.map_err(Into::into)?.outcome()
    }
}

/// Ends a hook. An error becomes a trap, the one way in which a filter fails.
#[doc(hidden)]
pub fn finish(returned: impl Outcome) -> Wire {
    match returned.outcome() {
        Ok(Flow::Next) => Wire::Next,
        Ok(Flow::Stop) => Wire::Stop,
        Err(error) => {
            crate::log(crate::Level::Error, &error.0);
            abort()
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn abort() -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(target_arch = "wasm32"))]
fn abort() -> ! {
    panic!("the filter failed")
}
