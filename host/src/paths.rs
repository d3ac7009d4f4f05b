//! Paths in one spelling, so that what is matched is what is sent: RFC 3986, 5.2.4 and 6.2.2.
//!
//! Nothing here knows routes, and query strings are nobody's business here. What two servers might read differently is
//! refused rather than guessed.

use std::borrow::Cow;

/// What the operator chose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// What becomes of `%2F`.
    pub encoded_slash: EncodedSlash,
    /// Whether a run of `/` counts as one, before dot segments are looked at.
    pub merge_slashes: bool,
}

/// What becomes of `%2F`, which some servers read as `/` and others do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EncodedSlash {
    /// Refused.
    #[default]
    Reject,
    /// Part of a segment, sent as `%2F`.
    Keep,
}

/// What one server reads one way and the next another. Bytes are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ambiguous {
    /// It does not begin with `/`.
    #[error("the path does not begin with / at byte 0")]
    NotAbsolute,
    /// `%2F`, where that is not kept.
    #[error("an encoded slash at byte {0}")]
    EncodedSlash(usize),
    /// Where `%2F` is kept: `.` or `..` beside it, a dot segment to whoever decodes first.
    #[error("dots beside an encoded slash, in the segment that begins at byte {0}")]
    EncodedDotSegment(usize),
    /// `\` or `%5C`, a slash on some systems.
    #[error("a backslash at byte {0}")]
    Backslash(usize),
    /// NUL or `%00`, the end of the text on some systems.
    #[error("a NUL at byte {0}")]
    Nul(usize),
    /// Another control character, plain or encoded.
    #[error("a control character at byte {0}")]
    Control(usize),
    /// `%` without two hexadecimal digits.
    #[error("an invalid escape at byte {0}")]
    Escape(usize),
}

/// The path in its one spelling; it is borrowed when it is that already.
///
/// Dot segments are gone, what needs no escape has none, what needs one has it in capitals.
pub fn normalize(path: &str, rules: Rules) -> Result<Cow<'_, str>, Ambiguous> {
    if !path.starts_with('/') {
        return Err(Ambiguous::NotAbsolute);
    }
    Ok(match first_change(path.as_bytes(), rules)? {
        None => Cow::Borrowed(path),
        Some(sound) => Cow::Owned(rewrite(path, sound, rules)?),
    })
}

/// What is left of a path without the prefix (which has no slash at its end), with the query if there is one.
///
/// A path that is not the prefix and not below it is returned as it is. What is left may begin with `//`: it is a path,
/// not a reference with a host.
pub fn strip<'a>(path_and_query: &'a str, prefix: &str) -> Cow<'a, str> {
    match path_and_query.strip_prefix(prefix) {
        Some("") => Cow::Borrowed("/"),
        Some(rest) if rest.starts_with('/') => Cow::Borrowed(rest),
        Some(rest) if rest.starts_with('?') => Cow::Owned(format!("/{rest}")),
        _ => Cow::Borrowed(path_and_query),
    }
}

/// What stands at one place: a byte, as it is or as `%XX`.
#[derive(Clone, Copy)]
struct Unit {
    byte: u8,
    /// How many bytes it takes in the path.
    length: usize,
    /// Whether its one spelling is an escape.
    escaped: bool,
    /// Whether it stands in that spelling.
    sound: bool,
}

/// Where the first segment begins that does not stay as it is.
fn first_change(path: &[u8], rules: Rules) -> Result<Option<usize>, Ambiguous> {
    let (mut at, mut segment, mut kept_slash) = (0, 0, false);
    while let Some(&byte) = path.get(at) {
        if PLAIN[usize::from(byte)] {
            at += 1;
        } else if byte == b'/' {
            if kept_slash {
                check_dots(&path[segment..at], segment)?;
            }
            (segment, kept_slash) = (at, false);
            at += 1;
            match path.get(at) {
                Some(b'.') if is_dots(path[at..].split(|byte| *byte == b'/').next()) => return Ok(Some(segment)),
                Some(b'/') if rules.merge_slashes => return Ok(Some(segment)),
                _ => {}
            }
        } else {
            let unit = read(path, at, rules)?;
            if !unit.sound {
                return Ok(Some(segment));
            }
            kept_slash |= unit.byte == b'/';
            at += unit.length;
        }
    }
    if kept_slash {
        check_dots(&path[segment..], segment)?;
    }
    Ok(None)
}

