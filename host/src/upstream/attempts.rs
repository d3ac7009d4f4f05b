//! Which endpoints were asked for one exchange, and how that went: for whoever tells of the exchange when it is over.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Error, Pool};

/// Endpoints that are kept of one exchange: the first ones, and the last.
const MOST: usize = 32;

/// Which endpoints were asked. It also knows of the one that is being asked when the exchange is given up.
#[derive(Debug)]
pub struct Attempts {
    pool: Rc<Pool>,
    /// When the next begins.
    since: Instant,
    last: Option<Attempt>,
    before: Vec<Attempt>,
}

/// One endpoint that was asked.
#[derive(Debug)]
pub struct Attempt {
    /// How many were asked before.
    pub number: usize,
    /// Which of the upstream's: its name is [`Attempts::endpoint`]'s to tell.
    endpoint: usize,
    /// When.
    pub began: Instant,
    /// How long until there was a response's head, or an error; none if there was neither.
    pub took: Option<Duration>,
    /// Whether a connection was opened for it.
    pub is_new: bool,
    /// What it answered.
    pub status: Option<u16>,
    /// What went wrong, in a word.
    pub failed: Option<&'static str>,
    /// What went wrong.
    pub error: Option<String>,
}

impl Attempts {
    /// At this upstream; the first begins at a time that the caller knows anyway.
    pub fn at(pool: &Rc<Pool>, since: Instant) -> Self {
        Self { pool: Rc::clone(pool), since, last: None, before: Vec::new() }
    }

    /// The upstream's name.
    pub fn upstream(&self) -> &str {
        self.pool.name()
    }

    /// Those that were made, in order.
    pub fn all(&self) -> impl Iterator<Item = &Attempt> {
        self.before.iter().chain(&self.last)
    }

    /// Whether one failed.
    pub fn has_failed(&self) -> bool {
        self.all().any(|attempt| attempt.error.is_some())
    }

    /// Host and port of the one that was asked.
    pub fn endpoint(&self, attempt: &Attempt) -> &Arc<str> {
        self.pool.endpoint_name(attempt.endpoint)
    }

    pub(super) fn begin(&mut self, endpoint: usize) {
        let next = Attempt {
            number: self.last.as_ref().map_or(0, |last| last.number + 1),
            endpoint,
            began: self.since,
            took: None,
            is_new: false,
            status: None,
            failed: None,
            error: None,
        };
        if let Some(before) = self.last.replace(next)
            && self.before.len() < MOST
        {
            self.before.push(before);
        }
    }

    pub(super) fn connected(&mut self) {
        if let Some(last) = &mut self.last {
            last.is_new = true;
        }
    }

    /// A head was there at this time, or it failed now.
    pub(super) fn end(&mut self, answered: Result<(u16, Instant), &Error>) {
        let now = answered.map_or_else(|_| Instant::now(), |(_, arrived)| arrived);
        if let Some(last) = &mut self.last {
            last.took = Some(now.saturating_duration_since(last.began));
            last.status = answered.ok().map(|(status, _)| status);
            last.failed = answered.err().map(|error| error.code().unwrap_or("not-sent"));
            last.error = answered.err().map(Error::to_string);
        }
        self.since = now;
    }
}
