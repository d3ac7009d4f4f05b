//! Which of the filter's methods goes on after a pause.
//!
//! The contract tells how a pause ended and which message it was about, not what the filter had armed. A filter that
//! has both `on_resume` and a hook for bodies needs that too. The next hook may run in another instance, so it
//! is noted in the slot between the two hooks, where no hook of the filter sees it.

use std::cell::Cell;

use crate::host::{exchange, resumption};
use crate::{Body, Ended, Flow, Message, Request, Response, Result};

/// What a hook armed before it paused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Armed {
    Body = 1,
    Document = 2,
}

thread_local! {
    static ARMED: Cell<Armed> = const { Cell::new(Armed::Body) };
}

pub(crate) fn armed_body() {
    ARMED.set(Armed::Body);
}

pub(crate) fn armed_document() {
    ARMED.set(Armed::Document);
}

/// Which of the methods a filter has that may follow a pause.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct Resumes {
    request_body: bool,
    response_body: bool,
    others: bool,
}

impl Resumes {
    pub const fn new(request_body: bool, response_body: bool, others: bool) -> Self {
        Self { request_body, response_body, others }
    }

    /// Whether what was armed decides who goes on.
    const fn asks(self) -> bool {
        self.others && (self.request_body || self.response_body)
    }

    /// After a hook of the filter: notes what was armed.
    pub fn after(self, flow: Flow) -> Result {
        if self.asks() && flow == Flow::Pause {
            let mut slot = exchange::slot();
            slot.push(ARMED.get() as u8);
            exchange::set_slot(&slot)?;
        }
        Ok(flow)
    }

    /// Before the method that goes on: which one it is.
    pub fn before(self) -> Result<Next> {
        let mut armed = Armed::Body;
        if self.asks() {
            let mut slot = exchange::slot();
            if slot.pop() == Some(Armed::Document as u8) {
                armed = Armed::Document;
            }
            exchange::set_slot(&slot)?;
        }
        let about = resumption::about();
        Ok(match about {
            Message::Request if self.request_body && armed == Armed::Body => Next::RequestBody,
            Message::Response if self.response_body && armed == Armed::Body => Next::ResponseBody,
            _ => Next::Other(Resumed {
                outcome: resumption::outcome(),
                about,
                request: Request,
                response: (about == Message::Response).then_some(Response),
                body: Body,
            }),
        })
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
    pub fn nobody() -> Result {
        Err(crate::Error::new(
            "the filter paused about a message for which it has neither `on_resume` nor a hook for its body",
        ))
    }
}

/// What the filter paused for has happened, or not: the argument of `on_resume`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Resumed {
    /// How it ended.
    pub outcome: Ended,
    /// The message of the hook that paused.
    pub about: Message,
    /// The request. It can be edited if that is what this is about.
    pub request: Request,
    /// The response, if that is what this is about.
    pub response: Option<Response>,
    /// The body, if that is what the filter paused for.
    pub body: Body,
}
