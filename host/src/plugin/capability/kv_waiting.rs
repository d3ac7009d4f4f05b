//! Small values for an entry with a store that waits: the same functions as in `kv`, and the same for its other stores,
//! which are done at once here, too.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmStr};

use super::kv::{Add, Advance, Answer, Batch, Set, Swap, failed, operation, outcome, stand, step_of};
use super::{Store, configured};
use crate::clock::within;
use crate::plugin::bindings::{KvError, Outcome, Stand};
use crate::plugin::instance::Guest;
use crate::store::redis::Redis;
use crate::store::{self, Error, Operation, Options, Step};

/// What a store comes to, now or later.
type Pending<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// What a linked function returns.
type Waiting<'a, T> = Box<dyn Future<Output = Answer<T>> + Send + 'a>;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap_async(
        "get",
        |guest: Store<'_>, (store, key): (WasmStr, WasmStr)| -> Waiting<'_, Option<Vec<u8>>> {
            let asked = on(&guest, &store, |store, owner| Ok(store.get(owner, &key.to_str(&guest)?)));
            Box::new(wait(guest, asked, |value| value.map(Into::into)))
        },
    )?;
    link_set(linker, "set", false)?;
    link_set(linker, "set-durable", true)?;
    linker.func_wrap_async("remove", |guest: Store<'_>, (store, key): (WasmStr, WasmStr)| -> Waiting<'_, bool> {
        let asked = on(&guest, &store, |store, owner| Ok(store.delete(owner, &key.to_str(&guest)?)));
        Box::new(wait(guest, asked, |was_there| was_there))
    })?;
    link_add(linker, "increment", i64::checked_add)?;
    link_add(linker, "decrement", i64::checked_sub)?;
    linker.func_wrap_async(
        "compare-and-swap",
        |guest: Store<'_>, (store, key, expected, new, ttl): Swap| -> Waiting<'_, bool> {
            let asked = on(&guest, &store, |store, owner| {
                let expected = expected.as_ref().map(|bytes| bytes.as_le_slice(&guest));
                let new = new.as_ref().map(|bytes| bytes.as_le_slice(&guest));
                let options = Options { ttl, durable: false };
                Ok(store.compare_and_swap(owner, &key.to_str(&guest)?, expected, new, options))
            });
            Box::new(wait(guest, asked, |was_so| was_so))
        },
    )?;
    linker.func_wrap_async("batch", |guest: Store<'_>, (store, operations): Batch| -> Waiting<'_, Vec<Outcome>> {
        let asked = match operations.iter().map(operation).collect::<Result<Vec<_>, KvError>>() {
            Ok(operations) => on(&guest, &store, |store, owner| Ok(store.batch(owner, &operations))),
            Err(error) => configured(guest.data()).map(|()| Err(error)),
        };
        Box::new(wait(guest, asked, |outcomes| outcomes.into_iter().map(outcome).collect()))
    })?;
    linker.func_wrap_async("advance", |guest: Store<'_>, (store, steps): Advance| -> Waiting<'_, Vec<Stand>> {
        let asked = on(&guest, &store, |store, owner| {
            let keys = steps.iter().map(|step| step.key.to_str(&guest)).collect::<Result<Vec<_>>>()?;
            let steps: Vec<Step<'_>> = steps.iter().zip(&keys).map(|(step, key)| step_of(step, key)).collect();
            Ok(store.advance(owner, &steps))
        });
        Box::new(wait(guest, asked, |stands| stands.into_iter().map(stand).collect()))
    })
}

fn link_set(linker: &mut LinkerInstance<'_, Guest>, function: &str, durable: bool) -> Result<()> {
    linker.func_wrap_async(function, move |guest: Store<'_>, (store, key, value, ttl): Set| -> Waiting<'_, ()> {
        let asked = on(&guest, &store, |store, owner| {
            let options = Options { ttl, durable };
            Ok(store.set(owner, &key.to_str(&guest)?, value.as_le_slice(&guest), options))
        });
        Box::new(wait(guest, asked, |()| ()))
    })
}

