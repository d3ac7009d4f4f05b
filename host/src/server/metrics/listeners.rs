//! Where clients connect.

use std::sync::Arc;

use super::{Family, counter, gauge, labels};
use crate::listen::Gate;
use crate::telemetry::metrics::{HANDSHAKE_FAILURES, Listener, TLS_VERSIONS, VERSIONS};

pub(super) fn collect(listeners: &[(String, Arc<Gate>)]) -> Vec<Family> {
    let mut open = gauge("weir_listener_connections", "Connections that are open.");
    let mut accepted = counter("weir_listener_connections_accepted", "Connections that were accepted.");
    let mut refused = counter(
        "weir_listener_connections_refused",
        "Connections that were closed at once, because the listener had its limit of them.",
    );
    let mut handshakes = counter("weir_listener_tls_handshakes", "TLS handshakes that succeeded, by version.");
    let mut failures = counter(
        "weir_listener_tls_handshake_failures",
        "TLS handshakes that failed: one side refused what the other offered (certificate, version, name), the client \
         closed, took too long, or spoke HTTP without TLS.",
    );
    let mut requests = counter("weir_listener_requests", "Requests by the version of HTTP.");
    let mut responses = counter("weir_listener_responses", "Responses by status, whoever made them.");
    let mut received =
        counter("weir_listener_received_bytes", "Bytes from clients: heads, bodies and framing, in TLS.");
    let mut sent = counter("weir_listener_sent_bytes", "Bytes to clients: heads, bodies and framing, in TLS.");
    for (name, gate) in listeners {
        let of = labels([("listener", name)]);
        let counts = gate.counts();
        open.whole(&of, gate.open() as u64);
        accepted.whole(&of, gate.accepted().accepted.get());
        refused.whole(&of, gate.accepted().refused.get());
        for (index, version) in TLS_VERSIONS.iter().enumerate() {
            let count = counts.sum(|worker| worker.handshakes[index].get());
            if count > 0 {
                handshakes.split(&of, "version", version, count);
            }
        }
        for (index, reason) in HANDSHAKE_FAILURES.iter().enumerate() {
            let count = counts.sum(|worker| worker.handshake_failures[index].get());
            if count > 0 {
                failures.split(&of, "reason", reason, count);
            }
        }
        for (index, version) in VERSIONS.iter().enumerate() {
            let count = counts.sum(|worker| worker.requests[index].get());
            if count > 0 {
                requests.split(&of, "version", version, count);
            }
        }
        let mut statuses = std::collections::BTreeMap::new();
        for (status, count) in counts.all().flat_map(Listener::statuses) {
            *statuses.entry(status).or_insert(0) += count;
        }
        for (status, count) in statuses {
            let status = if status == 0 { "other".to_owned() } else { status.to_string() };
            responses.split(&of, "status", &status, count);
        }
        received.whole(&of, counts.sum(|worker| worker.received.get()));
        sent.whole(&of, counts.sum(|worker| worker.sent.get()));
    }
    vec![open, accepted, refused, handshakes, failures, requests, responses, received, sent]
}
