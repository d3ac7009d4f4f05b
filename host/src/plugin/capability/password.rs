//! Slow password hashes, which the process's few threads for them compute.

use wasmtime::Result;
use wasmtime::component::LinkerInstance;

use super::{Store, configured};
use crate::crypto;
use crate::plugin::bindings::PasswordError;
use crate::plugin::instance::Guest;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap_async("verify", |mut store: Store<'_>, (hash, password): (String, Vec<u8>)| {
        Box::new(async move {
            configured(store.data())?;
            let guest = store.data_mut();
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
