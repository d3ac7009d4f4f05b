//! Paths as rules have them.

use weir::source::Source;

use super::path;

/// What a segment of a path must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// This, decoded.
    Is(String),
    /// Anything but nothing.
    Any,
    /// The value of this variable.
    Var(String),
}

/// The paths that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    pub(crate) parts: Vec<Part>,
    /// Whether all that is below belongs to it.
    pub(crate) is_prefix: bool,
}

/// Deeper than this is no path that anybody serves; the guest's stack is small.
const DEEPEST: usize = 32;

impl Pattern {
    /// All paths.
    pub(crate) fn all() -> Self {
        Self { parts: Vec::new(), is_prefix: true }
    }

    /// Reads a pattern as it is written, or says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(["`", text, "` ", why].concat());
        if !text.starts_with('/') {
            return wrong("does not begin with `/`; write /exact or /prefix/*");
        }
        if text.contains(['?', '#']) {
            return wrong("has more than a path; rules look at paths, and escaped these characters are %3F and %23");
        }
        let (fixed, is_prefix) = text.strip_suffix("/*").map_or((text, false), |fixed| (fixed, true));
        let mut parts = Vec::new();
        // The path without what is open, to be looked at as a request's.
        let mut sample = String::new();
        for segment in fixed.split('/').skip(1) {
            sample.push('/');
            if segment == "*" {
                parts.push(Part::Any);
                sample.push('x');
            } else if let Some(name) = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
                if !matches!(Source::parse(name), Ok(Source::Var(_))) {
                    return wrong(&["names no variable in `", segment, "`; variables are as in {user.id}"].concat());
                }
                parts.push(Part::Var(name.to_owned()));
                sample.push('x');
            } else if segment.contains(['*', '{', '}']) {
                return wrong(
                    "has `*` or `{}` within a segment; they stand for whole ones, and escaped are %2A, %7B, %7D",
                );
            } else {
                match path::decode(segment) {
                    Ok(decoded) => parts.push(Part::Is(decoded.into_owned())),
                    Err(why) => return wrong(&["is no path that a request could have: ", why].concat()),
                }
                sample.push_str(segment);
            }
        }
        if parts.len() > DEEPEST {
            return wrong("has more than 32 segments");
        }
        if is_prefix || sample.is_empty() {
            sample.push_str("/x");
        }
        match path::read(&sample) {
            Ok(readings) if readings.others.is_empty() => Ok(Self { parts, is_prefix }),
            Ok(_) => wrong("can be read in more than one way; write what is before that, and `/*` behind it"),
            Err(why) => wrong(&["is no path that a request could have: ", why].concat()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Part, Pattern};

    #[test]
    fn patterns_are_read_by_segments() {
        let is = |text: &str| Part::Is(text.to_owned());
        let read = |text: &str| Pattern::parse(text).map(|pattern| (pattern.parts, pattern.is_prefix));
        assert_eq!(read("/"), Ok((vec![is("")], false)));
        assert_eq!(read("/*"), Ok((vec![], true)));
        assert_eq!(read("/docs"), Ok((vec![is("docs")], false)));
        assert_eq!(read("/docs/"), Ok((vec![is("docs"), is("")], false)));
        assert_eq!(read("/docs/*"), Ok((vec![is("docs")], true)));
        assert_eq!(
            read("/users/{user.id}/*/a%20b/%C3%A4ö"),
            Ok((vec![is("users"), Part::Var("user.id".into()), Part::Any, is("a b"), is("äö")], false))
        );
    }

    #[test]
    fn what_would_never_match_or_mean_two_things_is_refused() {
        for (text, why) in [
            ("", "begin with `/`"),
            ("docs", "begin with `/`"),
            ("/a?b", "more than a path"),
            ("/docs/*.pdf", "within a segment"),
            ("/users/{id}", "names no variable"),
            ("/users/{header:x}", "names no variable"),
            ("/users/x{user.id}", "within a segment"),
            ("/a/../b", "can be read as `.` or `..`"),
            ("/a//b", "more than one way"),
            ("/a//*", "more than one way"),
            ("/a%2Fb", "more than one way"),
            ("/a;b", "more than one way"),
            ("/a%2541", "more than one way"),
            ("/a.", "more than one way"),
            ("/a\\b", "backslash"),
            ("/%ff", "not UTF-8"),
            (&"/a".repeat(33), "more than 32"),
        ] {
            let said = Pattern::parse(text).unwrap_err();
            assert!(said.contains(why) && said.contains(text), "{text}: {said}");
        }
    }
}
