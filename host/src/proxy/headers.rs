//! What a proxy must do to heads, whatever the filters do: RFC 9110, 7.6 and RFC 9112, 3.2.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{PathAndQuery, Uri};
use http::{Version, request, response};

use super::{Connection, Error};

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

/// Checks what routing relies on, and brings the target into origin form: a path, and the host in `Host`.
pub(super) fn accept(head: &mut request::Parts, connection: &Connection) -> Result<(), Error> {
    if head.uri.authority().is_some() {
        take_authority(head, connection)?;
    }
    if head.version == Version::HTTP_2 {
        join_cookies(&mut head.headers);
    }
    if head.uri.path_and_query().is_none_or(|path: &PathAndQuery| !path.as_str().starts_with('/')) {
        return Err(Error::Target);
    }
    if has_dot_segment(head.uri.path()) {
        return Err(Error::Path);
    }
    // Before any filter runs: what `Connection` names must not take away what a filter sets.
    remove_hop_by_hop(&mut head.headers);
    let mut hosts = head.headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(()),
        (None, _) if head.version < Version::HTTP_11 => Ok(()),
        _ => Err(Error::Host),
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

/// `.` and `..`, encoded ones too: this proxy would match them as names and the server behind it might resolve them, and
/// so reach what no route leads to. Clients resolve them before they send.
fn has_dot_segment(path: &str) -> bool {
    if !path.contains("/.") && !path.contains('%') {
        return false;
    }
    path.split('/').any(|segment| {
        let dots = segment.replace("%2e", ".").replace("%2E", ".");
        dots == "." || dots == ".."
    })
}

/// Removes what is not for the upstream. `Expect` is this proxy's to meet: it is, when the body is read. A client of
/// HTTP/1.0 that named no host means the one that there is.
pub(super) fn to_upstream(head: &mut request::Parts, authority: impl FnOnce() -> String) {
    head.headers.remove(header::EXPECT);
    if head.version < Version::HTTP_11
        && !head.headers.contains_key(header::HOST)
        && let Ok(host) = HeaderValue::try_from(authority())
    {
        head.headers.insert(header::HOST, host);
    }
}

/// Removes what is not for the client.
pub(super) fn to_client(head: &mut response::Parts) {
    remove_hop_by_hop(&mut head.headers);
    head.version = Version::HTTP_11;
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    // Most heads have none of them, and a look at each name is cheaper than a search for each of those.
    if !headers.keys().any(|name| HOP_BY_HOP.contains(name)) {
        return;
    }
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
