//! One shard: the values of all owners that fall into it, and which go first. No lock and no clock in here.

mod kept;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::super::{Error, Stand, Step};
use super::Usage;
use super::changes::{Changes, Noted};
pub(super) use kept::Place;

/// What a value costs beside its key and its bytes: places in the tables and the heads of its allocations (measured
/// with 150,000 small values: what the process grew by is what is counted, within a tenth or so).
const OVERHEAD: usize = 256;
/// Values whose time has come that any write looks at.
const SWEPT: usize = 4;
/// Those that a step looks at: each gives rise to one at most.
const SWEPT_BY_STEPS: usize = 2;
/// Values with a new time to live that are filed anew at most while room is made.
const REFILED: usize = 512;

/// A value as it was written.
#[derive(Clone, Debug)]
pub(in crate::store) enum Written {
    Bytes(Bytes),
    /// By `increment`: adding to it touches no allocation.
    Number(i64),
}

struct Value {
    written: Written,
    /// When it is gone, in the clock's milliseconds.
    expires: Option<u64>,
    /// Where in the changes it stands, if it changed since they were last taken.
    noted: Noted,
    /// The time under which it stands in `expiring`. A step that gives it more time leaves that alone, so that counting
    /// touches one place of memory: the value is filed anew when this time has come.
    filed: u64,
    /// Of the last `put`: rising, and no two are the same.
    turn: u64,
}

/// What one owner holds in this shard.
#[derive(Default)]
struct Holding {
    /// Clients choose keys, so the hasher is the standard library's, keyed at random.
    values: HashMap<Arc<str>, Value>,
    /// Those without a time to live, by turn: the first was written longest ago.
    lasting: BTreeMap<u64, Arc<str>>,
    bytes: usize,
}

/// What came of looking at the value that was filed to go first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tended {
    Nothing,
    /// It was given more time since.
    Refiled,
    Dropped,
}

#[derive(Default)]
pub(super) struct Shard {
    owners: HashMap<Arc<str>, Holding>,
    /// Values with a time to live by when they are gone, or later, and turn; with owner and key.
    expiring: BTreeMap<(u64, u64), (Arc<str>, Arc<str>)>,
    most: usize,
    turn: u64,
    usage: Usage,
    /// What has changed, for whoever keeps values beyond this process; none if nobody does.
    changes: Option<Changes>,
    /// Of those that were noted before.
    last_round: u32,
}

impl Shard {
    pub(super) fn new(most: usize) -> Self {
        Self { most, ..Self::default() }
    }

    pub(super) fn usage(&self) -> Usage {
        self.usage
    }

    pub(super) fn get(&self, owner: &str, key: &str, now: u64) -> Option<&Written> {
        let value = self.owners.get(owner)?.values.get(key)?;
        value.lives(now).then_some(&value.written)
    }

    /// Adds to the number, if there is one.
    pub(super) fn add(&mut self, owner: &str, key: &str, by: i64, ttl: Option<u64>, now: u64) -> Result<i64, Error> {
        let found = self.owners.get_mut(owner).and_then(|holding| holding.values.get_mut(key));
        let Some(value) = found.filter(|value| value.lives(now)) else {
            self.put(owner, key, Written::Number(by), ttl, now)?;
            return Ok(by);
        };
        let number = value.written.number().ok_or(Error::NotANumber)?;
        let sum = number.checked_add(by).ok_or(Error::NotANumber)?;
        admit(self.changes.as_ref())?;
        value.written = Written::Number(sum);
        self.note(owner, key);
        Ok(sum)
    }

