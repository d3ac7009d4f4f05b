//! A set of keys that is kept fresh: read again only when its text is another one, asked for again when a token names a key
//! that is not in it.

use std::cell::Cell;
use std::time::Duration;

use weir::document::State;
use weir::{Document, Ended};

use super::{Found, Signed, When, wrong};
use crate::algorithm::Algorithm;
use crate::jwks::{self, Checked, Key};
use crate::refusal::{Refusal, shown};
use crate::token::Header;

/// How many keys are tried for one token: those with the same `kid`, or all that fit a token without one.
const MOST_TRIED: usize = 4;

/// In this time after a fetch the host makes no other one.
const MOMENT: Duration = Duration::from_secs(1);

/// How long one fetch takes at most, so that those who come meanwhile wait for it, too.
const FETCH: Duration = Duration::from_secs(5);

/// A text, and what it says.
type Parsed = weir::document::Parsed<fn(&[u8]) -> Result<Vec<Key>, String>>;

#[derive(Debug)]
pub(crate) struct Set {
    document: Document,
    parsed: Parsed,
    /// At most once in this time because of a key that is not known.
    refetch: Duration,
    /// The version in which a key was missing last, and when one was missing in it first.
    seen: Cell<(u64, Duration)>,
    /// When this instance last had it fetched because of a key, or learned that somebody had.
    asked: Cell<Option<Duration>>,
    /// Whether that fetch is still on its way.
    is_waiting: Cell<bool>,
}

impl Set {
    pub(crate) fn of(document: Document, refetch: Duration) -> Self {
        Self {
            parsed: Parsed::new(document.clone(), "jwks", jwks::read),
            document,
            refetch,
            seen: Cell::default(),
            asked: Cell::default(),
            is_waiting: Cell::default(),
        }
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    pub(super) fn check(&self, header: &Header, signed: Signed<'_>, when: When) -> weir::Result<Found<'_>> {
        if when.resumed.is_some() {
            self.is_waiting.set(false);
        }
        let State::Ready(keys) = self.parsed.look()? else {
            if when.resumed.is_none() {
                return Ok(Found::Ask(&self.document));
            }
            let detail = "no key of the issuer's has been had since the start; the log says why";
            return Ok(Found::Refused(Refusal::no_keys(detail)));
        };
        let fitting = candidates(&keys, header);
        let mut is_known = false;
        for key in fitting.take(MOST_TRIED) {
            is_known = true;
            match key.check(header.algorithm, signed.message, signed.signature)? {
                Checked::Right => return Ok(Found::Right),
                Checked::Wrong => {}
                Checked::TooManyKeys => return Ok(Found::TooManyKeys),
            }
        }
        if is_known {
            return Ok(wrong());
        }
        // Another set would not help a token that names none, or one that is there and for something else.
        let is_missing = header.kid.as_ref().is_some_and(|kid| !keys.iter().any(|key| key.kid.as_deref() == Some(kid)));
        match when.resumed {
            None if is_missing && self.may_ask(when.now)? => return Ok(Found::Ask(&self.document)),
            Some(Ended::Done) if is_missing => self.see_whether_it_was_fetched(when.now)?,
            _ => {}
        }
        Ok(Found::Refused(unknown(header)))
    }

    pub(super) fn release(&self) -> weir::Result<()> {
        if let State::Ready(keys) = self.parsed.look()? {
            keys.iter().for_each(Key::release);
        }
        Ok(())
    }

    /// When a key was missing first in the text that is there.
    fn first_missed(&self, now: Duration) -> weir::Result<Duration> {
        let version = self.document.version()?;
        if self.seen.get().0 != version {
            self.seen.set((version, now));
        }
        Ok(self.seen.get().1)
    }

    /// Whether the document is to be fetched because of a key that is not known; whoever invents keys must not decide how often
    /// the issuer is asked. Those who come while it is on its way wait for the same fetch.
    ///
    /// A fetch a moment ago counts, too: another worker asked for it. But not one before this instance missed a key in this text
    /// for the first time: the key may have been made since then.
    fn may_ask(&self, now: Duration) -> weir::Result<bool> {
        let missed = self.first_missed(now)?;
        let since = self.asked.get().map(|asked| now.saturating_sub(asked));
        let is_waiting = self.is_waiting.get() && since.is_some_and(|since| since < FETCH);
        if !is_waiting && since.is_some_and(|since| since < self.refetch) {
            return Ok(false);
        }
        let fetched = self.document.read()?.map(|text| text.fetched);
        if let Some(fetched) = fetched {
            let is_over = is_waiting && self.asked.get().is_some_and(|asked| fetched > asked);
            let is_recent = !is_waiting && fetched > missed && now.saturating_sub(fetched) < self.refetch;
            if is_over || is_recent {
                self.is_waiting.set(false);
                self.asked.set(Some(fetched));
                return Ok(false);
            }
        }
        if !is_waiting {
            self.asked.set(Some(now));
            self.is_waiting.set(true);
        }
        Ok(true)
    }

    /// What was fetched a moment before it was asked for is not fetched again, and does not count: it is time to ask as soon as
    /// it can be.
    fn see_whether_it_was_fetched(&self, now: Duration) -> weir::Result<()> {
        if let (Some(asked), Some(text)) = (self.asked.get(), self.document.read()?)
            && text.fetched < asked
        {
            self.asked.set(Some((now + MOMENT).saturating_sub(self.refetch)));
        }
        Ok(())
    }
}

/// The keys that may have made a signature: those with the token's `kid`, of a token without one all that fit.
fn candidates<'a>(keys: &'a [Key], header: &'a Header) -> impl Iterator<Item = &'a Key> {
    let algorithm: Algorithm = header.algorithm;
    let is_named = |key: &&Key| match &header.kid {
        Some(kid) => key.kid.as_deref() == Some(kid),
        None => true,
    };
    keys.iter().filter(move |key| key.fits(algorithm)).filter(is_named)
}

fn unknown(header: &Header) -> Refusal {
    let named = match &header.kid {
        Some(kid) => ["no key `", &shown(kid), "` for "].concat(),
        None => "no key for ".to_owned(),
    };
    Refusal::token("unknown-key", ["there is ", &named, header.algorithm.name()].concat())
}
