//! References and cookies of an answer, from the upstream's view of itself to the client's.
//!
//! An upstream behind a stripped prefix knows nothing of the prefix, and its own address means nothing to the client.
//! Only fields are mapped: bodies are not this room's to read.
//!
//! Relative references (`x`, `../x`, `?q`) stay as they are: the client resolves them against the URL that it asked
//! for, prefix and all, which is right wherever they do not climb above the upstream's root. One case differs: `/a`
//! with `/a` stripped is `/` to the upstream, whose `x` means `/a/x`, and the client reads `/x`.

use http::header::{self, HeaderMap, HeaderValue};

/// How the client's view and the upstream's differ.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping<'a> {
    /// What was stripped from the path, without a slash at its end; empty for nothing.
    pub(super) prefix: &'a str,
    /// The endpoint's authority, `host:port`.
    pub(super) upstream: &'a str,
    /// How the endpoint is reached: `http` or `https`.
    pub(super) upstream_scheme: &'a str,
    /// `Host` as the client named it.
    pub(super) host: &'a str,
    /// How the client reaches this proxy: `http` or `https`.
    pub(super) scheme: &'a str,
}

/// Maps what fields of the answer's head say about places. Without such fields it is a look at each name.
pub(super) fn map_back(headers: &mut HeaderMap, mapping: &Mapping) {
    for (name, value) in headers.iter_mut() {
        let bytes = value.as_bytes();
        let mapped = match *name {
            header::LOCATION | header::CONTENT_LOCATION => mapping.reference(bytes),
            header::SET_COOKIE => mapping.cookie(bytes),
            header::REFRESH => mapping.refresh(bytes),
            _ => None,
        };
        // A field that could not be one stays as it is: nothing can be put in that begins another.
        if let Some(mapped) = mapped.and_then(|mapped| HeaderValue::try_from(mapped).ok()) {
            *value = mapped;
        }
    }
}

