//! Filters, by their place in the configuration: the site, the route if the entry is its own, and the entry's name.
//! What they keep: documents and stores.

use super::{Family, Labels, Sample, counter, gauge, histogram, labels};
use crate::plugin::{Entry, HookTally, Tally};
use crate::snapshot::Snapshot;
use crate::store::redis::ServerState;

pub(super) fn collect(snapshot: &Snapshot) -> Vec<Family> {
    let mut entries: Vec<&Entry> = snapshot.entries().iter().map(AsRef::as_ref).collect();
    entries.sort_by_key(|entry| (entry.owner(), entry.name.as_str()));
    let mut families = work(&entries);
    families.extend(documents(&entries));
    families.extend(stores(snapshot));
    families.extend(remotes(snapshot));
    families
}

/// What tells an entry from all others.
pub(super) fn entry_labels(entry: &Entry) -> Labels {
    let (site, route) = entry.owner();
    labels([("site", site), ("route", route.unwrap_or_default()), ("filter", &entry.name), ("plugin", &entry.plugin)])
}

fn work(entries: &[&Entry]) -> Vec<Family> {
    let mut calls = counter(
        "weir_filter_calls",
        "Calls of hooks by how they ended: the message went on (`next`), the filter answered or refused it (`answered`), it \
         paused (`paused`), or it failed (`failed`).",
    );
    let mut failures = counter("weir_filter_failures", "Calls that failed, or were not made, by the failure's kind.");
    let mut answers = counter("weir_filter_answers", "Answers that the filter made, by the code of their reason.");
    let mut set_aside = counter(
        "weir_filter_set_aside",
        "Answers of one of several alternatives (`any_of`) that were not sent, by the code of their reason.",
    );
    let mut excepted = counter("weir_filter_excepted", "Exchanges that passed by because of the entry's `except`.");
    let mut duration = histogram(
        "weir_filter_duration_seconds",
        "What a call took of its worker: the filter's own work and what it asked of Weir, without waiting.",
    );
    let mut waited =
        counter("weir_filter_waited_seconds", "Time in which a call waited and the worker did other things.");
    let mut instances = gauge("weir_filter_instances", "Instances that live.");
    let mut made = counter("weir_filter_instances_made", "Instances that were made.");
    let mut memory = gauge("weir_filter_memory_bytes", "Memory of the instances that live.");
    let mut busy = gauge("weir_filter_instances_busy", "Instances in a hook that waits.");
    let mut waiting = gauge("weir_filter_waiting", "Exchanges that wait for an instance, or in a hook.");
    let mut aside = gauge("weir_filter_quarantined", "1 while the filter is put aside because it failed too often.");
    let mut quarantines = counter("weir_filter_quarantines", "Times that the filter was put aside.");
    for entry in entries {
        let of = entry_labels(entry);
        let Tally { hooks, answers: by_code, set_aside: unsent, excepted: passed, instances: live } = entry.tally();
        for tally in &hooks {
            let mut of = of.clone();
            of.push(("hook".into(), tally.hook.into()));
            hook(&of, tally, &mut calls, &mut failures, &mut duration, &mut waited);
        }
        for (mut by_code, family) in [(by_code, &mut answers), (unsent, &mut set_aside)] {
            by_code.sort();
            for (code, count) in by_code {
                family.split(&of, "reason", &code, count);
            }
        }
        excepted.whole(&of, passed);
        instances.whole(&of, live.made.saturating_sub(live.dropped));
        made.whole(&of, live.made);
        memory.whole(&of, live.memory);
        busy.whole(&of, live.busy);
        waiting.whole(&of, live.waiting);
        aside.whole(&of, u64::from(entry.quarantined().is_some()));
        quarantines.whole(&of, entry.quarantines());
    }
    vec![
        calls,
        failures,
        answers,
        set_aside,
        excepted,
        duration,
        waited,
        instances,
        made,
        memory,
        busy,
        waiting,
        aside,
        quarantines,
    ]
}

fn hook(
    of: &Labels,
    tally: &HookTally,
    calls: &mut Family,
    failures: &mut Family,
    duration: &mut Family,
    waited: &mut Family,
) {
    for (result, count) in
        [("next", tally.next), ("answered", tally.answered), ("paused", tally.paused), ("failed", tally.failures())]
    {
        calls.split(of, "result", result, count);
    }
    for (kind, count) in &tally.failed {
        failures.split(of, "kind", kind, *count);
    }
    let bounds = HookTally::bounds().map(|bound| bound.as_secs_f64()).chain([f64::INFINITY]);
    if tally.durations.iter().any(|count| *count > 0) {
        let buckets = bounds.zip(tally.durations.iter().copied()).collect();
        duration.add(of, Sample::Buckets(buckets, tally.spent.as_secs_f64()));
    }
    if !tally.waited.is_zero() {
        waited.add(of, Sample::Number(tally.waited.as_secs_f64()));
    }
}

