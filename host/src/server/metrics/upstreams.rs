//! The servers behind the proxy, by endpoint. Only those that were asked are shown.

use std::collections::BTreeMap;

use super::{Family, counter, gauge, histogram, labels};
use crate::snapshot::Snapshot;
use crate::telemetry::metrics::{Distribution, Endpoint, FAILURES, STATUSES};
use crate::upstream::Counted;

pub(super) fn collect(snapshot: &Snapshot) -> Vec<Family> {
    let mut requests = counter("weir_upstream_requests", "Attempts to have a request answered by this endpoint.");
    let mut in_progress = gauge("weir_upstream_requests_in_progress", "Attempts that are not over.");
    let mut responses = counter("weir_upstream_responses", "Responses by class of the status.");
    let mut failures = counter(
        "weir_upstream_failures",
        "Attempts that failed before the response's head: no connection, not in time, broken off or no valid answer; the \
         client's body failed; the request cannot be said in the protocol.",
    );
    let mut failovers =
        counter("weir_upstream_failovers", "Times that another endpoint was tried, because this one was not reached.");
    let mut repeats = counter(
        "weir_upstream_repeats",
        "Requests that were sent once more, because a kept connection turned out to be closed.",
    );
    let mut latency =
        histogram("weir_upstream_latency_seconds", "From the beginning of an attempt to the response's head.");
    let mut open = gauge("weir_upstream_connections", "Connections that are open, in use or kept.");
    let mut opened = counter("weir_upstream_connections_opened", "Connections that were made.");
    let mut reused = counter("weir_upstream_connections_reused", "Times that a connection which was there was used.");
    let mut connecting =
        histogram("weir_upstream_connect_seconds", "What making a connection took: name, TCP and TLS.");
    let mut avoided = gauge(
        "weir_upstream_endpoint_avoided",
        "1 while others are preferred to this endpoint, because it was not reached a moment ago.",
    );
    for ((upstream, endpoint), counted) in by_name(snapshot) {
        let counts = counted.counts;
        // In this order, so that a difference is never below zero.
        let ended = counts.sum(Endpoint::ended);
        let begun = counts.sum(Endpoint::begun);
        if begun == 0 {
            continue;
        }
        let of = labels([("upstream", upstream), ("endpoint", &endpoint)]);
        requests.whole(&of, begun);
        in_progress.whole(&of, begun.saturating_sub(ended));
        for (class, status) in STATUSES.iter().enumerate() {
            let count = counts.sum(|worker| worker.answers(class));
            if count > 0 {
                responses.split(&of, "status", status, count);
            }
        }
        for (index, kind) in FAILURES.iter().enumerate() {
            failures.split(&of, "kind", kind, counts.sum(|worker| worker.failures(index)));
        }
        failovers.whole(&of, counts.sum(|worker| worker.failovers.get()));
        repeats.whole(&of, counts.sum(|worker| worker.repeats.get()));
        latency.observed(&of, Distribution::of(counts.all().map(|worker| &worker.latency)));
        let closed = counts.sum(Endpoint::closed);
        let made = counts.sum(Endpoint::opened);
        open.whole(&of, made.saturating_sub(closed));
        opened.whole(&of, made);
        reused.whole(&of, counts.sum(|worker| worker.reused.get()));
        connecting.observed(&of, Distribution::of(counts.all().map(|worker| &worker.connecting)));
        avoided.whole(&of, u64::from(counted.is_avoided));
    }
    vec![
        requests,
        in_progress,
        responses,
        failures,
        failovers,
        repeats,
        latency,
        open,
        opened,
        reused,
        connecting,
        avoided,
    ]
}

/// Endpoints of one name share their counters.
fn by_name(snapshot: &Snapshot) -> BTreeMap<(&str, String), Counted<'_>> {
    let mut named = BTreeMap::new();
    for upstream in snapshot.upstreams() {
        named.extend(upstream.counted().map(|counted| ((upstream.name(), counted.endpoint.clone()), counted)));
    }
    named
}
