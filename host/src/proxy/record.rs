//! An exchange on its way. When it is over, however it ended, it leaves its record.

use std::rc::Rc;
use std::time::Instant;

use http::HeaderValue;
use http::header;
use http::response::Parts;

use super::Error;
use crate::plugin::{Held, Origin};
use crate::snapshot::Local;
use crate::telemetry::access::{Record, WorkerLog};
use crate::upstream;
use crate::upstream::ResponseBody;

/// How the response ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// Not yet; if it is dropped so, the client has gone.
    Open,
    /// With its last byte.
    Complete,
    /// The upstream's body failed.
    UpstreamBroke,
    /// Nothing moved for too long, or all of it took too long.
    UpstreamTimeout,
    /// The client sent more than it may, behind the response's head.
    BodyTooLarge,
}

impl Ended {
    /// Early, because the response's body failed so.
    pub(super) fn of(error: &upstream::Error) -> Self {
        match error {
            // Then it is the client that has gone.
            upstream::Error::ClientBody(_) => Self::Open,
            upstream::Error::TooLarge(_) => Self::BodyTooLarge,
            upstream::Error::Timeout(_) | upstream::Error::Total(_) => Self::UpstreamTimeout,
            upstream::Error::Connect { .. } | upstream::Error::Request(_) | upstream::Error::Broke(_) => {
                Self::UpstreamBroke
            }
        }
    }
}

/// Owns the exchange until its last byte; dropping it writes the record, if there is to be one.
#[derive(Debug)]
pub(super) struct Ongoing {
    pub(super) exchange: Held,
    pub(super) sent: u64,
    pub(super) ended: Ended,
    status: Option<u16>,
    error: Option<Box<Error>>,
    endpoint: Option<HeaderValue>,
    /// None if there will be no record.
    started: Option<Instant>,
    log: Rc<WorkerLog>,
}

impl Ongoing {
    pub(super) fn begin(exchange: Held, log: Rc<WorkerLog>, local: &Local) -> Self {
        Self {
            exchange,
            sent: 0,
            ended: Ended::Open,
            status: None,
            error: None,
            endpoint: None,
            started: local.snapshot.access_log.then(Instant::now),
            log,
        }
    }

    /// The host answers.
    pub(super) fn fail(&mut self, error: Error) {
        let (head, body) = error.response(self.exchange.id);
        self.exchange.answer(head, Some(body), Origin::Host);
        self.error = Some(Box::new(error));
    }

    /// The response is this server's.
    pub(super) fn served_by(&mut self, body: &ResponseBody) {
        if self.started.is_some() {
            self.endpoint = Some(body.authority());
        }
    }

    /// Takes the head of the response.
    pub(super) fn answered(&mut self) -> Parts {
        let head = self.exchange.response.take().expect("every way through `handle` sets a response");
        self.status = Some(head.status.as_u16());
        head
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let Some(started) = self.started else { return };
        let exchange = &*self.exchange;
        let text = self.error.as_ref().map(ToString::to_string);
        let (by, reason, detail) = match (&exchange.origin, &self.error) {
            (Origin::Host, Some(error)) => ("host", Some(error.code()), text.as_deref()),
            (Origin::Filter(answer), _) => {
                (answer.entry.as_str(), Some(answer.code.as_str()), Some(answer.detail.as_str()))
            }
            // The one answer of the host's that is no error.
            (Origin::Host, None) => ("host", Some("redirect"), None),
            (Origin::Upstream, _) => ("upstream", None, None),
        };
        self.log.add(&Record {
            exchange: &exchange.id,
            client: exchange.client,
            method: exchange.request.method.as_str(),
            host: exchange.request.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
            target: exchange.request.uri.path_and_query().map_or("", |target| target.as_str()),
            status: self.status,
            bytes: self.sent,
            duration: started.elapsed(),
            route: exchange.route.as_deref(),
            endpoint: self.endpoint.as_ref().and_then(|endpoint| endpoint.to_str().ok()),
            by: if self.status.is_none() { "client" } else { by },
            reason,
            detail,
            ended: match self.ended {
                Ended::Open => "client-gone",
                Ended::Complete => "complete",
                Ended::UpstreamBroke => "upstream-broke",
                Ended::UpstreamTimeout => "upstream-timeout",
                Ended::BodyTooLarge => "body-too-large",
            },
        });
    }
}
