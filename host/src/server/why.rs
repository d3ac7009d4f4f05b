//! The stories of exchanges: how many workers keep, and telling them to operators.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::Server;
use crate::admin::{
    Found, KeptStories, Stories, Story as StoryView, StoryAttempt, StoryFilter, StoryHook, StoryPlace, StoryUpstream,
    WantedStories,
};
use crate::config::Why;
use crate::plugin::ExchangeId;
use crate::telemetry::ring::Ring;
use crate::telemetry::story::{Attempt, Line, Link, Step, Story};

/// Divides what may be kept.
pub(super) fn allow(why: Option<Why>, rings: &[Arc<Ring>]) {
    let (keep, sample) = why.map_or((0, 0), |why| (why.keep, why.sample));
    for ring in rings {
        ring.allow(keep.div_ceil(rings.len()), sample);
    }
}

impl Server {
    /// Tells of these exchanges.
    pub(super) fn stories(&self, wanted: WantedStories, answer: oneshot::Sender<Stories>) {
        let rings = self.workers.stories().to_vec();
        self.show(answer, move |now| tell(&rings, now.config.why, &wanted));
    }

    /// Tells of one exchange, or why nothing is known of it.
    pub(super) fn story(&self, id: String, answer: Found<Stories>) {
        let rings = self.workers.stories().to_vec();
        self.show(answer, move |now| {
            let wanted = WantedStories { id: Some(id), most: 1, ..WantedStories::default() };
            let told = tell(&rings, now.config.why, &wanted);
            if told.stories.is_empty() { Err(unknown(&told.kept)) } else { Ok(told) }
        });
    }
}

/// Why there may be no story, and what to do.
fn unknown(kept: &KeptStories) -> String {
    let Some(sample) = kept.sample else {
        return "no story is kept of any exchange: the configuration has `why: none`".to_owned();
    };
    let samples = match sample {
        0 => "of exchanges that went well none is kept (`why: { sample: 1 }` keeps all)".to_owned(),
        1 => "exchanges that went well are kept, too, until newer ones need the room".to_owned(),
        sample => format!("of exchanges that went well one in {sample} is kept (`why: {{ sample: 1 }}` keeps all)"),
    };
    format!(
        "no story of this exchange is kept\n\
         - {samples}\n\
         - of refusals and failures there are {} now; {} had to make room for newer ones, or came too many at once \
         (`why: {{ keep: ... }}`)\n\
         - it may be of another process, or of before a restart; the access log, unless it is off, has every exchange: \
         look for the id there",
        kept.refused_or_failed, kept.gone
    )
}

fn tell(rings: &[Arc<Ring>], why: Option<Why>, wanted: &WantedStories) -> Stories {
    let id = wanted.id.as_deref().and_then(ExchangeId::parse);
    let is_it = |story: &Story| match &wanted.id {
        Some(named) => id.is_some_and(|id| id.0 == story.id) || story.named.as_ref() == Some(named),
        None => true,
    };
    let fits = |story: &Story| {
        is_it(story)
            && wanted.status.as_ref().is_none_or(|wanted| is_status(story.status, wanted))
            && wanted.by.as_ref().is_none_or(|by| *by == story.by)
            && wanted.reason.as_ref().is_none_or(|reason| *reason == story.reason)
    };
    let mut found: Vec<Arc<Story>> = rings.iter().flat_map(|ring| ring.find(wanted.most, fits)).collect();
    found.sort_by_key(|story| std::cmp::Reverse(story.time));
    found.truncate(wanted.most);
    let mut kept = KeptStories { refused_or_failed: 0, gone: 0, sampled: 0, sample: why.map(|why| why.sample) };
    for extent in rings.iter().map(|ring| ring.extent()) {
        kept.refused_or_failed += extent.kept;
        kept.gone += extent.gone;
        kept.sampled += extent.samples;
    }
    Stories { stories: found.iter().map(|story| view(story)).collect(), kept }
}

/// `403`, or `4xx`.
fn is_status(status: Option<u16>, wanted: &str) -> bool {
    let Some(status) = status.map(|status| status.to_string()) else { return false };
    wanted.strip_suffix("xx").map_or(status == wanted, |kind| kind.len() == 1 && status.starts_with(kind))
}

fn view(story: &Story) -> StoryView {
    let served = story.served.as_deref();
    let chain: &[Link] = served.map(|served| &*served.chain).unwrap_or_default();
    let named = |name: &str, line: Option<&Line>| {
        let line = line.filter(|_| !name.is_empty())?;
        Some(StoryPlace { name: name.to_owned(), line: line.to_string() })
    };
    let attempts = || story.attempts.iter().map(attempt).collect();
    StoryView {
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
        upstream: said(&story.upstream).map(|name| StoryUpstream { name, attempts: attempts() }),
    }
}

fn filter(link: &Link, reached: bool) -> StoryFilter {
    StoryFilter {
        name: link.name.to_string(),
        line: link.line.to_string(),
        changed: link.changed.as_ref().map(Line::to_string),
        on_failure: if link.is_open { "open" } else { "closed" },
        reached,
        any_of: link.any_of,
    }
}

fn hook(step: &Step, chain: &[Link]) -> StoryHook {
    StoryHook {
        filter: chain.get(step.position).map(|link| link.name.to_string()).unwrap_or_default(),
        position: step.position,
        hook: step.hook,
        flow: step.flow,
        reason: said(&step.reason),
        detail: said(&step.detail),
        at_ms: millis(step.began),
        ms: millis(step.spent),
        waited_ms: millis(step.waited),
        pieces: (step.pieces > 0).then_some(step.pieces),
    }
}

fn attempt(attempt: &Attempt) -> StoryAttempt {
    StoryAttempt {
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
