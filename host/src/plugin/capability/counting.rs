//! What a filter asks for when it is configured, and what it counts later.

use std::time::Duration;

use wasmtime::component::{LinkerInstance, WasmStr};
use wasmtime::{Result, ensure};

use super::{Answer, Store, configured};
use crate::plugin::bindings::{self, Refusal};
use crate::plugin::hook::Hook;
use crate::plugin::instance::Guest;
use crate::plugin::metrics::{Event, Kind};

const SHORTEST_TICK: u32 = 100;
const SHORTEST_REFRESH: u32 = 1000;

/// What declaring a metric comes to.
type Declared = Result<(Result<u32, Refusal>,)>;

pub(super) fn link_setup(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("skip", |mut store: Store<'_>, (hook,): (bindings::Hook,)| {
        configuring(store.data())?;
        store.data_mut().setup.skip(match hook {
            bindings::Hook::OnRequest => Hook::Request,
            bindings::Hook::OnResponse => Hook::Response,
            bindings::Hook::OnComplete => Hook::Complete,
        });
        Ok(())
    })?;
    linker.func_wrap("tick", |mut store: Store<'_>, (milliseconds,): (u32,)| {
        configuring(store.data())?;
        let interval = Duration::from_millis(milliseconds.max(SHORTEST_TICK).into());
        store.data_mut().setup.tick = (milliseconds > 0).then_some(interval);
        Ok(())
    })?;
    linker.func_wrap("document", |mut store: Store<'_>, (handle, milliseconds): (WasmStr, u32)| -> Answer {
        configuring(store.data())?;
        let handle = handle.to_str(&store)?.into_owned();
        if !store.data().entry.granted.documents.contains_key(&handle) {
            return Ok((Err(Refusal::Denied),));
        }
        let interval = Duration::from_millis(milliseconds.max(SHORTEST_REFRESH).into());
        store.data_mut().setup.documents.push((handle, interval));
        Ok((Ok(()),))
    })?;
    linker.func_wrap("own-header", |mut store: Store<'_>, (name,): (WasmStr,)| -> Answer {
        configuring(store.data())?;
        let name = name.to_str(&store)?.into_owned();
        Ok((store.data_mut().setup.own(&name),))
    })?;
    linker.func_wrap("counter", |store: Store<'_>, (name, help, labels): (WasmStr, WasmStr, _)| -> Declared {
        declare(store, &name, &help, labels, Kind::Counter)
    })?;
    linker.func_wrap("gauge", |store: Store<'_>, (name, help, labels): (WasmStr, WasmStr, _)| -> Declared {
        declare(store, &name, &help, labels, Kind::Gauge)
    })?;
    linker.func_wrap(
        "histogram",
        |store: Store<'_>, (name, help, labels, bounds): (WasmStr, WasmStr, _, Vec<f64>)| -> Declared {
            declare(store, &name, &help, labels, Kind::Histogram(bounds))
        },
    )
}

fn configuring(guest: &Guest) -> Result<()> {
    ensure!(guest.hook == Hook::Configure, "`setup` can be called in `configure` only");
    Ok(())
}

fn declare(
    mut store: Store<'_>,
    name: &WasmStr,
    help: &WasmStr,
    labels: Vec<String>,
    kind: Kind,
) -> Result<(Result<u32, Refusal>,)> {
    configuring(store.data())?;
    let (name, help) = (name.to_str(&store)?.into_owned(), help.to_str(&store)?.into_owned());
    Ok((store.data_mut().setup.declare(&name, &help, labels, kind),))
}

pub(super) fn link_metrics(linker: &mut LinkerInstance<'_, Guest>) -> Result<()> {
    linker.func_wrap("add", |store: Store<'_>, (metric, labels, amount): (u32, Vec<String>, u64)| {
        record(store.data(), metric, labels, Event::Add(amount))
    })?;
    linker.func_wrap("set", |store: Store<'_>, (metric, labels, value): (u32, Vec<String>, f64)| {
        record(store.data(), metric, labels, Event::Set(value))
    })?;
    linker.func_wrap("observe", |store: Store<'_>, (metric, labels, value): (u32, Vec<String>, f64)| {
        record(store.data(), metric, labels, Event::Observe(value))
    })
}

fn record(guest: &Guest, metric: u32, labels: Vec<String>, event: Event) -> Result<()> {
    configured(guest)?;
    guest.counts.record(metric, labels, event)
}
