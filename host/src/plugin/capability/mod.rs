//! What a filter can do, one file per capability. Each function acts on the exchange that is lent to the store.

mod exchange;
mod log;
mod reply;
mod request;
mod response;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use wasmtime::component::{Linker, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut, format_err};

use super::bindings::Refusal;
use super::exchange::Exchange;
use super::fields;
use super::instance::Guest;

/// Links every capability that needs no grant.
pub(super) fn link(linker: &mut Linker<Guest>) -> Result<()> {
    exchange::link(&mut linker.instance("weir:filter/exchange@0.1.0")?)?;
    log::link(&mut linker.instance("weir:filter/log@0.1.0")?)?;
    reply::link(&mut linker.instance("weir:filter/reply@0.1.0")?)?;
    request::link(&mut linker.instance("weir:filter/request@0.1.0")?)?;
    response::link(&mut linker.instance("weir:filter/response@0.1.0")?)
}

/// The store that a call came from.
type Store<'a> = StoreContextMut<'a, Guest>;

/// What a call that can be refused returns.
type Answer = Result<(Result<(), Refusal>,)>;

impl Guest {
    /// The current exchange; there is none while the filter is configured.
    fn exchange(&self) -> Result<&Exchange> {
        self.exchange.as_deref().ok_or_else(configuring)
    }

    fn exchange_mut(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_deref_mut().ok_or_else(configuring)
    }
}

fn configuring() -> wasmtime::Error {
    format_err!("this cannot be called in `configure`: there is no exchange")
}

/// A field from the filter's memory.
fn field(
    store: &Store<'_>,
    name: &WasmStr,
    value: &WasmList<u8>,
) -> Result<Result<(HeaderName, HeaderValue), Refusal>> {
    Ok(fields::parse(&name.to_str(store)?, value.as_le_slice(store)))
}

/// A name from the filter's memory, of a field that it may change.
fn editable(store: &Store<'_>, name: &WasmStr) -> Result<Result<HeaderName, Refusal>> {
    Ok(fields::editable(&name.to_str(store)?))
}

/// The functions that read and edit a head's fields; `$read` and `$edit` find the head, as the running hook allows.
macro_rules! link_fields {
    ($linker:ident, $read:path, $edit:path) => {
        $linker.func_wrap("header", |store: Store<'_>, (name,): (WasmStr,)| {
            Ok((fields::first($read(store.data())?, &name.to_str(&store)?),))
        })?;
        $linker.func_wrap("header-values", |store: Store<'_>, (name,): (WasmStr,)| {
            Ok((fields::values($read(store.data())?, &name.to_str(&store)?),))
        })?;
        $linker
            .func_wrap("headers", |store: Store<'_>, (max,): (u32,)| Ok((fields::all($read(store.data())?, max),)))?;
        $linker.func_wrap("set-header", |mut store: Store<'_>, (name, value): (WasmStr, WasmList<u8>)| -> Answer {
            let field = field(&store, &name, &value)?;
            Ok((field.and_then(|field| fields::set($edit(store.data_mut())?, field)),))
        })?;
        $linker.func_wrap(
            "append-header",
            |mut store: Store<'_>, (name, value): (WasmStr, WasmList<u8>)| -> Answer {
                let field = field(&store, &name, &value)?;
                Ok((field.and_then(|field| fields::append($edit(store.data_mut())?, field)),))
            },
        )?;
        $linker.func_wrap("remove-header", |mut store: Store<'_>, (name,): (WasmStr,)| -> Answer {
            let name = editable(&store, &name)?;
            let removed = name.and_then(|name| Ok($edit(store.data_mut())?.remove(name)));
            Ok((removed.map(|_| ()),))
        })?;
    };
}
use link_fields;

/// What `$read` and `$edit` give.
type Fields = HeaderMap;
