//! An origin: scheme, host and port, in one spelling.

use std::ops::Range;

/// An origin in small letters, without a port that is the scheme's own.
#[derive(Debug)]
pub(crate) struct Origin {
    text: String,
    host: Range<usize>,
    port: Option<u16>,
}

/// Longer than any host has room for.
const LONGEST: usize = 320;

impl Origin {
    /// Reads one; otherwise says what is wrong with it, for whoever wrote it into a configuration.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("an origin has at most 320 characters");
        }
        if !text.is_ascii() {
            return Err("browsers send names in ASCII; write it as they do, with `xn--`");
        }
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err("an origin is a scheme and a host, as in `https://app.example` or `http://localhost:3000`");
        };
        let is_of_schemes = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(is_of_schemes) {
            return Err("what stands before `://` is not a scheme");
        }
        if rest.contains(['/', '?', '#']) {
            return Err("an origin ends with its host and port: it has no `/` at its end, no path and no query");
        }
        // The colons of an IPv6 address stand in its brackets.
        let end = rest.find(']').map_or(0, |bracket| bracket + 1);
        let (host, port) = match rest[end..].find(':') {
            Some(colon) => (&rest[..end + colon], Some(&rest[end + colon + 1..])),
            None => (rest, None),
        };
        if !is_host(host) {
            return Err("what stands behind `://` is not a host: letters, digits, hyphens and dots, or `[` IPv6 `]`");
        }
        let scheme = scheme.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let port =
            port.map(|port| number(port).ok_or("what stands behind the host's `:` is not a port")).transpose()?;
        let port = port.or(usual);
        let start = scheme.len() + "://".len();
        let mut text = [&scheme, "://", &host.to_ascii_lowercase()].concat();
        let host = start..text.len();
        if let Some(port) = port.filter(|_| port != usual) {
            text.push(':');
            text.push_str(&port.to_string());
        }
        Ok(Self { text, host, port })
    }

    /// All of it, as browsers write it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// With `://`.
    pub(crate) fn scheme(&self) -> &str {
        &self.text[..self.host.start]
    }

    pub(crate) fn host(&self) -> &str {
        &self.text[self.host.clone()]
    }

    /// The scheme's own if none is written.
    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

fn is_host(host: &str) -> bool {
    let is_address = |inside: &str| inside.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte));
    match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|inside| !inside.is_empty() && is_address(inside)),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    }
}

/// A port in digits alone: what Rust reads as a number may have a sign.
fn number(port: &str) -> Option<u16> {
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())?
}
