//! The request's head.

use http::header::{HOST, HeaderMap};
use wasmtime::Result;
use wasmtime::component::LinkerInstance;

use super::{Store, link_fields};
use crate::plugin::bindings::Refusal;
use crate::plugin::instance::{Guest, Hook};

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("method", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.request.method.as_str().to_owned(),))
    })?;
    linker.func_wrap("scheme", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.scheme.to_owned(),)))?;
    linker.func_wrap("authority", |store: Store<'_>, (): ()| {
        let host = read(store.data())?.get(HOST);
        Ok((host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()).unwrap_or_default(),))
    })?;
    linker
        .func_wrap("path", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.request.uri.path().to_owned(),)))?;
    linker.func_wrap("query", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.request.uri.query().map(str::to_owned),))
    })?;
    link_fields(linker, read, edit)
}

fn read(guest: &Guest) -> Result<&HeaderMap> {
    Ok(&guest.exchange()?.request.headers)
}

/// In the hook that comes before the request leaves.
fn edit(guest: &mut Guest) -> Result<&mut HeaderMap, Refusal> {
    match &mut guest.exchange {
        Some(exchange) if guest.hook == Hook::Request => Ok(&mut exchange.request.headers),
        _ => Err(Refusal::WrongHook),
    }
}
