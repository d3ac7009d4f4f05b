//! How a hook ends.

use std::any::Any;
use std::fmt;

use crate::{Refusal, Reply, password, store, upstream};

/// What the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Go on with the chain.
    Next,
    /// The filter has answered; [`Reply::send`] returns this.
    Stop,
    /// Wait for what this hook armed; [`Request::buffer`](crate::Request::buffer) and
    /// [`Document::refresh`](crate::Document::refresh) return this.
    Pause,
}

/// Why a hook did not come to its end: the filter failed, or it refuses with an answer.
///
/// Any `std::error::Error` becomes a failure by `?`: it is logged, and the operator's `on_failure` decides. What is
/// made by [`Reply::error`] is sent to the client instead, as is what a client did wrong with a body
/// ([`Unread`](crate::Unread)).
pub struct Error(Box<Kind>);

enum Kind {
    Failure { message: String, refusal: Option<Refusal> },
    Answer { reply: Reply, code: String },
}

impl Error {
    /// A failure with the filter's own words, for the operator's log.
    pub fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Kind::Failure { message: message.into(), refusal: None }))
    }

    /// The host's refusal, if that is what this is.
    pub fn refusal(&self) -> Option<Refusal> {
        match &*self.0 {
            Kind::Failure { refusal, .. } => *refusal,
            Kind::Answer { .. } => None,
        }
    }

    pub(crate) fn answer(reply: Reply, code: &str) -> Self {
        Self(Box::new(Kind::Answer { reply, code: code.to_owned() }))
    }

    /// Sends what is an answer; what is left is a failure.
    pub(crate) fn settle(self) -> Result {
        match *self.0 {
            Kind::Answer { reply, code } => reply.send(&code),
            failure @ Kind::Failure { .. } => Err(Self(Box::new(failure))),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::Failure { message, .. } => formatter.write_str(message),
            Kind::Answer { code, .. } => formatter.write_str(code),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl<E: std::error::Error + 'static> From<E> for Error {
    fn from(error: E) -> Self {
        // The contract's errors print a number beside their name; operators know the name only.
        let any: &dyn Any = &error;
        let named = |what: &str, name: &str| [what, name].concat();
        let message = if let Some(refusal) = any.downcast_ref::<Refusal>() {
            named("the host refused the call: ", refusal.name())
        } else if let Some(error) = any.downcast_ref::<store::Error>() {
            named("the store did not do it: ", error.name())
        } else if let Some(error) = any.downcast_ref::<upstream::Error>() {
            named("the request to the upstream failed: ", error.name())
        } else if let Some(error) = any.downcast_ref::<password::Error>() {
            named("the password could not be checked: ", error.name())
        } else {
            error.to_string()
        };
        Self(Box::new(Kind::Failure { message, refusal: any.downcast_ref().copied() }))
    }
}

/// What a hook returns when it uses `?`.
pub type Result<T = Flow> = std::result::Result<T, Error>;

/// What a hook that steers the exchange may return: nothing, a [`Flow`], or a result of either.
#[diagnostic::on_unimplemented(
    message = "a hook cannot return `{Self}`",
    note = "it returns nothing, `weir::Flow`, or a `Result` of one of them (`weir::Result`)"
)]
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
        match self {
            Ok(returned) => returned.outcome(),
            Err(error) => error.into().settle(),
        }
    }
}

/// What a hook that steers nothing may return: nothing, or a result of that.
#[diagnostic::on_unimplemented(
    message = "this hook cannot return `{Self}`",
    note = "it returns nothing, or a `Result<(), E>` whose error means that the filter failed"
)]
pub trait Done {
    /// Why the filter failed.
    fn done(self) -> Result<()>;
}

impl Done for () {
    fn done(self) -> Result<()> {
        Ok(())
    }
}

impl<E: Into<Error>> Done for std::result::Result<(), E> {
    fn done(self) -> Result<()> {
        self.map_err(Into::into)
    }
}
