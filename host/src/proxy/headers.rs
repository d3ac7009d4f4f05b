//! What a proxy must do to heads, whatever the filters do: RFC 9110, 7.6 and RFC 9112, 3.2.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Method, Version, request, response};

use super::mapping::{Mapping, map_back};
use super::{Connection, Error, forwarded};
use crate::paths::{self, Rules};

/// Fields that concern one connection only. `Expect` is this proxy's to meet: it is, when the body is read.
static HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    header::EXPECT,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// What the client said about this connection and wants to have with the upstream, too.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Another protocol.
    pub(super) upgrade: Option<HeaderValue>,
    /// Fields behind the response's body.
    pub(super) trailers: bool,
    /// Whether the head claims something about who asks.
    pub(super) has_claims: bool,
}

/// What one look at all names of a head finds: it is cheaper than a search for each.
#[derive(Debug, Default)]
struct Seen {
    hosts: usize,
    has_hop_by_hop: bool,
    has_claims: bool,
}

impl Seen {
    fn of(headers: &HeaderMap) -> Self {
        let mut seen = Self::default();
        for (name, _) in headers {
            match *name {
                header::HOST => seen.hosts += 1,
                header::CONNECTION
                | header::EXPECT
                | header::TE
                | header::TRAILER
                | header::TRANSFER_ENCODING
                | header::UPGRADE => seen.has_hop_by_hop = true,
                header::USER_AGENT | header::ACCEPT | header::ACCEPT_ENCODING | header::COOKIE => {}
                _ => {
                    seen.has_claims |= forwarded::is_claim(name.as_str());
                    seen.has_hop_by_hop |= ["keep-alive", "proxy-connection"].contains(&name.as_str());
                }
            }
        }
        seen
    }
}

/// Checks what routing relies on, and brings the target into origin form: a path, and the host in `Host`.
pub(super) fn accept(head: &mut request::Parts, connection: &Connection) -> Result<Wishes, Error> {
    if head.uri.authority().is_some() {
        take_authority(head, connection)?;
    }
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    // CONNECT asks for a tunnel, which this proxy does not make, whatever its target looks like.
    let is_path = |target: &PathAndQuery| target.as_str().starts_with('/');
    if head.method == Method::CONNECT || !head.uri.path_and_query().is_some_and(is_path) {
        return Err(Error::Target);
    }
    let seen = Seen::of(&head.headers);
    match seen.hosts {
        1 if head.headers.get(header::HOST).is_some_and(is_host) => {}
        0 if head.version < Version::HTTP_11 => {}
        _ => return Err(Error::Host),
    }
    // Before any filter runs: what `Connection` names must not take away what a filter sets.
    let mut wishes = Wishes::default();
    if seen.has_hop_by_hop {
        // Others would be taken off here, and what they made of the body would go on as the body.
        let mut codings = head.headers.get_all(header::TRANSFER_ENCODING).iter();
        if codings.next().is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
            || codings.next().is_some()
        {
            return Err(Error::Coding);
        }
        wishes = Wishes::of(head);
        remove_hop_by_hop(&mut head.headers);
    }
    wishes.has_claims = seen.has_claims;
    Ok(wishes)
}

/// A host, and a port or none (RFC 3986, 3.2). It may be empty.
fn is_host(host: &HeaderValue) -> bool {
    let Ok(host) = host.to_str() else { return false };
    let (is_sound, port) = match host.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, port))) => (address.parse::<Ipv6Addr>().is_ok(), port),
        Some(None) => return false,
        None => {
            let end = host.find(':').unwrap_or(host.len());
            let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(&byte);
            (host[..end].bytes().all(is_of_name), &host[end..])
        }
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    is_sound && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

impl Wishes {
    fn of(head: &request::Parts) -> Self {
        let headers = &head.headers;
        let upgrade = headers.get(header::UPGRADE).filter(|protocol| {
            head.version == Version::HTTP_11
                && has_token(headers, &header::CONNECTION, "upgrade")
                && headers.get_all(header::UPGRADE).iter().nth(1).is_none()
                && !tokens(protocol).any(is_http)
        });
        Self { upgrade: upgrade.cloned(), trailers: has_token(headers, &header::TE, "trailers"), has_claims: false }
    }
}

