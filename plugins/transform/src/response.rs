//! What is changed about a response.

use weir::{Body, Flow, Message, Refusal, Request, Response, Result};

use crate::body::{Bodies, Read, too_long};
use crate::headers::{Headers, Unfit};
use crate::media::Kind;
use crate::status::Statuses;

#[derive(Debug, Default)]
pub(crate) struct Side {
    /// All if none.
    pub(crate) when: Option<Vec<Statuses>>,
    pub(crate) status: Option<u16>,
    pub(crate) headers: Headers,
    pub(crate) body: Option<Bodies>,
}

/// Fields that are about a body as the upstream has it.
const ABOUT_BYTES: [&str; 6] = ["accept-ranges", "content-digest", "content-md5", "digest", "etag", "repr-digest"];

impl Side {
    pub(crate) fn is_empty(&self) -> bool {
        self.status.is_none() && self.headers.is_empty() && self.body.is_none()
    }

    /// Edits the head, or waits for the body first.
    pub(crate) fn begin(&self, request: &Request, response: &mut Response) -> Result {
        if self.when.as_ref().is_some_and(|when| {
            let status = response.status();
            !when.iter().any(|statuses| statuses.have(status))
        }) {
            return Ok(Flow::Next);
        }
        if let Some(bodies) = &self.body {
            let kind = bodies.types().kind_of_response(response.status(), response);
            if kind == Kind::Wanted && request.method() == "HEAD" {
                // They are about a body that GET does not get.
                for name in ABOUT_BYTES {
                    response.remove_header(name)?;
                }
            } else {
                let flow = bodies.begin(kind, response)?;
                if flow != Flow::Next {
                    return Ok(flow);
                }
            }
        }
        self.edit(request, response)
    }

    /// Edits the body that is there, and the head.
    pub(crate) fn resume(&self, request: &Request, response: &mut Response, body: &mut Body) -> Result {
        if let Some(bodies) = &self.body {
            let flow = match bodies.read(response, body)? {
                Read::Document(bytes) => bodies.edit(&bytes, request, body)?,
                Read::No(flow) => flow,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        self.edit(request, response)
    }

    fn edit(&self, request: &Request, response: &mut Response) -> Result {
        let edited =
            self.headers.fill(request).map_err(Unfit::from).and_then(|values| self.headers.edit(response, values));
        match edited {
            Ok(()) => {}
            Err(Unfit::TooLong) => return too_long(Message::Response),
            Err(Unfit::Failed(error)) => return Err(error),
        }
        if let Some(status) = self.status {
            match response.set_status(status) {
                // A response without a body stays one.
                Ok(()) | Err(Refusal::Forbidden) => {}
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(Flow::Next)
    }
}
