//! What is served, by route. Only routes that were used are shown, and of what they count only what is not zero, since
//! there may be ten thousand of them.

use std::collections::BTreeMap;

use super::{Family, counter, gauge, histogram, labels};
use crate::snapshot::Snapshot;
use crate::telemetry::metrics::{Distribution, ENDS, EachWorker, MAKERS, METHODS, Route, STATUSES, workers};

pub(super) fn collect(snapshot: &Snapshot) -> Vec<Family> {
    let mut requests = counter(
        "weir_route_requests",
        "Exchanges that are over, by method and class of the status; `none` if the client left before there was one.",
    );
    let mut in_progress = gauge("weir_route_requests_in_progress", "Exchanges that are not over.");
    let mut duration = histogram(
        "weir_route_duration_seconds",
        "From the request's head to the response's last byte; without exchanges that switched to another protocol.",
    );
    let mut until_head =
        histogram("weir_route_time_to_head_seconds", "From the request's head to the response's head.");
    let mut received = counter("weir_route_received_bytes", "Bytes of requests' bodies.");
    let mut sent = counter("weir_route_sent_bytes", "Bytes of responses' bodies.");
    let mut answers = counter("weir_route_answers", "Exchanges that are over, by who made the response.");
    let mut errors = counter(
        "weir_route_host_answers",
        "Responses that Weir itself made, by why: the record's `reason`. The site is empty where none serves the request.",
    );
    let seats = workers();
    for (code, count) in by_code(seats.iter().flat_map(|(worker, _)| worker.unserved.read())) {
        errors.split(&labels([("site", ""), ("route", "")]), "code", code, count);
    }
    let mut ends = counter(
        "weir_route_ended_early",
        "Exchanges that ended before the response's last byte, by the record's `ended`.",
    );
    for ((site, route), counts) in by_name(snapshot) {
        // In this order, so that a difference is never below zero.
        let ended = counts.sum(Route::ended);
        let begun = counts.sum(Route::begun);
        if begun == 0 {
            continue;
        }
        let of = labels([("site", site), ("route", route)]);
        in_progress.whole(&of, begun.saturating_sub(ended));
        for (method, name) in METHODS.iter().enumerate() {
            for (class, status) in STATUSES.iter().enumerate() {
                let count = counts.sum(|worker| worker.requests(method, class));
                if count > 0 {
                    let mut of = of.clone();
                    of.push(("method".into(), (*name).into()));
                    requests.split(&of, "status", status, count);
                }
            }
        }
        duration.observed(&of, Distribution::of(counts.all().map(|worker| &worker.duration)));
        until_head.observed(&of, Distribution::of(counts.all().map(|worker| &worker.until_head)));
        received.whole(&of, counts.sum(|worker| worker.received.get()));
        sent.whole(&of, counts.sum(|worker| worker.sent.get()));
        for (index, maker) in MAKERS.iter().enumerate() {
            let count = counts.sum(|worker| worker.made_by(index));
            if count > 0 {
                answers.split(&of, "by", maker, count);
            }
        }
        for (code, count) in by_code(counts.all().flat_map(Route::codes)) {
            errors.split(&of, "code", code, count);
        }
        // The first is no early end.
        for (index, end) in ENDS.iter().enumerate().skip(1) {
            let count = counts.sum(|worker| worker.ends(index));
            if count > 0 {
                ends.split(&of, "by", end, count);
            }
        }
    }
    vec![requests, in_progress, duration, until_head, received, sent, answers, errors, ends]
}

fn by_code(counted: impl Iterator<Item = (&'static str, u64)>) -> BTreeMap<&'static str, u64> {
    let mut sums = BTreeMap::new();
    for (code, count) in counted {
        *sums.entry(code).or_insert(0) += count;
    }
    sums
}

/// Routes of one name share their counters.
fn by_name(snapshot: &Snapshot) -> BTreeMap<(&str, &str), &EachWorker<Route>> {
    snapshot.serving().map(|serving| ((serving.site.as_str(), serving.route.as_str()), &*serving.counts)).collect()
}