fn link_add(linker: &mut LinkerInstance<'_, Guest>, function: &str, add: fn(i64, i64) -> Option<i64>) -> Result<()> {
    linker.func_wrap_async(function, move |guest: Store<'_>, (store, key, by, ttl): Add| -> Waiting<'_, i64> {
        let asked = on(&guest, &store, |store, owner| {
            let Some(by) = i64::try_from(by).ok().and_then(|by| add(0, by)) else {
                return Ok(done(Err(Error::NotANumber)));
            };
            Ok(store.increment(owner, &key.to_str(&guest)?, by, ttl))
        });
        Box::new(wait(guest, asked, |sum| sum))
    })
}

/// Asks the store of this name, if it is granted. What is asked is written down before this returns.
fn on<T>(
    guest: &Store<'_>,
    name: &WasmStr,
    ask: impl FnOnce(&Granted<'_>, &str) -> Result<Pending<T>>,
) -> Result<Result<Pending<T>, KvError>> {
    configured(guest.data())?;
    let entry = &guest.data().entry;
    let name = name.to_str(guest)?;
    let store = match (entry.granted.stores.get(&*name), entry.granted.remotes.get(&*name)) {
        (Some(store), _) => Granted::Here(&**store),
        (None, Some(store)) => Granted::Away(store),
        (None, None) => return Ok(Err(KvError::Denied)),
    };
    ask(&store, &entry.identity).map(Ok)
}

/// Waits, while the filter's time stands still. One that has waited for most of its time is told so, and can answer.
async fn wait<T, R>(
    mut guest: Store<'_>,
    asked: Result<Result<Pending<T>, KvError>>,
    read: impl FnOnce(T) -> R + Send,
) -> Answer<R> {
    let pending = match asked? {
        Ok(pending) => pending,
        Err(error) => return Ok((Err(error),)),
    };
    let longest = guest.data().entry.limits.wait * 4 / 5;
    guest.data_mut().meter.pause();
    let come = within(longest, pending).await.unwrap_or(Err(Error::TimedOut));
    guest.set_epoch_deadline(1);
    Ok((come.map(read).map_err(failed),))
}

fn done<T: Send + 'static>(come: Result<T, Error>) -> Pending<T> {
    Box::pin(std::future::ready(come))
}

/// A store that the entry may use.
enum Granted<'a> {
    Here(&'a dyn store::Store),
    Away(&'a Arc<Redis>),
}

impl Granted<'_> {
    fn get(&self, owner: &str, key: &str) -> Pending<Option<Bytes>> {
        match self {
            Self::Here(store) => done(store.get(owner, key)),
            Self::Away(store) => Box::pin(store.get(owner, key)),
        }
    }

    fn set(&self, owner: &str, key: &str, value: &[u8], options: Options) -> Pending<()> {
        match self {
            Self::Here(store) => done(store.set(owner, key, value, options)),
            Self::Away(store) => Box::pin(store.set(owner, key, value, options)),
        }
    }

    fn delete(&self, owner: &str, key: &str) -> Pending<bool> {
        match self {
            Self::Here(store) => done(store.delete(owner, key)),
            Self::Away(store) => Box::pin(store.delete(owner, key)),
        }
    }

    fn increment(&self, owner: &str, key: &str, by: i64, ttl: Option<u64>) -> Pending<i64> {
        match self {
            Self::Here(store) => done(store.increment(owner, key, by, ttl)),
            Self::Away(store) => Box::pin(store.increment(owner, key, by, ttl)),
        }
    }

    fn compare_and_swap(
        &self,
        owner: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> Pending<bool> {
        match self {
            Self::Here(store) => done(store.compare_and_swap(owner, key, expected, new, options)),
            Self::Away(store) => Box::pin(store.compare_and_swap(owner, key, expected, new, options)),
        }
    }

    fn batch(&self, owner: &str, operations: &[Operation<'_>]) -> Pending<Vec<store::Outcome>> {
        match self {
            Self::Here(store) => done(store.batch(owner, operations)),
            Self::Away(store) => Box::pin(store.batch(owner, operations)),
        }
    }

    fn advance(&self, owner: &str, steps: &[Step<'_>]) -> Pending<Vec<store::Stand>> {
        match self {
            Self::Here(store) => done(store.advance(owner, steps)),
            Self::Away(store) => Box::pin(store.advance(owner, steps)),
        }
    }
}
