//! Limits under the host of a test.

mod batches;
mod failures;
mod faults;
mod keys;
mod rates;
mod several;
mod windows;

use std::time::Duration;

use crate::RateLimit;
use weir::Flow;
use weir::testing::Host;

/// The entry's filter; its stores are those that it may name.
fn filter(host: &mut Host, config: &str) -> RateLimit {
    host.stores.add("shared");
    host.configure(config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"))
}

/// Whether a request is let through, as an exchange of its own.
fn passes(host: &mut Host, filter: &RateLimit) -> bool {
    host.slot.clear();
    host.on_request(filter) == Flow::Next
}

/// How many of so many requests are let through.
fn passed(host: &mut Host, filter: &RateLimit, requests: usize) -> usize {
    (0..requests).filter(|_| passes(host, filter)).count()
}

/// What a client that is let through is told: `RateLimit-Policy` and `RateLimit`.
fn told(host: &mut Host, filter: &RateLimit) -> (String, String) {
    host.response = weir::testing::Message::default();
    host.on_response(filter);
    let field = |name: &str| host.response.all(name).join(" | ");
    (field("ratelimit-policy"), field("ratelimit"))
}

/// What a field of the refusal says.
fn refusal(host: &Host, name: &str) -> Option<String> {
    host.reply.as_ref().and_then(|reply| reply.get(name)).map(str::to_owned)
}

/// Moves to the next moment that is a multiple of so many seconds.
fn begin(host: &mut Host, seconds: u64) {
    let next = (host.now.as_secs() / seconds + 1) * seconds;
    host.now = Duration::from_secs(next);
}
