//! Who the client is, and what the upstream is told about that: X-Forwarded-* and RFC 7239.
//!
//! What a peer says about others counts only if the operator trusts that peer. [`accept`] settles it before any filter
//! runs; what is left in the head then is the word of a trusted peer or of a filter. Right before the request is sent,
//! [`take`] takes it out, and [`Fields`] gives what goes in its place.

mod element;
mod fields;

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use self::element::Element;
use crate::config::Network;

pub(super) use fields::{Fields, take};

static FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Who the client is. What a peer that is not trusted says about it is removed.
///
/// Of what a trusted peer lists the rightmost address counts that is not a trusted peer's itself. The walk ends at what
/// is not an address: who wrote that is not known. `has_claims` says whether a field [`is_claim`].
pub(super) fn accept(headers: &mut HeaderMap, peer: IpAddr, trusted: &[Network], has_claims: bool) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let counts = is_trusted(peer);
    // A trusted peer sets the fields' own spellings. Others, which some servers take for the same, it may have let pass.
    let is_refused = |name: &HeaderName| is_claim(name.as_str()) && (!counts || has_odd_spelling(name.as_str()));
    if has_claims && headers.keys().any(is_refused) {
        let refused: Vec<HeaderName> = headers.keys().filter(|name| is_refused(name)).cloned().collect();
        for name in refused {
            headers.remove(name);
        }
    }
    if !counts {
        return peer;
    }
    if headers.contains_key(&FOR) {
        return walk(headers.get_all(&FOR).iter().rev().flat_map(|line| listed(line).rev()), peer, is_trusted);
    }
    let lines = headers.get_all(header::FORWARDED).iter().rev();
    let elements = lines
        .flat_map(|line| element::read(line.as_bytes()).unwrap_or_else(|| vec![Element::default()]).into_iter().rev());
    walk(elements.map(|element| element.address), peer, is_trusted)
}

fn walk(addresses: impl Iterator<Item = Option<IpAddr>>, peer: IpAddr, is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut client = peer;
    for address in addresses {
        let Some(address) = address else { break };
        client = address;
        if !is_trusted(address) {
            break;
        }
    }
    client
}

/// The items of one X-Forwarded-For, those that are addresses as such.
fn listed(line: &HeaderValue) -> impl DoubleEndedIterator<Item = Option<IpAddr>> {
    let items = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    items.filter(|item| !item.is_empty()).map(element::address)
}

/// What else says who asks, besides all that begins with `x-forwarded`.
const CLAIMS: [&str; 12] = [
    "forwarded",
    "forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-original-forwarded-for",
    "x-originating-ip",
    "x-remote-addr",
    "true-client-ip",
    "client-ip",
    "remote-addr",
    "cf-connecting-ip",
];

/// In another spelling these mean nothing here, and something to others.
const FRAMING: [&str; 4] = ["transfer-encoding", "content-length", "connection", "host"];

/// Whether a field claims something about the client, or is framing in disguise. Also with `_` and the like for `-`: to CGI
/// and its heirs they are the same.
pub(super) fn is_claim(name: &str) -> bool {
    // Hardly a usual field begins like these, or is spelt so.
    let is_odd = has_odd_spelling(name);
    if !is_odd && !matches!(name.as_bytes().first(), Some(b'x' | b'f' | b't' | b'c' | b'r')) {
        return false;
    }
    let spelt =
        |length: usize| name.bytes().take(length).map(|byte| if byte.is_ascii_alphanumeric() { byte } else { b'-' });
    let is = |known: &&str| name.len() == known.len() && spelt(known.len()).eq(known.bytes());
    spelt(11).eq("x-forwarded".bytes()) || CLAIMS.iter().any(is) || is_odd && FRAMING.iter().any(is)
}

fn has_odd_spelling(name: &str) -> bool {
    name.bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'-')
}

#[cfg(test)]
mod tests;