    /// Takes a step, if its sum is within its bound.
    pub(super) fn step(&mut self, owner: &str, step: &Step<'_>, now: u64) -> Result<Stand, Error> {
        self.sweep(SWEPT_BY_STEPS, now);
        let found = self.owners.get_mut(owner).and_then(|holding| holding.values.get_mut(step.key));
        let found = found.filter(|value| value.lives(now));
        let number = found.as_ref().map(|value| value.written.number().ok_or(Error::NotANumber)).transpose()?;
        let stand = step.from(number)?;
        if !stand.taken {
            return Ok(stand);
        }
        admit(self.changes.as_ref())?;
        let expires = step.ttl.map(|ttl| now.saturating_add(ttl));
        let written = Written::Number(stand.value);
        match (found, expires) {
            (Some(value), None) if value.expires.is_none() => value.written = written,
            (Some(value), Some(expires)) if value.expires.is_some() && value.filed <= expires && expires > now => {
                value.written = written;
                value.expires = Some(expires);
            }
            _ => {
                // Not there, with another kind of life, or a shorter one.
                self.put(owner, step.key, written, step.ttl, now)?;
                return Ok(stand);
            }
        }
        self.note(owner, step.key);
        Ok(stand)
    }

    pub(super) fn delete(&mut self, owner: &str, key: &str, now: u64) -> Result<bool, Error> {
        admit(self.changes.as_ref())?;
        let Some((key, value)) = self.take(owner, key) else { return Ok(false) };
        let lives = value.lives(now);
        if lives {
            self.note_removal(owner, key, &value);
        }
        Ok(lives)
    }

    /// Writes a value. If there is no room for it, what was there stays.
    pub(super) fn put(
        &mut self,
        owner: &str,
        key: &str,
        written: Written,
        ttl: Option<u64>,
        now: u64,
    ) -> Result<(), Error> {
        self.put_until(owner, key, written, ttl.map(|ttl| now.saturating_add(ttl)), now)
    }

    /// The same, until a time that was settled before.
    pub(super) fn put_until(
        &mut self,
        owner: &str,
        key: &str,
        written: Written,
        expires: Option<u64>,
        now: u64,
    ) -> Result<(), Error> {
        admit(self.changes.as_ref())?;
        self.sweep(SWEPT, now);
        let old = self.take(owner, key);
        if expires.is_some_and(|expires| expires <= now) {
            if let Some((key, old)) = old {
                self.note_removal(owner, key, &old);
            }
            return Ok(());
        }
        if let Err(error) = self.make_room(owner, cost(key, &written), now) {
            if let Some((key, old)) = old {
                self.keep(owner, key, old);
            }
            self.usage.refused += 1;
            return Err(error);
        }
        self.turn += 1;
        let (name, noted) = match old {
            Some((key, old)) => (key, old.noted),
            None => (Arc::from(key), Noted::default()),
        };
        let filed = expires.unwrap_or_default();
        self.keep(owner, name, Value { written, expires, noted, filed, turn: self.turn });
        self.note(owner, key);
        Ok(())
    }

    /// Drops a few that have expired.
    fn sweep(&mut self, most: usize, now: u64) {
        for _ in 0..most {
            if self.tend(now) == Tended::Nothing {
                return;
            }
        }
    }

    /// Looks at the first value whose filed time has come.
    fn tend(&mut self, now: u64) -> Tended {
        let (filed, turn, owner, key) = match self.expiring.first_key_value() {
            Some((&(filed, turn), (owner, key))) if filed <= now => (filed, turn, Arc::clone(owner), Arc::clone(key)),
            _ => return Tended::Nothing,
        };
        let value = self.owners.get_mut(&owner).and_then(|holding| holding.values.get_mut(&key));
        match value.and_then(|value| value.expires.filter(|expires| *expires > now).map(|expires| (value, expires))) {
            Some((value, expires)) => {
                value.filed = expires;
                self.expiring.remove(&(filed, turn));
                self.expiring.insert((expires, turn), (owner, key));
                Tended::Refiled
            }
            None => {
                self.take(&owner, &key);
                Tended::Dropped
            }
        }
    }

