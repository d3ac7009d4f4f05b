//! The path that goes to the upstream. Segments are compared and taken over as they stand: what is escaped stays escaped, so
//! a value is never more than the segment that it was.

use serde::Deserialize;
use weir::escape::{self, Destination};
use weir::source::Source;
use weir::{Faults, Request};

use crate::pointer;
use crate::several::Several;

/// A path and what it becomes.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// Which paths: `/users/{id}/*`; `{id}` is any one segment, `*` at the end is all below.
    #[serde(rename = "match")]
    matches: String,
    /// What they become: `/v2/people/{id}/*`; a value, as `{user.tenant}`, is a segment too.
    to: String,
}

/// Rules of an entry.
const MOST: usize = 64;

/// A path that is rewritten.
#[derive(Debug)]
pub(crate) struct Rule {
    from: Vec<Segment>,
    /// Whether it is about all below, too.
    has_rest: bool,
    to: Vec<Segment>,
    keeps_rest: bool,
}

#[derive(Debug, PartialEq)]
enum Segment {
    Text(String),
    /// A segment of the request's, by its name.
    Named(String),
    Value(Source),
}

/// What comes of a request's path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rewritten {
    /// No rule is about it.
    Not,
    To(String),
    /// A segment would be none, or lead elsewhere; why.
    Unusable(&'static str),
}

/// The rules; what is wrong is noted.
pub(crate) fn rules(written: Several<Written>, at: &str, faults: &mut Faults) -> Vec<Rule> {
    if written.len() > MOST {
        faults.at(at, "there are more than 64 paths here");
    }
    written.placed(at).map(|(at, written)| written.into_rule(&at, faults)).collect()
}

/// The first rule that is about the path says what becomes of it.
pub(crate) fn rewrite(rules: &[Rule], request: &Request) -> Rewritten {
    let path = request.upstream_path();
    rules.iter().find_map(|rule| rule.rewrite(&path, request)).unwrap_or(Rewritten::Not)
}

impl Written {
    fn into_rule(self, at: &str, faults: &mut Faults) -> Rule {
        let (from, has_rest) = segments(&self.matches, &pointer(at, "match"), faults);
        let (to, keeps_rest) = segments(&self.to, &pointer(at, "to"), faults);
        for segment in &from {
            if let Segment::Value(_) = segment {
                faults.at(&pointer(at, "match"), "a segment is given a name without a dot or a colon, as `{id}`");
            }
        }
        for segment in &to {
            if let Segment::Named(name) = segment
                && !from.contains(segment)
            {
                let words = ["no segment of `match` has the name `", name, "`"].concat();
                faults.at(&pointer(at, "to"), &words);
            }
        }
        if keeps_rest && !has_rest {
            faults.at(&pointer(at, "to"), "`*` is what `*` at the end of `match` stands for, which is not there");
        }
        Rule { from, has_rest, to, keeps_rest }
    }
}

/// Segments of a path that is written, and whether `*` follows them; what is wrong is noted.
fn segments(path: &str, at: &str, faults: &mut Faults) -> (Vec<Segment>, bool) {
    let Some(rest) = path.strip_prefix('/') else {
        faults.at(at, "a path begins with `/`");
        return (Vec::new(), false);
    };
    let mut segments: Vec<&str> = rest.split('/').collect();
    let has_rest = segments.pop_if(|last| *last == "*").is_some();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@%".contains(&byte);
    let segments = segments.into_iter().map(|segment| {
        if let Some(name) = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            if !name.is_empty() && name.bytes().all(is_name) && !matches!(name, "path" | "method") {
                return Segment::Named(name.to_owned());
            }
            match Source::parse(name) {
                Ok(Source::Path | Source::UpstreamPath) => faults.at(at, "a path is more than a segment"),
                Ok(source) => return Segment::Value(source),
                Err(why) => faults.at(at, &why),
            }
        } else if is_dots(segment) {
            faults.at(at, "`.` and `..` are no segments of a path");
        } else if !segment.bytes().all(is_plain) {
            let words = "` is no segment: letters, digits and -._~!$&'()+,;=:@% stand in one, others as `%20`; a name in braces is all of one, and `*` stands at the end only";
            faults.at(at, &["`", segment, words].concat());
        }
        Segment::Text(segment.to_owned())
    });
    (segments.collect(), has_rest)
}

impl Rule {
    /// None if it is not about this path.
    fn rewrite(&self, path: &str, request: &Request) -> Option<Rewritten> {
        let mut rest = Some(path.strip_prefix('/')?);
        let mut named: Vec<(&str, &str)> = Vec::new();
        for wanted in &self.from {
            let (segment, behind) = match rest?.split_once('/') {
                Some((segment, behind)) => (segment, Some(behind)),
                None => (rest?, None),
            };
            match wanted {
                Segment::Text(text) if text == segment => {}
                Segment::Named(name) if !segment.is_empty() => named.push((name, segment)),
                _ => return None,
            }
            rest = behind;
        }
        if rest.is_some() && !self.has_rest {
            return None;
        }
        Some(self.path(&named, rest, request))
    }

    fn path(&self, named: &[(&str, &str)], rest: Option<&str>, request: &Request) -> Rewritten {
        let mut path = String::new();
        for segment in &self.to {
            path.push('/');
            match segment {
                Segment::Text(text) => path.push_str(text),
                Segment::Named(name) => {
                    let segment = named.iter().find(|(other, _)| other == name).map_or("", |(_, segment)| *segment);
                    if is_dots(segment) {
                        return Rewritten::Unusable("a segment can be read as `.` or `..`");
                    }
                    path.push_str(segment);
                }
                Segment::Value(source) => match source.read(request) {
                    Some(value) if !value.is_empty() && !is_dots(&value) => {
                        escape::push(&mut path, &value, Destination::UrlPart);
                    }
                    _ => return Rewritten::Unusable("a value that is a segment is not there, or is none"),
                },
            }
        }
        if let Some(rest) = rest.filter(|_| self.keeps_rest) {
            if rest.split('/').any(is_dots) {
                return Rewritten::Unusable("a segment can be read as `.` or `..`");
            }
            path.push('/');
            path.push_str(rest);
        }
        if path.is_empty() {
            path.push('/');
        }
        Rewritten::To(path)
    }
}

/// Whether a server may take it for `.` or `..`.
fn is_dots(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while !rest.is_empty() {
        let dot = ["%2e", "%2E", "."].into_iter().find_map(|dot| rest.strip_prefix(dot));
        let Some(behind) = dot else { return false };
        (rest, dots) = (behind, dots + 1);
    }
    (1..=2).contains(&dots)
}
