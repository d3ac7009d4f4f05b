//! What a path may be read as: exactly, and in the other ways in which servers read it.
//!
//! The host has removed dot segments, decoded what needs no escape, and refused backslashes, control characters and
//! broken escapes. What is left for servers to differ about are escaped slashes, escapes of escapes, runs of slashes,
//! parameters of segments (`;x`), escaped question marks, and dots and spaces at the end of segments.

use std::borrow::Cow;

/// A path's segments, decoded. The last one is empty if the path ends with a slash.
pub(crate) type Reading<'a> = Vec<Cow<'a, str>>;

/// All ways to read a path.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Readings<'a> {
    /// As it stands: each segment decoded once.
    pub(crate) exact: Reading<'a>,
    /// Those that differ from it.
    pub(crate) others: Vec<Reading<'a>>,
}

/// Why nobody can say what a server would make of a path.
pub(crate) type Ambiguous = &'static str;

/// Bytes beyond which a path is not read in more than one way: so many have none that is meant so.
const LONGEST: usize = 8 << 10;

/// Reads a path in all ways. Those that lead out of a segment are refused: nothing that is meant so is written so.
pub(crate) fn read(path: &str) -> Result<Readings<'_>, Ambiguous> {
    let path = path.strip_prefix('/').ok_or("the path does not begin with `/`")?;
    let exact = path.split('/').map(decode).collect::<Result<Reading<'_>, _>>()?;
    let inner = exact.len() - 1;
    let is_plain = |(at, segment): (usize, &Cow<'_, str>)| (at == inner || !segment.is_empty()) && is_plain(segment);
    if exact.iter().enumerate().all(is_plain) {
        return Ok(Readings { exact, others: Vec::new() });
    }
    if path.len() > LONGEST {
        return Err("it is too long to be read in more than one way");
    }
    let once = decode(path)?;
    let has_slashes = once.matches('/').count() > path.matches('/').count();
    let mut texts = vec![once];
    if let Some(twice) = decode_again(&texts[0])? {
        texts.push(twice);
    }
    // Whether parameters are taken off before the rest is decoded or behind would make further ways of each.
    if (has_slashes || texts.len() > 1) && texts.iter().any(|text| text.contains(';')) {
        return Err("a segment has parameters beside an escaped slash or something that is escaped twice");
    }
    let mut others: Vec<Reading<'_>> = Vec::new();
    for text in &texts {
        for cut in [Cut::Nothing, Cut::Segments, Cut::All] {
            let reading = loosely(text, cut)?;
            if reading != exact && !others.contains(&reading) {
                others.push(reading);
            }
        }
    }
    Ok(Readings { exact, others })
}

/// Whether every server takes this segment for the same.
fn is_plain(segment: &str) -> bool {
    !segment.ends_with(['.', ' ']) && !segment.bytes().any(|byte| b"%;/?#\\".contains(&byte) || byte.is_ascii_control())
}

/// What is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nothing,
    /// What follows a `;` in each segment, and dots and spaces at its end.
    Segments,
    /// That, and what follows a `?` or a `#`.
    All,
}

/// Reads a decoded path without runs of slashes, and without what is cut.
fn loosely(text: &str, cut: Cut) -> Result<Reading<'static>, Ambiguous> {
    let is_cut = cut != Cut::Nothing;
    let text = if cut == Cut::All { before(text, &['?', '#']) } else { text };
    let mut segments = Reading::new();
    let mut ends_with_slash = true;
    for segment in text.split('/') {
        let segment = if is_cut { before(segment, &[';']) } else { segment };
        if matches!(segment.trim_matches(' '), "." | "..") {
            return Err("a segment can be read as `.` or `..`");
        }
        let kept = if is_cut { segment.trim_end_matches(['.', ' ']) } else { segment };
        if kept.is_empty() && !segment.is_empty() {
            return Err("a segment is nothing but dots and spaces");
        }
        ends_with_slash = kept.is_empty();
        if !kept.is_empty() {
            segments.push(Cow::Owned(kept.to_owned()));
        }
    }
    if ends_with_slash {
        segments.push(Cow::Borrowed(""));
    }
    Ok(segments)
}

fn before<'a>(text: &'a str, ends: &[char]) -> &'a str {
    text.find(ends).and_then(|end| text.get(..end)).unwrap_or(text)
}

/// Decodes a text that was decoded before, if it has escapes still.
fn decode_again(text: &str) -> Result<Option<Cow<'static, str>>, Ambiguous> {
    if !has_escapes(text) {
        return Ok(None);
    }
    let twice = decode(text)?.into_owned();
    if has_escapes(&twice) {
        return Err("something is escaped more than twice");
    }
    Ok(Some(Cow::Owned(twice)))
}

/// Decodes each escape once. What is no escape stays.
pub(crate) fn decode(text: &str) -> Result<Cow<'_, str>, Ambiguous> {
    let decoded = if text.contains('%') {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((first, behind)) = rest.split_first() {
            match escaped(rest) {
                Some((byte, behind)) => {
                    bytes.push(byte);
                    rest = behind;
                }
                None => {
                    bytes.push(*first);
                    rest = behind;
                }
            }
        }
        Cow::Owned(String::from_utf8(bytes).map_err(|_| "it is not UTF-8")?)
    } else {
        Cow::Borrowed(text)
    };
    if decoded.bytes().any(|byte| byte == b'\\' || byte.is_ascii_control()) {
        return Err("there is a backslash or a control character");
    }
    Ok(decoded)
}

fn has_escapes(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        rest = rest.get(at..).unwrap_or_default();
        if escaped(rest).is_some() {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The byte that is escaped here, and what is behind it.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, behind @ ..] = text else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some((digit(*high)? << 4 | digit(*low)?, behind))
}
