//! The entry's `config`, and what becomes of it.

mod cost;
mod key;
mod limits;

use serde::Deserialize;
use weir::setup::{self, Hook};
use weir::{Faults, Store, config};

use crate::answers::{Answers, Format};
use crate::batches::Batches;
use crate::counters::Counters;
use crate::counting::{Counting, OnFailure, Taking, WhenFull};
use crate::metrics::Metrics;
use crate::rate::{Algorithm, MOST};
use crate::{RateLimit, fields};
use limits::{Kind, Limits, Usual, Written};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What the one limit is called in `RateLimit`, logs and metrics: a word.
    #[weir(default = "default")]
    #[serde(default)]
    name: Option<String>,
    /// How many permits there are in a window.
    limit: Option<u64>,
    /// In which time, whole seconds up to 31 days.
    window: Option<config::Duration>,
    /// How is counted; also for `limits` that do not say.
    #[serde(default)]
    #[weir(default = "fixed-window")]
    algorithm: Kind,
    /// Permits that a bucket holds; the limit if it is not there. Of `token-bucket` only.
    burst: Option<u64>,
    /// Who is counted apart: a value, `{ all: [...] }`, or a list of which the first that is there counts; also for `limits`
    /// that do not say.
    #[serde(default = "key::Written::usual")]
    #[weir(default = "client.ip")]
    key: key::Written,
    /// Permits that a request takes: a number, `{ methods, default }` or `{ answer: SIZE }`; also for `limits` that do not
    /// say.
    #[serde(default = "one")]
    #[weir(default = 1)]
    cost: cost::Written,
    /// Other limits, by what a variable says.
    by: Option<limits::By>,
    /// Several limits, in place of `limit` and `window`: all of them must let a request through.
    #[serde(default)]
    limits: Vec<Written>,
    /// Leading bits of an IPv6 address that are one client.
    #[serde(default = "one_network")]
    #[weir(default = 64)]
    ipv6_prefix: u8,
    /// Where is counted.
    #[serde(default)]
    store: Store,
    /// Where this process counts for itself: batches, and all while `store` fails.
    #[serde(default)]
    local_store: Store,
    /// Permits that are taken from `store` at once and given out by this process; 1 takes each on its own.
    #[serde(default = "single")]
    #[weir(default = 1)]
    local_batch: u32,
    /// What becomes of requests while `store` fails.
    #[serde(default)]
    #[weir(default = "local")]
    on_store_failure: OnFailure,
    /// What becomes of requests of those who are new while `store` is full.
    #[serde(default)]
    #[weir(default = "refuse")]
    when_full: WhenFull,
    /// Refuse nobody and tell clients nothing; log, metrics and notes say who would have been refused.
    #[serde(default)]
    dry_run: bool,
    /// Tell clients of limits by `RateLimit` and `RateLimit-Policy`.
    #[serde(default = "yes")]
    #[weir(default = true)]
    headers: bool,
    /// The status for those who have to wait, 400 to 599.
    #[serde(default = "too_many")]
    #[weir(default = 429)]
    status: u16,
    /// What they read; of problem details the title.
    #[serde(default = "message")]
    #[weir(default = "Too Many Requests")]
    message: String,
    /// What the body of a refusal is.
    #[serde(default)]
    #[weir(default = "text")]
    format: Format,
}

fn one() -> cost::Written {
    cost::Written::Number(1)
}

fn one_network() -> u8 {
    64
}

fn single() -> u32 {
    1
}

fn yes() -> bool {
    true
}

fn too_many() -> u16 {
    429
}

fn message() -> String {
    "Too Many Requests".to_owned()
}

/// Of a message.
const LONGEST: usize = 4 << 10;

