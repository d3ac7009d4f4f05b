//! An exchange on its way. When it is over, however it ended, it leaves its record and its story.

use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::fmt::Debug;
use std::rc::Rc;
use std::task::{Context, Waker};
use std::time::Duration;

use http::header::{self, HeaderName};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::runtime::Handle;

use super::piped::WhyCut;
use super::story::Teller;
use super::trace::Recording;
use super::{Error, Worker};
use crate::plugin::{Completion, Cut, Ending, Exchange, Held, Origin, Summary};
use crate::snapshot::Local;
use crate::telemetry::access::{Record, WorkerLog};
use crate::telemetry::metrics::{self, End, Maker};
use crate::telemetry::traces::Trace;
use crate::upstream::{self, Attempts, ResponseBody, Server};

/// Names the exchange to the client.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How the response ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ended {
    /// Not yet; if it is dropped so, the client has gone.
    #[default]
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
    /// It took longer than a drain's grace.
    GraceOver,
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

    /// As it is counted.
    fn counted(self) -> End {
        match self {
            Self::Open => End::ClientGone,
            Self::Complete => End::Complete,
            Self::UpstreamBroke => End::UpstreamBroke,
            Self::UpstreamTimeout => End::UpstreamTimeout,
            Self::BodyTooLarge => End::BodyTooLarge,
            Self::FilterCut => End::FilterCut,
            Self::GraceOver => End::ProxyEnded,
        }
    }

    /// As it is recorded.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Open => "client-gone",
            Self::Complete => "complete",
            Self::UpstreamBroke => "upstream-broke",
            Self::UpstreamTimeout => "upstream-timeout",
            Self::BodyTooLarge => "body-too-large",
            Self::FilterCut => "filter-cut",
            Self::GraceOver => "proxy-ended",
        }
    }
}

/// How an exchange went, beside what its filters did.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) status: Option<u16>,
    pub(super) ended: Ended,
    pub(super) sent: u64,
    /// The host answered, because of this.
    pub(super) error: Option<Box<Error>>,
    /// Why the response's body was cut off.
    pub(super) why_cut: WhyCut,
    /// How the upstream's body failed.
    pub(super) broken: Option<String>,
    /// Which endpoints were asked, if it will be told.
    pub(super) attempts: Option<Attempts>,
    /// By what id the client knows the exchange, if by another one.
    pub(super) named: Option<HeaderValue>,
    /// Its trace, if that is recorded.
    pub(super) recording: Option<Box<Recording>>,
}

/// Who made the response, and why.
pub(super) struct Verdict<'a> {
    pub(super) by: &'a str,
    pub(super) reason: Option<&'a str>,
    pub(super) detail: Option<Cow<'a, str>>,
}

impl Outcome {
    pub(super) fn verdict<'a>(&'a self, exchange: &'a Exchange, cut: Option<&'a Cut>) -> Verdict<'a> {
        let text = || match (&self.error, cut) {
            (Some(error), _) => Some(error.to_string().into()),
            (None, Some(Cut::Encoder(error))) => Some(error.to_string().into()),
            (None, Some(Cut::Coding(error))) => Some(error.to_string().into()),
            (None, Some(Cut::Failed(failed))) => Some(failed.failure.to_string().into()),
            (None, Some(Cut::Refused(answer))) => Some(answer.detail.as_str().into()),
            (None, None) => self.broken.as_deref().map(Cow::Borrowed),
        };
        let (by, reason, detail) = match (&exchange.origin, &self.error) {
            (Origin::Host, Some(error)) => ("host", Some(error.code()), text()),
            (Origin::Filter(answer), _) => {
                (answer.entry.as_str(), Some(answer.code.as_str()), Some(answer.detail.as_str().into()))
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
                ("upstream", code, text())
            }
        };
        let by = match (self.status, self.ended) {
            (None, Ended::GraceOver) => "host",
            (None, _) => "client",
            (Some(_), _) => by,
        };
        Verdict { by, reason, detail }
    }
}

