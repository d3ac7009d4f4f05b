//! The store in this process's memory.
//!
//! Keys are spread over shards, each behind a mutex of the standard library. A critical section is a look-up and at
//! most a few small changes (values are copied outside of it), some hundred nanoseconds, so a worker that finds a shard
//! taken waits less than a system call takes; an asynchronous mutex would cost more than what it waits for.
//!
//! **Room.** The bound is on bytes: keys, values and what each costs beside. Each shard has its part of it, so one
//! shard can be full a little before the whole is. There is no thread that cleans up: an expired value is dropped when
//! it is met, and every new value drops a few that have expired, oldest first, so what is dead never piles up while
//! somebody writes. When a new value finds no room, these make it, in this order:
//!
//! 1. expired values;
//! 2. values without a time to live, those written longest ago first, of the owner that holds the most of them.
//!
//! A value whose time to live is still running is never given up. So a flood of new keys cannot push out a victim's
//! counter: the *new* key is refused with [`Error::TooLarge`], and keys that are there go on working. And no owner fills
//! more than three quarters of a shard, so a flood through one entry leaves room for the others. Evictions and refusals
//! are counted ([`Memory::usage`]).

mod changes;
mod kept;
mod shard;

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

pub(super) use self::changes::Change;
pub(super) use self::kept::Walk;
use self::shard::Shard;
pub(super) use self::shard::Written;
use super::{Error, Options, Stand, Step, Store, check_key, check_value};

/// Bytes of the store `local` where nothing else is said.
pub const DEFAULT_SIZE: usize = 64 << 20;

/// As many shards as workers rarely meet in.
const MOST_SHARDS: usize = 16;
/// A shard holds some values of the largest size at least.
const LEAST_SHARD: usize = 1 << 20;

/// What a store holds, and what it had to do to hold no more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Values, expired ones that nobody has met yet included.
    pub values: usize,
    /// Bytes, of the bound.
    pub bytes: usize,
    /// Values without a time to live that had to make room, since the start.
    pub evicted: u64,
    /// New values, or longer ones, that found no room, since the start.
    pub refused: u64,
}

/// Values in memory, for all workers of this process.
pub struct Memory {
    size: AtomicUsize,
    shards: Box<[Mutex<Shard>]>,
    /// Keyed at random: clients choose keys, and must not be able to choose the shard.
    hashes: RandomState,
    now: Box<dyn Fn() -> u64 + Send + Sync>,
}

impl Memory {
    /// A store of so many bytes, over the monotonic clock.
    pub fn new(bytes: usize) -> Self {
        let start = Instant::now();
        Self::with_clock(bytes, move || u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// A store of so many bytes with a clock of the caller's: milliseconds that never go back.
    pub fn with_clock(bytes: usize, now: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        let shards = (bytes / LEAST_SHARD).clamp(1, MOST_SHARDS);
        Self {
            size: AtomicUsize::new(bytes),
            shards: (0..shards).map(|_| Mutex::new(Shard::new(bytes / shards))).collect(),
            hashes: RandomState::new(),
            now: Box::new(now),
        }
    }

    /// What it holds, over all shards.
    fn sum(&self) -> Usage {
        self.shards.iter().map(|shard| locked(shard).usage()).fold(Usage::default(), |sum, part| Usage {
            values: sum.values + part.values,
            bytes: sum.bytes + part.bytes,
            evicted: sum.evicted + part.evicted,
            refused: sum.refused + part.refused,
        })
    }

    /// Which shard a key is in.
    fn place(&self, owner: &str, key: &str) -> usize {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash will do")]
        let hash = self.hashes.hash_one((owner, key)) as usize;
        hash % self.shards.len()
    }

    /// The key's shard, and the time at which it was taken.
    fn shard(&self, owner: &str, key: &str) -> Result<(MutexGuard<'_, Shard>, u64), Error> {
        check_key(key)?;
        let shard = locked(&self.shards[self.place(owner, key)]);
        // Read under the lock, so that a shard's time never goes back.
        let now = (self.now)();
        Ok((shard, now))
    }
}

/// A shard is whole between two calls, so one that another thread left in a panic can be used.
fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store for Memory {
    fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    fn usage(&self) -> Usage {
        self.sum()
    }

    fn get(&self, owner: &str, key: &str) -> Result<Option<Bytes>, Error> {
        let (shard, now) = self.shard(owner, key)?;
        let found = shard.get(owner, key, now).cloned();
        drop(shard);
        Ok(found.map(Written::into_bytes))
    }

    fn set(&self, owner: &str, key: &str, value: &[u8], options: Options) -> Result<(), Error> {
        check_value(value)?;
        check_options(options)?;
        let value = Written::Bytes(Bytes::copy_from_slice(value));
        let (mut shard, now) = self.shard(owner, key)?;
        shard.put(owner, key, value, options.ttl, now)
    }

    fn delete(&self, owner: &str, key: &str) -> Result<bool, Error> {
        let (mut shard, now) = self.shard(owner, key)?;
        shard.delete(owner, key, now)
    }

    fn increment(&self, owner: &str, key: &str, by: i64, ttl: Option<u64>) -> Result<i64, Error> {
        let (mut shard, now) = self.shard(owner, key)?;
        shard.add(owner, key, by, ttl, now)
    }

    fn step(&self, owner: &str, step: &Step<'_>) -> Result<Stand, Error> {
        let (mut shard, now) = self.shard(owner, step.key)?;
        shard.step(owner, step, now)
    }

    fn compare_and_swap(
        &self,
        owner: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> Result<bool, Error> {
        check_value(new.unwrap_or_default())?;
        check_options(options)?;
        let new = new.map(Bytes::copy_from_slice);
        let (mut shard, now) = self.shard(owner, key)?;
        let same = match (shard.get(owner, key, now), expected) {
            (None, None) => true,
            (Some(value), Some(expected)) => value.is(expected),
            _ => false,
        };
        if same {
            match new {
                Some(new) => shard.put(owner, key, Written::Bytes(new), options.ttl, now)?,
                None => drop(shard.delete(owner, key, now)?),
            }
        }
        Ok(same)
    }
}

fn check_options(options: Options) -> Result<(), Error> {
    if options.durable { Err(Error::Unsupported) } else { Ok(()) }
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Memory").field("usage", &self.usage()).finish_non_exhaustive()
    }
}
