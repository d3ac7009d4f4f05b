//! From the configuration's JSON to the filter's type, with the place of what is wrong.
//!
//! A reader of its own, because the usual one knows lines and columns of the JSON, which mean nothing to the operator,
//! and adds more code than the rest of a small filter. The text is the host's own, so grammar that could not matter
//! is not checked.

use std::borrow::Cow;
use std::fmt::Display;

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};

use crate::Fault;

/// Nested deeper than this is no configuration, and would use up the guest's small stack.
const DEPTH: u8 = 64;

/// Reads a configuration.
pub(crate) fn read<'de, T: de::Deserialize<'de>>(text: &'de str) -> Result<T, Fault> {
    let mut reader = Reader { text, at: 0, depth: 0 };
    T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(|problem| {
        let mut pointer = String::new();
        for token in problem.inside_out.iter().rev() {
            pointer.push('/');
            pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
        }
        Fault { pointer, message: problem.message }
    })
}

/// What is wrong, and where: the innermost key or index first.
#[derive(Debug)]
struct Problem {
    inside_out: Vec<String>,
    message: String,
}

impl Problem {
    fn new(message: &str) -> Self {
        Self { inside_out: Vec::new(), message: message.to_owned() }
    }

    fn inside(mut self, token: String) -> Self {
        self.inside_out.push(token);
        self
    }
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: Display>(message: T) -> Self {
        Self { inside_out: Vec::new(), message: message.to_string() }
    }
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    fn peek(&mut self) -> u8 {
        let bytes = self.text.as_bytes();
        while bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        bytes.get(self.at).copied().unwrap_or_default()
    }

    fn broken<T>() -> Result<T, Problem> {
        Err(Problem::new("this is not JSON"))
    }

    fn expect(&mut self, byte: u8) -> Result<(), Problem> {
        if self.peek() != byte {
            return Self::broken();
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str) -> Result<(), Problem> {
        if !self.text[self.at..].starts_with(word) {
            return Self::broken();
        }
        self.at += word.len();
        Ok(())
    }

    fn end(&mut self) -> Result<(), Problem> {
        if self.peek() == 0 && self.at == self.text.len() { Ok(()) } else { Self::broken() }
    }

    fn string(&mut self) -> Result<Cow<'de, str>, Problem> {
        self.expect(b'"')?;
        let mut owned = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(length) = rest.find(['"', '\\']) else { return Self::broken() };
            let plain = &rest[..length];
            self.at += length + 1;
            if rest.as_bytes()[length] == b'"' {
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
        let Some(byte) = self.text.as_bytes().get(self.at) else { return Self::broken() };
        let character = match byte {
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                let mut code = self.unit()?;
                if (0xD800..0xDC00).contains(&code) {
                    self.word("\\u")?;
                    code = 0x1_0000 + ((code - 0xD800) << 10) + (self.unit()?.wrapping_sub(0xDC00) & 0x3FF);
                }
                return char::from_u32(code).map_or_else(Self::broken, Ok);
            }
            b'"' | b'\\' | b'/' => char::from(*byte),
            _ => return Self::broken(),
        };
        self.at += 1;
        Ok(character)
    }

    /// Four hexadecimal digits.
    fn unit(&mut self) -> Result<u32, Problem> {
        let digits = self.text.get(self.at..self.at + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        digits.map_or_else(Self::broken, Ok)
    }

    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, Problem> {
        let rest = &self.text[self.at..];
        let length = rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E')).unwrap_or(rest.len());
        let number = &rest[..length];
        self.at += length;
        if let Ok(number) = number.parse() {
            visitor.visit_u64(number)
        } else if let Ok(number) = number.parse() {
            visitor.visit_i64(number)
        } else if let Ok(number) = number.parse() {
            visitor.visit_f64(number)
        } else {
            Self::broken()
        }
    }

    /// What stands between `open` and `close`.
    fn nested<T>(
        &mut self,
        open: u8,
        close: u8,
        read: impl FnOnce(&mut Self) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.expect(open)?;
        if self.depth == DEPTH {
            return Err(Problem::new("this is nested too deeply"));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        if self.peek() != close {
            return Err(Problem::new("there are more values here than expected"));
        }
        self.at += 1;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.peek() {
            b'{' => self.nested(b'{', b'}', |reader| visitor.visit_map(Parts::of(reader))),
            b'[' => self.nested(b'[', b']', |reader| visitor.visit_seq(Parts::of(reader))),
            b'"' => match self.string()? {
                Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
                Cow::Owned(text) => visitor.visit_string(text),
            },
            b't' => self.word("true").and_then(|()| visitor.visit_bool(true)),
            b'f' => self.word("false").and_then(|()| visitor.visit_bool(false)),
            b'n' => self.word("null").and_then(|()| visitor.visit_unit()),
            _ => self.number(visitor),
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

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        // Fields without names would be no configuration that anybody can read.
        if self.peek() == b'[' {
            return Err(Problem::invalid_type(Unexpected::Seq, &visitor));
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        match self.peek() {
            b'"' => visitor.visit_enum(self.string()?.into_deserializer()),
            b'{' => self.nested(b'{', b'}', |reader| visitor.visit_enum(Variant { reader, name: String::new() })),
            _ => Err(Problem::new("the name of a variant is expected here")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct
        map identifier ignored_any
    }
}

/// The values of an object or a list.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    key: String,
    index: usize,
}

impl<'a, 'de> Parts<'a, 'de> {
    fn of(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, key: String::new(), index: 0 }
    }

    /// Whether there is another one; the comma before it is read.
    fn more(&mut self, close: u8) -> Result<bool, Problem> {
        if self.reader.peek() == close {
            return Ok(false);
        }
        if self.index > 0 {
            self.reader.expect(b',')?;
        }
        self.index += 1;
        Ok(true)
    }
}

impl<'de> MapAccess<'de> for Parts<'_, 'de> {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        if !self.more(b'}')? {
            return Ok(None);
        }
        self.reader.peek();
        let key = self.reader.string()?;
        self.key = key.clone().into_owned();
        let read = match key {
            Cow::Borrowed(key) => seed.deserialize(de::value::BorrowedStrDeserializer::new(key)),
            Cow::Owned(key) => seed.deserialize(key.into_deserializer()),
        };
        read.map(Some).map_err(|problem: Problem| problem.inside(std::mem::take(&mut self.key)))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader).map_err(|problem| problem.inside(std::mem::take(&mut self.key)))
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Problem;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Problem> {
        if !self.more(b']')? {
            return Ok(None);
        }
        let index = self.index - 1;
        seed.deserialize(&mut *self.reader).map(Some).map_err(|problem| problem.inside(index.to_string()))
    }
}

/// A variant with its value: `{"name": value}`.
struct Variant<'a, 'de> {
    reader: &'a mut Reader<'de>,
    name: String,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = Problem;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(mut self, seed: S) -> Result<(S::Value, Self), Problem> {
        self.name = self.reader.string()?.into_owned();
        let name: de::value::StrDeserializer<'_, Problem> = self.name.as_str().into_deserializer();
        let variant = seed.deserialize(name).map_err(|problem| problem.inside(self.name.clone()))?;
        self.reader.expect(b':')?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Problem;

    fn unit_variant(self) -> Result<(), Problem> {
        Err(Problem::new("this variant has no value: write its name alone").inside(self.name))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Problem> {
        seed.deserialize(self.reader).map_err(|problem| problem.inside(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.reader.deserialize_any(visitor).map_err(|problem| problem.inside(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        self.reader.deserialize_any(visitor).map_err(|problem| problem.inside(self.name))
    }
}
