//! Names and values in the order in which they are written.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use weir::schema::{Node, Schema};

/// The members of an object.
#[derive(Debug)]
pub(crate) struct Pairs<T>(pub(crate) Vec<(String, T)>);

impl<T> Default for Pairs<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Schema> Schema for Pairs<T> {
    const SCHEMA: &'static Node = &Node::Map(T::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("{}");
}

impl<T> Pairs<T> {
    /// The members that follow.
    pub(crate) fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error>
    where
        T: Deserialize<'de>,
    {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Self(members))
    }
}

impl Pairs<String> {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData))
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = Pairs<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a group of keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Pairs<T>, A::Error> {
        Pairs::read(map)
    }
}
