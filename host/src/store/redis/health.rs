//! How a store fares, for operators: what is counted of it, and the lines of the log. A line is said when something
//! changes, and not for each operation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::super::Error;

/// How long the same refusal is not told again.
const SILENCE: Duration = Duration::from_secs(60);

/// Kinds of refusals that are told apart: the rest is counted only.
const MOST_REFUSALS: usize = 32;

/// Bytes of a server's words.
const LONGEST_SAYING: usize = 300;

/// Upper bounds of what operations take, in microseconds.
const BOUNDS: [u64; 14] =
    [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000, 2_500_000, 10_000_000];

/// Why operations fail, as metrics name it.
const KINDS: [&str; 4] = ["timed-out", "unavailable", "overflow", "refused"];

/// How operations failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// No answer in time.
    TimedOut = 0,
    /// The server is known to be out of reach, or went away.
    Unavailable = 1,
    /// Too much was under way.
    Overflow = 2,
    /// The server said no.
    Refused = 3,
}

/// What is counted of a store. Relaxed: nothing rests on the order.
#[derive(Debug, Default)]
pub(super) struct Counts {
    failed: [AtomicU64; KINDS.len()],
    took: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

/// What was counted of a store.
#[derive(Clone, Debug)]
pub struct Counted {
    /// Operations that failed, by kind.
    pub failures: Vec<(&'static str, u64)>,
    /// Upper bounds in seconds, and how many operations took at most so long, but longer than the bound before.
    pub took: Vec<(f64, u64)>,
    /// Seconds that they took together.
    pub seconds: f64,
}

impl Counts {
    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.partition_point(|bound| *bound < micros);
        self.took[bucket].fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(super) fn failed(&self, kind: Kind) {
        self.failed[kind as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Unless it is the filter's doing.
    pub(super) fn failed_with(&self, error: Error) {
        match error {
            Error::TimedOut => self.failed(Kind::TimedOut),
            Error::Unavailable => self.failed(Kind::Unavailable),
            _ => {}
        }
    }

    pub(super) fn counted(&self) -> Counted {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
        let seconds = |micros: u64| micros as f64 / 1e6;
        let bounds = BOUNDS.map(seconds).into_iter().chain([f64::INFINITY]);
        Counted {
            failures: KINDS.into_iter().zip(self.failed.iter().map(get)).collect(),
            took: bounds.zip(self.took.iter().map(get)).collect(),
            seconds: seconds(get(&self.micros)),
        }
    }
}

/// How a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It may answer: operations wait for it, within their time.
    Unknown = 0,
    Up = 1,
    /// It does not: operations fail at once.
    Down = 2,
}

/// How a server is, for operators.
#[derive(Clone, Debug)]
pub struct ServerState {
    /// Where it is, or the name that sentinels know it by.
    pub server: String,
    /// Whether it answers.
    pub is_up: bool,
    /// Why it does not, once that is known.
    pub fault: Option<String>,
}

/// One server, or what stands for it: sentinels, a cluster's map.
#[derive(Debug)]
pub(super) struct Health {
    /// The store's name, for the log.
    store: Arc<str>,
    /// For the log and metrics.
    pub(super) server: String,
    state: AtomicU8,
    /// Why it is down, as it was told.
    told: Mutex<Option<String>>,
}

impl Health {
    pub(super) fn new(store: &Arc<str>, server: String) -> Self {
        Self { store: Arc::clone(store), server, state: AtomicU8::new(State::Unknown as u8), told: Mutex::default() }
    }

    pub(super) fn is_down(&self) -> bool {
        self.state.load(Ordering::Relaxed) == State::Down as u8
    }

    pub(super) fn is_up(&self) -> bool {
        self.state.load(Ordering::Relaxed) == State::Up as u8
    }

    pub(super) fn state(&self) -> ServerState {
        let is_up = self.state.load(Ordering::Relaxed) == State::Up as u8;
        let fault = self.told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ServerState { server: self.server.clone(), is_up, fault: fault.filter(|_| !is_up) }
    }

    /// Operations may wait for it again.
    pub(super) fn unknown(&self) {
        self.state.store(State::Unknown as u8, Ordering::Relaxed);
    }

    pub(super) fn up(&self) {
        self.state.store(State::Up as u8, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.take().is_some() {
            tracing::info!(store = &*self.store, "the store `{}` is back: {} answers", self.store, self.server);
        }
    }

    pub(super) fn down(&self, why: &str) {
        self.state.store(State::Down as u8, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.as_deref() == Some(why) {
            return;
        }
        *told = Some(why.to_owned());
        tracing::warn!(
            store = &*self.store,
            "the store `{}` is out of reach: {}: {why}; filters are told `unavailable` until it is back",
            self.store,
            self.server
        );
    }
}

/// What servers refused, and when that was told.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<String, Instant>>);

impl Refusals {
    /// Tells of a refusal, unless it was told just now.
    pub(super) fn tell(&self, store: &str, code: &str, words: &str) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let before = told.get(code);
        let is_told = before.map_or(told.len() >= MOST_REFUSALS, |at| now.duration_since(*at) < SILENCE);
        if is_told {
            return;
        }
        told.insert(code.to_owned(), now);
        drop(told);
        tracing::warn!(store, "the store `{store}` refuses operations: {}", saying(words));
    }
}

/// A server's words, as they can stand in a line.
pub(super) fn saying(words: &str) -> String {
    let mut words: String = words.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    words.truncate(words.floor_char_boundary(LONGEST_SAYING));
    words
}
