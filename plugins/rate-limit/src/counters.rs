//! Numbers in one store: taking what all limits of a request ask for, or nothing.

use std::cell::RefCell;
use std::time::Duration;

use weir::Store;
use weir::memo::Memo;
use weir::store::{Error, Outcome, Stand, Step};

use crate::limit::Asked;
use crate::rate::Left;

/// What came of counting a request. It may go on if nothing refuses it.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    /// What is left of each limit, in order; of the last ones it may not be known.
    pub(crate) lefts: Vec<Left>,
    pub(crate) refusals: Vec<Refusal>,
}

/// A limit that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Which of those that were asked.
    pub(crate) index: usize,
    /// Microseconds until it would let such a request through.
    pub(crate) wait: i64,
}

/// The numbers of a store.
#[derive(Debug)]
pub(crate) struct Counters {
    store: Store,
    /// What windows before came to, by their keys: they do not change any more.
    before: RefCell<Memo<i64>>,
}

impl Counters {
    pub(crate) fn new(store: Store) -> Self {
        Self { store, before: RefCell::new(Memo::new(1024, 256 << 10)) }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Takes what is asked for, all of it or nothing.
    pub(crate) fn take(&self, asked: &[Asked<'_>], now: i64) -> Result<Counted, Error> {
        let before = self.windows_before(asked, now)?;
        let step = |(index, asked): (usize, &Asked<'_>)| asked.step(now, of(&before, index));
        let steps: Vec<Step> = asked.iter().enumerate().map(step).collect();
        let stands = self.store.advance(&steps)?;
        let mut counted = Counted::default();
        for (index, (asked, stand)) in asked.iter().zip(&stands).enumerate() {
            counted.lefts.push(asked.rate.left(now, stand.value, of(&before, index)));
        }
        match stands.last() {
            Some(last) if last.taken && stands.len() == asked.len() => {}
            Some(_) => self.refuse(&mut counted, asked, &steps, &stands, &before, now)?,
            // A store that says nothing has done nothing.
            None => return Err(Error::Unavailable),
        }
        Ok(counted)
    }

    /// Adds to a number, whether or not that fits.
    pub(crate) fn charge(&self, asked: &Asked<'_>, now: i64, cost: i64) -> Result<(), Error> {
        self.store.advance_one(&asked.charge(now, cost)).map(drop)
    }

    /// The last of the stands refuses. Those before it get back what was taken of them, and those behind it are looked at, so
    /// that nobody is told to come back before all let them through.
    fn refuse(
        &self,
        counted: &mut Counted,
        asked: &[Asked<'_>],
        steps: &[Step],
        stands: &[Stand],
        before: &[i64],
        now: i64,
    ) -> Result<(), Error> {
        let refusing = stands.len() - 1;
        let mut values: Vec<i64> = stands.iter().map(|stand| stand.value).collect();
        if asked.len() > 1 {
            let mut batch = self.store.batch();
            for (step, value) in steps.iter().zip(&mut values).take(refusing) {
                *value = value.saturating_sub_unsigned(step.by);
                batch = batch.decrement(step.key.as_str(), step.by, step.ttl.map(Duration::from_millis));
            }
            for step in steps.iter().skip(stands.len()) {
                batch = batch.get(step.key.as_str());
            }
            let looked_at = batch.run()?.into_iter().skip(refusing);
            for (step, outcome) in steps.iter().skip(stands.len()).zip(looked_at) {
                let Some(value) = value(&outcome) else { break };
                values.push(value.max(step.floor));
            }
        }
        counted.lefts.clear();
        for (index, (asked, value)) in asked.iter().zip(values).enumerate() {
            let before = of(before, index);
            counted.lefts.push(asked.rate.left(now, value, before));
            if index == refusing || index > refusing && !asked.rate.fits(now, value, before, asked.cost) {
                let wait = asked.rate.wait(now, value, before, asked.cost);
                counted.refusals.push(Refusal { index, wait });
            }
        }
        Ok(())
    }

    /// What the windows before came to, for those that look at it; empty if nobody does.
    fn windows_before(&self, asked: &[Asked<'_>], now: i64) -> Result<Vec<i64>, Error> {
        if !asked.iter().any(Asked::slides) {
            return Ok(Vec::new());
        }
        let keys: Vec<Option<String>> = asked.iter().map(|asked| asked.key_before(now)).collect();
        let time = Duration::from_micros(now.unsigned_abs());
        let mut memo = self.before.borrow_mut();
        let mut found: Vec<Option<i64>> =
            keys.iter().map(|key| memo.get(key.as_ref()?.as_bytes(), time).copied()).collect();
        let missing = |(key, found): (&Option<String>, &Option<i64>)| key.clone().filter(|_| found.is_none());
        let missing: Vec<Option<String>> = keys.iter().zip(&found).map(missing).collect();
        if missing.iter().any(Option::is_some) {
            let batch = missing.iter().flatten().fold(self.store.batch(), |batch, key| batch.get(key.as_str()));
            let mut outcomes = batch.run()?.into_iter();
            for ((key, found), asked) in missing.iter().zip(&mut found).zip(asked) {
                let Some(key) = key else { continue };
                let outcome = outcomes.next().ok_or(Error::Unavailable)?;
                if let Outcome::Failed(error) = outcome {
                    return Err(error);
                }
                let value = value(&outcome).unwrap_or_default();
                let until = time + Duration::from_secs(asked.rate.window().unsigned_abs());
                memo.insert(key.as_bytes(), value, 0, until, time);
                *found = Some(value);
            }
        }
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }
}

fn of(before: &[i64], index: usize) -> i64 {
    before.get(index).copied().unwrap_or_default()
}

/// A number as stores write it; none if there is nothing.
pub(crate) fn value(outcome: &Outcome) -> Option<i64> {
    match outcome {
        Outcome::Value(Some(bytes)) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        Outcome::Value(None) => Some(0),
        _ => None,
    }
}