impl Mapping<'_> {
    /// A reference as the client needs it; none if it stays.
    fn reference(&self, reference: &[u8]) -> Option<Vec<u8>> {
        // Browsers read on as if it were not there.
        if reference.contains(&b'\t') {
            let reference: Vec<u8> = reference.iter().copied().filter(|byte| *byte != b'\t').collect();
            return Some(self.reference(&reference).unwrap_or(reference));
        }
        if reference.starts_with(b"/") {
            let stays = self.prefix.is_empty() || reference.starts_with(b"//");
            return (!stays).then(|| [self.prefix.as_bytes(), reference].concat());
        }
        let (written, rest) = match after(reference, "http://") {
            Some(rest) => ("http", rest),
            None => ("https", after(reference, "https://")?),
        };
        let end = rest.iter().position(|byte| b"/?#\\".contains(byte)).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        // Browsers read this as a slash, others do not: whose it is cannot be told.
        if path.starts_with(b"\\") {
            return None;
        }
        // What the path begins with if it has to begin with something else than it does.
        let root: &[u8] = if path.starts_with(b"/") { b"" } else { b"/" };
        let (name, port) = host_and_port(authority);
        let (upstream, upstream_port) = host_and_port(self.upstream.as_bytes());
        let is_upstream = name.eq_ignore_ascii_case(upstream)
            && port.unwrap_or(default_port(written)) == upstream_port.unwrap_or(default_port(self.upstream_scheme));
        if is_upstream {
            // Alone, `//x` would name a host.
            let leads_away = self.prefix.is_empty() && (path.starts_with(b"//") || path.starts_with(b"/\\"));
            let root: &[u8] = if leads_away { b"/." } else { root };
            return Some([self.prefix.as_bytes(), root, path].concat());
        }
        let (host, host_port) = host_and_port(self.host.as_bytes());
        let is_host = name.eq_ignore_ascii_case(host)
            && port.filter(|port| *port != default_port(written))
                == host_port.filter(|port| *port != default_port(self.scheme));
        if self.prefix.is_empty() || !is_host || host.is_empty() {
            return None;
        }
        // An upstream that means its own scheme means the client's; another one it chose, as for a redirect to https.
        let scheme = if written == self.upstream_scheme { self.scheme } else { written };
        Some([scheme.as_bytes(), b"://", self.host.as_bytes(), self.prefix.as_bytes(), root, path].concat())
    }

    /// `5; url=/x`, with any spacing and quotes around the reference, and without `url=` as browsers read it too.
    fn refresh(&self, value: &[u8]) -> Option<Vec<u8>> {
        let start = value.iter().position(|byte| b";,".contains(byte))? + 1;
        let rest = value[start..].trim_ascii_start();
        let named = after(rest, "url").and_then(|rest| rest.trim_ascii_start().strip_prefix(b"="));
        let quoted = named.unwrap_or(rest).trim_ascii_start();
        let reference = match quoted.split_first() {
            Some((quote @ (b'"' | b'\''), inner)) => inner.split(|byte| byte == quote).next().unwrap_or_default(),
            _ => quoted,
        };
        let length = reference.len();
        let begin = value.len() - quoted.len() + usize::from(quoted.first().is_some_and(|byte| b"\"'".contains(byte)));
        let mapped = self.reference(reference.trim_ascii_end())?;
        let kept = reference.trim_ascii_end().len()..length;
        Some([&value[..begin], &mapped, &reference[kept], &value[begin + length..]].concat())
    }

    /// One cookie, read as browsers do (RFC 6265, 5.2): a semicolon ends a part, whatever quotes are around it. Without
    /// a `Path` it belongs to the path that the client asked for, which has the prefix.
    fn cookie(&self, value: &[u8]) -> Option<Vec<u8>> {
        let mut parts = value.split(|byte| *byte == b';');
        let pair = parts.next()?;
        // Browsers take these with `Path=/` only. And a path in a cookie cannot have a semicolon.
        let keeps_path =
            self.prefix.is_empty() || self.prefix.contains(';') || after(pair.trim_ascii_start(), "__Host-").is_some();
        let (upstream, _) = host_and_port(self.upstream.as_bytes());
        let mut mapped = pair.to_vec();
        let mut differs = false;
        for part in parts {
            let equals = part.iter().position(|byte| *byte == b'=').unwrap_or(part.len());
            let (name, said) = (part[..equals].trim_ascii(), part.get(equals + 1..).unwrap_or_default());
            let said = said.trim_ascii();
            let said = said.strip_prefix(b"\"").unwrap_or(said);
            if name.eq_ignore_ascii_case(b"domain") {
                let domain = said.strip_suffix(b"\"").unwrap_or(said);
                if domain.strip_prefix(b".").unwrap_or(domain).eq_ignore_ascii_case(upstream) {
                    differs = true;
                    continue;
                }
            }
            mapped.push(b';');
            if name.eq_ignore_ascii_case(b"path") && said.starts_with(b"/") && !keeps_path {
                let slash = part.iter().position(|byte| *byte == b'/').unwrap_or(part.len());
                mapped.extend_from_slice(&part[..slash]);
                mapped.extend_from_slice(self.prefix.as_bytes());
                mapped.extend_from_slice(&part[slash..]);
                differs = true;
            } else {
                mapped.extend_from_slice(part);
            }
        }
        differs.then_some(mapped)
    }
}

/// What follows a word, in whatever case that is.
fn after<'a>(text: &'a [u8], word: &str) -> Option<&'a [u8]> {
    let (first, rest) = text.split_at_checked(word.len())?;
    first.eq_ignore_ascii_case(word.as_bytes()).then_some(rest)
}

/// Name and port of an authority, without what names a user.
fn host_and_port(authority: &[u8]) -> (&[u8], Option<u16>) {
    let place = authority.rsplit(|byte| *byte == b'@').next().unwrap_or(authority);
    match place.iter().rposition(|byte| *byte == b':') {
        Some(colon) if !place[colon..].contains(&b']') => {
            let port = std::str::from_utf8(&place[colon + 1..]).ok();
            match port.map(|port| (port.is_empty(), port.parse())) {
                Some((true, _)) => (&place[..colon], None),
                Some((_, Ok(port))) => (&place[..colon], Some(port)),
                // Not a port: then all of it is a name, which none is equal to.
                _ => (place, None),
            }
        }
        _ => (place, None),
    }
}

fn default_port(scheme: &str) -> u16 {
    if scheme == "https" { 443 } else { 80 }
}

#[cfg(test)]
mod tests;