/// The host of a whole URL, or HTTP/2's `:authority`, becomes the `Host`.
fn take_authority(head: &mut request::Parts, connection: &Connection) -> Result<(), Error> {
    let is_ours = |scheme: &str| scheme == "http" || scheme == connection.scheme();
    let path = head.uri.path_and_query().filter(|_| head.uri.scheme_str().is_some_and(is_ours)).ok_or(Error::Target)?;
    let authority = head.uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(Error::Target);
    }
    // In HTTP/1.1 the URL counts and `Host` does not (RFC 9112, 3.2.2); in HTTP/2 they must agree (RFC 9113, 8.3.1).
    let agrees = |host: &HeaderValue| host.as_bytes().eq_ignore_ascii_case(authority.as_bytes());
    if head.version == Version::HTTP_2 && !head.headers.get_all(header::HOST).iter().all(agrees) {
        return Err(Error::Host);
    }
    let host = HeaderValue::from_str(authority).map_err(|_| Error::Target)?;
    head.uri = Uri::from(path.clone());
    head.headers.insert(header::HOST, host);
    Ok(())
}

/// HTTP/2 may send cookies one by one; behind this proxy they are one field again (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    if cookies.next().is_none() || cookies.next().is_none() {
        return;
    }
    let cookies: Vec<&[u8]> = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(header::COOKIE, joined);
    }
}

/// HTTP inside a tunnel would pass by routes and filters.
fn is_http(protocol: &[u8]) -> bool {
    ["h2c", "http", "tls"].iter().any(|known| {
        protocol.get(..known.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(known.as_bytes()))
    })
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers.get_all(name).iter().flat_map(tokens).any(|found| found.eq_ignore_ascii_case(token.as_bytes()))
}

/// Removes what only filters may set, in every spelling: CGI and its heirs read `_` and the like as `-`.
pub(super) fn remove_own(headers: &mut HeaderMap, own: &[HeaderName]) {
    if own.is_empty() {
        return;
    }
    let spelt = |byte: u8| if byte.is_ascii_alphanumeric() { byte } else { b'-' };
    let is_same = |one: &HeaderName, other: &HeaderName| {
        let (one, other) = (one.as_str(), other.as_str());
        one.len() == other.len() && one.bytes().map(spelt).eq(other.bytes().map(spelt))
    };
    let forged = headers.keys().filter(|name| own.iter().any(|own| is_same(name, own)));
    let forged: Vec<HeaderName> = forged.cloned().collect();
    for name in forged {
        headers.remove(name);
    }
}

/// Brings the path into its one spelling.
pub(super) fn normalize(uri: &mut Uri, rules: Rules) -> Result<(), Error> {
    if let Cow::Owned(path) = paths::normalize(uri.path(), rules)? {
        let target = match uri.query() {
            Some(query) => format!("{path}?{query}"),
            None => path,
        };
        *uri = Uri::try_from(target).map_err(|_| Error::Target)?;
    }
    Ok(())
}

/// Removes what is not for the client, and maps what the upstream says about places.
pub(super) fn to_client(head: &mut response::Parts, mapping: &Mapping<'_>) {
    let (mut has_hop_by_hop, mut has_places) = (false, false);
    for (name, _) in &head.headers {
        match *name {
            header::LOCATION | header::CONTENT_LOCATION | header::SET_COOKIE | header::REFRESH => has_places = true,
            header::CONTENT_LENGTH | header::CONTENT_TYPE | header::DATE | header::SERVER => {}
            _ => has_hop_by_hop |= HOP_BY_HOP.contains(name),
        }
    }
    if has_hop_by_hop {
        remove_hop_by_hop(&mut head.headers);
    }
    if has_places {
        map_back(&mut head.headers, mapping);
    }
    head.version = Version::HTTP_11;
}

/// Says which trailers come behind the body.
pub(super) fn announce(headers: &mut HeaderMap, trailers: &HeaderMap) {
    let names: Vec<&str> = trailers.keys().map(HeaderName::as_str).collect();
    headers.extend(HeaderValue::try_from(names.join(", ")).ok().map(|names| (header::TRAILER, names)));
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // Naming these must not take them from the message.
        .filter(|name| ![header::HOST, header::CONTENT_LENGTH].contains(name))
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}
