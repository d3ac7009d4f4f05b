//! Whether a client has a file already, or wants another state of it (RFC 9110, 8.8 and 13).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{
    ETAG, HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue};

use super::open::Facts;

/// A file that was changed so shortly ago may be changed once more within the same moment of its clock.
const SETTLED: Duration = Duration::from_secs(1);

/// What names a state of a file to clients.
#[derive(Debug)]
pub(super) struct Validators {
    /// With its quotes, without `W/`.
    tag: String,
    is_strong: bool,
    modified: Option<SystemTime>,
}

/// What the client's conditions come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// The file is sent.
    Send,
    /// The client has it: 304.
    NotModified,
    /// It is not as the client wants it: 412.
    Failed,
}

impl Validators {
    /// Those of a file; none if its time tells nothing. What it is encoded with tells one form of it from the others.
    pub(super) fn of(facts: Facts, encoding: Option<&HeaderValue>, now: SystemTime) -> Option<Self> {
        let changed = facts.changed()?;
        let nanoseconds = facts.modified?.as_nanos();
        let encoding = encoding.and_then(|encoding| encoding.to_str().ok()).unwrap_or_default();
        let encoding: String = encoding.chars().filter(char::is_ascii_alphanumeric).collect();
        let separator = if encoding.is_empty() { "" } else { "-" };
        Some(Self {
            tag: format!("\"{:x}-{nanoseconds:x}{separator}{encoding}\"", facts.size),
            is_strong: changed + SETTLED <= now,
            // No time may be behind that of the answer.
            modified: Some(whole(changed.min(now))),
        })
    }

    /// Puts them into an answer.
    pub(super) fn tell(&self, fields: &mut HeaderMap) {
        let weak = if self.is_strong { "" } else { "W/" };
        if let Ok(tag) = HeaderValue::try_from([weak, &self.tag].concat()) {
            fields.insert(ETAG, tag);
        }
        if let Some(modified) = self.modified
            && let Ok(date) = HeaderValue::try_from(httpdate::fmt_http_date(modified))
        {
            fields.insert(LAST_MODIFIED, date);
        }
    }

    /// In the order that RFC 9110 has (13.2.2), without ranges.
    pub(super) fn decide(&self, asked: &HeaderMap) -> Decision {
        if asked.contains_key(IF_MATCH) {
            if !self.is_among(asked, IF_MATCH, true) {
                return Decision::Failed;
            }
        } else if let Some(date) = date(asked, IF_UNMODIFIED_SINCE)
            && self.modified.is_some_and(|modified| modified > date)
        {
            return Decision::Failed;
        }
        if asked.contains_key(IF_NONE_MATCH) {
            if self.is_among(asked, IF_NONE_MATCH, false) {
                return Decision::NotModified;
            }
        } else if let Some(date) = date(asked, IF_MODIFIED_SINCE)
            && self.modified.is_some_and(|modified| modified <= date)
        {
            return Decision::NotModified;
        }
        Decision::Send
    }

    /// Whether a part of the file fits to what the client has (13.1.5).
    pub(super) fn may_be_parted(&self, asked: &HeaderMap) -> bool {
        let Some(wanted) = asked.get(IF_RANGE) else { return true };
        if !self.is_strong {
            return false;
        }
        let is_tag = wanted.as_bytes().starts_with(b"\"") || wanted.as_bytes().starts_with(b"W/");
        if is_tag { wanted.as_bytes() == self.tag.as_bytes() } else { date(asked, IF_RANGE) == self.modified }
    }

    fn is_among(&self, asked: &HeaderMap, name: HeaderName, strongly: bool) -> bool {
        asked.get_all(name).iter().any(|list| {
            list.as_bytes().trim_ascii() == b"*"
                || tags(list.as_bytes())
                    .any(|(is_weak, tag)| tag == self.tag.as_bytes() && !(strongly && (is_weak || !self.is_strong)))
        })
    }
}

/// Each tag of a list with its quotes, and whether it is weak. What is no tag ends the list.
fn tags(mut rest: &[u8]) -> impl Iterator<Item = (bool, &[u8])> {
    std::iter::from_fn(move || {
        let begin = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b','))?;
        let list = &rest[begin..];
        let (is_weak, list) = list.strip_prefix(b"W/").map_or((false, list), |tag| (true, tag));
        let behind = list.strip_prefix(b"\"")?;
        let end = behind.iter().position(|byte| *byte == b'"')?;
        let (tag, after) = list.split_at(end + 2);
        rest = after;
        Some((is_weak, tag))
    })
}

/// A field's time; what is none, or stands there twice, does not count.
fn date(asked: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let mut values = asked.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    httpdate::parse_http_date(value.to_str().ok()?).ok()
}

