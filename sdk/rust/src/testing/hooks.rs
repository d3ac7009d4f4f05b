//! Calling a filter's hooks by the contract's rules.

use super::{Answered, Host, current};
use crate::__private::Filter;
use crate::{Ended, Error, Faults, Flow, Message, Operation, Refuse, Result};

/// What is running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing.
    None,
    Configure,
    Request,
    Response,
    /// After a pause in the hook of this message.
    Resume(Message),
    /// Bytes of a body pass.
    Chunk,
    Complete,
    Tick,
}

impl Phase {
    /// The message that can be steered.
    pub(super) fn about(self) -> Option<Message> {
        match self {
            Self::Request | Self::Resume(Message::Request) => Some(Message::Request),
            Self::Response | Self::Resume(Message::Response) => Some(Message::Response),
            _ => None,
        }
    }
}

/// What a hook armed.
#[derive(Clone, Debug)]
pub(super) enum Armed {
    /// Buffering up to so many bytes.
    Body(u64),
    /// Fetching the document with this handle.
    Document(String),
}

/// What came of looking for files.
#[derive(Clone, Debug)]
pub(super) enum Looked {
    Answered(Answered),
    GoesOn,
}

/// A hook that steers the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// `on_request`.
    Request,
    /// `on_response`.
    Response,
    /// `on_resume`, `on_request_body` or `on_response_body`.
    Resume,
}

impl Host {
    /// Makes the filter from a configuration: JSON, as the host makes it of what the operator wrote. In place of a
    /// document or a secret stands its handle.
    pub fn configure<F: Filter>(&mut self, json: &str) -> std::result::Result<F, Faults> {
        self.within(Phase::Configure, || F::configure(json))
    }

    /// The request's head is there. Panics if the filter fails.
    pub fn on_request<F: Filter>(&mut self, filter: &F) -> Flow {
        self.run(Hook::Request, filter).unwrap_or_else(failed)
    }

    /// The response's head is there. Panics if the filter fails.
    pub fn on_response<F: Filter>(&mut self, filter: &F) -> Flow {
        self.run(Hook::Response, filter).unwrap_or_else(failed)
    }

    /// Does what the filter paused for and lets it go on. Panics if the filter fails, or did not pause.
    pub fn on_resume<F: Filter>(&mut self, filter: &F) -> Flow {
        self.run(Hook::Resume, filter).unwrap_or_else(failed)
    }

    /// How the next pause ends, instead of as it should.
    pub fn pause_ends(&mut self, how: Ended) {
        self.ends = Some(how);
    }

    /// Runs a hook; an error is a failure of the filter. A hook that the filter does not have goes on with the chain.
    pub fn run<F: Filter>(&mut self, hook: Hook, filter: &F) -> Result {
        let phase = match hook {
            Hook::Request => Phase::Request,
            Hook::Response => Phase::Response,
            Hook::Resume => self.resume(),
        };
        self.reply = None;
        self.looked = None;
        if phase == Phase::Request {
            for name in &self.own_headers {
                self.request.remove_owned(name);
            }
        }
        let flow = self.within(phase, || match hook {
            Hook::Request => filter.on_request(),
            Hook::Response => filter.on_response(),
            Hook::Resume => filter.on_resume(),
        })?;
        if flow == Flow::Stop && self.reply.is_none() {
            match self.looked.take() {
                Some(Looked::Answered(answered)) => self.reply = Some(answered),
                Some(Looked::GoesOn) => return Ok(Flow::Next),
                None => {}
            }
        }
        match flow {
            Flow::Stop if self.reply.is_none() => {
                return Err(Error::new("the filter returned `stop` without an answer"));
            }
            Flow::Pause if self.armed.is_none() => {
                return Err(Error::new("the filter returned `pause`, but armed nothing to wait for"));
            }
            Flow::Pause if !F::HOOKS.contains(&"on_resume") => {
                return Err(Error::new("the filter returned `pause`, but has no hook that goes on"));
            }
            Flow::Pause => self.paused_in(phase),
            Flow::Next | Flow::Stop => self.armed = None,
        }
        Ok(flow)
    }

    /// Bytes of the request's body pass. Panics if the filter fails.
    pub fn on_request_chunk<F: Filter>(
        &mut self,
        filter: &F,
        bytes: impl Into<Vec<u8>>,
        end: bool,
    ) -> std::result::Result<Vec<u8>, Refuse> {
        self.within(Phase::Chunk, || filter.on_request_chunk(bytes.into(), end)).unwrap_or_else(failed)
    }

    /// Bytes of the response's body pass. Panics if the filter fails.
    pub fn on_response_chunk<F: Filter>(
        &mut self,
        filter: &F,
        bytes: impl Into<Vec<u8>>,
        end: bool,
    ) -> std::result::Result<Vec<u8>, Refuse> {
        self.within(Phase::Chunk, || filter.on_response_chunk(bytes.into(), end)).unwrap_or_else(failed)
    }

    /// Bytes of the request's body pass. Panics if the filter fails.
    pub fn observe_request_chunk<F: Filter>(&mut self, filter: &F, bytes: impl Into<Vec<u8>>, end: bool) {
        self.within(Phase::Chunk, || filter.observe_request_chunk(bytes.into(), end)).unwrap_or_else(failed);
    }

    /// Bytes of the response's body pass. Panics if the filter fails.
    pub fn observe_response_chunk<F: Filter>(&mut self, filter: &F, bytes: impl Into<Vec<u8>>, end: bool) {
        self.within(Phase::Chunk, || filter.observe_response_chunk(bytes.into(), end)).unwrap_or_else(failed);
    }

    /// The exchange is over. Panics if the filter fails.
    pub fn on_complete<F: Filter>(&mut self, filter: &F) {
        self.within(Phase::Complete, || filter.on_complete()).unwrap_or_else(failed);
    }

    /// It is time for what happens beside exchanges. Panics if the filter fails.
    pub fn on_tick<F: Filter>(&mut self, filter: &F) {
        self.within(Phase::Tick, || filter.on_tick()).unwrap_or_else(failed);
    }

    fn paused_in(&mut self, phase: Phase) {
        // Between two hooks there is none; which one paused is what the next one is about.
        self.phase = phase;
    }

    /// Does what was armed.
    fn resume(&mut self) -> Phase {
        let about = self.phase.about().unwrap_or(Message::Request);
        let armed = self.armed.take().expect("the filter did not pause, so there is nothing to go on with");
        let done = match &armed {
            Armed::Body(max) => {
                let length = match about {
                    Message::Request => self.request.bytes.len(),
                    Message::Response => self.response.bytes.len(),
                };
                if length as u64 > *max { Ended::OverLimit } else { Ended::Done }
            }
            Armed::Document(_) => Ended::Done,
        };
        self.outcome = self.ends.take().unwrap_or(done);
        if let Armed::Document(handle) = &armed
            && self.outcome == Ended::Done
        {
            self.sources.refresh(handle, self.now);
        }
        self.waited_for = match armed {
            Armed::Body(_) => Operation::Body,
            Armed::Document(_) => Operation::Document,
        };
        let buffered = self.waited_for == Operation::Body && self.outcome == Ended::Done;
        match about {
            Message::Request => self.request.buffered |= buffered,
            Message::Response => self.response.buffered |= buffered,
        }
        Phase::Resume(about)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `unwrap_or_else`")]
fn failed<T>(error: Error) -> T {
    panic!("the filter failed: {error}")
}

/// What is running, for the imports.
pub(super) fn phase() -> Phase {
    current(|host| host.phase)
}
