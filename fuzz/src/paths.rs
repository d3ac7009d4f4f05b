//! Paths: one spelling each, and the same one as the `url` crate's.

use std::borrow::Cow;

use url::Url;
use weir_host::paths::{Ambiguous, EncodedSlash, Rules, normalize, strip};

/// Panics if something does not hold for this path.
pub fn check(path: &str) {
    for encoded_slash in [EncodedSlash::Reject, EncodedSlash::Keep] {
        for merge_slashes in [false, true] {
            let rules = Rules { encoded_slash, merge_slashes };
            match normalize(path, rules) {
                Ok(normal) => {
                    let is_copy = matches!(normal, Cow::Owned(_));
                    assert_eq!(is_copy, normal != path, "copied for nothing: {path:?}");
                    is_normal(path, &normal, rules);
                }
                Err(refused) => has_reason(path, refused),
            }
        }
    }
    agrees_with_url(path);
    strips(path);
}

fn is_normal(path: &str, normal: &str, rules: Rules) {
    let again = normalize(normal, rules);
    assert!(matches!(again, Ok(Cow::Borrowed(_))), "{path:?} gave {normal:?}, and that {again:?}");
    assert!(normal.starts_with('/'), "{path:?} gave {normal:?}");
    for segment in normal.split('/').flat_map(|segment| segment.split("%2F")) {
        assert!(segment != "." && segment != "..", "{path:?} gave {normal:?}");
    }
    assert!(!rules.merge_slashes || !normal.contains("//"), "{path:?} gave {normal:?}");
    let mut rest = normal.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%' {
            let (digits, after) = rest.split_at(2);
            let escaped = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
            assert!(!digits.iter().any(u8::is_ascii_lowercase), "{path:?} gave {normal:?}");
            assert!(!is_unreserved(escaped) && !escaped.is_ascii_control(), "{path:?} gave {normal:?}");
            assert!(escaped != b'/' || rules.encoded_slash == EncodedSlash::Keep, "{path:?} gave {normal:?}");
            assert!(escaped != b'\\', "{path:?} gave {normal:?}");
            rest = after;
        } else {
            assert!(is_unreserved(byte) || b"/!$&'()*+,;=:@".contains(&byte), "{path:?} gave {normal:?}");
        }
    }
}

/// What is refused is there, at the place that is named.
fn has_reason(path: &str, refused: Ambiguous) {
    let bytes = path.as_bytes();
    let escaped = |at: usize, is: fn(u8) -> bool| {
        bytes[at] == b'%' && u8::from_str_radix(&path[at + 1..at + 3], 16).is_ok_and(is)
    };
    let is_there = match refused {
        Ambiguous::NotAbsolute => !path.starts_with('/'),
        Ambiguous::EncodedSlash(at) => escaped(at, |byte| byte == b'/'),
        Ambiguous::EncodedDotSegment(at) => bytes[at] == b'/' && path[at..].to_ascii_uppercase().contains("%2F"),
        Ambiguous::Backslash(at) => bytes[at] == b'\\' || escaped(at, |byte| byte == b'\\'),
        Ambiguous::Nul(at) => bytes[at] == 0 || escaped(at, |byte| byte == 0),
        Ambiguous::Control(at) => bytes[at].is_ascii_control() || escaped(at, |byte| byte.is_ascii_control()),
        Ambiguous::Escape(at) => {
            let digits = bytes[at + 1..].iter().take(2).filter(|byte| byte.is_ascii_hexdigit());
            bytes[at] == b'%' && digits.count() < 2
        }
    };
    assert!(is_there, "{path:?} is refused: {refused}");
}

/// The `url` crate, a browser's reading, gives the same path, up to what it leaves as it was written: escapes of
/// unreserved characters, small letters in escapes, and `[`, `]`, `^` and `|`.
///
/// Not compared: what this proxy refuses (a browser reads `\` as `/`, drops tabs and line ends, and encodes or lets pass
/// other control characters and `%` alone), `?` and `#`, which end a path there, and segments such as `C:` and `C|`,
/// which that crate takes for drives that `..` does not leave (the standard has that for `file:` only).
fn agrees_with_url(path: &str) {
    let rules = Rules { encoded_slash: EncodedSlash::Keep, merge_slashes: false };
    let Ok(normal) = normalize(path, rules) else { return };
    let is_drive = |segment: &str| matches!(segment.as_bytes(), [b'a'..=b'z' | b'A'..=b'Z', b':' | b'|']);
    if path.contains(['?', '#']) || path.split('/').any(is_drive) {
        return;
    }
    // The question mark keeps spaces at the end from being trimmed as the URL's surroundings.
    let url = Url::parse(&format!("http://h{path}?")).unwrap();
    assert_eq!(normal, respell(url.path()), "{path:?}");
}

fn respell(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some(first) = rest.chars().next() {
        let length = if first == '%' { 3 } else { 1 };
        let (unit, after) = rest.split_at(length);
        let byte = if first == '%' { u8::from_str_radix(&unit[1..], 16).unwrap() } else { rest.as_bytes()[0] };
        if first == '%' && !is_unreserved(byte) || "[]^|".contains(first) {
            out.push_str(&format!("%{byte:02X}"));
        } else {
            out.push(char::from(byte));
        }
        rest = after;
    }
    out
}

/// Whatever slash a prefix ends before, prefix and rest are the whole again.
fn strips(path: &str) {
    if !path.starts_with('/') {
        return;
    }
    assert_eq!(strip(path, path), "/", "{path:?}");
    for (at, _) in path.match_indices('/') {
        let (prefix, rest) = path.split_at(at);
        assert_eq!(strip(path, prefix), rest, "{path:?} without {prefix:?}");
    }
    for (at, _) in path.match_indices('?') {
        let (prefix, rest) = path.split_at(at);
        assert_eq!(strip(path, prefix), format!("/{rest}"), "{path:?} without {prefix:?}");
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
