//! Which of the filter's methods goes on after a pause.

use crate::host::resumption;
use crate::{Body, Ended, Flow, Message, Operation, Request, Response, Result};

/// Which hooks for buffered bodies a filter has.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Resumes {
    request_body: bool,
    response_body: bool,
}

impl Resumes {
    pub const fn new(request_body: bool, response_body: bool) -> Self {
        Self { request_body, response_body }
    }

    /// Which method goes on.
    pub fn next(self) -> Next {
        let (about, waited_for) = (resumption::about(), resumption::waited_for());
        match (about, waited_for) {
            (Message::Request, Operation::Body) if self.request_body => Next::RequestBody,
            (Message::Response, Operation::Body) if self.response_body => Next::ResponseBody,
            _ => Next::Other(Resumed {
                outcome: resumption::outcome(),
                waited_for,
                about,
                request: Request,
                response: (about == Message::Response).then_some(Response),
                body: Body,
            }),
        }
    }
}

/// The method that goes on.
#[doc(hidden)]
#[derive(Debug)]
pub enum Next {
    RequestBody,
    ResponseBody,
    Other(Resumed),
}

impl Next {
    /// For a filter that paused where none of its methods goes on.
    pub fn nobody() -> Result<Flow> {
        Err(crate::Error::new(
            "the filter paused for something for which it has neither `on_resume` nor a hook for a body",
        ))
    }
}

/// What the filter paused for has happened, or not: the argument of `on_resume`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Resumed {
    /// How it ended.
    pub outcome: Ended,
    /// What the filter paused for: a body only if the filter has no hook of its own for that body.
    pub waited_for: Operation,
    /// The message of the hook that paused.
    pub about: Message,
    /// The request. It can be edited if that is what this is about.
    pub request: Request,
    /// The response, if that is what this is about.
    pub response: Option<Response>,
    /// The body, if that is what the filter paused for.
    pub body: Body,
}
