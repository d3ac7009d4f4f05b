//! Small values that all workers share, and all proxies if the store is: counters, sessions, sightings.

use std::time::Duration;

use serde::Deserialize;

use crate::bindings::kv as wire;
use crate::host::kv;

pub use crate::bindings::kv::{Error, Outcome};

/// The name of a store: a field of this type in a filter's configuration lets the filter use the store that the operator
/// names there. Every entry has keys of its own in it.
///
/// ```
/// # use weir::{Store, store::Options};
/// # use std::time::Duration;
/// # weir::testing::Host::new().enter(|| -> weir::Result<()> {
/// let store = Store::local();
/// store.set("greeting", "hello", Options::ttl(Duration::from_secs(60)))?;
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
    /// The store that is always there: in memory, of this process.
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

    /// Writes a value, at most 64 KiB.
    pub fn set(&self, key: &str, value: impl AsRef<[u8]>, options: Options) -> Result<(), Error> {
        kv::set(&self.0, key, value.as_ref(), options.0)
    }

    /// Removes a value, and says whether there was one.
    pub fn delete(&self, key: &str) -> Result<bool, Error> {
        kv::delete(&self.0, key)
    }

    /// Adds to a number and returns the sum. A key that is not there counts as 0 and gets this time to live, one that is
    /// there keeps its own.
    pub fn increment(&self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        kv::increment(&self.0, key, by, ttl.map(crate::millis))
    }

    /// Writes `new` (`None` deletes) if the value is `expected` (`None`: not there), and says whether it was.
    pub fn compare_and_swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> Result<bool, Error> {
        kv::compare_and_swap(&self.0, key, expected, new, options.0)
    }

    /// Several operations in order in one round trip.
    pub fn batch(&self) -> Batch<'_> {
        Batch { store: self, operations: Vec::new() }
    }
}

/// How a value is written. The default keeps it as long as there is room.
#[derive(Clone, Copy, Debug)]
pub struct Options(wire::Options);

impl Default for Options {
    fn default() -> Self {
        Self(wire::Options { ttl: None, durable: false })
    }
}

impl Options {
    /// The value is gone after this time.
    pub fn ttl(ttl: Duration) -> Self {
        Self(wire::Options { ttl: Some(crate::millis(ttl)), durable: false })
    }

    /// Return only when it is on disk; not every store can.
    #[must_use]
    pub fn durable(self) -> Self {
        Self(wire::Options { durable: true, ..self.0 })
    }
}

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
    pub fn set(self, key: impl Into<String>, value: impl Into<Vec<u8>>, options: Options) -> Self {
        self.with(wire::Operation::Set((key.into(), value.into(), options.0)))
    }

    /// As [`Store::delete`].
    pub fn delete(self, key: impl Into<String>) -> Self {
        self.with(wire::Operation::Delete(key.into()))
    }

    /// As [`Store::increment`].
    pub fn increment(self, key: impl Into<String>, by: i64, ttl: Option<Duration>) -> Self {
        self.with(wire::Operation::Increment((key.into(), by, ttl.map(crate::millis))))
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
