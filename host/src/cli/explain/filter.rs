//! What `weir explain` says of a filter: what differs from the defaults.

use std::time::Duration;

use super::super::size;
use crate::config::{ComponentSource, Entry, Isolation, Limits, OnFailure, Quarantine, Wasi};

/// Where its component comes from.
pub(super) fn plugin(entry: &Entry) -> String {
    match &entry.component.source {
        ComponentSource::Bundled(name) => format!("bundled {name}"),
        ComponentSource::File(path) => path.display().to_string(),
    }
}

/// A line for each key that is not as it would be if nothing was written.
pub(super) fn settings(entry: &Entry) -> Vec<String> {
    let mut lines = Vec::new();
    if entry.on_failure == OnFailure::Open {
        lines.push("on_failure: open".to_owned());
    }
    lines.extend(limits(&entry.limits));
    if entry.isolation == Isolation::Fresh {
        lines.push("isolation: fresh".to_owned());
    }
    if !entry.grants.vars.is_empty() {
        lines.push(format!("grants: vars {}", entry.grants.vars.join(", ")));
    }
    if entry.component.wasi == Some(Wasi::Stub) {
        lines.push("wasi: stub".to_owned());
    }
    match &entry.quarantine {
        None => lines.push("quarantine: off".to_owned()),
        Some(rule) if *rule == Quarantine::default() => {}
        Some(Quarantine { percent, calls, window, first, longest }) => lines.push(format!(
            "quarantine: {percent}% of {calls} calls or more in {window:?}, for {first:?}, at most {longest:?}"
        )),
    }
    lines
}

fn limits(limits: &Limits) -> Option<String> {
    let usual = Limits::default();
    let bytes = |bytes: usize| size(bytes as u64);
    let time = |time: Duration| if time.is_zero() { "0s".to_owned() } else { format!("{time:?}") };
    let count = |count: usize| count.to_string();
    let shown = [
        ("cpu", time(limits.cpu), time(usual.cpu)),
        ("memory", bytes(limits.memory), bytes(usual.memory)),
        ("wait", time(limits.wait), time(usual.wait)),
        ("configure", time(limits.configure), time(usual.configure)),
        ("compile", time(limits.compile), time(usual.compile)),
        ("instances", count(limits.instances), count(usual.instances)),
        ("waiting", count(limits.waiting), count(usual.waiting)),
        ("queue", time(limits.queue), time(usual.queue)),
        ("pins", count(limits.pins), count(usual.pins)),
        ("files", count(limits.files), count(usual.files)),
        ("calls", count(limits.calls), count(usual.calls)),
        ("body", bytes(limits.body), bytes(usual.body)),
        ("series", count(limits.series), count(usual.series)),
        ("recycle_calls", limits.recycle_calls.to_string(), usual.recycle_calls.to_string()),
    ];
    let mut differ: Vec<String> = shown
        .into_iter()
        .filter(|(_, value, usual)| value != usual)
        .map(|(name, value, _)| format!("{name} {value}"))
        .collect();
    differ.extend(limits.recycle_memory.map(|memory| format!("recycle_memory {}", bytes(memory))));
    (!differ.is_empty()).then(|| format!("limits: {}", differ.join(", ")))
}
