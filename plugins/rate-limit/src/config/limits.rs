//! Limits as operators write them, and what is wrong with them.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use weir::source::Source;
use weir::{Faults, config};

use super::{cost, key};
use crate::key::Key;
use crate::limit::{Limit, Plans};
use crate::rate::{Algorithm, MOST, Rate};

/// Each is a number in the store for each request.
pub(super) const MOST_LIMITS: usize = 16;

/// The longest window; a bucket may take twice as long to fill.
const LONGEST: Duration = Duration::from_hours(31 * 24);

/// One of several limits.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    /// What it is called in `RateLimit`, logs and metrics: a word, and no two have the same.
    name: String,
    /// How many permits there are in a window.
    limit: u64,
    /// In which time, whole seconds up to 31 days.
    window: config::Duration,
    /// How is counted.
    algorithm: Option<Kind>,
    /// Permits that a bucket holds; the limit if it is not there. Of `token-bucket` only.
    burst: Option<u64>,
    /// Who is counted apart: a value, `{ all: [...] }`, or a list of which the first that is there counts.
    key: Option<key::Written>,
    /// Permits that a request takes: a number, `{ methods, default }` or `{ answer: SIZE }`.
    cost: Option<cost::Written>,
    /// Other limits, by what a variable says.
    by: Option<By>,
}

/// Other limits for some.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(super) struct By {
    /// The variable; a filter before this one sets it, and no client can.
    var: String,
    /// Its values with their limits. Another value, or none, has the usual one.
    limits: BTreeMap<String, u64>,
}

/// How requests are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// A count for each window; all begin anew at the same time.
    #[default]
    FixedWindow,
    /// A count for each window, and a part of the one before.
    SlidingWindow,
    /// Permits come one by one, and some are kept.
    TokenBucket,
}

/// What holds for limits that do not say.
pub(super) struct Usual {
    pub(super) algorithm: Kind,
    pub(super) key: key::Written,
    pub(super) cost: cost::Written,
}

/// Limits that were read, and their keys, each once.
pub(super) struct Limits {
    pub(super) read: Vec<Limit>,
    pub(super) keys: Vec<Key>,
    ipv6_prefix: u8,
}

impl Written {
    /// The one that stands at the top.
    pub(super) fn single(
        name: Option<String>,
        limit: u64,
        window: config::Duration,
        burst: Option<u64>,
        by: Option<By>,
    ) -> Self {
        let name = name.unwrap_or_else(|| "default".to_owned());
        Self { name, limit, window, algorithm: None, burst, key: None, cost: None, by }
    }
}

impl Limits {
    pub(super) fn new(ipv6_prefix: u8) -> Self {
        Self { read: Vec::new(), keys: Vec::new(), ipv6_prefix }
    }

    /// Reads one; what is wrong is noted.
    pub(super) fn add(&mut self, written: Written, pointer: &str, usual: &Usual, faults: &mut Faults) {
        let at = |part: &str| [pointer, part].concat();
        if !is_word(&written.name) {
            faults.at(&at("/name"), "a name has up to 32 small letters, digits, `-` and `_`");
        }
        if self.read.iter().any(|limit| limit.name == written.name) {
            faults.at(&at("/name"), &["another limit has the name `", &written.name, "`"].concat());
        }
        let window = written.window.get();
        if window.subsec_nanos() != 0 || window.is_zero() || window > LONGEST {
            faults.at(&at("/window"), "a window has whole seconds, from 1s to 744h (31 days)");
        }
        let algorithm = match written.algorithm.unwrap_or(usual.algorithm) {
            Kind::FixedWindow => Algorithm::Fixed,
            Kind::SlidingWindow => Algorithm::Sliding,
            Kind::TokenBucket => Algorithm::Bucket,
        };
        if written.burst.is_some() && algorithm != Algorithm::Bucket {
            faults.at(&at("/burst"), "only `token-bucket` has a burst; a window lets through `limit` at once");
        }
        let window = i64::try_from(window.min(LONGEST).as_micros()).unwrap_or(i64::MAX);
        let burst = written.burst.map(|burst| checked(burst, &at("/burst"), faults));
        let rate = |limit: u64, pointer: &str, faults: &mut Faults| {
            let rate = Rate::new(algorithm, checked(limit, pointer, faults), window, burst);
            check_bucket(&rate, pointer, faults);
            rate
        };
        let plans = written.by.map(|by| {
            if !matches!(Source::parse(&by.var), Ok(Source::Var(_))) {
                let message = ["`", &by.var, "` is not a variable's name; those are as in user.plan"].concat();
                faults.at(&at("/by/var"), &message);
            }
            if by.limits.is_empty() {
                faults.at(&at("/by/limits"), "this names no other limit");
            }
            let of_plan = |(plan, limit): (String, u64)| {
                let rate = rate(limit, &at(&["/by/limits/", &escaped(&plan)].concat()), faults);
                (plan, rate)
            };
            Plans { var: by.var, rates: by.limits.into_iter().map(of_plan).collect() }
        });
        let rate = rate(written.limit, &at("/limit"), faults);
        let (cost_at, cost) = match &written.cost {
            Some(cost) => (at("/cost"), cost),
            None => ("/cost".to_owned(), &usual.cost),
        };
        let cost = cost.read(&cost_at, faults);
        let least = plans.iter().flat_map(|plans: &Plans| &plans.rates).map(|(_, rate)| rate.burst());
        if cost.most() > least.fold(rate.burst(), i64::min) {
            let message = ["a request may cost more than `", &written.name, "` ever has: it would always be refused"];
            faults.at(&cost_at, &message.concat());
        }
        if cost.bytes().is_some() && algorithm == Algorithm::Bucket {
            faults.at(&cost_at, "sizes of answers are counted in windows: they are known when the permits are gone");
        }
        let (key_at, key) = match &written.key {
            Some(key) => (at("/key"), key),
            None => ("/key".to_owned(), &usual.key),
        };
        let key = Key::new(key.read(&key_at, faults), self.ipv6_prefix);
        let place = self.keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            self.keys.push(key);
            self.keys.len() - 1
        });
        self.read.push(Limit::new(written.name, rate, plans, place, cost));
    }
}

/// What can stand in a structured field, in a key of a store and in a label of a metric as it is.
fn is_word(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=32).contains(&name.len()) && name.bytes().all(is_part)
}

fn checked(permits: u64, pointer: &str, faults: &mut Faults) -> i64 {
    let checked = i64::try_from(permits).ok().filter(|permits| (1..=MOST).contains(permits));
    checked.unwrap_or_else(|| {
        faults.at(pointer, "there are 1 to 1,000,000,000 permits");
        MOST
    })
}

/// A bucket's number is a time in microseconds.
fn check_bucket(rate: &Rate, pointer: &str, faults: &mut Faults) {
    if rate.algorithm() != Algorithm::Bucket {
        return;
    }
    if rate.limit() > 1_000_000 * rate.window().max(1) {
        faults.at(pointer, "a bucket gets at most 1,000,000 permits in a second");
    }
    if rate.time_to_fill() > i64::try_from(2 * LONGEST.as_micros()).unwrap_or(i64::MAX) {
        faults.at(pointer, "with this rate it takes more than 62 days until the burst is there");
    }
}

/// As JSON pointers have it.
fn escaped(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}
