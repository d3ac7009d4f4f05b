//! What clients are told of limits: `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11), structured
//! fields both.

use crate::limit::{Asked, Limit, push_number};
use crate::rate::{Algorithm, Left, Rate};

/// The greatest whole number of a structured field (RFC 9651, 3.3.1).
const GREATEST: u64 = 999_999_999_999_999;

/// `RateLimit-Policy` where no variable decides about limits: it is always the same.
pub(crate) fn policy_of(limits: &[Limit]) -> Option<String> {
    if limits.iter().any(|limit| limit.plans.is_some()) {
        return None;
    }
    let mut text = String::new();
    for limit in limits {
        policy(&mut text, limit, &limit.rate);
    }
    Some(text)
}

/// `RateLimit-Policy` of what was asked for a request.
pub(crate) fn policies(asked: &[Asked<'_>]) -> String {
    let mut text = String::new();
    for asked in asked {
        policy(&mut text, asked.limit, &asked.rate);
    }
    text
}

fn policy(text: &mut String, limit: &Limit, rate: &Rate) {
    item(text, &limit.name);
    number(text, ";q=", units(limit, rate.limit()));
    if limit.cost.bytes().is_some() {
        text.push_str(";qu=\"content-bytes\"");
    }
    number(text, ";w=", rate.window().unsigned_abs());
    if rate.algorithm() == Algorithm::Bucket && rate.burst() != rate.limit() {
        number(text, ";weir-burst=", rate.burst().unsigned_abs());
    }
}

/// `RateLimit` of what is left of each.
pub(crate) fn limits(asked: &[Asked<'_>], lefts: &[Left]) -> String {
    let mut text = String::with_capacity(32 * asked.len());
    for (asked, left) in asked.iter().zip(lefts) {
        item(&mut text, &asked.limit.name);
        number(&mut text, ";r=", units(asked.limit, left.permits));
        number(&mut text, ";t=", left.seconds.unsigned_abs());
    }
    text
}

/// Names are words that a string of a structured field can hold as they are.
fn item(text: &mut String, name: &str) {
    if !text.is_empty() {
        text.push_str(", ");
    }
    text.push('"');
    text.push_str(name);
    text.push('"');
}

fn number(text: &mut String, parameter: &str, number: u64) {
    text.push_str(parameter);
    push_number(text, number.min(GREATEST));
}

/// In what clients count: bytes where a permit stands for some.
fn units(limit: &Limit, permits: i64) -> u64 {
    let permits = permits.unsigned_abs();
    limit.cost.bytes().map_or(permits, |bytes| permits.saturating_mul(bytes.unsigned_abs()))
}
