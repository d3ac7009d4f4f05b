//! Permits that are taken from a shared store in batches and given out by this process, for fixed windows.
//!
//! Three numbers in the process's own store belong to each number in the shared one: `taken`, what was taken from there;
//! `given`, what of it was given out; and `refill`, which is 1 while somebody takes a batch.
//!
//! Nothing is given out before it was taken: `given` is raised only up to a `taken` that was read, `taken` is raised only after
//! the shared store has counted as much, and both begin anew with each window. So all processes together never give out more
//! than the limit. Only one batch is taken at a time; who finds one on its way takes its own permit from the shared store. So
//! a process has less than a batch that nobody uses.

use std::cell::RefCell;
use std::time::Duration;

use weir::Store;
use weir::memo::Memo;
use weir::metrics::Counter;
use weir::store::{Error, Stand, Step};

use crate::counters::{Counted, Refusal};
use crate::limit::Asked;
use crate::rate::{Left, Take};

/// A shared store, and what was taken from it.
#[derive(Debug)]
pub(crate) struct Batches {
    shared: Store,
    local: Store,
    size: i64,
    /// What was seen of shared numbers, by their keys: a lower bound of `taken` at least.
    seen: RefCell<Memo<Seen>>,
    /// By what came of it.
    takings: Counter<1>,
}

/// What an instance has seen of a number.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    taken: i64,
    /// Of the limit, what the shared store had left.
    left: i64,
}

/// A permit, or that there is none.
enum Had {
    /// Out of a batch.
    Batch,
    /// Straight from the shared store.
    Shared,
    Nothing,
}

/// Within this time a batch is taken, or another one may be.
const REFILL: Duration = Duration::from_secs(2);

/// A request that takes from one number.
struct Number<'a> {
    key: String,
    asked: &'a Asked<'a>,
    take: Take,
}

impl Number<'_> {
    fn local(&self, kind: &str) -> String {
        [kind, &self.key].concat()
    }

    fn ttl(&self) -> Duration {
        Duration::from_millis(self.take.ttl)
    }

    fn step(&self, key: String, by: i64, most: i64) -> Step {
        Step { key, floor: 0, by: by.unsigned_abs(), most, ttl: Some(self.take.ttl) }
    }
}

impl Batches {
    pub(crate) fn new(shared: Store, local: Store, size: i64, takings: Counter<1>) -> Self {
        Self { shared, local, size, seen: RefCell::new(Memo::new(4096, 1 << 20)), takings }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.shared
    }

