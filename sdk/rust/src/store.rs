//! Small values that all workers share, and all proxies if the store is: counters, sessions, sightings.

use std::time::Duration;

use serde::Deserialize;

use crate::bindings::kv as wire;
use crate::host::kv;

pub use crate::bindings::kv::{Error, Outcome, Stand, Step};

/// The name of a store: a field of this type in a filter's configuration lets the filter use the store that the operator
/// names there. Every entry has keys of its own in it. With `#[serde(default)]` the field is [`Store::local`] where the
/// operator says nothing; without such a field a filter has no store at all.
///
/// ```
/// # use weir::Store;
/// # use std::time::Duration;
/// # weir::testing::Host::new().enter(|| -> weir::Result<()> {
/// let store = Store::local();
/// store.set("greeting", "hello", Some(Duration::from_secs(60)))?;
/// assert_eq!(store.get("greeting")?, Some(b"hello".to_vec()));
/// assert_eq!(store.increment("seen", 1, None)?, 1);
/// # Ok(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Store(String);

impl From<&str> for Store {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl Default for Store {
    fn default() -> Self {
        Self::local()
    }
}

impl Store {
    /// The store that is always there to be named: in memory, of this process.
    pub fn local() -> Self {
        Self("local".to_owned())
    }

    /// The name that the operator wrote.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The value, if there is one.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        kv::get(&self.0, key)
    }

    /// Writes a value, at most 64 KiB. It is gone after this time; without one it is kept as long as there is room.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>, ttl: Option<Duration>) -> Result<(), Error> {
        kv::set(&self.0, key, value.as_ref(), ttl.map(crate::millis))
    }

    /// The same, and returns only when it is on disk; not every store can.
    pub fn set_durable(&self, key: &str, value: impl AsRef<[u8]>, ttl: Option<Duration>) -> Result<(), Error> {
        kv::set_durable(&self.0, key, value.as_ref(), ttl.map(crate::millis))
    }

    /// Removes a value, and says whether there was one.
    pub fn remove(&self, key: &str) -> Result<bool, Error> {
        kv::remove(&self.0, key)
    }

    /// Adds to a number and returns the sum. A key that is not there counts as 0 and gets this time to live, one that is
    /// there keeps its own.
    pub fn increment(&self, key: &str, by: u64, ttl: Option<Duration>) -> Result<i64, Error> {
        kv::increment(&self.0, key, by, ttl.map(crate::millis))
    }

    /// Subtracts in the same way; the difference may be below zero.
    pub fn decrement(&self, key: &str, by: u64, ttl: Option<Duration>) -> Result<i64, Error> {
        kv::decrement(&self.0, key, by, ttl.map(crate::millis))
    }

    /// Writes `replacement` (`None` removes) if the value is `expected` (`None`: not there), and says whether it was.
    pub fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        replacement: Option<&[u8]>,
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        kv::compare_and_swap(&self.0, key, expected, replacement, ttl.map(crate::millis))
    }

    /// Adds to a number if the sum stays within a bound, and says where the number stands then. See [`Step`].
    pub fn advance_one(&self, step: &Step) -> Result<Stand, Error> {
        let stands = kv::advance(&self.0, std::slice::from_ref(step))?;
        // A store that says nothing about the one step that it was asked to take has not done it.
        stands.first().copied().ok_or(Error::Unavailable)
    }

    /// Several steps in order in one round trip, up to the first that is not taken: the list ends with it. Each is
    /// atomic; all together are not.
    pub fn advance(&self, steps: &[Step]) -> Result<Vec<Stand>, Error> {
        kv::advance(&self.0, steps)
    }

    /// Several operations in order in one round trip.
    pub fn batch(&self) -> Batch<'_> {
        Batch { store: self, operations: Vec::new() }
    }
}

/// A step of a number that must not go beyond a bound. All numbers are within 2^53.
///
/// A limit of 100 in a window, whose beginning stands in the key:
///
/// ```
/// # use weir::{Store, store::Step};
/// # use std::time::Duration;
/// # weir::testing::Host::new().enter(|| -> weir::Result<()> {
/// let step = Step::new("ada 28312", 1, 100).living(Duration::from_secs(60));
/// let stand = Store::local().advance_one(&step)?;
/// assert!(stand.taken && stand.value == 1);
/// # Ok(()) }).unwrap();
/// ```
///
/// A bucket of 10 that fills by one each second, as the time in microseconds at which it will be full:
///
/// ```
/// # use weir::{Store, store::Step};
/// # use std::time::Duration;
/// # weir::testing::Host::new().enter(|| -> weir::Result<()> {
/// # let now = 1_700_000_000_000_000;
/// let step = Step::new("ada", 1_000_000, now + 10_000_000).from(now).living(Duration::from_secs(10));
/// assert_eq!(Store::local().advance_one(&step)?.value, now + 1_000_000);
/// # Ok(()) }).unwrap();
/// ```
impl Step {
    /// Adds `by` to the key's number if the sum is at most `most`. A number that is not there counts as 0.
    pub fn new(key: impl Into<String>, by: u64, most: i64) -> Self {
        Self { key: key.into(), floor: 0, by, most, ttl: None }
    }

    /// A number that is not there, or is below this one, counts as this one.
    #[must_use]
    pub fn from(self, floor: i64) -> Self {
        Self { floor, ..self }
    }

    /// It is gone after this time, counted anew by each step that is taken; without it, it is kept as long as there is
    /// room.
    #[must_use]
    pub fn living(self, ttl: Duration) -> Self {
        Self { ttl: Some(crate::millis(ttl)), ..self }
    }
}

impl PartialEq for Stand {
    fn eq(&self, other: &Self) -> bool {
        (self.value, self.taken) == (other.value, other.taken)
    }
}

impl Eq for Stand {}

/// Operations in the making. Each is atomic; all together are not.
#[derive(Debug)]
#[must_use = "a batch is done by `run`"]
pub struct Batch<'a> {
    store: &'a Store,
    operations: Vec<wire::Operation>,
}

impl Batch<'_> {
    /// As [`Store::get`].
    pub fn get(self, key: impl Into<String>) -> Self {
        self.with(wire::Operation::Get(key.into()))
    }

    /// As [`Store::set`].
    pub fn set(self, key: impl Into<String>, value: impl Into<Vec<u8>>, ttl: Option<Duration>) -> Self {
        let ttl = ttl.map(crate::millis);
        self.with(wire::Operation::Set(wire::Entry { key: key.into(), value: value.into(), ttl }))
    }

    /// As [`Store::remove`].
    pub fn remove(self, key: impl Into<String>) -> Self {
        self.with(wire::Operation::Remove(key.into()))
    }

    /// As [`Store::increment`].
    pub fn increment(self, key: impl Into<String>, by: u64, ttl: Option<Duration>) -> Self {
        let ttl = ttl.map(crate::millis);
        self.with(wire::Operation::Increment(wire::Addition { key: key.into(), by, ttl }))
    }

    /// As [`Store::decrement`].
    pub fn decrement(self, key: impl Into<String>, by: u64, ttl: Option<Duration>) -> Self {
        let ttl = ttl.map(crate::millis);
        self.with(wire::Operation::Decrement(wire::Addition { key: key.into(), by, ttl }))
    }

    /// Does all of it; the outcomes are in the order of the operations.
    pub fn run(self) -> Result<Vec<Outcome>, Error> {
        kv::batch(&self.store.0, &self.operations)
    }

    fn with(mut self, operation: wire::Operation) -> Self {
        self.operations.push(operation);
        self
    }
}
