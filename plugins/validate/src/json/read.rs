//! Reading JSON strictly (RFC 8259), within bounds, and without recursion.

use super::place::FEW;
use super::{Json, Kind, Value};

/// What a document may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How deeply arrays and objects may stand in one another.
    pub(crate) depth: usize,
    /// How many steps reading it may take.
    pub(crate) steps: u32,
    /// Whether a name may stand several times in one object.
    pub(crate) duplicates: bool,
}

/// Why a text is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// It is not UTF-8, from this byte on.
    Encoding(usize),
    /// It is not JSON: what is wrong, and before which byte.
    Syntax(&'static str, usize),
    /// It is nested too deeply.
    Deep,
    /// It takes too many steps.
    Large,
    /// A name stands twice in one object; the pointer to it.
    Duplicate(String),
}

/// An object or array that is not at its end.
struct Open {
    at: usize,
    count: u32,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    unescaped: String,
    values: Vec<Value>,
    open: Vec<Open>,
    /// What was taken beside a step for each value.
    taken: u32,
}

/// Bytes that are read in the time of one step.
const BYTES: usize = 32;

/// Steps for each member of an object that has more than a few, whose names are to be compared.
const PER_NAME: u32 = 3;

type Read<T> = Result<T, Unreadable>;

/// Reads a document.
pub(crate) fn read(bytes: Vec<u8>, bounds: &Bounds) -> Read<Json> {
    let text = String::from_utf8(bytes).map_err(|error| Unreadable::Encoding(error.utf8_error().valid_up_to()))?;
    let mut reader = Reader {
        bytes: text.as_bytes(),
        at: 0,
        unescaped: String::new(),
        values: Vec::with_capacity((text.len() / 16).min(bounds.steps as usize)),
        open: Vec::new(),
        taken: number(text.len() / BYTES),
    };
    if text.starts_with('\u{feff}') {
        return Err(Unreadable::Syntax("a byte order mark is not allowed", 0));
    }
    reader.document(bounds)?;
    let steps = reader.steps();
    let Reader { unescaped, values, .. } = reader;
    let json = Json { text, unescaped, values, steps };
    match (!bounds.duplicates).then(|| json.duplicate()).flatten() {
        Some(at) => Err(Unreadable::Duplicate(json.pointer(at))),
        None => Ok(json),
    }
}

