//! One hop as RFC 7239 writes it, and addresses as they stand in such lists.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// What is said of one hop, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `for`, if it is an address.
    pub(super) address: Option<IpAddr>,
    /// `proto`.
    pub(super) proto: Option<Vec<u8>>,
    /// `host`.
    pub(super) host: Option<Vec<u8>>,
}

impl Element {
    /// In the field's form. A host or scheme that has no place in it is left out.
    pub(super) fn written(&self) -> Vec<u8> {
        let mut out = match self.address {
            Some(IpAddr::V4(address)) => format!("for={address}"),
            Some(IpAddr::V6(address)) => format!("for=\"[{address}]\""),
            None => "for=unknown".to_owned(),
        }
        .into_bytes();
        let is_quotable = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\".contains(byte);
        if let Some(host) = self.host.as_ref().filter(|host| !host.is_empty() && host.iter().all(is_quotable)) {
            out.extend_from_slice(b";host=\"");
            out.extend_from_slice(host);
            out.push(b'"');
        }
        let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        if let Some(proto) = self.proto.as_ref().filter(|proto| !proto.is_empty() && proto.iter().all(is_scheme)) {
            out.extend_from_slice(b";proto=");
            out.extend_from_slice(proto);
        }
        out
    }
}

/// The elements of one field, or none if a quoted text in it does not end, so that nothing can be put behind it.
pub(super) fn read(line: &[u8]) -> Option<Vec<Element>> {
    let elements = split(line, b',')?;
    Some(elements.into_iter().filter(|text| !text.is_empty()).map(|text| element(text).unwrap_or_default()).collect())
}

fn element(text: &[u8]) -> Option<Element> {
    let mut element = Element::default();
    let mut names_address = false;
    for pair in split(text, b';')?.into_iter().filter(|pair| !pair.is_empty()) {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (pair[..equals].trim_ascii(), unquoted(pair[equals + 1..].trim_ascii()));
        let is_second = if name.eq_ignore_ascii_case(b"for") {
            element.address = address(&value);
            std::mem::replace(&mut names_address, true)
        } else if name.eq_ignore_ascii_case(b"proto") {
            element.proto.replace(value).is_some()
        } else if name.eq_ignore_ascii_case(b"host") {
            element.host.replace(value).is_some()
        } else {
            false
        };
        if is_second {
            return None;
        }
    }
    Some(element)
}

/// The parts between separators that are not in quotes, or none if a quote does not end.
fn split(text: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    let (mut parts, mut start, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            _ if byte == separator && !is_quoted => {
                parts.push(text[start..at].trim_ascii());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim_ascii());
    (!is_quoted).then_some(parts)
}

fn unquoted(value: &[u8]) -> Vec<u8> {
    let Some(inner) = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")) else {
        return value.to_vec();
    };
    let mut is_escaped = false;
    let mut out = Vec::with_capacity(inner.len());
    for &byte in inner {
        is_escaped = byte == b'\\' && !is_escaped;
        if !is_escaped {
            out.push(byte);
        }
    }
    out
}

/// An address, perhaps with a port, and IPv6 perhaps in brackets.
pub(super) fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    let address = text.parse::<IpAddr>().ok();
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()));
    Some(address.or_else(|| bracketed().map(IpAddr::V6))?.to_canonical())
}
