//! Reading JSON for serde. Each kind of value is read by itself: what a type does not ask for, as numbers with
//! fractions, is not in the component.

use std::borrow::Cow;

use serde::de::{Deserializer, Error as _, Expected, IntoDeserializer, Unexpected, Visitor};

use super::parts::{Parts, Variant};
use super::problem::Problem;
use super::raw;

/// Nested deeper than this is no configuration, and would use up the guest's small stack.
const DEPTH: u8 = 64;

pub(super) struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    pub(super) fn new(text: &'de str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    pub(super) fn end(&mut self) -> Result<(), Problem> {
        if self.peek() == 0 && self.at >= self.text.len() { Ok(()) } else { broken() }
    }

    /// What stands from here on.
    fn rest(&self) -> &'de str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no space; 0 at the end.
    pub(super) fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or_default()
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Problem> {
        if self.peek() != byte {
            return broken();
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Problem> {
        if !self.rest().starts_with(word) {
            return broken();
        }
        self.at += word.len();
        Ok(())
    }

    pub(super) fn string(&mut self) -> Result<Cow<'de, str>, Problem> {
        self.expect(b'"')?;
        let mut owned = String::new();
        loop {
            let rest = self.rest();
            let Some(length) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\')) else { return broken() };
            let plain = rest.get(..length).unwrap_or_default();
            self.at += length + 1;
            if rest.as_bytes().get(length) == Some(&b'"') {
                if owned.is_empty() {
                    return Ok(Cow::Borrowed(plain));
                }
                owned.push_str(plain);
                return Ok(Cow::Owned(owned));
            }
            owned.push_str(plain);
            owned.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, Problem> {
        let byte = self.rest().bytes().next().unwrap_or_default();
        self.at += 1;
        Ok(match byte {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut code = self.unit()?;
                if (0xD800..0xDC00).contains(&code) {
                    self.word("\\u")?;
                    code = 0x1_0000 + ((code - 0xD800) << 10) + (self.unit()?.wrapping_sub(0xDC00) & 0x3FF);
                }
                return char::from_u32(code).map_or_else(broken, Ok);
            }
            b'"' | b'\\' | b'/' => char::from(byte),
            _ => return broken(),
        })
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Problem> {
        let digits = self.rest().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        digits.map_or_else(broken, Ok)
    }

    /// The text of a number.
    fn number(&mut self) -> &'de str {
        self.peek();
        let rest = self.rest();
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.as_bytes().iter().take_while(|byte| is_part(byte)).count();
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// What stands between `open` and `close`.
    fn nested<T>(
        &mut self,
        open: u8,
        close: u8,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.enter(open)?;
        let value = read(self)?;
        self.leave(close)?;
        Ok(value)
    }

    // There are copies of what depends on the type that is read; what does not is to be there once.
    #[inline(never)]
    fn enter(&mut self, open: u8) -> Result<(), Problem> {
        self.expect(open)?;
        if self.depth == DEPTH {
            return Err(Problem::new(&["this is nested too deeply"]));
        }
        self.depth += 1;
        Ok(())
    }

    #[inline(never)]
    fn leave(&mut self, close: u8) -> Result<(), Problem> {
        self.depth -= 1;
        if self.peek() != close {
            return Err(Problem::new(&["there are more values here than expected"]));
        }
        self.at += 1;
        Ok(())
    }

    fn object<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        self.nested(b'{', b'}', |reader| visitor.visit_map(Parts::of(reader)))
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        self.nested(b'[', b']', |reader| visitor.visit_seq(Parts::of(reader)))
    }

    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    /// A whole number, with a sign or without.
    #[inline(never)]
    fn whole(&mut self) -> (Option<u64>, Option<i64>) {
        let number = self.number();
        (number.parse().ok(), number.parse().ok())
    }

    fn truth<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        let truth = self.peek() == b't';
        self.word(if truth { "true" } else { "false" })?;
        visitor.visit_bool(truth)
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        match self.whole() {
            (Some(number), _) => visitor.visit_u64(number),
            (_, Some(number)) => visitor.visit_i64(number),
            _ => Err(Problem::invalid_type(Unexpected::Float(0.0), &visitor)),
        }
    }

    fn fraction<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        float(self.number()).map_or_else(broken, |number| visitor.visit_f64(number))
    }

    fn nothing<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        self.word("null").and_then(|()| visitor.visit_unit())
    }

    /// The text of a value.
    fn verbatim<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        let (rest, start) = (self.rest(), self.at);
        self.skip()?;
        visitor.visit_borrowed_str(rest.get(..self.at - start).unwrap_or_default())
    }

    /// Reads over a value.
    fn skip(&mut self) -> Result<(), Problem> {
        let mut depth = 0_u32;
        loop {
            match self.peek() {
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' => {
                    depth = depth.saturating_sub(1);
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => self.at += 1,
                b'"' => drop(self.string()?),
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ if self.number().is_empty() => return broken(),
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// What stands here, and is something else.
    fn unexpected(&mut self, expected: &dyn Expected) -> Problem {
        let found = match self.peek() {
            b'{' => Unexpected::Map,
            b'[' => Unexpected::Seq,
            b'"' => Unexpected::Str(""),
            b't' | b'f' => Unexpected::Bool(true),
            b'n' => Unexpected::Unit,
            b'0'..=b'9' | b'-' => match self.number().parse() {
                Ok(number) => Unexpected::Signed(number),
                Err(_) => Unexpected::Float(0.0),
            },
            _ => return Problem::new(&[BROKEN]),
        };
        Problem::invalid_type(found, expected)
    }
}

/// A number with a fraction or an exponent. Rust's own reading of them is 17 KB of code and tables; this one is right to the
/// last bit with up to 15 digits and exponents to 22, and next to it beyond.
fn float(text: &str) -> Option<f64> {
    let (digits, exponent) = match text.split_once(['e', 'E']) {
        Some((digits, exponent)) => (digits, exponent.strip_prefix('+').unwrap_or(exponent).parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, behind) = digits.split_once('.').unwrap_or((digits, ""));
    let behind = behind.trim_end_matches('0');
    let mut number = 0.0_f64;
    for digit in whole.strip_prefix('-').unwrap_or(whole).bytes().chain(behind.bytes()) {
        number = number * 10.0 + f64::from(char::from(digit).to_digit(10)?);
    }
    let exponent = exponent.checked_sub(i32::try_from(behind.len()).ok()?)?;
    let mut left = exponent.unsigned_abs().min(MOST_ZEROS);
    while left > 0 {
        // Powers up to this one are exact.
        let step = left.min(22);
        let power = (0..step).fold(1.0, |power, _| power * 10.0);
        number = if exponent < 0 { number / power } else { number * power };
        left -= step;
    }
    Some(if whole.starts_with('-') { -number } else { number })
}

/// Beyond it every number is 0 or infinite, as long as its digits are fewer.
const MOST_ZEROS: u32 = 1000;

const BROKEN: &str = "this is not JSON";

fn broken<T>() -> Result<T, Problem> {
    Err(Problem::new(&[BROKEN]))
}

/// Reads the kind of value that begins with these bytes.
macro_rules! kinds {
    ($($method:ident $(($($name:ident: $type:ty),*))?, $first:pat => $read:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self $(, $($name: $type),*)?, visitor: V) -> Result<V::Value, Problem> {
            $($(let _ = $name;)*)?
            match self.peek() {
                $first => self.$read(visitor),
                _ => Err(self.unexpected(&visitor)),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Problem;

    kinds! {
        deserialize_bool, b't' | b'f' => truth;
        deserialize_i8, b'0'..=b'9' | b'-' => integer;
        deserialize_i16, b'0'..=b'9' | b'-' => integer;
        deserialize_i32, b'0'..=b'9' | b'-' => integer;
        deserialize_i64, b'0'..=b'9' | b'-' => integer;
        deserialize_u8, b'0'..=b'9' | b'-' => integer;
        deserialize_u16, b'0'..=b'9' | b'-' => integer;
        deserialize_u32, b'0'..=b'9' | b'-' => integer;
        deserialize_u64, b'0'..=b'9' | b'-' => integer;
        deserialize_f32, b'0'..=b'9' | b'-' => fraction;
        deserialize_f64, b'0'..=b'9' | b'-' => fraction;
        deserialize_char, b'"' => text;
        deserialize_str, b'"' => text;
        deserialize_string, b'"' => text;
        deserialize_bytes, b'"' => text;
        deserialize_byte_buf, b'"' => text;
        deserialize_identifier, b'"' => text;
        deserialize_unit, b'n' => nothing;
        deserialize_seq, b'[' => list;
        deserialize_tuple(length: usize), b'[' => list;
        deserialize_tuple_struct(name: &'static str, length: usize), b'[' => list;
        deserialize_map, b'{' => object;
        deserialize_struct(name: &'static str, fields: &'static [&'static str]), b'{' => object;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.peek() {
            b'{' => self.object(visitor),
            b'[' => self.list(visitor),
            b'"' => self.text(visitor),
            b't' | b'f' => self.truth(visitor),
            b'n' => self.nothing(visitor),
            b'0'..=b'9' | b'-' => {
                let start = self.at;
                let is_fraction = self.number().bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
                self.at = start;
                if is_fraction { self.fraction(visitor) } else { self.integer(visitor) }
            }
            _ => broken(),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        if self.peek() == b'n' {
            self.word("null").and_then(|()| visitor.visit_none())
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Problem> {
        match self.peek() {
            _ if name == raw::NAME => self.verbatim(visitor),
            b'n' => self.nothing(visitor),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.peek() {
            b'"' => visitor.visit_enum(self.string()?.into_deserializer()),
            b'{' => self.nested(b'{', b'}', |reader| visitor.visit_enum(Variant::of(reader))),
            _ => Err(self.unexpected(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.skip()?;
        visitor.visit_unit()
    }
}
