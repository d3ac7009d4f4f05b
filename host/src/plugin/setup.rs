//! What a filter asked for in `configure`.

use std::time::Duration;

use http::HeaderName;

use super::bindings::Refusal;
use super::fields;
use super::hook::Hook;
use super::metrics::{Kind, Metric};

const MOST_METRICS: usize = 32;
const MOST_LABELS: usize = 8;
const MOST_BOUNDS: usize = 32;
const LONGEST_WORD: usize = 64;
const LONGEST_HELP: usize = 256;
const MOST_HEADERS: usize = 64;

/// Asked for so far.
#[derive(Debug, Default)]
pub(super) struct Setup {
    skipped: Vec<Hook>,
    pub(super) tick: Option<Duration>,
    /// Handle and interval.
    pub(super) documents: Vec<(String, Duration)>,
    pub(super) metrics: Vec<Metric>,
    pub(super) own_headers: Vec<HeaderName>,
}

impl Setup {
    pub(super) fn skip(&mut self, hook: Hook) {
        self.skipped.push(hook);
    }

    pub(super) fn skips(&self, hook: Hook) -> bool {
        self.skipped.contains(&hook)
    }

    /// Takes a field for the filter's own.
    pub(super) fn own(&mut self, name: &str) -> Result<(), Refusal> {
        let name = fields::editable(name)?;
        if self.own_headers.contains(&name) {
            return Ok(());
        }
        if self.own_headers.len() >= MOST_HEADERS {
            return Err(Refusal::TooLarge);
        }
        self.own_headers.push(name);
        Ok(())
    }

    /// The new metric's number.
    pub(super) fn declare(&mut self, name: &str, help: &str, labels: Vec<String>, kind: Kind) -> Result<u32, Refusal> {
        if self.metrics.len() >= MOST_METRICS || labels.len() > MOST_LABELS || help.len() > LONGEST_HELP {
            return Err(Refusal::TooLarge);
        }
        let twice = |label: &String| labels.iter().filter(|other| *other == label).count() > 1;
        if !is_word(name)
            || self.metrics.iter().any(|metric| metric.name == name)
            || labels.iter().any(|label| !is_word(label) || twice(label))
        {
            return Err(Refusal::InvalidName);
        }
        if let Kind::Histogram(bounds) = &kind {
            let ascends = bounds.iter().zip(bounds.iter().skip(1)).all(|(one, next)| one < next);
            if bounds.len() > MOST_BOUNDS || !ascends || bounds.iter().any(|bound| !bound.is_finite()) {
                return Err(Refusal::InvalidValue);
            }
        }
        let number = u32::try_from(self.metrics.len()).map_err(|_| Refusal::TooLarge)?;
        self.metrics.push(Metric { name: name.to_owned(), help: help.to_owned(), labels, kind });
        Ok(number)
    }
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST_WORD).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !text.starts_with(|first: char| first.is_ascii_digit())
}
