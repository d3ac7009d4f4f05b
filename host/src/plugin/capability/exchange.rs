//! The exchange itself, and the filter's slot in it.

use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList};

use super::{Answer, Store};
use crate::plugin::bindings::Refusal;
use crate::plugin::instance::Guest;

const LARGEST_SLOT: usize = 64 << 10;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("id", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.id.to_hex(),)))?;
    linker.func_wrap("route", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.route.as_deref().unwrap_or_default().to_owned(),))
    })?;
    linker
        .func_wrap("client-address", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.client.to_string(),)))?;
    linker.func_wrap("slot", |store: Store<'_>, (): ()| {
        let guest = store.data();
        let slot = guest.exchange()?.slots.iter().find(|(owner, _)| *owner == guest.position);
        Ok((slot.map(|(_, value)| value.clone()).unwrap_or_default(),))
    })?;
    linker.func_wrap("set-slot", |mut store: Store<'_>, (value,): (WasmList<u8>,)| -> Answer {
        let value = value.as_le_slice(&store);
        if value.len() > LARGEST_SLOT {
            return Ok((Err(Refusal::TooLarge),));
        }
        let value = value.to_vec();
        let position = store.data().position;
        let slots = &mut store.data_mut().exchange_mut()?.slots;
        match slots.iter_mut().find(|(owner, _)| *owner == position) {
            Some((_, slot)) => *slot = value,
            None => slots.push((position, value)),
        }
        Ok((Ok(()),))
    })
}
