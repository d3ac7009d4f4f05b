//! The tokens of JSON, as RFC 8259 has them and no other way: what one parser takes and another does not is refused.

/// Why a document cannot be read, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    pub(crate) at: usize,
    pub(crate) why: &'static str,
}

impl Unreadable {
    pub(super) fn new<T>(at: usize, why: &'static str) -> Result<T, Self> {
        Err(Self { at, why })
    }
}

/// A text without its quotes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text {
    /// Where its closing quote is.
    pub(super) end: usize,
    pub(super) has_escapes: bool,
}

/// The byte here; NUL, which no token begins with, behind the end.
#[inline]
pub(super) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or(0)
}

/// Where the next token begins.
#[inline]
pub(super) fn space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(byte(bytes, at), b' ' | b'\n' | b'\r' | b'\t') {
        at += 1;
    }
    at
}

/// Reads the text whose first byte, behind its quote, is here.
#[inline]
pub(super) fn text(bytes: &[u8], mut at: usize) -> Result<Text, Unreadable> {
    let mut has_escapes = false;
    loop {
        at = plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok(Text { end: at, has_escapes }),
            Some(b'\\') => {
                has_escapes = true;
                at = escape(bytes, at)?;
            }
            Some(_) => return Unreadable::new(at, "a control character stands in a text"),
            None => return Unreadable::new(at, "it ends within a text"),
        }
    }
}

/// Over what stands for itself, eight bytes at a time: most of a document is this.
#[inline]
fn plain(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    // The lowest bit that is set belongs to the first byte that is less; those above may be wrong.
    let less = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
    while let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let word = u64::from_le_bytes(*word);
        let found = less(word, 0x20) | less(word ^ (ONES * 0x22), 1) | less(word ^ (ONES * 0x5C), 1);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| *byte >= 0x20 && !matches!(byte, b'"' | b'\\')) {
        at += 1;
    }
    at
}

/// Over the escape that begins here. One half of a pair alone is no character.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Unreadable> {
    match byte(bytes, at + 1) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(at + 2),
        b'u' => match (unit(bytes, at + 2), unit(bytes, at + 8)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) if bytes.get(at + 6..at + 8) == Some(b"\\u") => Ok(at + 12),
            (Some(0xD800..=0xDFFF), _) => Unreadable::new(at, "an escape is half of a character"),
            (Some(_), _) => Ok(at + 6),
            (None, _) => Unreadable::new(at, "an escape has no four digits"),
        },
        _ => Unreadable::new(at, "there is no such escape"),
    }
}

/// Four hexadecimal digits.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..)?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// Reads the number that begins here; where it ends.
#[inline]
pub(super) fn number(bytes: &[u8], start: usize) -> Result<usize, Unreadable> {
    let mut at = start + usize::from(byte(bytes, start) == b'-');
    at = match byte(bytes, at) {
        b'0' => at + 1,
        _ => digits(bytes, at)?,
    };
    if byte(bytes, at) == b'.' {
        at = digits(bytes, at + 1)?;
    }
    if matches!(byte(bytes, at), b'e' | b'E') {
        let signed = usize::from(matches!(byte(bytes, at + 1), b'+' | b'-'));
        at = digits(bytes, at + 1 + signed)?;
    }
    Ok(at)
}

#[inline]
fn digits(bytes: &[u8], start: usize) -> Result<usize, Unreadable> {
    let mut at = start;
    while byte(bytes, at).is_ascii_digit() {
        at += 1;
    }
    if at == start { Unreadable::new(at, "a number lacks a digit") } else { Ok(at) }
}

/// Reads the word that begins here: `true`, `false` or `null`; where it ends.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> Result<usize, Unreadable> {
    for word in [&b"true"[..], b"false", b"null"] {
        if bytes.get(at..at + word.len()) == Some(word) {
            return Ok(at + word.len());
        }
    }
    Unreadable::new(at, if at < bytes.len() { "no value begins so" } else { "it ends where a value is due" })
}

/// What a text that was read stands for.
pub(super) fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('\\') {
        plain.push_str(before);
        let unit = |at: usize| unit(from.as_bytes(), at).unwrap_or_default();
        let (character, length) = match byte(from.as_bytes(), 0) {
            b'b' => ('\u{8}', 1),
            b'f' => ('\u{c}', 1),
            b'n' => ('\n', 1),
            b'r' => ('\r', 1),
            b't' => ('\t', 1),
            b'u' => match unit(1) {
                high @ 0xD800..=0xDBFF => {
                    let code = 0x1_0000 + ((high - 0xD800) << 10) + (unit(7).wrapping_sub(0xDC00) & 0x3FF);
                    (char::from_u32(code).unwrap_or_default(), 11)
                }
                unit => (char::from_u32(unit).unwrap_or_default(), 5),
            },
            other => (char::from(other), 1),
        };
        plain.push(character);
        rest = from.get(length..).unwrap_or_default();
    }
    plain.push_str(rest);
    plain
}
