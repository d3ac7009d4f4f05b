//! Where a redirect leads. Its host is the operator's, whatever the client sends.

use weir::escape::{self, Destination};
use weir::source::Source;
use weir::template::{Part, Template};
use weir::{Faults, Request};

use crate::fill::fill;

/// A target with values.
#[derive(Debug)]
pub(crate) struct Location {
    /// What comes before the query of the target, if it has one.
    path: Vec<Part>,
    /// From its `?` or `#` on.
    rest: Vec<Part>,
    is_relative: bool,
    keeps_query: bool,
}

const POINTER: &str = "/redirect/to";

impl Location {
    /// Reads a target; what is wrong is noted.
    pub(crate) fn parse(text: &str, keeps_query: bool, faults: &mut Faults) -> Self {
        let parts = match Template::parse(text) {
            Ok(template) => template.parts().to_vec(),
            Err(why) => {
                faults.at(POINTER, &why);
                Vec::new()
            }
        };
        // Where the template is broken that is said already.
        let is_read = !parts.is_empty() || text.is_empty();
        if let Some(why) = fault(&parts).filter(|_| is_read) {
            faults.at(POINTER, why);
        }
        if keeps_query && text.contains('#') {
            faults.at("/redirect/keep_query", "a query cannot follow the `#` of the target");
        }
        let is_relative = !matches!(parts.first(), Some(Part::Text(text)) if !text.starts_with('/'));
        let (path, rest) = split(parts);
        Self { path, rest, is_relative, keeps_query }
    }

    /// The target for this request. `None` if it gets too long.
    pub(crate) fn fill(&self, request: &Request) -> Option<String> {
        let of_path = |source: &Source| if is_path(source) { Destination::UrlPath } else { Destination::UrlPart };
        let mut target = fill(&self.path, request, of_path)?;
        if self.is_relative {
            // `//host` would be another host: a path may begin so, and a value before it may be empty.
            let path = target.trim_start_matches('/');
            target = ["/", path].concat();
        }
        target.push_str(&fill(&self.rest, request, |_| Destination::UrlPart)?);
        if let Some(query) = request.query().filter(|query| self.keeps_query && !query.is_empty()) {
            target.push(if self.rest.is_empty() { '?' } else { '&' });
            escape::push(&mut target, &query, Destination::UrlQuery);
        }
        Some(target)
    }
}

/// Whether the value always begins with `/`.
fn is_path(source: &Source) -> bool {
    matches!(source, Source::Path | Source::UpstreamPath)
}

/// What is wrong with a target.
fn fault(parts: &[Part]) -> Option<&'static str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?#[]%".contains(&byte);
    for part in parts {
        if matches!(part, Part::Text(text) if !text.bytes().all(is_part)) {
            return Some("a target has letters, digits and -._~:/?#[]@!$&'()*+,;=% only; write others as %20");
        }
    }
    let text = match parts {
        [Part::Value(source), ..] if is_path(source) => return None,
        [Part::Text(text), ..] => text,
        [Part::Value(_), ..] => return Some(HOST),
        [] => return Some(WHAT),
    };
    if text.starts_with('/') {
        return text
            .starts_with("//")
            .then_some("a target that begins with `//` is another host; write https:// before it");
    }
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return Some(WHAT) };
    let length = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host = rest.get(..length).unwrap_or_default();
    if host.is_empty() && parts.len() > 1 && length == rest.len() {
        return Some(HOST);
    }
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Some("the target names no host; write https://www.example.com/");
    }
    let is_open = length == rest.len();
    match parts.get(1) {
        Some(Part::Value(source)) if is_open && !is_path(source) => Some(HOST),
        _ => None,
    }
}

const WHAT: &str =
    "a target is a URL (https://www.example.com/new), a path (/new) or begins with {path} or {upstream.path}";
const HOST: &str =
    "the client would choose the host; write a host or a `/` before the first value, or begin with {path}";

/// At the first `?` or `#` that is written.
fn split(parts: Vec<Part>) -> (Vec<Part>, Vec<Part>) {
    let (mut path, mut rest) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::Text(text) if rest.is_empty() => {
                let place = text.find(['?', '#']).unwrap_or(text.len());
                let (before, behind) = text.split_at_checked(place).unwrap_or_default();
                for (text, parts) in [(before, &mut path), (behind, &mut rest)] {
                    if !text.is_empty() {
                        parts.push(Part::Text(text.to_owned()));
                    }
                }
            }
            part if rest.is_empty() => path.push(part),
            part => rest.push(part),
        }
    }
    (path, rest)
}
