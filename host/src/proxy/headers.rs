//! What a proxy must do to heads, whatever the filters do: RFC 9110, 7.6 and RFC 9112, 3.2.

use std::borrow::Cow;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Version, request, response};

use super::{Connection, Error};
use crate::paths::{self, Rules};

/// Fields that concern one connection only.
static HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
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
}

/// Checks what routing relies on, and brings the target into origin form: a path, and the host in `Host`.
pub(super) fn accept(head: &mut request::Parts, connection: &Connection) -> Result<Wishes, Error> {
    if head.uri.authority().is_some() {
        take_authority(head, connection)?;
    }
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    if head.uri.path_and_query().is_none_or(|path: &PathAndQuery| !path.as_str().starts_with('/')) {
        return Err(Error::Target);
    }
    // Before any filter runs: what `Connection` names must not take away what a filter sets.
    let mut wishes = Wishes::default();
    if has_hop_by_hop(&head.headers) {
        wishes = Wishes::of(head);
        remove_hop_by_hop(&mut head.headers);
    }
    let mut hosts = head.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(wishes),
        (None, _) if head.version < Version::HTTP_11 => Ok(wishes),
        _ => Err(Error::Host),
    }
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
        Self { upgrade: upgrade.cloned(), trailers: has_token(headers, &header::TE, "trailers") }
    }
}

/// The host of a whole URL, or HTTP/2's `:authority`, becomes the `Host`.
fn take_authority(head: &mut request::Parts, connection: &Connection) -> Result<(), Error> {
    // CONNECT asks for a tunnel, which this proxy does not make: it has no scheme.
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

/// Removes what is not for the upstream. `Expect` is this proxy's to meet: it is, when the body is read.
pub(super) fn to_upstream(head: &mut request::Parts) {
    head.headers.remove(header::EXPECT);
}

/// Removes what is not for the client.
pub(super) fn to_client(head: &mut response::Parts) {
    if has_hop_by_hop(&head.headers) {
        remove_hop_by_hop(&mut head.headers);
    }
    head.version = Version::HTTP_11;
}

/// Most heads have none of them, and a look at each name is cheaper than a search for each of those.
fn has_hop_by_hop(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| HOP_BY_HOP.contains(name))
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