    /// Takes what is asked for, all of it or nothing.
    pub(crate) fn take(&self, asked: &[Asked<'_>], now: i64) -> Result<Counted, Error> {
        let mut counted = Counted::default();
        let mut had: Vec<(Number<'_>, Had)> = Vec::with_capacity(asked.len());
        for (index, asked) in asked.iter().enumerate() {
            let number = Number { key: asked.key(now), asked, take: asked.rate.take(now, asked.cost, 0) };
            let one = match self.take_one(&number, now) {
                Ok((one, left)) => {
                    counted.lefts.push(asked.rate.left(now, asked.rate.limit() - left, 0));
                    one
                }
                Err(error) => {
                    self.give_back(&had)?;
                    return Err(error);
                }
            };
            if matches!(one, Had::Nothing) {
                self.give_back(&had)?;
                let wait = asked.rate.wait(now, asked.rate.limit(), 0, asked.cost);
                counted.refusals.push(Refusal { index, wait });
                break;
            }
            had.push((number, one));
        }
        if !counted.refusals.is_empty() {
            // Those before the last one have theirs again.
            for (left, (number, _)) in counted.lefts.iter_mut().zip(&had) {
                *left = Left { permits: left.permits + number.asked.cost, ..*left };
            }
        }
        Ok(counted)
    }

    /// A permit, and how many are left, as far as this process knows.
    fn take_one(&self, number: &Number<'_>, now: i64) -> Result<(Had, i64), Error> {
        let seen = self.seen(number, now);
        if let Some(left) = self.give(number, seen) {
            return Ok((Had::Batch, left));
        }
        let refill = number.local("refill/");
        let is_ours = self.local.advance_one(&Step::new(refill.as_str(), 1, 1).living(REFILL));
        let is_ours = is_ours.is_ok_and(|stand| stand.taken);
        let had = self.take_anew(number, seen, is_ours, now);
        if is_ours {
            // If this fails, time removes it.
            let _ = self.local.remove(&refill);
        }
        if let Some(left) = had? {
            return Ok((Had::Batch, left));
        }
        let stand = self.shared(number, number.asked.cost)?;
        let left = number.take.most - stand.value;
        let seen = self.seen(number, now);
        self.saw(number, now, Seen { left, ..seen });
        let had = if stand.taken { Had::Shared } else { Had::Nothing };
        self.takings.add([if stand.taken { "single" } else { "empty" }], 1);
        Ok((had, left.max(0)))
    }

    /// A permit out of what others have taken meanwhile, or out of a batch that is taken now, if that is ours to do.
    fn take_anew(&self, number: &Number<'_>, seen: Seen, is_ours: bool, now: i64) -> Result<Option<i64>, Error> {
        let taken = self.local.get(&number.local("taken/")).ok().flatten();
        let taken = taken.and_then(|taken| std::str::from_utf8(&taken).ok()?.parse().ok()).unwrap_or_default();
        if taken > seen.taken {
            let seen = self.saw(number, now, Seen { taken, ..seen });
            if let Some(left) = self.give(number, seen) {
                return Ok(Some(left));
            }
        }
        let refilled = if is_ours { self.refill(number, now)? } else { None };
        Ok(refilled.and_then(|seen| self.give(number, seen)))
    }

    /// A permit out of what was taken. A store of this process that has no room has none either.
    fn give(&self, number: &Number<'_>, seen: Seen) -> Option<i64> {
        if seen.taken < number.asked.cost {
            return None;
        }
        let step = number.step(number.local("given/"), number.asked.cost, seen.taken);
        let stand = self.local.advance_one(&step).ok().filter(|stand| stand.taken)?;
        Some(seen.left + seen.taken - stand.value)
    }

    /// Takes a batch, or what is left of the limit. None if that is less than what is asked for.
    fn refill(&self, number: &Number<'_>, now: i64) -> Result<Option<Seen>, Error> {
        let cost = number.asked.cost;
        let mut by = self.size.max(cost);
        let mut stand = self.shared(number, by)?;
        if !stand.taken {
            by = number.take.most - stand.value;
            if by < cost {
                return Ok(None);
            }
            stand = self.shared(number, by)?;
        }
        if !stand.taken {
            return Ok(None);
        }
        let Ok(taken) = self.local.increment(&number.local("taken/"), by.unsigned_abs(), Some(number.ttl())) else {
            // There is no room to keep the batch in. Whoever asks takes single permits.
            let _ = self.shared.decrement(&number.key, by.unsigned_abs(), Some(number.ttl()));
            return Ok(None);
        };
        self.takings.add(["batch"], 1);
        Ok(Some(self.saw(number, now, Seen { taken, left: number.take.most - stand.value })))
    }

    fn shared(&self, number: &Number<'_>, by: i64) -> Result<Stand, Error> {
        self.shared.advance_one(&number.step(number.key.clone(), by, number.take.most))
    }

    /// What was had is not used.
    fn give_back(&self, had: &[(Number<'_>, Had)]) -> Result<(), Error> {
        for (number, had) in had {
            let cost = number.asked.cost.unsigned_abs();
            match had {
                Had::Batch => drop(self.local.decrement(&number.local("given/"), cost, Some(number.ttl()))),
                Had::Shared => drop(self.shared.decrement(&number.key, cost, Some(number.ttl()))?),
                Had::Nothing => {}
            }
        }
        Ok(())
    }

    fn seen(&self, number: &Number<'_>, now: i64) -> Seen {
        let time = Duration::from_micros(now.unsigned_abs());
        self.seen.borrow_mut().get(number.key.as_bytes(), time).copied().unwrap_or_default()
    }

    /// Remembers what was seen until the window is over.
    fn saw(&self, number: &Number<'_>, now: i64, seen: Seen) -> Seen {
        let time = Duration::from_micros(now.unsigned_abs());
        let until = time + Duration::from_secs(number.asked.rate.window().unsigned_abs());
        self.seen.borrow_mut().insert(number.key.as_bytes(), seen, 0, until, time);
        seen
    }
}
