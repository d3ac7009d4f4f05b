//! The parts of objects, lists and variants, for serde: what is wrong with one is told with its key or index.

use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::json::Reader;
use super::problem::Problem;

/// The values of an object or a list.
pub(super) struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    key: String,
    index: usize,
}

impl<'a, 'de> Parts<'a, 'de> {
    pub(super) fn of(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, key: String::new(), index: 0 }
    }

    // There are copies of what depends on the type that is read; what does not is to be there once.

    /// Whether there is another key; then it is read.
    #[inline(never)]
    fn next_key(&mut self) -> Result<bool, Problem> {
        if !self.more(b'}')? {
            return Ok(false);
        }
        self.reader.peek();
        self.key = self.reader.string()?.into_owned();
        Ok(true)
    }

    #[inline(never)]
    fn inside(&mut self, problem: Problem) -> Problem {
        problem.inside(std::mem::take(&mut self.key))
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
        if !self.next_key()? {
            return Ok(None);
        }
        let read = seed.deserialize(de::value::StrDeserializer::new(&self.key));
        read.map(Some).map_err(|problem| self.inside(problem))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Problem> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader).map_err(|problem| self.inside(problem))
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
pub(super) struct Variant<'a, 'de> {
    reader: &'a mut Reader<'de>,
    name: String,
}

impl<'a, 'de> Variant<'a, 'de> {
    pub(super) fn of(reader: &'a mut Reader<'de>) -> Self {
        Self { reader, name: String::new() }
    }
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
        Err(Problem::new(&["`", &self.name, "` has no value: write the name alone"]))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Problem> {
        seed.deserialize(self.reader).map_err(|problem| problem.inside(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Problem> {
        self.reader.deserialize_seq(visitor).map_err(|problem| problem.inside(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Problem> {
        self.reader.deserialize_map(visitor).map_err(|problem| problem.inside(self.name))
    }
}
