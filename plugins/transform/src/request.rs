//! What is changed about a request.
//!
//! The body comes first: until it is there nothing is edited, so that all values are those that the client sent.

use weir::{Body, Flow, Message, Reply, Request, Result};

use crate::body::{Bodies, Read, too_long};
use crate::headers::{Headers, Unfit};
use crate::query::Query;
use crate::rewrite::{self, Rewritten, Rule};

#[derive(Debug, Default)]
pub(crate) struct Side {
    pub(crate) headers: Headers,
    pub(crate) path: Vec<Rule>,
    pub(crate) query: Option<Query>,
    pub(crate) body: Option<Bodies>,
}

impl Side {
    pub(crate) fn is_empty(&self) -> bool {
        self.headers.is_empty() && self.path.is_empty() && self.query.is_none() && self.body.is_none()
    }

    /// Edits the head, or waits for the body first: all that is read of the request is read as it came.
    pub(crate) fn begin(&self, request: &mut Request) -> Result {
        if let Some(bodies) = &self.body {
            let kind = bodies.types().kind(request);
            let flow = bodies.begin(kind, request)?;
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        self.edit(request)
    }

    /// Edits the body that is there, and the head.
    pub(crate) fn resume(&self, request: &mut Request, body: &mut Body) -> Result {
        if let Some(bodies) = &self.body {
            let flow = match bodies.read(request, body)? {
                Read::Document(bytes) => bodies.edit(&bytes, request, body)?,
                Read::No(flow) => flow,
            };
            if flow != Flow::Next {
                return Ok(flow);
            }
        }
        self.edit(request)
    }

    fn edit(&self, request: &mut Request) -> Result {
        match self.edit_head(request) {
            Ok(()) => Ok(Flow::Next),
            Err(Unfit::TooLong) => too_long(Message::Request),
            Err(Unfit::Failed(error)) => Err(error),
        }
    }

    fn edit_head(&self, request: &mut Request) -> std::result::Result<(), Unfit> {
        if !self.path.is_empty() {
            match rewrite::rewrite(&self.path, request) {
                Rewritten::Not => {}
                Rewritten::To(path) => request.set_path(&path)?,
                Rewritten::Unusable(why) => {
                    let reply = Reply::new(400).text("Bad request\n").detail(why);
                    return Err(Unfit::Failed(reply.error("unusable-path")));
                }
            }
        }
        if let Some(query) = &self.query {
            query.edit(request)?;
        }
        let values = self.headers.fill(request)?;
        self.headers.edit(request, values)
    }
}
