//! Permits that are taken from a shared store in batches and given out by this process, for fixed windows.
//!
//! Three numbers in the process's own store belong to each number in the shared one: `taken`, what was taken from there;
//! `given`, what of it was given out; and `refill`, which is 1 while somebody takes a batch.
//!
//! Nothing is given out before it was taken: `given` is raised only up to a `taken` that was read, `taken` is raised only after
//! the shared store has counted as much, and both begin anew with each window. So all processes together never give out more
//! than the limit. Only one batch is taken at a time; who finds one on its way takes its own permit from the shared store. So
//! a process has less than a batch that nobody uses. Who is refused does not cost the shared store a question each time.

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
    /// It had too little for this cost, and is not asked again before this time.
    used_up: Option<(i64, i64)>,
}

impl Seen {
    fn is_used_up(&self, cost: i64, now: i64) -> bool {
        self.used_up.is_some_and(|(least, until)| cost >= least && now < until)
    }
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

/// Microseconds for which a shared store that had too little is not asked for as much: only who gives back makes it more.
const AGAIN: i64 = 1_000_000;

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
        if seen.is_used_up(number.asked.cost, now) {
            let had = self.give_of_others(number, seen, now);
            return Ok(had.map_or((Had::Nothing, seen.left), |left| (Had::Batch, left)));
        }
        let refill = number.local("refill/");
        let is_ours = self.local.advance_one(&Step::new(refill.as_str(), 1, 1).living(REFILL));
        let is_ours = is_ours.is_ok_and(|stand| stand.taken);
        let had = match self.give_of_others(number, seen, now) {
            Some(left) => Ok(Some((Had::Batch, left))),
            None if is_ours => self.refill(number, now),
            None => Ok(None),
        };
        if is_ours {
            // If this fails, time removes it.
            let _ = self.local.remove(&refill);
        }
        match had? {
            Some(had) => Ok(had),
            None => self.single(number, now),
        }
    }

    /// A permit straight from the shared store.
    fn single(&self, number: &Number<'_>, now: i64) -> Result<(Had, i64), Error> {
        let stand = self.shared(number, number.asked.cost)?;
        let left = number.take.most - stand.value;
        if !stand.taken {
            return Ok(self.used_up(number, left, now));
        }
        let seen = self.seen(number, now);
        self.saw(number, now, Seen { left, ..seen });
        self.takings.add(["single"], 1);
        Ok((Had::Shared, left.max(0)))
    }

    /// The shared store has too little.
    fn used_up(&self, number: &Number<'_>, left: i64, now: i64) -> (Had, i64) {
        let (left, used_up) = (left.max(0), Some((number.asked.cost, now + AGAIN)));
        let seen = self.seen(number, now);
        self.saw(number, now, Seen { left, used_up, ..seen });
        self.takings.add(["empty"], 1);
        (Had::Nothing, left)
    }

    /// A permit out of what other instances have taken meanwhile.
    fn give_of_others(&self, number: &Number<'_>, seen: Seen, now: i64) -> Option<i64> {
        let taken = self.local.get(&number.local("taken/")).ok().flatten();
        let taken = taken.and_then(|taken| std::str::from_utf8(&taken).ok()?.parse().ok()).unwrap_or_default();
        if taken <= seen.taken {
            return None;
        }
        let seen = self.saw(number, now, Seen { taken, ..seen });
        self.give(number, seen)
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

    /// Takes a batch, or what is left of the limit, and a permit out of it. None if nobody knows whether there is one.
    fn refill(&self, number: &Number<'_>, now: i64) -> Result<Option<(Had, i64)>, Error> {
        let cost = number.asked.cost;
        let mut by = self.size.max(cost);
        let mut stand = self.shared(number, by)?;
        if !stand.taken {
            by = number.take.most - stand.value;
            if by < cost {
                return Ok(Some(self.used_up(number, by, now)));
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
        let seen = self.saw(number, now, Seen { taken, left: number.take.most - stand.value, used_up: None });
        Ok(self.give(number, seen).map(|left| (Had::Batch, left)))
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
