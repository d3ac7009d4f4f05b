//! `rate-limit`: how many requests somebody may make, and in which time. Counts in a store, so that all workers count together,
//! and all proxies if the store is shared.

mod answers;
mod batches;
mod config;
mod cost;
mod counters;
mod counting;
mod fields;
mod key;
mod limit;
mod metrics;
mod rate;

use std::time::Duration;

use answers::Answers;
use config::Config;
use counters::Counted;
use counting::{Counting, Uncounted};
use key::Key;
use limit::{Asked, Limit};
use metrics::Metrics;
use weir::{Completion, Faults, Flow, Request, Response, Result, clock, exchange};

struct RateLimit {
    keys: Vec<Key>,
    limits: Vec<Limit>,
    counting: Counting,
    answers: Answers,
    /// `RateLimit-Policy`, where it is always the same.
    policy: Option<String>,
    /// Whether clients are told of limits.
    tells: bool,
    is_dry: bool,
    metrics: Metrics,
}

#[weir::filter]
impl RateLimit {
    fn configure(config: Config) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        let filter = config.into_filter(Metrics::declare()?, &mut faults);
        faults.or(filter)
    }

    fn on_request(&self, request: &Request) -> Result {
        let who: Vec<String> = self.keys.iter().map(|key| key.of(request)).collect();
        let asked = self.asked(request, &who);
        if asked.is_empty() {
            return Ok(Flow::Next);
        }
        match self.counting.take(&asked, micros(clock::now())) {
            Ok(counted) if counted.refusals.is_empty() => self.admit(&asked, &counted),
            Ok(counted) => self.refuse(&asked, &counted),
            Err(Uncounted::Admitted(code)) => {
                exchange::note(code);
                Ok(Flow::Next)
            }
            Err(Uncounted::Refused(_)) if self.is_dry => {
                exchange::note("would-limit");
                Ok(Flow::Next)
            }
            Err(Uncounted::Refused(error)) => self.answers.unknown(self.counting.store().name(), error),
        }
    }

    fn on_response(&self, response: &mut Response) {
        let slot = exchange::slot();
        let kept = std::str::from_utf8(&slot).unwrap_or_default();
        let mut lines = kept.split('\n');
        let (limits, policy) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        if limits.is_empty() {
            return;
        }
        let policy = self.policy.as_deref().unwrap_or(policy);
        // A response that has no room for two more fields goes on without them.
        let _ = response.append_header("ratelimit-policy", policy);
        let _ = response.append_header("ratelimit", limits);
    }

    /// What answers cost beyond the first permit.
    fn on_complete(&self, completion: &Completion) {
        let slot = exchange::slot();
        let kept = std::str::from_utf8(&slot).unwrap_or_default();
        let now = micros(clock::now());
        for line in kept.split('\n').skip(2) {
            let Some((index, who)) = line.split_once(' ') else { continue };
            let Some(limit) = index.parse::<usize>().ok().and_then(|index| self.limits.get(index)) else { continue };
            let cost = limit.cost.rest(completion.sent);
            if cost > 0 {
                self.counting.charge(&Asked { limit, rate: limit.rate, who, cost }, now);
            }
        }
    }
}

impl RateLimit {
    /// What each limit asks for the request; one that it costs nothing asks for nothing.
    fn asked<'a>(&'a self, request: &Request, who: &'a [String]) -> Vec<Asked<'a>> {
        let asked = |limit: &'a Limit| {
            let cost = limit.cost.of(request);
            let who = who.get(limit.key)?;
            (cost > 0).then(|| Asked { limit, rate: limit.rate(), who, cost })
        };
        self.limits.iter().filter_map(asked).collect()
    }

    fn admit(&self, asked: &[Asked<'_>], counted: &Counted) -> Result {
        self.metrics.admitted.add([], 1);
        let mut kept = String::new();
        if self.tells {
            kept = fields::limits(asked, &counted.lefts);
            if self.policy.is_none() {
                kept.push('\n');
                kept.push_str(&fields::policies(asked));
            }
        }
        if asked.iter().any(|asked| asked.limit.cost.bytes().is_some()) {
            if !kept.contains('\n') {
                kept.push('\n');
            }
            self.remember(&mut kept, asked);
        }
        if !kept.is_empty() {
            exchange::set_slot(kept.as_bytes())?;
        }
        Ok(Flow::Next)
    }

    /// Adds whose numbers the answer's size will be charged to.
    fn remember(&self, kept: &mut String, asked: &[Asked<'_>]) {
        for asked in asked.iter().filter(|asked| asked.limit.cost.bytes().is_some()) {
            let index = self.limits.iter().position(|limit| limit.name == asked.limit.name).unwrap_or_default();
            kept.push_str(&["\n", &index.to_string(), " ", asked.who].concat());
        }
    }

    fn refuse(&self, asked: &[Asked<'_>], counted: &Counted) -> Result {
        let last = answers::last(&counted.refusals).and_then(|refusal| asked.get(refusal.index));
        let key = last.and_then(|asked| self.keys.get(asked.limit.key).map(|key| key.name(asked.who)));
        let key = key.unwrap_or_default();
        let metric = if self.is_dry { &self.metrics.would_limit } else { &self.metrics.limited };
        for refused in counted.refusals.iter().filter_map(|refusal| asked.get(refusal.index)) {
            metric.add([&refused.limit.name], 1);
        }
        if self.is_dry {
            weir::info!(
                "would refuse with {}: {}",
                self.answers.status,
                answers::detail(asked, &counted.refusals, &key)
            );
            exchange::note("would-limit");
            return Ok(Flow::Next);
        }
        let policy = || self.policy.clone().unwrap_or_else(|| fields::policies(asked));
        let fields = self.tells.then(|| (policy(), fields::limits(asked, &counted.lefts)));
        self.answers.limited(asked, &counted.refusals, fields, &key)
    }
}

/// As the limits count time.
fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
