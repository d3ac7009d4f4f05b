//! Small values shared by all workers.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

use super::{Store, configured};
use crate::plugin::bindings::{self, KvError};
use crate::plugin::instance::Guest;
use crate::store::{self, Operation, Options, Outcome, Stand, Step};

/// What a call of a store comes to.
pub(super) type Answer<T> = Result<(Result<T, KvError>,)>;

/// The parameters of `set` and `set-durable`.
pub(super) type Set = (WasmStr, WasmStr, WasmList<u8>, Option<u64>);

/// The parameters of `increment` and `decrement`.
pub(super) type Add = (WasmStr, WasmStr, u64, Option<u64>);

/// The parameters of `compare-and-swap`.
pub(super) type Swap = (WasmStr, WasmStr, Option<WasmList<u8>>, Option<WasmList<u8>>, Option<u64>);

/// The parameters of `batch`.
pub(super) type Batch = (WasmStr, Vec<bindings::Operation>);

/// The parameters of `advance`.
pub(super) type Advance = (WasmStr, Vec<bindings::Step>);

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("get", |guest: Store<'_>, (store, key): (WasmStr, WasmStr)| -> Answer<Option<Vec<u8>>> {
        on(&guest, &store, |store, owner| Ok(store.get(owner, &key.to_str(&guest)?)))
            .map(|(value,)| (value.map(|value| value.map(Into::into)),))
    })?;
    link_set(linker, "set", false)?;
    link_set(linker, "set-durable", true)?;
    linker.func_wrap("remove", |guest: Store<'_>, (store, key): (WasmStr, WasmStr)| -> Answer<bool> {
        on(&guest, &store, |store, owner| Ok(store.delete(owner, &key.to_str(&guest)?)))
    })?;
    link_add(linker, "increment", i64::checked_add)?;
    link_add(linker, "decrement", i64::checked_sub)?;
    linker.func_wrap(
        "compare-and-swap",
        |guest: Store<'_>, (store, key, expected, new, ttl): Swap| -> Answer<bool> {
            on(&guest, &store, |store, owner| {
                let expected = expected.as_ref().map(|bytes| bytes.as_le_slice(&guest));
                let new = new.as_ref().map(|bytes| bytes.as_le_slice(&guest));
                let options = Options { ttl, durable: false };
                Ok(store.compare_and_swap(owner, &key.to_str(&guest)?, expected, new, options))
            })
        },
    )?;
    linker.func_wrap("batch", |guest: Store<'_>, (store, operations): Batch| -> Answer<Vec<bindings::Outcome>> {
        let Ok(operations) = operations.iter().map(operation).collect::<Result<Vec<_>, KvError>>() else {
            return Ok((Err(KvError::NotANumber),));
        };
        on(&guest, &store, |store, owner| Ok(store.batch(owner, &operations)))
            .map(|(outcomes,)| (outcomes.map(|outcomes| outcomes.into_iter().map(outcome).collect()),))
    })?;
    linker.func_wrap("advance", |guest: Store<'_>, (store, steps): Advance| -> Answer<Vec<bindings::Stand>> {
        let keys = steps.iter().map(|step| step.key.to_str(&guest)).collect::<Result<Vec<_>>>()?;
        let steps: Vec<Step<'_>> = steps.iter().zip(&keys).map(|(step, key)| step_of(step, key)).collect();
        on(&guest, &store, |store, owner| Ok(store.advance(owner, &steps)))
            .map(|(stands,)| (stands.map(|stands| stands.into_iter().map(stand).collect()),))
    })
}

fn link_set(linker: &mut LinkerInstance<'_, Guest>, function: &str, durable: bool) -> Result<()> {
    linker.func_wrap(function, move |guest: Store<'_>, (store, key, value, ttl): Set| -> Answer<()> {
        on(&guest, &store, |store, owner| {
            let options = Options { ttl, durable };
            Ok(store.set(owner, &key.to_str(&guest)?, value.as_le_slice(&guest), options))
        })
    })
}

fn link_add(linker: &mut LinkerInstance<'_, Guest>, function: &str, add: fn(i64, i64) -> Option<i64>) -> Result<()> {
    linker.func_wrap(function, move |guest: Store<'_>, (store, key, by, ttl): Add| -> Answer<i64> {
        on(&guest, &store, |store, owner| {
            let Some(by) = i64::try_from(by).ok().and_then(|by| add(0, by)) else {
                return Ok(Err(store::Error::NotANumber));
            };
            Ok(store.increment(owner, &key.to_str(&guest)?, by, ttl))
        })
    })
}

/// Does something with the store of this name, if it is granted.
fn on<T>(
    guest: &Store<'_>,
    name: &WasmStr,
    act: impl FnOnce(&dyn store::Store, &str) -> Result<Result<T, store::Error>>,
) -> Answer<T> {
    configured(guest.data())?;
    let entry = &guest.data().entry;
    match entry.granted.stores.get(&*name.to_str(guest)?) {
        Some(store) => Ok((act(Arc::as_ref(store), &entry.identity)?.map_err(failed),)),
        None => Ok((Err(KvError::Denied),)),
    }
}

pub(super) fn operation(operation: &bindings::Operation) -> Result<Operation<'_>, KvError> {
    let amount = |by: u64| i64::try_from(by).map_err(|_| KvError::NotANumber);
    Ok(match operation {
        bindings::Operation::Get(key) => Operation::Get(key),
        bindings::Operation::Set(put) => Operation::Set(&put.key, &put.value, Options { ttl: put.ttl, durable: false }),
        bindings::Operation::Remove(key) => Operation::Delete(key),
        bindings::Operation::Increment(add) => Operation::Increment(&add.key, amount(add.by)?, add.ttl),
        bindings::Operation::Decrement(add) => Operation::Increment(&add.key, -amount(add.by)?, add.ttl),
    })
}

pub(super) fn outcome(outcome: Outcome) -> bindings::Outcome {
    match outcome {
        Outcome::Value(value) => bindings::Outcome::Value(value.map(Into::into)),
        Outcome::Done => bindings::Outcome::Done,
        Outcome::Deleted(was_there) => bindings::Outcome::Removed(was_there),
        Outcome::Number(number) => bindings::Outcome::Number(number),
        Outcome::Failed(error) => bindings::Outcome::Failed(failed(error)),
    }
}

pub(super) fn step_of<'a>(step: &bindings::Step, key: &'a str) -> Step<'a> {
    Step { key, floor: step.floor, by: step.by, most: step.most, ttl: step.ttl }
}

pub(super) fn stand(stand: Stand) -> bindings::Stand {
    bindings::Stand { value: stand.value, taken: stand.taken }
}

pub(super) fn failed(error: store::Error) -> KvError {
    match error {
        store::Error::TooLarge => KvError::TooLarge,
        store::Error::NotANumber => KvError::NotANumber,
        store::Error::Unsupported => KvError::Unsupported,
        store::Error::TimedOut => KvError::TimedOut,
        store::Error::Unavailable => KvError::Unavailable,
    }
}
