//! Small values under keys: counters, sessions, sightings. Semantics and limits are those of `wit/kv.wit`.
//!
//! A value belongs to an owner (a chain's entry): owners never see each other's keys, though they share the room.
//! This room knows nothing of filters, exchanges or configuration.
//!
//! [`Store`] is for stores that answer at once, so a hook can call them on the worker's thread. [`redis::Redis`] is one that
//! waits, with the same functions as futures: behind the same trait it would make every counter in memory wait, too. The
//! one caller, what links `kv`, picks between both when an entry is loaded.

pub mod file;
mod memory;
pub mod redis;
mod step;

pub use file::{File, Kept};
pub use memory::{DEFAULT_SIZE, Memory, Usage};
pub use step::{MOST_STEPS, Stand, Step};

use bytes::Bytes;

/// Bytes of a key.
pub const MOST_KEY: usize = 1024;
/// Bytes of a value.
pub const MOST_VALUE: usize = 64 << 10;
/// Operations in a batch.
pub const MOST_OPERATIONS: usize = 64;

/// Why an operation was not done. Nothing has changed then, as far as anybody knows: what came of an operation that
/// timed out, nobody does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A limit of this room, or no room for one more value.
    #[error("too large: a key may have 1 KiB, a value 64 KiB, a batch 64 operations; or the store is full")]
    TooLarge,
    /// Only numbers can be added to.
    #[error("the value is not a whole number of 64 bits, or the sum would not be")]
    NotANumber,
    /// This store cannot promise that.
    #[error("the store cannot do that: return when a value is on a disk")]
    Unsupported,
    /// No answer within the time that it has.
    #[error("the store did not answer in time")]
    TimedOut,
    /// It cannot be reached, or not be written to.
    #[error("the store is out of reach")]
    Unavailable,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Milliseconds until it is gone; 0 is at once. A value without it is kept as long as there is room.
    pub ttl: Option<u64>,
    /// Return only when it is on disk.
    pub durable: bool,
}

/// One of several operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// A key's value.
    Get(&'a str),
    /// Key, value, options.
    Set(&'a str, &'a [u8], Options),
    /// A key.
    Delete(&'a str),
    /// Key, amount, time to live of a new value in milliseconds.
    Increment(&'a str, i64, Option<u64>),
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Of `Get`.
    Value(Option<Bytes>),
    /// Of `Set`.
    Done,
    /// Of `Delete`: whether it was there.
    Deleted(bool),
    /// Of `Increment`: the sum.
    Number(i64),
    /// Of any.
    Failed(Error),
}

/// Values that all workers share. Every function is atomic, but for `batch`.
pub trait Store: std::fmt::Debug + Send + Sync {
    /// It is about to be used, and may hold so many bytes. Most are ready as they are made, as large as they were made; one that
    /// has to read its values returns when it has them, or knows why not.
    fn begin(&self, _bytes: usize) {}

    /// Bytes that it may hold.
    fn size(&self) -> usize;

    /// What it holds.
    fn usage(&self) -> Usage;

    /// How its file is, if it has one.
    fn kept(&self) -> Option<Kept> {
        None
    }

    /// The value, if there is one.
    fn get(&self, owner: &str, key: &str) -> Result<Option<Bytes>, Error>;

    /// Writes, whatever was there.
    fn set(&self, owner: &str, key: &str, value: &[u8], options: Options) -> Result<(), Error>;

    /// Whether it was there.
    fn delete(&self, owner: &str, key: &str) -> Result<bool, Error>;

    /// Adds to a number and returns the sum. A key that is not there counts as 0 and gets this time to live, one that
    /// is there keeps its own. A number reads as decimal text.
    fn increment(&self, owner: &str, key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Error>;

    /// Writes `new` (none deletes) if the value is `expected` (none: not there), and says whether it was.
    fn compare_and_swap(
        &self,
        owner: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> Result<bool, Error>;

    /// Adds to a number if the sum stays within a bound. The step has been checked.
    fn step(&self, owner: &str, step: &Step<'_>) -> Result<Stand, Error>;

    /// Steps in order, up to the first that is not taken. Each is atomic; all together are not. If one fails, those
    /// before it have been taken; but what is wrong with the steps themselves is found before.
    fn advance(&self, owner: &str, steps: &[Step<'_>]) -> Result<Vec<Stand>, Error> {
        step::check_steps(steps)?;
        let mut stands = Vec::with_capacity(steps.len());
        for step in steps {
            let stand = self.step(owner, step)?;
            stands.push(stand);
            if !stand.taken {
                break;
            }
        }
        Ok(stands)
    }

    /// Several operations in order. Each is atomic; all together are not.
    fn batch(&self, owner: &str, operations: &[Operation<'_>]) -> Result<Vec<Outcome>, Error> {
        if operations.len() > MOST_OPERATIONS {
            return Err(Error::TooLarge);
        }
        let one = |operation: &Operation<'_>| match *operation {
            Operation::Get(key) => self.get(owner, key).map(Outcome::Value),
            Operation::Set(key, value, options) => self.set(owner, key, value, options).map(|()| Outcome::Done),
            Operation::Delete(key) => self.delete(owner, key).map(Outcome::Deleted),
            Operation::Increment(key, by, ttl) => self.increment(owner, key, by, ttl).map(Outcome::Number),
        };
        Ok(operations.iter().map(|operation| one(operation).unwrap_or_else(Outcome::Failed)).collect())
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if key.len() > MOST_KEY { Err(Error::TooLarge) } else { Ok(()) }
}

fn check_value(value: &[u8]) -> Result<(), Error> {
    if value.len() > MOST_VALUE { Err(Error::TooLarge) } else { Ok(()) }
}
