//! Texts that the host keeps fresh.

use std::sync::Arc;

use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmStr};

use super::{Answer, Store, configured};
use crate::plugin::bindings::{self, Refusal};
use crate::plugin::documents::Document;
use crate::plugin::instance::Guest;
use crate::plugin::steering::Armed;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("version", |store: Store<'_>, (handle,): (WasmStr,)| {
        configured(store.data())?;
        Ok((find(store.data(), &handle.to_str(&store)?).map(|document| document.version()),))
    })?;
    linker.func_wrap("read", |store: Store<'_>, (handle,): (WasmStr,)| {
        configured(store.data())?;
        let document = find(store.data(), &handle.to_str(&store)?);
        let copy = |document: &Arc<Document>| {
            document.read().map(|copy| bindings::Document {
                version: copy.version,
                text: copy.text.to_vec(),
                fetched: copy.fetched,
            })
        };
        Ok((document.map(copy),))
    })?;
    linker.func_wrap("refresh", |mut store: Store<'_>, (handle,): (WasmStr,)| -> Answer {
        configured(store.data())?;
        let handle = handle.to_str(&store)?.into_owned();
        let guest = store.data_mut();
        let document = find(guest, &handle).map(Arc::clone);
        let may_pause = guest.hook.about().is_some();
        Ok((document.and_then(|document| {
            let exchange = guest.exchange.as_deref_mut().filter(|_| may_pause).ok_or(Refusal::WrongHook)?;
            exchange.armed = Some(Armed::Refresh(document));
            Ok(())
        }),))
    })
}

fn find<'a>(guest: &'a Guest, handle: &str) -> Result<&'a Arc<Document>, Refusal> {
    guest.entry.granted.documents.get(handle).ok_or(Refusal::Denied)
}
