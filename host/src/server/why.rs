//! The stories of exchanges: how many workers keep, and telling them to operators.

use std::sync::Arc;
use std::time::Duration;

use super::worker::Worker;
use super::{Server, State};
use crate::admin::{Account, Attempt, Filter, Hook, Kept, Named, Question, Told, Upstream};
use crate::plugin::ExchangeId;
use crate::telemetry::story::{Line, Link, Step, Story};

/// Divides what may be kept among the workers.
pub(super) fn allow(state: &State, workers: &[Worker]) {
    let (keep, sample) = state.snapshot.why.map_or((0, 0), |why| (why.keep, why.sample));
    for worker in workers {
        worker.stories.allow(keep.div_ceil(workers.len()), sample);
    }
}

impl Server {
    /// What is known of these exchanges.
    pub fn why(&self, question: &Question) -> Told {
        let id = question.id.as_deref().and_then(ExchangeId::parse);
        let fits = |story: &Story| {
            let is_it = question
                .id
                .as_ref()
                .is_none_or(|named| id.is_some_and(|id| id.0 == story.id) || story.named.as_deref() == Some(named));
            is_it
                && question.status.as_ref().is_none_or(|wanted| is_status(story.status, wanted))
                && question.by.as_ref().is_none_or(|by| *by == story.by)
                && question.reason.as_ref().is_none_or(|reason| *reason == story.reason)
        };
        let mut found: Vec<Arc<Story>> =
            self.workers.iter().flat_map(|worker| worker.stories.find(question.most, fits)).collect();
        found.sort_by_key(|story| std::cmp::Reverse(story.time));
        found.truncate(question.most);
        Told { stories: found.iter().map(|story| account(story)).collect(), kept: self.kept() }
    }

    fn kept(&self) -> Kept {
        let mut kept = Kept { sample: self.state.snapshot.why.map(|why| why.sample), ..Kept::default() };
        for extent in self.workers.iter().map(|worker| worker.stories.extent()) {
            kept.refused_or_failed += extent.kept;
            kept.gone += extent.gone;
            kept.sampled += extent.samples;
        }
        kept
    }
}

/// `403`, or `4xx`.
fn is_status(status: Option<u16>, wanted: &str) -> bool {
    let Some(status) = status.map(|status| status.to_string()) else { return false };
    wanted.strip_suffix("xx").map_or(status == wanted, |kind| status.starts_with(kind))
}

fn account(story: &Story) -> Account {
    let served = story.served.as_deref();
    let chain: &[Link] = served.map(|served| &*served.chain).unwrap_or_default();
    let named = |name: &str, line: Option<&Line>| {
        let line = line.filter(|_| !name.is_empty())?;
        Some(Named { name: name.to_owned(), line: line.to_string() })
    };
    Account {
        id: ExchangeId(story.id).to_hex(),
        request_id: story.named.clone(),
        time: story.when(),
        client: story.client.to_string(),
        listener: story.listener.to_string(),
        method: story.method.clone(),
        host: story.host.clone(),
        target: story.target.clone(),
        status: story.status,
        by: story.by.clone(),
        reason: said(&story.reason),
        detail: said(&story.detail),
        ended: story.ended.to_owned(),
        bytes: story.sent,
        response_ms: story.until_response.map(millis),
        ms: millis(story.duration),
        site: named(&story.site, served.map(|served| &served.site)),
        route: named(&story.route, served.and_then(|served| served.route.as_ref())),
        chain: chain.iter().enumerate().map(|(place, link)| filter(link, place < story.reached)).collect(),
        hooks: story.steps.iter().map(|step| hook(step, chain)).collect(),
        hooks_missed: story.missed,
        upstream: (!story.upstream.is_empty())
            .then(|| Upstream { name: story.upstream.clone(), attempts: story.attempts.iter().map(attempt).collect() }),
    }
}

fn filter(link: &Link, reached: bool) -> Filter {
    Filter {
        name: link.name.to_string(),
        line: link.line.to_string(),
        changed: link.changed.as_ref().map(Line::to_string),
        on_failure: if link.is_open { "open" } else { "closed" }.to_owned(),
        reached,
    }
}

fn hook(step: &Step, chain: &[Link]) -> Hook {
    Hook {
        filter: chain.get(step.position).map(|link| link.name.to_string()).unwrap_or_default(),
        position: step.position,
        hook: step.hook.to_owned(),
        flow: step.flow.to_owned(),
        reason: said(&step.reason),
        detail: said(&step.detail),
        at_ms: millis(step.began),
        ms: millis(step.spent),
        waited_ms: millis(step.waited),
        pieces: (step.pieces > 0).then_some(step.pieces),
    }
}

fn attempt(attempt: &crate::telemetry::story::Attempt) -> Attempt {
    Attempt {
        endpoint: attempt.endpoint.to_string(),
        at_ms: millis(attempt.began),
        ms: attempt.took.map(millis),
        is_new: attempt.is_new,
        error: attempt.error.clone(),
    }
}

fn said(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// To a ten-thousandth: what filters take are microseconds.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e7).round() / 1e4
}
