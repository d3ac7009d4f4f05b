//! What a filter can do, one file per capability. Each function acts on the exchange that is lent to the store.

mod exchange;
mod log;
mod reply;
mod request;
mod response;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use wasmtime::component::{Linker, LinkerInstance, WasmList, WasmStr};
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

/// Finds the head whose fields are read, if the running hook allows.
type Read = fn(&Guest) -> Result<&HeaderMap>;

/// Finds the head whose fields are edited, if the running hook allows.
type Edit = fn(&mut Guest) -> Result<&mut HeaderMap, Refusal>;

/// Puts a field into a head.
type Put = fn(&mut HeaderMap, (HeaderName, HeaderValue)) -> Result<(), Refusal>;

/// The functions that read and edit fields, the same for both heads: also the same machine code, which matters because
/// between two requests little of it stays in the processor's cache.
fn link_fields(linker: &mut LinkerInstance<'_, Guest>, read: Read, edit: Edit) -> Result<()> {
    linker.func_wrap("header", move |store: Store<'_>, (name,): (WasmStr,)| {
        Ok((fields::first(read(store.data())?, &name.to_str(&store)?),))
    })?;
    linker.func_wrap("header-values", move |store: Store<'_>, (name,): (WasmStr,)| {
        Ok((fields::values(read(store.data())?, &name.to_str(&store)?),))
    })?;
    linker
        .func_wrap("headers", move |store: Store<'_>, (max,): (u32,)| Ok((fields::all(read(store.data())?, max),)))?;
    link_put(linker, "set-header", edit, fields::set)?;
    link_put(linker, "append-header", edit, fields::append)?;
    linker.func_wrap("remove-header", move |mut store: Store<'_>, (name,): (WasmStr,)| -> Answer {
        let name = fields::editable(&name.to_str(&store)?);
        let removed = name.and_then(|name| Ok(edit(store.data_mut())?.remove(name)));
        Ok((removed.map(|_| ()),))
    })
}

fn link_put(linker: &mut LinkerInstance<'_, Guest>, function: &str, edit: Edit, put: Put) -> Result<()> {
    linker.func_wrap(function, move |mut store: Store<'_>, (name, value): (WasmStr, WasmList<u8>)| -> Answer {
        let field = fields::parse(&name.to_str(&store)?, value.as_le_slice(&store));
        Ok((field.and_then(|field| put(edit(store.data_mut())?, field)),))
    })
}
