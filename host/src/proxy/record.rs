//! An exchange on its way. When it is over, however it ended, it leaves its record.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use http::HeaderValue;
use http::header;
use http::response::Parts;
use tokio::runtime::Handle;

use super::Error;
use super::piped::WhyCut;
use crate::plugin::{Completion, Cut, Ending, Held, Origin, Summary};
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
    /// A filter cut it off.
    FilterCut,
}

impl Ended {
    /// Early, because the response's body failed so.
    pub(super) fn of(error: &upstream::Error) -> Self {
        match error {
            // Then it is the client that has gone.
            upstream::Error::ClientBody(_) => Self::Open,
            upstream::Error::Cut => Self::FilterCut,
            upstream::Error::TooLarge(_) => Self::BodyTooLarge,
            upstream::Error::Timeout(_) | upstream::Error::Total(_) => Self::UpstreamTimeout,
            upstream::Error::Connect { .. }
            | upstream::Error::Drained
            | upstream::Error::Request(_)
            | upstream::Error::Broke(_) => Self::UpstreamBroke,
        }
    }
}

/// Owns the exchange until its last byte; dropping it writes the record, if there is to be one.
#[derive(Debug)]
pub(super) struct Ongoing {
    pub(super) exchange: Held,
    pub(super) sent: u64,
    pub(super) ended: Ended,
    /// Who is told when it is over.
    pub(super) completion: Completion,
    /// Microseconds until the response's head was there.
    until_response: Option<u64>,
    received: OnceCell<Rc<Cell<u64>>>,
    /// Why the response's body was cut off.
    pub(super) why_cut: WhyCut,
    status: Option<u16>,
    error: Option<Box<Error>>,
    endpoint: Option<HeaderValue>,
    /// Whether there will be a record.
    is_recorded: bool,
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
            completion: Completion::default(),
            until_response: None,
            received: OnceCell::new(),
            why_cut: WhyCut::default(),
            is_recorded: local.snapshot.access_log,
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
        if self.is_recorded {
            self.endpoint = Some(body.authority());
        }
    }

    /// Takes the head of the response.
    pub(super) fn answered(&mut self) -> Parts {
        let head = self.exchange.response.take().expect("every way through `handle` sets a response");
        self.status = Some(head.status.as_u16());
        if !self.completion.is_empty() {
            self.until_response = Some(micros(self.exchange.started.elapsed()));
        }
        head
    }

    /// Counts the bytes of the request's body.
    pub(super) fn received(&self) -> &Rc<Cell<u64>> {
        self.received.get_or_init(Rc::default)
    }

    fn record(&self) {
        self.why_cut.with(|cut| self.record_with(cut));
    }

    fn record_with(&self, cut: Option<&Cut>) {
        let exchange = &*self.exchange;
        let text = match (&self.error, cut) {
            (Some(error), _) => Some(error.to_string()),
            (None, Some(Cut::Encoder(error))) => Some(error.to_string()),
            (None, Some(Cut::Coding(error))) => Some(error.to_string()),
            (None, Some(Cut::Failed(failed))) => Some(failed.failure.to_string()),
            (None, Some(Cut::Refused(answer))) => Some(answer.detail.clone()),
            (None, None) => None,
        };
        let (by, reason, detail) = match (&exchange.origin, &self.error) {
            (Origin::Host, Some(error)) => ("host", Some(error.code()), text.as_deref()),
            (Origin::Filter(answer), _) => {
                (answer.entry.as_str(), Some(answer.code.as_str()), Some(answer.detail.as_str()))
            }
            // The one answer of the host's that is no error.
            (Origin::Host, None) => ("host", Some("redirect"), None),
            (Origin::Upstream, _) => {
                let code = cut.map(|cut| match cut {
                    Cut::Failed(failed) => failed.failure.code(),
                    Cut::Coding(_) => "bad-body",
                    Cut::Encoder(_) => "encoder-failed",
                    Cut::Refused(answer) => answer.code.as_str(),
                });
                ("upstream", code, text.as_deref())
            }
        };
        self.log.add(&Record {
            exchange: &exchange.id,
            client: exchange.client,
            method: exchange.request.method.as_str(),
            host: exchange.request.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
            target: exchange.request.uri.path_and_query().map_or("", |target| target.as_str()),
            status: self.status,
            bytes: self.sent,
            duration: exchange.started.elapsed(),
            route: exchange.serving.as_ref().map(|serving| serving.route.as_str()).filter(|route| !route.is_empty()),
            endpoint: self
                .endpoint
                .as_ref()
                .filter(|_| matches!(exchange.origin, Origin::Upstream))
                .and_then(|endpoint| endpoint.to_str().ok()),
            by: if self.status.is_none() { "client" } else { by },
            reason,
            detail,
            ended: match self.ended {
                Ended::Open => "client-gone",
                Ended::Complete => "complete",
                Ended::UpstreamBroke => "upstream-broke",
                Ended::UpstreamTimeout => "upstream-timeout",
                Ended::BodyTooLarge => "body-too-large",
                Ended::FilterCut => "filter-cut",
            },
        });
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        if self.is_recorded {
            self.record();
        }
        let completion = std::mem::take(&mut self.completion);
        if completion.is_empty() {
            return;
        }
        let summary = Summary {
            status: self.status,
            ending: match self.ended {
                Ended::Open => Ending::ClientGone,
                Ended::Complete => Ending::Complete,
                Ended::UpstreamBroke => Ending::UpstreamFailed,
                Ended::UpstreamTimeout => Ending::TimedOut,
                Ended::BodyTooLarge => Ending::TooLarge,
                Ended::FilterCut => Ending::FilterFailed,
            },
            received: self.received.get().map_or(0, |received| received.get()),
            sent: self.sent,
            duration: micros(self.exchange.started.elapsed()),
            until_response: self.until_response,
        };
        let exchange = self.exchange.take();
        let mut told = Box::pin(async move { drop(completion.run(exchange, summary).await) });
        let mut context = Context::from_waker(Waker::noop());
        // Only who waits needs a task; at the end of a worker there is none.
        if told.as_mut().poll(&mut context).is_pending() && Handle::try_current().is_ok() {
            tokio::task::spawn_local(told);
        }
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