/// Owns the exchange until its last byte; dropping it writes the record and tells the story, if there is to be one.
#[derive(Debug)]
pub(super) struct Ongoing {
    pub(super) exchange: Held,
    pub(super) outcome: Outcome,
    /// Who is told when it is over.
    pub(super) completion: Completion,
    /// How long the upstream was waited for.
    pub(super) waited: Duration,
    /// From the request's head until the response's was there.
    until_head: Option<Duration>,
    received: OnceCell<Rc<Cell<u64>>>,
    server: Option<Server>,
    /// Whether there will be a record.
    is_recorded: bool,
    log: Rc<WorkerLog>,
    /// Who will tell, if anybody may ask.
    pub(super) teller: Option<Rc<Teller>>,
    /// Its place in its trace, if exchanges are traced.
    pub(super) trace: Option<Trace>,
    /// The client's connection counts as open until all have been told: a drain waits for that.
    open: Rc<dyn Debug>,
}

impl Ongoing {
    pub(super) fn begin(exchange: Held, worker: &Worker, open: Rc<dyn Debug>, local: &Local) -> Self {
        Self {
            exchange,
            outcome: Outcome::default(),
            server: None,
            completion: Completion::default(),
            waited: Duration::ZERO,
            until_head: None,
            received: OnceCell::new(),
            is_recorded: local.snapshot.access_log,
            log: Rc::clone(&worker.log),
            teller: worker.teller(local),
            open,
            trace: None,
        }
    }

    /// It is known what serves it.
    pub(super) fn count_begin(&self) {
        if let Some(serving) = &self.exchange.serving {
            serving.counts.here().begin();
        }
    }

    /// The host answers.
    pub(super) fn fail(&mut self, error: Error) {
        let (head, body) = error.response(self.exchange.id);
        self.exchange.answer(head, Some(body), Origin::Host);
        self.outcome.error = Some(Box::new(error));
    }

    /// The response is this server's.
    pub(super) fn served_by(&mut self, body: &ResponseBody) {
        if self.is_recorded {
            self.server = Some(body.server());
        }
    }

    /// Takes the head of the response. One that was made here names the exchange, so that whoever got it can ask why.
    pub(super) fn answered(&mut self) -> Parts {
        let mut head = self.exchange.response.take().expect("every way through `handle` sets a response");
        self.outcome.status = Some(head.status.as_u16());
        let until_head = self.exchange.elapsed();
        self.until_head = Some(until_head);
        metrics::worker().gateway.observe(until_head.saturating_sub(self.waited));
        match self.exchange.origin {
            Origin::Upstream => {}
            Origin::Filter(_) | Origin::Host => name(&mut head.headers, &self.exchange),
        }
        if self.is_told() {
            let named = head.headers.get(REQUEST_ID).filter(|named| !self.exchange.id.is(named.as_bytes()));
            self.outcome.named = named.cloned();
        }
        head
    }

    /// Whether somebody will be told how it went.
    pub(super) fn is_told(&self) -> bool {
        self.teller.is_some() || self.outcome.recording.is_some()
    }

    /// The response's body failed.
    pub(super) fn broke(&mut self, error: &upstream::Error) {
        self.outcome.ended = Ended::of(error);
        if self.outcome.ended != Ended::FilterCut {
            self.outcome.broken = Some(error.to_string());
        }
    }

    /// Counts the bytes of the request's body.
    pub(super) fn received(&self) -> &Rc<Cell<u64>> {
        self.received.get_or_init(Rc::default)
    }

    /// Counts it where it was served.
    fn count(&self, duration: Duration) {
        let outcome = &self.outcome;
        let Some(serving) = &self.exchange.serving else {
            if let Some(error) = &outcome.error {
                metrics::worker().unserved.add(error.code());
            }
            return;
        };
        let (maker, code) = match (outcome.status, &self.exchange.origin) {
            (None, _) => (Maker::Nobody, None),
            (_, Origin::Upstream) => (Maker::Upstream, None),
            (_, Origin::Filter(_)) => (Maker::Filter, None),
            (_, Origin::Host) => (Maker::Host, outcome.error.as_ref().map(|error| error.code())),
        };
        serving.counts.here().end(&metrics::Exchange {
            method: metrics::Method::of(self.exchange.request.method.as_str()),
            status: outcome.status,
            maker,
            code,
            end: outcome.ended.counted(),
            received: self.received.get().map_or(0, |received| received.get()),
            sent: outcome.sent,
            duration: (outcome.status != Some(StatusCode::SWITCHING_PROTOCOLS.as_u16())).then_some(duration),
            until_head: self.until_head,
        });
    }

