//! The request's head.

use http::header::{HOST, HeaderMap};
use http::uri::PathAndQuery;
use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmStr};

use super::{Answer, Store, link_fields};
use crate::plugin::bindings::Refusal;
use crate::plugin::exchange::Exchange;
use crate::plugin::instance::Guest;
use crate::plugin::steering::Message;
use crate::{paths, query};

const LONGEST_TARGET: usize = 8 << 10;
const LONGEST_PARAMETER: usize = 256;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("method", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.request.method.as_str().to_owned(),))
    })?;
    linker.func_wrap("scheme", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.peer.scheme.to_owned(),)))?;
    linker.func_wrap("authority", |store: Store<'_>, (): ()| {
        let host = read(store.data())?.get(HOST);
        Ok((host.map(|host| String::from_utf8_lossy(host.as_bytes()).into_owned()).unwrap_or_default(),))
    })?;
    linker
        .func_wrap("path", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.request.uri.path().to_owned(),)))?;
    linker.func_wrap("query", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.request.uri.query().map(str::to_owned),))
    })?;
    linker.func_wrap("upstream-path", |store: Store<'_>, (): ()| Ok((split(store.data().exchange()?).0,)))?;
    linker.func_wrap("upstream-query", |store: Store<'_>, (): ()| Ok((split(store.data().exchange()?).1,)))?;
    linker.func_wrap("set-path", |mut store: Store<'_>, (path,): (WasmStr,)| -> Answer {
        let path = path.to_str(&store)?.into_owned();
        Ok((open(store.data_mut()).and_then(|exchange| set_target(exchange, Some(&path), &Query::AsItIs)),))
    })?;
    linker.func_wrap("set-query", |mut store: Store<'_>, (query,): (Option<WasmStr>,)| -> Answer {
        let query = query.map(|query| query.to_str(&store).map(std::borrow::Cow::into_owned)).transpose()?;
        Ok((open(store.data_mut())
            .and_then(|exchange| set_target(exchange, None, &query.map_or(Query::None, Query::Is))),))
    })?;
    linker.func_wrap("conceal-parameter", |mut store: Store<'_>, (name,): (WasmStr,)| -> Answer {
        let name = name.to_str(&store)?.into_owned();
        Ok((opened(store.data_mut()).and_then(|exchange| conceal(exchange, &name)),))
    })?;
    link_fields(linker, read, edit)
}

fn read(guest: &Guest) -> Result<&HeaderMap> {
    Ok(&guest.exchange()?.request.headers)
}

/// In the hooks that come before the request leaves.
fn opened(guest: &mut Guest) -> Result<&mut Exchange, Refusal> {
    let is_open = guest.hook.about() == Some(Message::Request);
    guest.exchange.as_deref_mut().filter(|_| is_open).ok_or(Refusal::WrongHook)
}

/// The same, to edit it.
fn open(guest: &mut Guest) -> Result<&mut Exchange, Refusal> {
    let exchange = opened(guest)?;
    exchange.before_edit();
    Ok(exchange)
}

fn edit(guest: &mut Guest) -> Result<&mut HeaderMap, Refusal> {
    Ok(&mut open(guest)?.request.headers)
}

/// Path and query as they go to the upstream.
fn split(exchange: &Exchange) -> (String, Option<String>) {
    split_of(exchange, exchange.target.as_ref())
}

/// Path and query as they go to the upstream if this was set.
fn split_of(exchange: &Exchange, target: Option<&PathAndQuery>) -> (String, Option<String>) {
    if let Some(target) = target {
        return (target.path().to_owned(), target.query().map(str::to_owned));
    }
    let prefix = exchange.serving.as_ref().map_or("", |serving| serving.strip_prefix.as_str());
    let path = paths::strip(exchange.request.uri.path(), prefix).into_owned();
    (path, exchange.request.uri.query().map(str::to_owned))
}

/// Leaves a parameter out of what goes upstream, and hides what it is from those who are told of the exchange. One of
/// several alternatives does so for all: that it is set aside makes no credential less secret.
fn conceal(exchange: &mut Exchange, name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.len() > LONGEST_PARAMETER {
        return Err(Refusal::InvalidName);
    }
    if let Some(shown) = query::concealed(exchange.shown_target(), name) {
        exchange.shown = Some(shown.into());
    }
    if let Some(target) = leave_out(exchange, exchange.target.as_ref(), name)? {
        exchange.target = Some(target);
    }
    if let Some(before) = exchange.target_before().cloned()
        && let Some(target) = leave_out(exchange, before.as_ref(), name)?
        && let Some(before) = exchange.target_before()
    {
        *before = Some(target);
    }
    Ok(())
}

/// The target without a parameter; none if it does not have it.
fn leave_out(exchange: &Exchange, target: Option<&PathAndQuery>, name: &str) -> Result<Option<PathAndQuery>, Refusal> {
    let (path, query) = split_of(exchange, target);
    let Some(left) = query.and_then(|query| query::without(&query, name)) else { return Ok(None) };
    let target = if left.is_empty() { path } else { format!("{path}?{left}") };
    PathAndQuery::try_from(target).map(Some).map_err(|_| Refusal::InvalidValue)
}

/// What is to follow the path.
enum Query {
    AsItIs,
    None,
    Is(String),
}

/// Sets the one or the other.
fn set_target(exchange: &mut Exchange, path: Option<&str>, query: &Query) -> Result<(), Refusal> {
    let (path_before, query_before) = split(exchange);
    let path = path.unwrap_or(&path_before);
    let is_sound =
        |text: &str, forbidden: &[u8]| text.bytes().all(|byte| byte.is_ascii_graphic() && !forbidden.contains(&byte));
    let query = match query {
        // A client may have sent other characters than a filter may set.
        Query::AsItIs => query_before.as_deref(),
        Query::None => None,
        Query::Is(query) if is_sound(query, b"#") => Some(query.as_str()),
        Query::Is(_) => return Err(Refusal::InvalidValue),
    };
    if !path.starts_with('/') || !is_sound(path, b"?#\\") {
        return Err(Refusal::InvalidValue);
    }
    let target = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    if target.len() > LONGEST_TARGET {
        return Err(Refusal::TooLarge);
    }
    exchange.target = Some(PathAndQuery::try_from(target).map_err(|_| Refusal::InvalidValue)?);
    Ok(())
}