/// The largest batch.
const MOST_BATCH: u32 = 100_000;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(mut self, metrics: Metrics, faults: &mut Faults) -> RateLimit {
        self.check(faults);
        let limits = self.limits(faults);
        self.check_batches(&limits, faults);
        let taking = if self.local_batch > 1 {
            let size = i64::from(self.local_batch);
            Taking::Batches(Batches::new(self.store, self.local_store.clone(), size, metrics.takings))
        } else {
            Taking::Each(Counters::new(self.store))
        };
        let tells = self.headers && !self.dry_run;
        if !tells {
            setup::skip(Hook::OnResponse);
        }
        if !limits.read.iter().any(|limit| limit.cost.bytes().is_some()) {
            setup::skip(Hook::OnComplete);
        }
        RateLimit {
            policy: fields::policy_of(&limits.read),
            keys: limits.keys,
            limits: limits.read,
            counting: Counting::new(
                taking,
                self.local_store,
                self.on_store_failure,
                self.when_full,
                metrics.store_failures,
            ),
            answers: Answers { status: self.status, message: self.message, format: self.format },
            tells,
            is_dry: self.dry_run,
            metrics,
        }
    }

    /// All limits, or the one that stands at the top.
    fn limits(&mut self, faults: &mut Faults) -> Limits {
        let usual = Usual { algorithm: self.algorithm, key: self.key.clone(), cost: self.cost.clone() };
        let mut limits = Limits::new(self.ipv6_prefix);
        let written = std::mem::take(&mut self.limits);
        if written.is_empty() {
            match (self.limit, self.window) {
                (Some(limit), Some(window)) => {
                    let one = Written::single(self.name.take(), limit, window, self.burst, self.by.take());
                    limits.add(one, "", &usual, faults);
                }
                (None, None) => faults.at("", "there is no limit; write `limit` and `window`, or `limits`"),
                (None, Some(_)) => faults.at("", "how many? Write `limit` beside `window`"),
                (Some(_), None) => faults.at("", "in which time? Write `window` beside `limit`"),
            }
        }
        for (pointer, is_there) in [
            ("/name", self.name.is_some()),
            ("/limit", self.limit.is_some()),
            ("/window", self.window.is_some()),
            ("/burst", self.burst.is_some()),
            ("/by", self.by.is_some()),
        ] {
            if is_there && !written.is_empty() {
                faults.at(pointer, "with `limits` this stands in each of them");
            }
        }
        for (index, one) in written.into_iter().enumerate() {
            limits.add(one, &["/limits/", &index.to_string()].concat(), &usual, faults);
        }
        if limits.read.len() > limits::MOST_LIMITS {
            faults.at("/limits", "there are at most 16 limits");
        }
        limits
    }

    fn check(&self, faults: &mut Faults) {
        if !(1..=128).contains(&self.ipv6_prefix) {
            faults.at("/ipv6_prefix", "an IPv6 address has 1 to 128 leading bits");
        }
        if !(400..600).contains(&self.status) {
            faults.at("/status", "those who have to wait get a status from 400 to 599");
        }
        if self.message.len() > LONGEST {
            faults.at("/message", "a message has at most 4 KiB");
        }
        if self.local_batch > 1 && self.store == self.local_store {
            faults.at("/local_batch", "batches spare the way to another store; the counts are in this process already");
        }
    }

    fn check_batches(&self, limits: &Limits, faults: &mut Faults) {
        if !(1..=MOST_BATCH).contains(&self.local_batch) {
            faults.at("/local_batch", "a batch has 1 to 100,000 permits");
        }
        if self.local_batch <= 1 {
            return;
        }
        for limit in &limits.read {
            if limit.rate.algorithm() != Algorithm::Fixed {
                let message = ["permits of `", &limit.name, "` do not keep: batches are for `fixed-window`"].concat();
                faults.at("/local_batch", &message);
            }
            if limit.cost.bytes().is_some() {
                let message = ["`", &limit.name, "` is charged when answers are over: it cannot be taken in batches"];
                faults.at("/local_batch", &message.concat());
            }
            let least = limit.plans.iter().flat_map(|plans| &plans.rates).map(|(_, rate)| rate.limit());
            if i64::from(self.local_batch) > least.fold(limit.rate.limit(), i64::min).min(MOST) {
                let message = ["a batch has more permits than `", &limit.name, "` gives out in a window"].concat();
                faults.at("/local_batch", &message);
            }
        }
    }
}
