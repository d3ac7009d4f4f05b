//! Going through a text, and refusing what is not JSON.

use std::borrow::Cow;

use super::{DEEPEST, MOST_MEMBERS, Value};

/// What is wrong with a text.
pub(super) type Read<T> = Result<T, &'static str>;

pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: u8,
    /// The names of the objects that are being read, each with its hash: the outermost first.
    names: Vec<(u32, Cow<'a, str>)>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0, names: Vec::with_capacity(32) }
    }

    /// Nothing must follow.
    pub(super) fn end(&mut self) -> Read<()> {
        self.skip_spaces();
        if self.at == self.text.len() { Ok(()) } else { Err("something follows the JSON") }
    }

    /// Reads over a value.
    pub(super) fn value(&mut self) -> Read<Value<'a>> {
        self.skip_spaces();
        let start = self.at;
        match self.byte() {
            Some(b'{') => self.object(&mut |_, _| ())?,
            Some(b'[') => self.list(&mut |_| ())?,
            Some(b'"') => drop(self.string()?),
            Some(b't') => self.word("true")?,
            Some(b'f') => self.word("false")?,
            Some(b'n') => self.word("null")?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => return Err(BROKEN),
        }
        self.text.get(start..self.at).map(Value::of).ok_or(BROKEN)
    }

    /// Reads an object and hands over its members.
    pub(super) fn object(&mut self, each: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) -> Read<()> {
        self.enter(b'{')?;
        let first = self.names.len();
        let mut more = !self.is_next(b'}');
        while more {
            self.skip_spaces();
            let name = self.string()?;
            self.remember(first, name.clone())?;
            if !self.is_next(b':') {
                return Err(BROKEN);
            }
            let value = self.value()?;
            each(name, value);
            more = self.is_next(b',');
            if !more && !self.is_next(b'}') {
                return Err(BROKEN);
            }
        }
        self.names.truncate(first);
        self.depth -= 1;
        Ok(())
    }

    /// Reads a list and hands over its values.
    pub(super) fn list(&mut self, each: &mut dyn FnMut(Value<'a>)) -> Read<()> {
        self.enter(b'[')?;
        let mut more = !self.is_next(b']');
        while more {
            let value = self.value()?;
            each(value);
            more = self.is_next(b',');
            if !more && !self.is_next(b']') {
                return Err(BROKEN);
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Which of two members with the same name counts, readers do not agree on: what one of them checked is not what the
    /// other one takes.
    fn remember(&mut self, first: usize, name: Cow<'a, str>) -> Read<()> {
        let hash = hash(name.as_bytes());
        let siblings = self.names.get(first..).unwrap_or_default();
        if siblings.len() >= MOST_MEMBERS {
            return Err("an object has more than 256 members");
        }
        if siblings.iter().any(|(other, known)| *other == hash && *known == name) {
            return Err("an object has two members of one name");
        }
        self.names.push((hash, name));
        Ok(())
    }

    /// A text, as it is meant.
    pub(super) fn string(&mut self) -> Read<Cow<'a, str>> {
        if self.byte() != Some(b'"') {
            return Err(BROKEN);
        }
        self.at += 1;
        let start = self.at;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..b' ')).ok_or(BROKEN)?;
        self.at += length;
        match rest.get(length) {
            Some(b'"') => {
                self.at += 1;
                self.text.get(start..start + length).map(Cow::Borrowed).ok_or(BROKEN)
            }
            Some(b'\\') => self.escaped(start).map(Cow::Owned),
            _ => Err(BROKEN),
        }
    }

    /// The same from the first escape on.
    #[inline(never)]
    fn escaped(&mut self, start: usize) -> Read<String> {
        let mut text = self.text.get(start..self.at).ok_or(BROKEN)?.to_owned();
        let mut plain = self.at;
        loop {
            let byte = self.byte();
            if matches!(byte, Some(b'"' | b'\\')) {
                text.push_str(self.text.get(plain..self.at).ok_or(BROKEN)?);
            }
            self.at += 1;
            match byte {
                Some(b'"') => return Ok(text),
                Some(b'\\') => {
                    text.push(self.escape()?);
                    plain = self.at;
                }
                Some(b' '..) => {}
                _ => return Err(BROKEN),
            }
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Read<char> {
        let byte = self.byte().ok_or(BROKEN)?;
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.unit()?;
                if (0xD800..0xDC00).contains(&code) {
                    self.word("\\u")?;
                    let low = self.unit()?;
                    if !(0xDC00..0xE000).contains(&low) {
                        return Err("a text is not Unicode");
                    }
                    code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                }
                char::from_u32(code).ok_or("a text is not Unicode")?
            }
            _ => return Err(BROKEN),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Read<u32> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(BROKEN)?;
        self.at += 4;
        digits.chars().try_fold(0, |code, digit| Ok(code << 4 | digit.to_digit(16).ok_or(BROKEN)?))
    }

    fn number(&mut self) -> Read<()> {
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(())
    }

    /// At least one.
    fn digits(&mut self) -> Read<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(BROKEN) }
    }

    fn word(&mut self, word: &str) -> Read<()> {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += word.len();
        if found { Ok(()) } else { Err(BROKEN) }
    }

    fn enter(&mut self, open: u8) -> Read<()> {
        if !self.is_next(open) {
            return Err(BROKEN);
        }
        if self.depth == DEEPEST {
            return Err("it is nested too deeply");
        }
        self.depth += 1;
        Ok(())
    }

    /// Whether this stands next; then it is read.
    fn is_next(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        let is_next = self.byte() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn skip_spaces(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    pub(super) fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

const BROKEN: &str = "it is not JSON";

/// FNV-1a: enough to look at few names twice.
fn hash(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811C_9DC5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}
