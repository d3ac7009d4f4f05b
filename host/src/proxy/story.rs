//! Telling of exchanges that are over: those that were refused or failed, and some of the rest.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header;

use super::record::{Ended, Outcome, Verdict};
use crate::plugin::{Did, Exchange, Mark, Said};
use crate::telemetry::ring::{Kept, Ring};
use crate::telemetry::story::{Attempt, Step, Story};
use crate::upstream::{self, Attempts};

/// Tells what there is to tell on one worker.
#[derive(Debug, Default)]
pub(super) struct Teller {
    ring: Arc<Ring>,
    /// Exchanges that went well since one was told.
    untold: Cell<u32>,
}

impl Teller {
    pub(super) fn new(ring: Arc<Ring>) -> Self {
        Self { ring, untold: Cell::new(0) }
    }

    /// The exchange is over.
    pub(super) fn tell(&self, exchange: &Exchange, outcome: &Outcome, duration: Duration) {
        let failed = exchange.failed();
        let has_failed = failed.is_some()
            || outcome.status.is_none_or(|status| status >= 400)
            || outcome.ended != Ended::Complete
            || outcome.attempts.as_ref().is_some_and(Attempts::has_failed);
        if !has_failed && !self.is_due() {
            return;
        }
        outcome.why_cut.with(|cut| {
            let verdict = outcome.verdict(exchange, cut);
            let (kept, by, reason) = if has_failed {
                let (by, reason) = kind(&verdict, outcome, failed.map(|(_, kind)| kind));
                (Kept::Always, by, reason)
            } else {
                (Kept::Sampled, verdict.by, verdict.reason.unwrap_or_default())
            };
            let now = exchange.started + duration;
            self.ring.keep(kept, by, reason, now, || story(exchange, outcome, &verdict, duration));
        });
    }

    /// Whether one that went well is to be told.
    fn is_due(&self) -> bool {
        let sample = self.ring.sample();
        if sample == 0 {
            return false;
        }
        let untold = self.untold.get() + 1;
        let is_due = untold >= sample;
        self.untold.set(if is_due { 0 } else { untold });
        is_due
    }
}

/// Stories of one kind make room for each other: who made the response, and what was wrong.
fn kind<'a>(verdict: &Verdict<'a>, outcome: &Outcome, failure: Option<&'static str>) -> (&'a str, &'a str) {
    let reason = match (verdict.reason, outcome.ended, failure) {
        (Some(reason), ..) => reason,
        (None, Ended::Complete, Some(failure)) => failure,
        (None, Ended::Complete, None) => match outcome.status {
            Some(500..) => "5xx",
            Some(400..) => "4xx",
            _ => "another-endpoint",
        },
        (None, ended, _) => ended.word(),
    };
    (verdict.by, reason)
}

pub(super) fn story(exchange: &Exchange, outcome: &Outcome, verdict: &Verdict<'_>, duration: Duration) -> Story {
    let serving = exchange.serving.as_deref();
    let steps = steps(exchange);
    let attempts = outcome.attempts.as_ref();
    let attempts = attempts.map(|attempts| attempts.all().map(|attempt| tell(exchange, attempt)).collect());
    let attempts: Vec<Attempt> = attempts.unwrap_or_default();
    let until_response = outcome.status.and_then(|_| until_response(&steps, &attempts));
    Story {
        id: exchange.id.0,
        named: outcome.named.as_ref().and_then(|named| named.to_str().ok().map(str::to_owned)),
        time: SystemTime::now().checked_sub(exchange.started.elapsed()).unwrap_or(SystemTime::UNIX_EPOCH),
        client: exchange.client,
        listener: Arc::clone(&exchange.peer.listener),
        method: exchange.request.method.as_str().to_owned(),
        host: exchange.request.headers.get(header::HOST).and_then(|host| host.to_str().ok().map(str::to_owned)),
        target: exchange.shown_target().to_owned(),
        status: outcome.status,
        by: verdict.by.to_owned(),
        reason: verdict.reason.unwrap_or_default().to_owned(),
        detail: verdict.detail.as_deref().unwrap_or_default().to_owned(),
        ended: outcome.ended.word(),
        site: serving.map(|serving| serving.site.clone()).unwrap_or_default(),
        route: serving.map(|serving| serving.route.clone()).unwrap_or_default(),
        served: serving.map(|serving| Arc::clone(&serving.served)),
        reached: exchange.reached(),
        steps,
        missed: exchange.trail.missed(),
        upstream: outcome.attempts.as_ref().map(|attempts| attempts.upstream().to_owned()).unwrap_or_default(),
        attempts,
        sent: outcome.sent,
        until_response,
        duration,
    }
}

/// What filters did: the hooks in order, with those of bodies before those of the end.
fn steps(exchange: &Exchange) -> Vec<Step> {
    let mut steps: Vec<Step> = exchange.trail.marks().map(|(mark, said)| step(mark, said, 0)).collect();
    let end = steps.iter().position(|step| step.hook == "on-complete").unwrap_or(steps.len());
    let bodies = exchange.streamed().into_iter();
    let bodies: Vec<Step> =
        bodies.map(|streamed| step(&streamed.mark, streamed.said.as_ref(), streamed.pieces)).collect();
    steps.splice(end..end, bodies);
    steps
}

fn step(mark: &Mark, said: Option<&Said>, pieces: u64) -> Step {
    let (reason, detail) = said.map(|said| (said.code.clone(), said.detail.clone())).unwrap_or_default();
    Step {
        position: mark.position.into(),
        hook: mark.hook(),
        flow: match mark.did {
            Did::Next => "next",
            Did::Answered => "answer",
            Did::SetAside => "set-aside",
            Did::Paused => "pause",
            Did::Failed(_) if mark.failure() == Some("quarantine") => "quarantine",
            Did::Failed(_) => "failed",
            Did::Unfinished => "unfinished",
            Did::Excepted => "except",
        },
        reason,
        detail,
        began: Duration::from_micros(mark.began.into()),
        spent: Duration::from_nanos(mark.spent.into()),
        waited: Duration::from_micros(mark.waited.into()),
        pieces,
    }
}

fn tell(exchange: &Exchange, attempt: &upstream::Attempt) -> Attempt {
    Attempt {
        number: attempt.number,
        endpoint: Arc::clone(&attempt.endpoint),
        began: attempt.began.saturating_duration_since(exchange.started),
        took: attempt.took,
        is_new: attempt.is_new,
        status: attempt.status,
        failed: attempt.failed,
        error: attempt.error.clone(),
    }
}

/// When the last thing was done that the response's head waited for.
fn until_response(steps: &[Step], attempts: &[Attempt]) -> Option<Duration> {
    let before = steps.iter().filter(|step| step.pieces == 0 && step.hook != "on-complete");
    let steps = before.map(|step| step.began + step.spent + step.waited).max();
    let attempt = attempts.iter().filter_map(|attempt| Some(attempt.began + attempt.took?)).max();
    steps.max(attempt).filter(|at| !at.is_zero())
}
