//! The exchange itself, the filter's slot in it, and what filters tell each other.

use std::borrow::Cow;

use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

use super::{Answer, Store};
use crate::plugin::bindings::{Refusal, Tls, Variable};
use crate::plugin::hook::Hook;
use crate::plugin::instance::Guest;
use crate::plugin::vars::Name;

const LARGEST_SLOT: usize = 64 << 10;

pub(super) fn link(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("id", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.id.to_hex(),)))?;
    linker.func_wrap("site", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.serving.as_ref().map(|serving| serving.site.clone()).unwrap_or_default(),))
    })?;
    linker.func_wrap("route", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.serving.as_ref().map(|serving| serving.route.clone()).unwrap_or_default(),))
    })?;
    linker
        .func_wrap("listener", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.peer.listener.to_string(),)))?;
    linker
        .func_wrap("client-address", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.client.to_string(),)))?;
    linker.func_wrap("peer-address", |store: Store<'_>, (): ()| {
        Ok((store.data().exchange()?.peer.address.to_string(),))
    })?;
    linker.func_wrap("is-peer-trusted", |store: Store<'_>, (): ()| Ok((store.data().exchange()?.peer.is_trusted,)))?;
    linker.func_wrap("tls", |store: Store<'_>, (): ()| {
        let tls = store.data().exchange()?.peer.tls.as_ref().map(|tls| Tls {
            version: tls.version.clone(),
            cipher: tls.cipher.clone(),
            server_name: tls.server_name.clone(),
        });
        Ok((tls,))
    })?;
    linker.func_wrap("elapsed", |store: Store<'_>, (): ()| {
        let elapsed = store.data().exchange()?.elapsed();
        Ok((u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),))
    })?;
    linker.func_wrap("slot", |store: Store<'_>, (): ()| {
        let guest = store.data();
        let memory = guest.exchange()?.memory();
        let slot = memory.as_ref().and_then(|memory| memory.slots.iter().find(|(owner, _)| *owner == guest.position));
        Ok((slot.map(|(_, value)| value.clone()).unwrap_or_default(),))
    })?;
    linker.func_wrap("set-slot", |mut store: Store<'_>, (value,): (WasmList<u8>,)| -> Answer {
        let value = value.as_le_slice(&store);
        if value.len() > LARGEST_SLOT {
            return Ok((Err(Refusal::TooLarge),));
        }
        let value = value.to_vec();
        let position = store.data().position;
        let mut memory = store.data_mut().exchange_mut()?.memory_mut();
        match memory.slots.iter_mut().find(|(owner, _)| *owner == position) {
            Some((_, slot)) => *slot = value,
            None => memory.slots.push((position, value)),
        }
        Ok((Ok(()),))
    })?;
    link_vars(linker)?;
    linker.func_wrap("note", |mut store: Store<'_>, (code,): (WasmStr,)| {
        let guest = store.data();
        let exchange = guest.exchange()?;
        let (is_kept, is_logged) = (exchange.trail.is_on(), tracing::enabled!(tracing::Level::DEBUG));
        if is_kept || is_logged {
            let code = super::word(&code.to_str(&store)?);
            tracing::debug!(filter = guest.entry.name, exchange = %exchange.id, hook = guest.hook.name(), "{code}");
            store.data_mut().exchange_mut()?.trail.note = is_kept.then_some(code);
        }
        Ok(())
    })
}

fn link_vars(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("var", |store: Store<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&store)?;
        let memory = store.data().exchange()?.memory();
        let var = memory.as_ref().and_then(|memory| memory.vars.get(&name));
        Ok((var.map(str::to_owned),))
    })?;
    linker.func_wrap("set-var", |mut store: Store<'_>, (name, value): (WasmStr, WasmStr)| -> Answer {
        let (name, value) = (Name::parse(&name.to_str(&store)?), value.to_str(&store)?.into_owned());
        set_var(store.data_mut(), name, Some(value)).map(|set| (set,))
    })?;
    linker.func_wrap("remove-var", |mut store: Store<'_>, (name,): (WasmStr,)| -> Answer {
        let name = Name::parse(&name.to_str(&store)?);
        set_var(store.data_mut(), name, None).map(|removed| (removed,))
    })?;
    linker.func_wrap("set-vars", |mut store: Store<'_>, (variables,): (WasmList<Variable>,)| -> Answer {
        for index in 0..variables.len() {
            let Some(variable) = variables.get(&mut store, index).transpose()? else { break };
            let name = Name::parse(&variable.name.to_str(&store)?);
            let value = variable.value.map(|value| value.to_str(&store).map(Cow::into_owned)).transpose()?;
            if let Err(refusal) = set_var(store.data_mut(), name, value)? {
                return Ok((Err(refusal),));
            }
        }
        Ok((Ok(()),))
    })
}

/// Sets a variable, or removes it.
fn set_var(guest: &mut Guest, name: Result<Name, Refusal>, value: Option<String>) -> Result<Result<(), Refusal>> {
    let name = match name.and_then(|name| may_write(guest, name.as_str()).map(|()| name)) {
        Ok(name) => name,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let exchange = guest.exchange_mut()?;
    if let Err(refusal) = exchange.before_var(name) {
        return Ok(Err(refusal));
    }
    let vars = &mut exchange.memory_mut().vars;
    Ok(match value {
        Some(value) => vars.set(name, value),
        None => {
            vars.remove(name);
            Ok(())
        }
    })
}

/// Identity must not be forged: what others rely on is written only by whom the operator named.
fn may_write(guest: &Guest, name: &str) -> Result<(), Refusal> {
    if guest.hook == Hook::Complete {
        return Err(Refusal::WrongHook);
    }
    let entry = &guest.entry;
    let is_own = name.strip_prefix(entry.name.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let is_granted = entry.granted.vars.iter().any(|prefix| name.starts_with(prefix.as_str()));
    if is_own || is_granted { Ok(()) } else { Err(Refusal::Denied) }
}
