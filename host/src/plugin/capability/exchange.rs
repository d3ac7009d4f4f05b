//! The exchange itself, the filter's slot in it, and what filters tell each other.

use wasmtime::Result;
use wasmtime::component::{LinkerInstance, WasmList, WasmStr};

use super::{Answer, Store};
use crate::plugin::bindings::{Refusal, Tls};
use crate::plugin::hook::Hook;
use crate::plugin::instance::Guest;

const LARGEST_SLOT: usize = 64 << 10;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 8 << 10;
const MOST_VARS: usize = 128;

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
        let code = super::word(&code.to_str(&store)?);
        let (filter, hook) = (store.data().entry.name.clone(), store.data().hook.name());
        let exchange = store.data_mut().exchange_mut()?;
        tracing::debug!(filter, exchange = %exchange.id, hook, "{code}");
        exchange.trail.note = exchange.trail.is_on().then_some(code);
        Ok(())
    })
}

fn link_vars(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("var", |store: Store<'_>, (name,): (WasmStr,)| {
        let name = name.to_str(&store)?;
        let memory = store.data().exchange()?.memory();
        let var = memory.as_ref().and_then(|memory| memory.vars.iter().find(|(known, _)| *known == name));
        Ok((var.map(|(_, value)| value.clone()),))
    })?;
    linker.func_wrap("set-var", |mut store: Store<'_>, (name, value): (WasmStr, WasmStr)| -> Answer {
        let (name, value) = (name.to_str(&store)?.into_owned(), value.to_str(&store)?.into_owned());
        if let Err(refusal) = may_write(store.data(), &name) {
            return Ok((Err(refusal),));
        }
        let exchange = store.data_mut().exchange_mut()?;
        if let Err(refusal) = exchange.before_var(&name) {
            return Ok((Err(refusal),));
        }
        let mut memory = exchange.memory_mut();
        let known = memory.vars.iter().position(|(known, _)| *known == name);
        if value.len() > LONGEST_VALUE || known.is_none() && memory.vars.len() >= MOST_VARS {
            return Ok((Err(Refusal::TooLarge),));
        }
        match known {
            Some(index) => memory.vars[index].1 = value,
            None => memory.vars.push((name, value)),
        }
        Ok((Ok(()),))
    })?;
    linker.func_wrap("remove-var", |mut store: Store<'_>, (name,): (WasmStr,)| -> Answer {
        let name = name.to_str(&store)?.into_owned();
        if let Err(refusal) = may_write(store.data(), &name) {
            return Ok((Err(refusal),));
        }
        let exchange = store.data_mut().exchange_mut()?;
        let kept = exchange.before_var(&name);
        if kept.is_ok() {
            exchange.memory_mut().vars.retain(|(known, _)| *known != name);
        }
        Ok((kept,))
    })
}

/// Identity must not be forged: what others rely on is written only by whom the operator named.
fn may_write(guest: &Guest, name: &str) -> Result<(), Refusal> {
    let is_word = |word: &str| {
        !word.is_empty()
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte))
    };
    if name.len() > LONGEST_NAME || !name.split('.').all(is_word) {
        return Err(Refusal::InvalidName);
    }
    if guest.hook == Hook::Complete {
        return Err(Refusal::WrongHook);
    }
    let entry = &guest.entry;
    let is_own = name.strip_prefix(entry.name.as_str()).is_some_and(|rest| rest.starts_with('.'));
    let is_granted = entry.granted.vars.iter().any(|prefix| name.starts_with(prefix.as_str()));
    if is_own || is_granted { Ok(()) } else { Err(Refusal::Denied) }
}
