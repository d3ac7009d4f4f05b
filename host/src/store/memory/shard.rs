//! One shard: the values of all owners that fall into it, and which go first. No lock and no clock in here.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;

use super::super::Error;
use super::Usage;

/// What a value costs beside its key and its bytes: places in the tables and the heads of its allocations (measured
/// with 150,000 small values: what the process grew by is what is counted, within a tenth or so).
const OVERHEAD: usize = 256;
/// Expired values that any write drops.
const SWEPT: usize = 4;

/// A value as it was written.
#[derive(Clone, Debug)]
pub(super) enum Written {
    Bytes(Bytes),
    /// By `increment`: adding to it touches no allocation.
    Number(i64),
}

/// A number that is there, to be added to.
pub(super) struct Counter<'a>(&'a mut Written, i64);

struct Value {
    written: Written,
    /// When it is gone, in the clock's milliseconds.
    expires: Option<u64>,
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

#[derive(Default)]
pub(super) struct Shard {
    owners: HashMap<Arc<str>, Holding>,
    /// Values with a time to live by when they are gone and turn, with owner and key.
    expiring: BTreeMap<(u64, u64), (Arc<str>, Arc<str>)>,
    most: usize,
    turn: u64,
    usage: Usage,
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

    /// The value as a number, if there is a value.
    pub(super) fn number(&mut self, owner: &str, key: &str, now: u64) -> Option<Result<Counter<'_>, Error>> {
        let value = self.owners.get_mut(owner)?.values.get_mut(key)?;
        if !value.lives(now) {
            return None;
        }
        let number = value.written.number();
        Some(number.map(|number| Counter(&mut value.written, number)).ok_or(Error::NotANumber))
    }

    pub(super) fn delete(&mut self, owner: &str, key: &str, now: u64) -> bool {
        self.take(owner, key).is_some_and(|(_, value)| value.lives(now))
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
        self.sweep(now);
        let old = self.take(owner, key);
        let expires = ttl.map(|ttl| now.saturating_add(ttl));
        if expires.is_some_and(|expires| expires <= now) {
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
        let key = old.map_or_else(|| Arc::from(key), |(key, _)| key);
        self.keep(owner, key, Value { written, expires, turn: self.turn });
        Ok(())
    }

    /// Drops a few that have expired.
    fn sweep(&mut self, now: u64) {
        for _ in 0..SWEPT {
            if !self.drop_expired(now) {
                return;
            }
        }
    }

    fn drop_expired(&mut self, now: u64) -> bool {
        match self.expiring.first_key_value() {
            Some((&(expires, _), (owner, key))) if expires <= now => {
                let (owner, key) = (Arc::clone(owner), Arc::clone(key));
                self.take(&owner, &key);
                true
            }
            _ => false,
        }
    }

    /// Gives up values until so many bytes fit. Each makes at least [`OVERHEAD`] of room, so there is a bound to how
    /// many it takes.
    fn make_room(&mut self, owner: &str, bytes: usize, now: u64) -> Result<(), Error> {
        let share = self.most - self.most / 4;
        loop {
            let held = self.owners.get(owner).map_or(0, |holding| holding.bytes);
            let is_over_share = held + bytes > share;
            if !is_over_share && self.usage.bytes + bytes <= self.most {
                return Ok(());
            }
            if self.drop_expired(now) {
                continue;
            }
            let victim = if is_over_share {
                self.owners.get_key_value(owner)
            } else {
                // Owners are the operator's entries: few, and not for clients to choose.
                self.owners.iter().max_by_key(|(_, holding)| holding.lasting.len())
            };
            let victim = victim.and_then(|(owner, holding)| {
                holding.lasting.first_key_value().map(|(_, key)| (Arc::clone(owner), Arc::clone(key)))
            });
            let (owner, key) = victim.ok_or(Error::TooLarge)?;
            self.take(&owner, &key);
            self.usage.evicted += 1;
        }
    }

    fn keep(&mut self, owner: &str, key: Arc<str>, value: Value) {
        let owner = self.owners.get_key_value(owner).map_or_else(|| Arc::from(owner), |(owner, _)| Arc::clone(owner));
        let bytes = cost(&key, &value.written);
        let holding = self.owners.entry(Arc::clone(&owner)).or_default();
        match value.expires {
            Some(expires) => drop(self.expiring.insert((expires, value.turn), (owner, Arc::clone(&key)))),
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
            Some(expires) => drop(self.expiring.remove(&(expires, value.turn))),
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

impl Value {
    fn lives(&self, now: u64) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}

impl Counter<'_> {
    pub(super) fn add(self, by: i64) -> Result<i64, Error> {
        let sum = self.1.checked_add(by).ok_or(Error::NotANumber)?;
        *self.0 = Written::Number(sum);
        Ok(sum)
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
