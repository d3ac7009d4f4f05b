//! Stores in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::store::{Error, Stand, Step};

/// By store and key: the value, and when it goes.
type Values = BTreeMap<(String, String), (Vec<u8>, Option<Duration>)>;

/// The stores that the configuration names, with their values. `local` is always there.
#[derive(Clone, Debug)]
pub struct Stores {
    names: BTreeSet<String>,
    values: Values,
    broken: Option<Error>,
    broken_ones: BTreeMap<String, Error>,
}

impl Default for Stores {
    fn default() -> Self {
        let names = BTreeSet::from(["local".to_owned()]);
        Self { names, values: BTreeMap::new(), broken: None, broken_ones: BTreeMap::new() }
    }
}

impl Stores {
    /// Adds a store that the configuration names.
    pub fn add(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    /// From here on every call fails so; `None` ends that.
    pub fn fail(&mut self, how: Option<Error>) {
        self.broken = how;
    }

    /// From here on every call of this store fails so, and the others answer; `None` ends that.
    pub fn fail_one(&mut self, store: &str, how: Option<Error>) {
        match how {
            Some(error) => self.broken_ones.insert(store.to_owned(), error),
            None => self.broken_ones.remove(store),
        };
    }

    /// The value, whether or not its time is over.
    pub fn get(&self, store: &str, key: &str) -> Option<&[u8]> {
        self.values.get(&(store.to_owned(), key.to_owned())).map(|(value, _)| value.as_slice())
    }

    /// Writes a value that never goes.
    pub fn set(&mut self, store: &str, key: &str, value: impl Into<Vec<u8>>) {
        self.add(store);
        self.values.insert((store.to_owned(), key.to_owned()), (value.into(), None));
    }

    /// The values of one store, without those whose time is over.
    pub(super) fn open(&mut self, store: &str, key: &str, now: Duration) -> Result<Slot<'_>, Error> {
        if !self.names.contains(store) {
            return Err(Error::Denied);
        }
        if let Some(error) = self.broken.or(self.broken_ones.get(store).copied()) {
            return Err(error);
        }
        if key.len() > 1 << 10 {
            return Err(Error::TooLarge);
        }
        self.values.retain(|_, (_, until)| until.is_none_or(|until| now < until));
        Ok(Slot { values: &mut self.values, key: (store.to_owned(), key.to_owned()), now })
    }
}

/// The place of one key.
pub(super) struct Slot<'a> {
    values: &'a mut Values,
    key: (String, String),
    now: Duration,
}

impl Slot<'_> {
    pub(super) fn get(&self) -> Option<Vec<u8>> {
        self.values.get(&self.key).map(|(value, _)| value.clone())
    }

    pub(super) fn set(self, value: &[u8], ttl: Option<u64>) -> Result<(), Error> {
        if value.len() > 64 << 10 {
            return Err(Error::TooLarge);
        }
        let until = ttl.map(|ttl| self.now + Duration::from_millis(ttl));
        self.values.insert(self.key, (value.to_vec(), until));
        Ok(())
    }

    pub(super) fn delete(self) -> bool {
        self.values.remove(&self.key).is_some()
    }

    pub(super) fn increment(self, by: i64, ttl: Option<u64>) -> Result<i64, Error> {
        let (number, until) = match self.values.get(&self.key) {
            Some((value, until)) => {
                let number: Option<i64> = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                (number.ok_or(Error::NotANumber)?, *until)
            }
            None => (0, ttl.map(|ttl| self.now + Duration::from_millis(ttl))),
        };
        let sum = number.checked_add(by).ok_or(Error::NotANumber)?;
        self.values.insert(self.key, (sum.to_string().into_bytes(), until));
        Ok(sum)
    }

    /// Takes a step whose bounds have been checked.
    pub(super) fn step(self, step: &Step) -> Result<Stand, Error> {
        let number = match self.values.get(&self.key) {
            Some((value, _)) => {
                let number: Option<i64> = std::str::from_utf8(value).ok().and_then(|value| value.parse().ok());
                Some(number.filter(|number| number.unsigned_abs() <= 1 << 53).ok_or(Error::NotANumber)?)
            }
            None => None,
        };
        let value = number.map_or(step.floor, |number| number.max(step.floor));
        let sum = value.saturating_add_unsigned(step.by);
        if sum > step.most {
            return Ok(Stand { value, taken: false });
        }
        let until = step.ttl.map(|ttl| self.now + Duration::from_millis(ttl));
        self.values.insert(self.key, (sum.to_string().into_bytes(), until));
        Ok(Stand { value: sum, taken: true })
    }
}
