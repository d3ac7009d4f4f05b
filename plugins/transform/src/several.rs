//! One of something, or a list of them.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use weir::schema::{Node, Schema};

/// As it is written: `one` or `[one, another]`.
#[derive(Debug)]
pub(crate) struct Several<T> {
    items: Vec<T>,
    is_list: bool,
}

impl<T> Default for Several<T> {
    fn default() -> Self {
        Self { items: Vec::new(), is_list: true }
    }
}

impl<T> Several<T> {
    /// Each with the place where it stands, if all of them stand at this one.
    pub(crate) fn placed(self, pointer: &str) -> impl Iterator<Item = (String, T)> {
        let Self { items, is_list } = self;
        items.into_iter().enumerate().map(move |(index, item)| {
            let place = if is_list { [pointer, "/", &index.to_string()].concat() } else { pointer.to_owned() };
            (place, item)
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }
}

impl<T: Schema> Schema for Several<T> {
    const SCHEMA: &'static Node = &Node::AnyOf(&[T::SCHEMA, &Node::Array(T::SCHEMA)]);
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written(PhantomData))
    }
}

struct Written<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Written<T> {
    type Value = Several<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one, or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Several<T>, E> {
        T::deserialize(StrDeserializer::new(text)).map(|one| Several { items: vec![one], is_list: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Several<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| Several { items: vec![one], is_list: false })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Several<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Several { items, is_list: true })
    }
}
