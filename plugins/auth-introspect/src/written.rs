//! Forms in which operators write values here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use weir::schema::{Node, Schema};

use crate::requirements::Required;

/// Names and values in the order in which they are written.
#[derive(Debug, Default)]
pub(crate) struct Pairs(pub(crate) Vec<(String, String)>);

impl Schema for Pairs {
    const SCHEMA: &'static Node = &Node::Map(&Node::String);
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Pairs;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a group of keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Visits)
    }
}

/// Claims that must be there: a name, or names with the values that count.
#[derive(Debug)]
pub(crate) struct Demand(pub(crate) Vec<Required>);

impl Schema for Demand {
    const SCHEMA: &'static Node = &Node::AnyOf(&[&Node::String, &Node::Map(Words::SCHEMA)]);
}

impl<'de> Deserialize<'de> for Demand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Demand;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a claim's name, or a name with values")
            }

            fn visit_str<E>(self, name: &str) -> Result<Demand, E> {
                Ok(Demand(vec![Required { claim: name.to_owned(), values: Vec::new() }]))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Demand, A::Error> {
                let mut all = Vec::new();
                while let Some((claim, Words(values))) = map.next_entry()? {
                    all.push(Required { claim, values });
                }
                Ok(Demand(all))
            }
        }

        deserializer.deserialize_any(Visits)
    }
}

/// One value or a list of them, as they stand in variables.
struct Words(Vec<String>);

impl Words {
    const SCHEMA: &'static Node = &Node::AnyOf(&[Self::WORD, &Node::Array(Self::WORD)]);
    const WORD: &'static Node =
        &Node::AnyOf(&[&Node::String, &Node::Boolean, &Node::Integer { minimum: None, maximum: None }]);
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Words;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text, a whole number, `true` or `false`, or a list of them")
            }

            fn visit_str<E>(self, word: &str) -> Result<Words, E> {
                Ok(Words(vec![word.to_owned()]))
            }

            fn visit_bool<E>(self, word: bool) -> Result<Words, E> {
                Ok(Words(vec![if word { "true" } else { "false" }.to_owned()]))
            }

            fn visit_u64<E>(self, word: u64) -> Result<Words, E> {
                Ok(Words(vec![word.to_string()]))
            }

            fn visit_i64<E>(self, word: i64) -> Result<Words, E> {
                Ok(Words(vec![word.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut all = Vec::new();
                while let Some(Words(words)) = list.next_element()? {
                    all.extend(words);
                }
                Ok(Words(all))
            }
        }

        deserializer.deserialize_any(Visits)
    }
}