    /// Gives up values until so many bytes fit. Each makes at least [`OVERHEAD`] of room, so there is a bound to how
    /// many it takes.
    fn make_room(&mut self, owner: &str, bytes: usize, now: u64) -> Result<(), Error> {
        let share = self.most - self.most / 4;
        let mut refiled = 0;
        loop {
            let held = self.owners.get(owner).map_or(0, |holding| holding.bytes);
            let is_over_share = held + bytes > share;
            if !is_over_share && self.usage.bytes + bytes <= self.most {
                return Ok(());
            }
            // Many may have been given more time since they were filed; nobody waits for all of them.
            if refiled < REFILED {
                let tended = self.tend(now);
                refiled += usize::from(tended == Tended::Refiled);
                if tended != Tended::Nothing {
                    continue;
                }
            }
            if !self.evict(is_over_share.then_some(owner)) {
                return Err(Error::TooLarge);
            }
        }
    }

    /// Gives up the value without a time to live that was written longest ago: of this owner, or of the one that has the most
    /// of them. Says whether there was one.
    fn evict(&mut self, owner: Option<&str>) -> bool {
        let victim = match owner {
            Some(owner) => self.owners.get_key_value(owner),
            // Owners are the operator's entries: few, and not for clients to choose.
            None => self.owners.iter().max_by_key(|(_, holding)| holding.lasting.len()),
        };
        let victim = victim.and_then(|(owner, holding)| {
            holding.lasting.first_key_value().map(|(_, key)| (Arc::clone(owner), Arc::clone(key)))
        });
        let Some((owner, key)) = victim else { return false };
        if let Some((key, value)) = self.take(&owner, &key) {
            self.note_removal(&owner, key, &value);
        }
        self.usage.evicted += 1;
        true
    }

    fn keep(&mut self, owner: &str, key: Arc<str>, value: Value) {
        let owner = self.owners.get_key_value(owner).map_or_else(|| Arc::from(owner), |(owner, _)| Arc::clone(owner));
        let bytes = cost(&key, &value.written);
        let holding = self.owners.entry(Arc::clone(&owner)).or_default();
        match value.expires {
            Some(_) => drop(self.expiring.insert((value.filed, value.turn), (owner, Arc::clone(&key)))),
            None => drop(holding.lasting.insert(value.turn, Arc::clone(&key))),
        }
        holding.values.insert(key, value);
        holding.bytes += bytes;
        self.usage.bytes += bytes;
        self.usage.values += 1;
    }

    fn take(&mut self, owner: &str, key: &str) -> Option<(Arc<str>, Value)> {
        let holding = self.owners.get_mut(owner)?;
        let (key, value) = holding.values.remove_entry(key)?;
        let bytes = cost(&key, &value.written);
        match value.expires {
            Some(_) => drop(self.expiring.remove(&(value.filed, value.turn))),
            None => drop(holding.lasting.remove(&value.turn)),
        }
        holding.bytes -= bytes;
        self.usage.bytes -= bytes;
        self.usage.values -= 1;
        if holding.values.is_empty() {
            self.owners.remove(owner);
        }
        Some((key, value))
    }
}

fn cost(key: &str, written: &Written) -> usize {
    let bytes = match written {
        Written::Bytes(bytes) => bytes.len(),
        Written::Number(_) => 0,
    };
    // As much as the longest number at least, so that counting up needs no more room.
    OVERHEAD + key.len() + bytes.max(20)
}

/// Refuses a change that could not be noted.
fn admit(changes: Option<&Changes>) -> Result<(), Error> {
    if changes.is_some_and(Changes::is_full) { Err(Error::Unavailable) } else { Ok(()) }
}

impl Value {
    fn lives(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

impl Written {
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Number(number) => number.to_string().into(),
        }
    }

    pub(super) fn is(&self, expected: &[u8]) -> bool {
        match self {
            Self::Bytes(bytes) => bytes == expected,
            Self::Number(number) => number.to_string().as_bytes() == expected,
        }
    }

    /// Only the one spelling that `increment` would write: then what is read back does not depend on who wrote it.
    fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bytes(bytes) => {
                let number: i64 = std::str::from_utf8(bytes).ok()?.parse().ok()?;
                self.is(number.to_string().as_bytes()).then_some(number)
            }
        }
    }
}
