//! What a filter can do, one file per capability. Each function acts on the exchange that is lent to the store.

mod body;
mod counting;
mod crypto;
mod documents;
mod exchange;
mod files;
mod http_client;
mod kv;
mod kv_waiting;
mod log;
mod machine;
mod over;
mod password;
mod reply;
mod request;
mod response;
mod secrets;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use wasmtime::component::{Linker, LinkerInstance, WasmList, WasmStr};
use wasmtime::{Result, StoreContextMut, ensure, format_err};

use super::bindings::Refusal;
use super::contract::{PACKAGE, VERSION};
use super::exchange::Exchange;
use super::fields;
use super::hook::Hook;
use super::instance::Guest;

/// What was granted to an entry that has to be waited for. The capabilities that reach it are linked accordingly: functions
/// that wait cost a fiber.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Away {
    /// Requests of its own. Without, they are refused at once.
    pub(super) upstreams: bool,
    /// A store that is not in this process. Without, stores return at once.
    pub(super) stores: bool,
}

impl Away {
    /// All there can be, each at its place.
    pub(super) const ALL: [Self; 4] = [
        Self { upstreams: false, stores: false },
        Self { upstreams: true, stores: false },
        Self { upstreams: false, stores: true },
        Self { upstreams: true, stores: true },
    ];

    pub(super) fn place(self) -> usize {
        usize::from(self.upstreams) + 2 * usize::from(self.stores)
    }
}

/// Links every capability.
pub(super) fn link(linker: &mut Linker<Guest>, away: Away) -> Result<()> {
    let mut interface = |name: &str, link: fn(&mut LinkerInstance<'_, Guest>) -> Result<()>| {
        link(&mut linker.instance(&format!("{PACKAGE}/{name}@{VERSION}"))?)
    };
    interface("request", request::link)?;
    interface("response", response::link)?;
    interface("reply", reply::link)?;
    interface("exchange", exchange::link)?;
    interface("resumption", over::link_resumption)?;
    interface("completion", over::link_completion)?;
    interface("log", log::link)?;
    interface("body", body::link_body)?;
    interface("chunks", body::link_chunks)?;
    interface("setup", counting::link_setup)?;
    interface("metrics", counting::link_metrics)?;
    interface("clock", machine::link_clock)?;
    interface("random", machine::link_random)?;
    interface("crypto", crypto::link)?;
    interface("password", password::link)?;
    interface("secrets", secrets::link)?;
    interface("documents", documents::link)?;
    interface("files", files::link)?;
    interface("kv", if away.stores { kv_waiting::link } else { kv::link })?;
    interface("http-client", if away.upstreams { http_client::link } else { http_client::link_refusing })
}

/// The store that a call came from.
type Store<'a> = StoreContextMut<'a, Guest>;

/// What a call that can be refused returns.
type Answer = Result<(Result<(), Refusal>,)>;

impl Guest {
    /// The current exchange; there is none while the filter is configured, or ticks.
    fn exchange(&self) -> Result<&Exchange> {
        self.exchange.as_deref().ok_or_else(configuring)
    }

    fn exchange_mut(&mut self) -> Result<&mut Exchange> {
        self.exchange.as_deref_mut().ok_or_else(configuring)
    }
}

fn configuring() -> wasmtime::Error {
    format_err!("this cannot be called in `configure` or `on-tick`: there is no exchange")
}

/// Of the imports only `log` and `setup` may be called in `configure`: it must be pure.
fn configured(guest: &Guest) -> Result<()> {
    ensure!(guest.hook != Hook::Configure, "in `configure` only `log` and `setup` can be called");
    Ok(())
}

const LONGEST_WORD: usize = 64;

/// A code for logs and metrics: on one line, and short.
pub(super) fn word(text: &str) -> String {
    cut(text.chars().map(|c| if c.is_control() { '?' } else { c }).collect(), LONGEST_WORD)
}

/// At most so many bytes of it.
pub(super) fn cut(mut text: String, most: usize) -> String {
    text.truncate(text.floor_char_boundary(most));
    text
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
    linker.func_wrap("header-text", move |store: Store<'_>, (name,): (WasmStr,)| {
        let value = fields::first(read(store.data())?, &name.to_str(&store)?);
        Ok((value.map(|value| String::from_utf8_lossy(&value).into_owned()),))
    })?;
    linker.func_wrap("sole-header", move |store: Store<'_>, (name,): (WasmStr,)| {
        Ok((fields::sole(read(store.data())?, &name.to_str(&store)?),))
    })?;
    linker.func_wrap("header-values", move |store: Store<'_>, (name,): (WasmStr,)| {
        Ok((fields::values(read(store.data())?, &name.to_str(&store)?),))
    })?;
    linker
        .func_wrap("headers", move |store: Store<'_>, (max,): (u32,)| Ok((fields::all(read(store.data())?, max),)))?;
    link_put(linker, "set-header", edit, fields::set)?;
    link_put(linker, "append-header", edit, fields::append)?;
    linker.func_wrap("set-header-text", move |mut store: Store<'_>, (name, value): (WasmStr, WasmStr)| -> Answer {
        let field = fields::parse(&name.to_str(&store)?, value.to_str(&store)?.as_bytes());
        Ok((field.and_then(|field| fields::set(edit(store.data_mut())?, field)),))
    })?;
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