/// The path in its one spelling, the same as before up to the slash at `sound`.
fn rewrite(path: &str, sound: usize, rules: Rules) -> Result<String, Ambiguous> {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(bytes.len() + 16);
    out.push_str(&path[..sound]);
    let mut at = sound;
    // Each round takes a slash and the segment behind it.
    while at < bytes.len() {
        while rules.merge_slashes && bytes.get(at + 1) == Some(&b'/') {
            at += 1;
        }
        let (segment, start) = (at, out.len());
        out.push('/');
        at += 1;
        let mut kept_slash = false;
        while at < bytes.len() && bytes[at] != b'/' {
            let unit = read(bytes, at, rules)?;
            if unit.escaped {
                out.push('%');
                out.push(char::from(HEX[usize::from(unit.byte >> 4)]));
                out.push(char::from(HEX[usize::from(unit.byte & 15)]));
                kept_slash |= unit.byte == b'/';
            } else {
                out.push(char::from(unit.byte));
            }
            at += unit.length;
        }
        let dots = out.len() - start - 1;
        if is_dots(Some(&out.as_bytes()[start + 1..])) {
            out.truncate(start);
            if dots == 2 {
                // Nothing is above the root.
                out.truncate(out.rfind('/').unwrap_or(0));
            }
            if at == bytes.len() {
                out.push('/');
            }
        } else if kept_slash {
            check_dots(&out.as_bytes()[start..], segment)?;
        }
    }
    Ok(out)
}

fn read(path: &[u8], at: usize, rules: Rules) -> Result<Unit, Ambiguous> {
    let mut unit = Unit { byte: path[at], length: 1, escaped: false, sound: true };
    if unit.byte == b'%' {
        let digit = |place: usize| path.get(at + place).and_then(|byte| hex(*byte)).ok_or(Ambiguous::Escape(at));
        unit = Unit { byte: digit(1)? << 4 | digit(2)?, length: 3, escaped: true, sound: true };
    }
    match unit.byte {
        0 => Err(Ambiguous::Nul(at)),
        b'\\' => Err(Ambiguous::Backslash(at)),
        byte if byte.is_ascii_control() => Err(Ambiguous::Control(at)),
        b'/' if unit.escaped && rules.encoded_slash == EncodedSlash::Reject => Err(Ambiguous::EncodedSlash(at)),
        byte if unit.escaped => {
            unit.escaped = !is_unreserved(byte);
            unit.sound = unit.escaped && !path[at + 1..at + 3].iter().any(u8::is_ascii_lowercase);
            Ok(unit)
        }
        byte => {
            unit.escaped = !PLAIN[usize::from(byte)];
            unit.sound = !unit.escaped;
            Ok(unit)
        }
    }
}

/// Whether the segment is a dot segment.
fn is_dots(segment: Option<&[u8]>) -> bool {
    matches!(segment, Some(b"." | b".."))
}

/// Checks a segment, with its slash, that has `%2F` in it.
fn check_dots(segment: &[u8], at: usize) -> Result<(), Ambiguous> {
    let mut rest = &segment[1..];
    while let Some(end) = rest.windows(3).position(|window| window == b"%2F") {
        if is_dots(Some(&rest[..end])) {
            return Err(Ambiguous::EncodedDotSegment(at));
        }
        rest = &rest[end + 3..];
    }
    if is_dots(Some(rest)) { Err(Ambiguous::EncodedDotSegment(at)) } else { Ok(()) }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may stand in a segment without an escape: RFC 3986, `pchar`.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        plain[byte as usize] = is_unreserved(byte)
            || matches!(
                byte,
                b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@'
            );
        byte += 1;
    }
    plain
};

#[cfg(test)]
mod tests;
