//! The secrets that the operator wrote into the filter's configuration.

use aws_lc_rs::constant_time;
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

use super::{Store, configured};
use crate::plugin::bindings::Refusal;
use crate::plugin::instance::Guest;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("equals", |store: Store<'_>, (handle, bytes): (WasmStr, WasmList<u8>)| {
        configured(store.data())?;
        let handle = handle.to_str(&store)?;
        let bytes = bytes.as_le_slice(&store);
        let equal = |secret| constant_time::verify_slices_are_equal(secret, bytes).is_ok();
        Ok((find(store.data(), &handle).map(equal),))
    })?;
    linker.func_wrap("reveal", |store: Store<'_>, (handle,): (WasmStr,)| {
        configured(store.data())?;
        Ok((find(store.data(), &handle.to_str(&store)?).map(<[u8]>::to_vec),))
    })
}

/// The secret behind a handle.
pub(super) fn find<'a>(guest: &'a Guest, handle: &str) -> Result<&'a [u8], Refusal> {
    guest.entry.granted.secrets.get(handle).map(|secret| secret.reveal().as_bytes()).ok_or(Refusal::Denied)
}
