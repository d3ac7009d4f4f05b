//! How often the endpoint is asked. Strangers can invent tokens faster than any endpoint answers: only so many of them are
//! asked about in a second. An endpoint that fails whatever it is asked is left alone, and tried once in a second.
//!
//! What is refused here costs a few look-ups in the store: tokens that are known go on while others wait or are refused.

use std::time::Duration;

use weir::Store;
use weir::store::Outcome;

/// The bound.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Tokens in a second, over all workers; 0 is no bound.
    pub(crate) rate: u32,
    /// How long a call takes at most.
    pub(crate) timeout: Duration,
}

/// Whether the endpoint may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// It may. Whether it failed before.
    Ask { is_doubtful: bool },
    /// Too many tokens in this second.
    TooMany,
    /// It has failed too often just now.
    Resting,
}

const SECOND: Duration = Duration::from_secs(1);

/// Outages in a row after which the endpoint rests.
const PATIENCE: i64 = 5;

/// How long outages are remembered. Those that go on are renewed.
const MEMORY: Duration = Duration::from_secs(10);

const RATE: &str = "rate";
const OUTAGES: &str = "outages";
const ATTEMPT: &str = "attempt";

impl Pace {
    /// Asks for leave to ask about a token. A store that fails refuses nothing.
    pub(crate) fn leave(&self, store: &Store, key: &str) -> Leave {
        let asking = asking(key);
        let found = store.batch().get(OUTAGES).get(RATE).get(asking.as_str()).run().unwrap_or_default();
        let outages = found.first().map_or(0, number);
        if outages >= PATIENCE && store.increment(ATTEMPT, 1, Some(SECOND)).is_ok_and(|attempts| attempts > 1) {
            return Leave::Resting;
        }
        // Those who come while it is asked already wait for the same answer.
        let is_asked = matches!(found.get(2), Some(Outcome::Value(Some(_))));
        if self.rate > 0 && !is_asked {
            if found.get(1).map_or(0, number) >= i64::from(self.rate) {
                return Leave::TooMany;
            }
            let _ = store.batch().increment(RATE, 1, Some(SECOND)).set(asking, "", Some(self.timeout)).run();
        }
        Leave::Ask { is_doubtful: outages > 0 }
    }

    /// It answered, to whatever effect.
    pub(crate) fn answered(store: &Store, key: &str, is_doubtful: bool) {
        let batch = store.batch().remove(asking(key));
        let _ = if is_doubtful { batch.remove(OUTAGES).run() } else { batch.run() };
    }

    /// It failed whatever it is asked.
    pub(crate) fn failed(store: &Store, key: &str) {
        let _ = store.remove(&asking(key));
        if store.increment(OUTAGES, 1, Some(MEMORY)).is_ok_and(|outages| outages >= PATIENCE) {
            let _ = store.set(OUTAGES, PATIENCE.to_string(), Some(MEMORY));
        }
    }
}

/// Where it is kept that a token is being asked about.
fn asking(key: &str) -> String {
    ["asking.", key].concat()
}

/// A counter's value; 0 if there is none.
fn number(outcome: &Outcome) -> i64 {
    match outcome {
        Outcome::Value(Some(text)) => std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0),
        _ => 0,
    }
}