fn documents(entries: &[&Entry]) -> Vec<Family> {
    let mut fetches = counter("weir_document_fetches", "Fetches of a document by how they went.");
    let mut last_good = gauge(
        "weir_document_last_success_timestamp_seconds",
        "When a document was last fetched, in seconds since 1970; not there if it never was.",
    );
    for entry in entries {
        for (name, document) in entry.named_documents() {
            let mut of = entry_labels(entry);
            // As in the configuration: `/jwks`.
            of.push(("document".into(), name.into()));
            let (good, failed) = document.fetches();
            fetches.split(&of, "result", "good", good);
            fetches.split(&of, "result", "failed", failed);
            if let Some(at) = document.last_good() {
                last_good.add(&of, Sample::Number(at.as_secs_f64()));
            }
        }
    }
    vec![fetches, last_good]
}

/// Stores that are waited for.
fn remotes(snapshot: &Snapshot) -> Vec<Family> {
    let mut stores: Vec<_> = snapshot.remotes().collect();
    stores.sort_by_key(|(name, _)| *name);
    let mut up = gauge("weir_store_server_up", "1 if a server of a store answers, 0 if not.");
    let mut failures = counter(
        "weir_store_failures",
        "Operations that failed: no answer in time (`timed-out`), no server to be reached (`unavailable`), or the server said no \
         (`refused`). Those of `overflow` were not tried, because too much was under way; they are among `unavailable`, too.",
    );
    let mut duration =
        histogram("weir_store_duration_seconds", "How long operations took, those that failed included.");
    for (name, store) in stores {
        for ServerState { server, is_up, .. } in store.servers() {
            up.whole(&labels([("store", name), ("server", &server)]), u64::from(is_up));
        }
        let (of, counted) = (labels([("store", name)]), store.counted());
        for (kind, count) in counted.failures {
            failures.split(&of, "kind", kind, count);
        }
        if counted.took.iter().any(|(_, count)| *count > 0) {
            duration.add(&of, Sample::Buckets(counted.took, counted.seconds));
        }
    }
    vec![up, failures, duration]
}

/// Stores of this process, and whether those are up that are not only in its memory.
fn stores(snapshot: &Snapshot) -> Vec<Family> {
    let mut stores: Vec<_> = snapshot.stores().collect();
    stores.sort_by_key(|(name, _)| *name);
    let mut values = gauge("weir_store_values", "Values in a store, some that have expired included.");
    let mut bytes = gauge("weir_store_bytes", "Bytes that a store holds.");
    let mut limit = gauge("weir_store_limit_bytes", "Bytes that a store may hold.");
    let mut evicted = counter("weir_store_evicted", "Values without a time to live that had to make room.");
    let mut refused = counter("weir_store_refused", "Values that found no room.");
    let mut up = gauge("weir_store_up", "Whether a store's file can be used, or all of its servers answer.");
    let mut file = gauge("weir_store_file_bytes", "Bytes of a store's file, what is out of date included.");
    let mut waiting = gauge("weir_store_waiting_values", "Values whose last change is not on the disk yet.");
    let mut commits = counter("weir_store_commits", "How often changes of a store were put on the disk.");
    let mut took =
        counter("weir_store_commit_seconds", "How long it took to put changes of a store on the disk, all together.");
    let mut failures =
        counter("weir_store_commit_failures", "How often changes of a store could not be put on the disk.");
    for (name, store) in stores {
        let (of, usage) = (labels([("store", name)]), store.usage());
        if let Some(kept) = store.kept() {
            up.whole(&of, u64::from(kept.fault.is_none()));
            file.whole(&of, kept.bytes);
            waiting.whole(&of, kept.waiting);
            commits.whole(&of, kept.commits);
            took.add(&of, Sample::Number(kept.took.as_secs_f64()));
            failures.whole(&of, kept.failures);
        }
        values.whole(&of, usage.values as u64);
        bytes.whole(&of, usage.bytes as u64);
        limit.whole(&of, store.size() as u64);
        evicted.whole(&of, usage.evicted);
        refused.whole(&of, usage.refused);
    }
    for (name, store) in snapshot.remotes() {
        let servers = store.servers();
        up.whole(
            &labels([("store", name)]),
            u64::from(!servers.is_empty() && servers.iter().all(|server| server.is_up)),
        );
    }
    vec![values, bytes, limit, evicted, refused, up, file, waiting, commits, took, failures]
}