/// Clients are told whole seconds.
fn whole(time: SystemTime) -> SystemTime {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::super::open::Facts;
    use super::{Decision, Validators, tags};

    const THEN: u64 = 784_111_777;

    fn validators(age: Duration) -> Validators {
        let modified = Duration::new(THEN, 500);
        let facts = Facts { size: 10, modified: Some(modified) };
        Validators::of(facts, None, UNIX_EPOCH + modified + age).unwrap()
    }

    fn fields(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn conditions_are_asked_in_their_order() {
        let old = validators(Duration::from_hours(1));
        let mut told = HeaderMap::new();
        old.tell(&mut told);
        let tag: &'static str = told["etag"].to_str().unwrap().to_owned().leak();
        let weak: &'static str = format!("\"x\", W/{tag}").leak();
        assert_eq!(told["last-modified"], "Sun, 06 Nov 1994 08:49:37 GMT");
        let same = "Sunday, 06-Nov-94 08:49:37 GMT";
        let before = "Sun Nov  6 08:49:36 1994";
        for (asked, wanted) in [
            (vec![], Decision::Send),
            (vec![("if-match", tag)], Decision::Send),
            (vec![("if-match", "*")], Decision::Send),
            (vec![("if-match", "\"other\"")], Decision::Failed),
            (vec![("if-match", weak)], Decision::Failed),
            (vec![("if-match", "nonsense")], Decision::Failed),
            // The date counts only without the tag.
            (vec![("if-match", tag), ("if-unmodified-since", before)], Decision::Send),
            (vec![("if-unmodified-since", before)], Decision::Failed),
            (vec![("if-unmodified-since", same)], Decision::Send),
            (vec![("if-none-match", tag)], Decision::NotModified),
            (vec![("if-none-match", weak)], Decision::NotModified),
            (vec![("if-none-match", " * ")], Decision::NotModified),
            (vec![("if-none-match", "\"other\""), ("if-modified-since", same)], Decision::Send),
            (vec![("if-modified-since", same)], Decision::NotModified),
            (vec![("if-modified-since", before)], Decision::Send),
            (vec![("if-modified-since", "yesterday")], Decision::Send),
            (vec![("if-modified-since", same), ("if-modified-since", same)], Decision::Send),
            // What fails comes before what the client has.
            (vec![("if-match", "\"other\""), ("if-none-match", tag)], Decision::Failed),
        ] {
            assert_eq!(old.decide(&fields(&asked)), wanted, "{asked:?}");
        }
        for (asked, wanted) in [
            (tag, true),
            ("\"other\"", false),
            (format!("W/{tag}").leak(), false),
            (same, true),
            (before, false),
            ("nonsense", false),
        ] {
            assert_eq!(old.may_be_parted(&fields(&[("if-range", asked)])), wanted, "{asked}");
        }
        assert!(old.may_be_parted(&HeaderMap::new()));
    }

    #[test]
    fn a_file_that_may_change_once_more_has_no_strong_tag() {
        let new = validators(Duration::from_millis(900));
        let mut told = HeaderMap::new();
        new.tell(&mut told);
        let weak: &'static str = told["etag"].to_str().unwrap().to_owned().leak();
        let strong = weak.strip_prefix("W/").unwrap();
        assert_eq!(new.decide(&fields(&[("if-none-match", weak)])), Decision::NotModified);
        assert_eq!(new.decide(&fields(&[("if-none-match", strong)])), Decision::NotModified);
        assert_eq!(new.decide(&fields(&[("if-match", weak)])), Decision::Failed);
        for range in [weak, strong, "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert!(!new.may_be_parted(&fields(&[("if-range", range)])));
        }
    }

    #[test]
    fn states_and_forms_of_a_file_have_other_tags() {
        let tag = |size, nanoseconds, encoding: Option<&'static str>| {
            let facts = Facts { size, modified: Some(Duration::new(THEN, nanoseconds)) };
            let encoding = encoding.map(HeaderValue::from_static);
            Validators::of(facts, encoding.as_ref(), UNIX_EPOCH + Duration::from_secs(2 * THEN)).unwrap().tag
        };
        let all = [tag(1, 1, None), tag(2, 1, None), tag(1, 2, None), tag(1, 1, Some("br")), tag(1, 1, Some("gzip"))];
        for (index, one) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| other != one), "{one}");
        }
        for modified in [None, Some(Duration::ZERO), Some(Duration::from_secs(1))] {
            assert!(Validators::of(Facts { size: 1, modified }, None, UNIX_EPOCH).is_none());
        }
    }

    #[test]
    fn lists_of_tags_are_read_as_far_as_they_are_tags() {
        let read =
            |list: &'static str| tags(list.as_bytes()).map(|(weak, tag)| (weak, tag.to_vec())).collect::<Vec<_>>();
        let all = vec![(false, b"\"a,b\"".to_vec()), (true, b"\"\"".to_vec()), (false, b"\"c\"".to_vec())];
        assert_eq!(read(" ,\"a,b\",W/\"\" \t,, \"c\""), all);
        assert_eq!(read("\"a,b\",W/\"\",\"c\" d, \"e\""), all);
        for none in ["", "a", "W/", "\"", "w/\"a\""] {
            assert!(read(none).is_empty(), "{none}");
        }
    }
}
