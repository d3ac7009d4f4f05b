//! Slow password hashes, which the process's few threads for them compute.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use wasmtime::Result;
use wasmtime::component::LinkerInstance;

use super::{Store, configured};
use crate::crypto;
use crate::plugin::bindings::PasswordError;
use crate::plugin::instance::Guest;
use crate::plugin::registry::Entry;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap_async("verify", |mut store: Store<'_>, (hash, password): (String, Vec<u8>)| {
        Box::new(async move {
            configured(store.data())?;
            let guest = store.data_mut();
            let Some(_place) = Place::take(&guest.entry) else { return Ok((Err(PasswordError::Overloaded),)) };
            let verified = guest.passwords.verify(&hash, password);
            guest.meter.pause();
            let verified = verified.await.map_err(|error| match error {
                crypto::PasswordError::UnknownFormat => PasswordError::UnknownFormat,
                crypto::PasswordError::TooCostly => PasswordError::TooCostly,
                crypto::PasswordError::Overloaded => PasswordError::Overloaded,
            });
            store.set_epoch_deadline(1);
            Ok((verified,))
        })
    })
}

/// A place in which a filter has one password checked. Each holds an instance for as long as that takes; with fewer places
/// than instances a worker always has some left, for exchanges that need no slow hash.
struct Place(Arc<Entry>);

impl Place {
    fn take(entry: &Arc<Entry>) -> Option<Self> {
        let places = (entry.limits.instances * 3 / 4).max(1);
        let taken = entry.checks.fetch_add(1, Ordering::Relaxed);
        let place = Self(Arc::clone(entry));
        (taken < places).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.checks.fetch_sub(1, Ordering::Relaxed);
    }
}
