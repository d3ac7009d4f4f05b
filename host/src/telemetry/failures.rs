//! The last failures of filters and of upstreams, for operators who ask.
//!
//! Whoever notes one waits for nobody: where another worker is just writing, or an operator reads, it is not noted. A
//! failure that repeats is counted where it stands, so that one that is frequent leaves room for the others.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// So many of each kind are kept.
pub const MOST: usize = 100;

/// Bytes that are kept of what happened.
const LONGEST: usize = 300;

static FILTERS: Failures = Failures::new();
static UPSTREAMS: Failures = Failures::new();

/// A failure.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The filter's or the upstream's name.
    pub name: String,
    /// The hook, or the endpoint.
    pub at: String,
    /// What kind of failure.
    pub code: &'static str,
    /// What happened, the last time.
    pub words: String,
    /// The exchange, the last time.
    pub exchange: Option<String>,
    /// How often.
    pub times: u64,
    /// The first time.
    pub first: Instant,
    /// The last time.
    pub last: Instant,
}

/// What is to be noted; nothing is copied of one that repeats but its words.
#[derive(Clone, Copy, Debug)]
pub struct Noted<'a> {
    /// The filter's or the upstream's name.
    pub name: &'a str,
    /// The hook, or the endpoint.
    pub at: &'a str,
    /// What kind of failure.
    pub code: &'static str,
}

/// Those of one kind, the newest last.
#[derive(Debug)]
struct Failures(Mutex<VecDeque<Failure>>);

/// Notes that a filter failed.
pub fn of_filter(noted: Noted<'_>, words: &dyn std::fmt::Display, exchange: Option<&dyn std::fmt::Display>) {
    FILTERS.note(noted, words, exchange);
}

/// Notes that an upstream failed.
pub fn of_upstream(noted: Noted<'_>, words: &dyn std::fmt::Display) {
    UPSTREAMS.note(noted, words, None);
}

/// The filters' failures, the newest first.
pub fn filters() -> Vec<Failure> {
    FILTERS.read()
}

/// The upstreams' failures, the newest first.
pub fn upstreams() -> Vec<Failure> {
    UPSTREAMS.read()
}

impl Failures {
    const fn new() -> Self {
        Self(Mutex::new(VecDeque::new()))
    }

    fn note(&self, noted: Noted<'_>, words: &dyn std::fmt::Display, exchange: Option<&dyn std::fmt::Display>) {
        let Ok(mut kept) = self.0.try_lock() else { return };
        let now = Instant::now();
        let is_same = |kept: &Failure| kept.code == noted.code && kept.name == noted.name && kept.at == noted.at;
        // What repeats stands near the end.
        let known = kept.iter().rposition(is_same).and_then(|place| kept.remove(place));
        let mut failure = known.unwrap_or_else(|| Failure {
            name: noted.name.to_owned(),
            at: noted.at.to_owned(),
            code: noted.code,
            words: String::new(),
            exchange: None,
            times: 0,
            first: now,
            last: now,
        });
        failure.words = words.to_string();
        failure.words.truncate(failure.words.floor_char_boundary(LONGEST));
        failure.exchange = exchange.map(ToString::to_string);
        failure.times += 1;
        failure.last = now;
        if kept.len() == MOST {
            kept.pop_front();
        }
        kept.push_back(failure);
    }

    fn read(&self) -> Vec<Failure> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_repeats_is_counted_and_leaves_room() {
        let failures = Failures::new();
        let note = |name: &str, code| failures.note(Noted { name, at: "on-request", code }, &"why", None);
        note("rare", "trap");
        for round in 0..1000 {
            note("loud", "trap");
            note(&format!("f{}", round % 50), "cpu-limit");
        }
        let kept = failures.read();
        assert_eq!(kept.len(), 52);
        assert_eq!(kept.iter().find(|failure| failure.name == "loud").map(|failure| failure.times), Some(1000));
        assert!(kept.iter().any(|failure| failure.name == "rare"));
        for round in 0..1000 {
            note(&format!("f{round}"), "memory-limit");
        }
        assert_eq!(failures.read().len(), MOST);
        assert_eq!(failures.read()[0].name, "f999");
    }
}