impl Reader<'_> {
    fn document(&mut self, bounds: &Bounds) -> Read<()> {
        'values: loop {
            self.value(bounds)?;
            if let Some(open) = self.open.last()
                && open.count == 0
            {
                // A container has just begun; it may be empty.
                let close = self.close();
                if self.peek() != close {
                    self.begin_next(bounds)?;
                    continue;
                }
                self.end();
            }
            loop {
                if self.open.is_empty() {
                    return if self.peek() == 0 && self.at >= self.bytes.len() {
                        Ok(())
                    } else {
                        Err(self.wrong("nothing may follow the value"))
                    };
                }
                match self.peek() {
                    b',' => {
                        self.at += 1;
                        self.begin_next(bounds)?;
                        continue 'values;
                    }
                    byte if byte == self.close() => self.end(),
                    _ => return Err(self.wrong("a comma or the end of an array or object is missing")),
                }
            }
        }
    }

    /// Counts another item or member of the innermost container, and reads a member's name.
    fn begin_next(&mut self, bounds: &Bounds) -> Read<()> {
        let Some(open) = self.open.last_mut() else { return Ok(()) };
        open.count += 1;
        if self.values.get(open.at).is_some_and(|value| value.kind == Kind::Object) {
            if self.peek() != b'"' {
                return Err(self.wrong("the name of a member is missing"));
            }
            self.string()?;
            if self.peek() != b':' {
                return Err(self.wrong("a colon is missing"));
            }
            self.at += 1;
        }
        if self.steps() > bounds.steps { Err(Unreadable::Large) } else { Ok(()) }
    }

    fn steps(&self) -> u32 {
        number(self.values.len()).saturating_add(self.taken)
    }

    /// The byte that ends the innermost container.
    fn close(&self) -> u8 {
        let is_object = |open: &Open| self.values.get(open.at).is_some_and(|value| value.kind == Kind::Object);
        if self.open.last().is_some_and(is_object) { b'}' } else { b']' }
    }

    fn end(&mut self) {
        self.at += 1;
        let after = number(self.values.len());
        let Some(Open { at, count }) = self.open.pop() else { return };
        if count > FEW {
            self.taken = self.taken.saturating_add(count.saturating_mul(PER_NAME));
        }
        if let Some(value) = self.values.get_mut(at) {
            (value.a, value.b) = (count, after);
        }
    }

    /// The next byte that is no space; 0 at the end.
    fn peek(&mut self) -> u8 {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.bytes.get(self.at) {
            self.at += 1;
        }
        self.byte()
    }

    fn byte(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or_default()
    }

    fn wrong(&self, what: &'static str) -> Unreadable {
        Unreadable::Syntax(what, self.at)
    }

    fn push(&mut self, kind: Kind, a: usize, b: usize) {
        self.values.push(Value { kind, a: number(a), b: number(b) });
    }

    fn value(&mut self, bounds: &Bounds) -> Read<()> {
        match self.peek() {
            open @ (b'{' | b'[') => {
                if self.open.len() >= bounds.depth {
                    return Err(Unreadable::Deep);
                }
                self.open.push(Open { at: self.values.len(), count: 0 });
                self.push(if open == b'{' { Kind::Object } else { Kind::Array }, 0, 0);
                self.at += 1;
                Ok(())
            }
            b'"' => self.string(),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word(b"true", Kind::True),
            b'f' => self.word(b"false", Kind::False),
            b'n' => self.word(b"null", Kind::Null),
            0 if self.at >= self.bytes.len() => Err(self.wrong("a value is missing")),
            _ => Err(self.wrong("this is no value")),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Read<()> {
        if !self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return Err(self.wrong("this is no value"));
        }
        self.push(kind, self.at, self.at + word.len());
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Read<()> {
        let start = self.at;
        self.at += usize::from(self.byte() == b'-');
        match self.byte() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits()?,
            _ => return Err(self.wrong("a number needs a digit here")),
        }
        if self.byte() == b'.' {
            self.at += 1;
            self.digits()?;
        }
        if let b'e' | b'E' = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), b'+' | b'-'));
            self.digits()?;
        }
        if self.byte().is_ascii_alphanumeric() {
            return Err(self.wrong("a number ends before this"));
        }
        self.push(Kind::Number, start, self.at);
        Ok(())
    }

    fn digits(&mut self) -> Read<()> {
        if !self.byte().is_ascii_digit() {
            return Err(self.wrong("a number needs a digit here"));
        }
        while self.byte().is_ascii_digit() {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Read<()> {
        self.at += 1;
        let (start, unescaped) = (self.at, self.unescaped.len());
        let (mut plain, mut is_escaped) = (start, false);
        loop {
            match self.byte() {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    self.keep(plain);
                    self.at += 1;
                    let character = self.escape()?;
                    self.unescaped.push(character);
                    plain = self.at;
                }
                0..0x20 if self.at >= self.bytes.len() => return Err(self.wrong("a text does not end")),
                0..0x20 => return Err(self.wrong("a control character must be escaped")),
                _ => self.at += 1,
            }
        }
        if is_escaped {
            self.keep(plain);
            self.push(Kind::Escaped, unescaped, self.unescaped.len());
        } else {
            self.push(Kind::Text, start, self.at);
        }
        self.at += 1;
        Ok(())
    }

    /// Keeps what stands between there and here as it is.
    fn keep(&mut self, from: usize) {
        // Both ends are at ASCII characters.
        let plain = self.bytes.get(from..self.at).and_then(|bytes| std::str::from_utf8(bytes).ok());
        self.unescaped.push_str(plain.unwrap_or_default());
    }

    fn escape(&mut self) -> Read<char> {
        let byte = self.byte();
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.unit()?;
                let code = match unit {
                    0xD800..0xDC00 => {
                        let has_low = self.bytes.get(self.at..).is_some_and(|rest| rest.starts_with(b"\\u"));
                        self.at += if has_low { 2 } else { 0 };
                        let low = if has_low { self.unit()? } else { 0 };
                        match low {
                            0xDC00..0xE000 => 0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00),
                            _ => unit,
                        }
                    }
                    _ => unit,
                };
                return char::from_u32(code).ok_or_else(|| self.wrong("half of a surrogate pair is no character"));
            }
            _ => {
                self.at -= 1;
                return Err(self.wrong("there is no such escape"));
            }
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Read<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            let Some(digit) = char::from(self.byte()).to_digit(16) else {
                return Err(self.wrong("four hexadecimal digits are missing"));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(unit)
    }
}

/// Bodies and schemas have far fewer bytes and values.
fn number(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
