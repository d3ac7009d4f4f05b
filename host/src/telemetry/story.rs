//! The story of one exchange: who decided what about it, in which order, and where that stands in the configuration.
//!
//! Plain data, owned, and cut to size: it lives on when the exchange and the configuration that served it are gone.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What is kept of a request's path and query.
const LONGEST_TARGET: usize = 2 << 10;

/// What is kept of each other text.
const LONGEST_TEXT: usize = 1 << 10;

/// A line of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The file, as the operator named it; empty if there is no such line.
    pub file: Arc<str>,
    /// From 1.
    pub number: u32,
}

impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.number)
    }
}

/// An entry of a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its name.
    pub name: Arc<str>,
    /// Where it stands.
    pub line: Line,
    /// Where a route changes it.
    pub changed: Option<Line>,
    /// Whether exchanges go on without it when it fails.
    pub is_open: bool,
    /// The group of alternatives that it is in.
    pub any_of: Option<usize>,
}

/// What the configuration has to do with an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Where the site stands.
    pub site: Line,
    /// Where the route stands, if there is one.
    pub route: Option<Line>,
    /// The filters, outermost first.
    pub chain: Arc<[Link]>,
}

/// One hook of one filter, or what a body's pieces met in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The filter's place in the chain.
    pub position: usize,
    /// As the contract calls it.
    pub hook: &'static str,
    /// `next`, `answer`, `set-aside`, `pause`, `failed`, `quarantine`, `unfinished` or `except`.
    pub flow: &'static str,
    /// Why, in a word.
    pub reason: String,
    /// Why, in more words.
    pub detail: String,
    /// From the exchange's begin.
    pub began: Duration,
    /// On the worker's thread.
    pub spent: Duration,
    /// Beside it.
    pub waited: Duration,
    /// How many pieces of a body; 0 if it is not about a body.
    pub pieces: u64,
}

/// One endpoint that was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attempt {
    /// How many were asked before.
    pub number: usize,
    /// Host and port.
    pub endpoint: Arc<str>,
    /// From the exchange's begin.
    pub began: Duration,
    /// To the response's head, or the error; none if neither came.
    pub took: Option<Duration>,
    /// Whether a connection was opened for it.
    pub is_new: bool,
    /// What it answered.
    pub status: Option<u16>,
    /// Why there is no response, in a word.
    pub failed: Option<&'static str>,
    /// Why there is none.
    pub error: Option<String>,
}

/// An exchange.
#[derive(Clone, Debug)]
pub struct Story {
    /// Its id.
    pub id: u128,
    /// The id under which the client knows it, if that is another one.
    pub named: Option<String>,
    /// When its head was there.
    pub time: SystemTime,
    /// Who asked.
    pub client: IpAddr,
    /// Where it came in.
    pub listener: Arc<str>,
    /// What was asked.
    pub method: String,
    /// Of whom, if a host was named.
    pub host: Option<String>,
    /// Path and query.
    pub target: String,
    /// What was answered; none if the client had gone.
    pub status: Option<u16>,
    /// Who made the response: `upstream`, `host`, `client` or a filter's name.
    pub by: String,
    /// Why, in a word; may be empty.
    pub reason: String,
    /// Why, in more words; may be empty.
    pub detail: String,
    /// `complete`, or who ended it early.
    pub ended: &'static str,
    /// The site's name; empty if none serves it.
    pub site: String,
    /// The route's name; empty if there is none.
    pub route: String,
    /// Where these stand, and the chain.
    pub served: Option<Arc<Served>>,
    /// How many filters the request came to.
    pub reached: usize,
    /// What they did, in order.
    pub steps: Vec<Step>,
    /// Steps there was no room for.
    pub missed: usize,
    /// The upstream's name; empty if none was asked.
    pub upstream: String,
    /// Its endpoints that were asked, in order.
    pub attempts: Vec<Attempt>,
    /// Bytes of the response's body.
    pub sent: u64,
    /// To the response's head, as far as that is known.
    pub until_response: Option<Duration>,
    /// To the end.
    pub duration: Duration,
}

impl Story {
    /// The same, with no text longer than is kept.
    #[must_use]
    pub fn cut(mut self) -> Self {
        cut(&mut self.target, LONGEST_TARGET);
        for text in [&mut self.method, &mut self.by, &mut self.reason, &mut self.detail] {
            cut(text, LONGEST_TEXT);
        }
        for text in [&mut self.host, &mut self.named].into_iter().flatten() {
            cut(text, LONGEST_TEXT);
        }
        for error in self.attempts.iter_mut().filter_map(|attempt| attempt.error.as_mut()) {
            cut(error, LONGEST_TEXT);
        }
        for step in &mut self.steps {
            cut(&mut step.detail, LONGEST_TEXT);
        }
        self
    }

    /// When it began: `2026-01-31T12:34:56.789Z`.
    pub fn when(&self) -> String {
        super::time::rfc3339(self.time)
    }

    /// Bytes that it takes, about.
    pub(super) fn size(&self) -> usize {
        let texts = [&self.method, &self.target, &self.by, &self.reason, &self.detail, &self.site, &self.route];
        let optional = [&self.host, &self.named].into_iter().flatten();
        let steps = self.steps.iter().map(|step| size_of::<Step>() + step.reason.len() + step.detail.len());
        let attempts = self.attempts.iter().map(|attempt| {
            size_of::<Attempt>() + attempt.endpoint.len() + attempt.error.as_ref().map_or(0, String::len)
        });
        size_of::<Self>()
            + texts.into_iter().chain(optional).map(String::len).sum::<usize>()
            + steps.sum::<usize>()
            + attempts.sum::<usize>()
    }
}

fn cut(text: &mut String, most: usize) {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("...");
    }
}