    fn record(&self, cut: Option<&Cut>, duration: Duration) {
        let (exchange, outcome) = (&*self.exchange, &self.outcome);
        let Verdict { by, reason, detail } = outcome.verdict(exchange, cut);
        let trace = outcome.recording.as_ref().map(|recording| recording.trace_id());
        let id = exchange.id.hex();
        self.log.add(&Record {
            exchange: std::str::from_utf8(&id).unwrap_or_default(),
            trace: trace.as_deref(),
            client: exchange.client,
            method: exchange.request.method.as_str(),
            host: exchange.request.headers.get(header::HOST).and_then(|host| host.to_str().ok()),
            target: exchange.shown_target(),
            status: outcome.status,
            bytes: outcome.sent,
            duration,
            ended_at: exchange.started + duration,
            route: exchange.serving.as_ref().map(|serving| serving.route.as_str()).filter(|route| !route.is_empty()),
            endpoint: self
                .server
                .as_ref()
                .filter(|_| matches!(exchange.origin, Origin::Upstream))
                .map(Server::authority),
            by,
            reason,
            detail: detail.as_deref(),
            ended: outcome.ended.word(),
        });
    }

    fn summary(&self, duration: Duration) -> Summary {
        Summary {
            status: self.outcome.status,
            ending: match self.outcome.ended {
                Ended::Open | Ended::GraceOver => Ending::ClientGone,
                Ended::Complete => Ending::Complete,
                Ended::UpstreamBroke => Ending::UpstreamFailed,
                Ended::UpstreamTimeout => Ending::TimedOut,
                Ended::BodyTooLarge => Ending::TooLarge,
                Ended::FilterCut => Ending::FilterFailed,
            },
            received: self.received.get().map_or(0, |received| received.get()),
            sent: self.outcome.sent,
            duration: micros(duration),
            until_response: self.until_head.map(micros),
        }
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let completion = std::mem::take(&mut self.completion);
        if self.outcome.ended == Ended::Open && self.log.is_ending() {
            self.outcome.ended = Ended::GraceOver;
        }
        let duration = self.exchange.elapsed();
        self.count(duration);
        if self.is_recorded {
            self.outcome.why_cut.with(|cut| self.record(cut, duration));
        }
        if completion.is_empty() {
            tell(self.teller.as_deref(), &self.exchange, &self.outcome, duration);
            return;
        }
        let summary = self.summary(duration);
        let (exchange, outcome) = (self.exchange.take(), std::mem::take(&mut self.outcome));
        let teller = self.teller.take();
        let mut told = Box::pin(async move {
            let exchange = completion.run(exchange, summary).await;
            tell(teller.as_deref(), &exchange, &outcome, duration);
        });
        let mut context = Context::from_waker(Waker::noop());
        // Only who waits needs a task; at the end of a worker there is none.
        if told.as_mut().poll(&mut context).is_pending() && Handle::try_current().is_ok() {
            let open = Rc::clone(&self.open);
            tokio::task::spawn_local(async move {
                told.await;
                drop(open);
            });
        }
    }
}

/// Tells who wants to know how it went.
fn tell(teller: Option<&Teller>, exchange: &Exchange, outcome: &Outcome, duration: Duration) {
    if let Some(teller) = teller {
        teller.tell(exchange, outcome, duration);
    }
    if let Some(recording) = &outcome.recording {
        recording.end(exchange, outcome, duration);
    }
}

/// Puts the exchange's id into an answer, unless a filter put another one there.
fn name(headers: &mut HeaderMap, exchange: &Exchange) {
    if !headers.contains_key(REQUEST_ID)
        && let Ok(id) = HeaderValue::from_maybe_shared(bytes::Bytes::from(exchange.id.to_hex()))
    {
        headers.insert(REQUEST_ID, id);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
