//! JSON read strictly: what two readers could understand in two ways is refused. An object names each member once, numbers
//! keep their digits, and nesting has an end that the guest's small stack can bear.

/// Levels of objects and lists.
const DEPTH: usize = 16;

/// A value. Numbers are kept as they are written: none is rounded on its way into a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Reads a whole text, or says what is wrong with it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8")?;
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        if reader.peek().is_none() { Ok(value) } else { Err("something follows the JSON value") }
    }

    /// The member of an object.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => members.iter().find(|(member, _)| member == name).map(|(_, value)| value),
            _ => None,
        }
    }

    /// As it stands in a variable: texts as they are, everything else as compact JSON.
    pub(crate) fn to_text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => {
                let mut written = String::new();
                other.write(&mut written);
                written
            }
        }
    }

    /// Compact JSON.
    pub(crate) fn write(&self, to: &mut String) {
        match self {
            Self::Null => to.push_str("null"),
            Self::Bool(true) => to.push_str("true"),
            Self::Bool(false) => to.push_str("false"),
            Self::Number(number) => to.push_str(number),
            Self::Text(text) => quote(text, to),
            Self::List(values) => {
                to.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        to.push(',');
                    }
                    value.write(to);
                }
                to.push(']');
            }
            Self::Object(members) => {
                to.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    if index > 0 {
                        to.push(',');
                    }
                    quote(name, to);
                    to.push(':');
                    value.write(to);
                }
                to.push('}');
            }
        }
    }
}

fn quote(text: &str, to: &mut String) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\0'..='\u{1f}' => {
                to.push_str("\\u00");
                let code = u32::from(character);
                for digit in [code >> 4, code & 15] {
                    to.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
            other => to.push(other),
        }
    }
    to.push('"');
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

type Read<T> = Result<T, &'static str>;

const BROKEN: &str = "it is not JSON";

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Whether this byte is next; then it is read.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth == DEPTH {
            return Err("it is nested more than 16 levels deep");
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Value::Text),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(BROKEN),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Read<Value> {
        if !self.rest().starts_with(word) {
            return Err(BROKEN);
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut members: Vec<(String, Value)> = Vec::new();
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(BROKEN);
            }
            let name = self.string()?;
            if !self.takes(b':') {
                return Err(BROKEN);
            }
            let value = self.value(depth + 1)?;
            members.push((name, value));
            if self.takes(b'}') {
                break;
            }
            if !self.takes(b',') {
                return Err(BROKEN);
            }
        }
        // Sorted, so that an object with very many members takes no time that grows with their square.
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            return Err("a member stands in it twice");
        }
        Ok(Value::Object(members))
    }

    fn list(&mut self, depth: usize) -> Read<Value> {
        self.at += 1;
        let mut values = Vec::new();
        if self.takes(b']') {
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            if self.takes(b']') {
                return Ok(Value::List(values));
            }
            if !self.takes(b',') {
                return Err(BROKEN);
            }
        }
    }

    fn string(&mut self) -> Read<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let length = rest.bytes().position(|byte| byte < b' ' || byte == b'"' || byte == b'\\').ok_or(BROKEN)?;
            text.push_str(rest.get(..length).unwrap_or_default());
            self.at += length + 1;
            match rest.as_bytes().get(length) {
                Some(b'"') => return Ok(text),
                Some(b'\\') => text.push(self.escaped()?),
                _ => return Err("a text in it has a control character"),
            }
        }
    }

    fn escaped(&mut self) -> Read<char> {
        let byte = self.rest().bytes().next().ok_or(BROKEN)?;
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
                    let is_pair = self.rest().starts_with("\\u");
                    self.at += 2;
                    let low = if is_pair { self.unit()? } else { 0 };
                    if !(0xDC00..0xE000).contains(&low) {
                        return Err(HALF);
                    }
                    code = 0x1_0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
                }
                return char::from_u32(code).ok_or(HALF);
            }
            _ => return Err(BROKEN),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Read<u32> {
        let digits = self.rest().as_bytes().get(..4).ok_or(BROKEN)?;
        self.at += 4;
        digits
            .iter()
            .try_fold(0, |code, digit| char::from(*digit).to_digit(16).map(|digit| code << 4 | digit).ok_or(BROKEN))
    }

    fn number(&mut self) -> Read<Value> {
        let rest = self.rest();
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.bytes().take_while(is_part).count();
        let number = rest.get(..length).unwrap_or_default();
        self.at += length;
        if is_number(number) { Ok(Value::Number(number.to_owned())) } else { Err(BROKEN) }
    }
}

const HALF: &str = "a text in it has half a character";

/// Whether this is a number of JSON (RFC 8259, 6): `-0`, `12.5e+3`, but not `012`, `.5` or `1.`.
fn is_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits)
        && exponent.is_none_or(|exponent| is_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)))
}

#[cfg(test)]
mod tests;
