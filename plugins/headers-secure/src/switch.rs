//! A header that is written or switched off.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use weir::schema::{Node, Schema};

/// A value, or `false` or `null` for none.
#[derive(Debug)]
pub(crate) enum Switch<T> {
    On(T),
    Off,
}

impl<T> Switch<T> {
    pub(crate) fn into_option(self) -> Option<T> {
        match self {
            Self::On(value) => Some(value),
            Self::Off => None,
        }
    }
}

/// Off is what is not written and has no other default.
impl<T> Default for Switch<T> {
    fn default() -> Self {
        Self::Off
    }
}

impl<T: Schema> Schema for Switch<T> {
    const SCHEMA: &'static Node = &Node::AnyOf(&[T::SCHEMA, &Node::Marked(r#""const":false"#), &Node::Null]);
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Switch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written(PhantomData))
    }
}

struct Written<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Written<T> {
    type Value = Switch<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the header's value, or `false` for none")
    }

    fn visit_unit<E>(self) -> Result<Switch<T>, E> {
        Ok(Switch::Off)
    }

    fn visit_bool<E: Error>(self, is_on: bool) -> Result<Switch<T>, E> {
        if is_on {
            return Err(E::custom("`true` does not say what the header is; leave the key out for its default"));
        }
        Ok(Switch::Off)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Switch<T>, E> {
        T::deserialize(StrDeserializer::new(text)).map(Switch::On)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Switch<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Switch::On)
    }
}

/// A text as it stands in the header, or its parts by name.
#[derive(Debug)]
pub(crate) enum Policy {
    Text(String),
    Parts(Vec<(String, Vec<String>)>),
}

impl Schema for Policy {
    const SCHEMA: &'static Node =
        &Node::AnyOf(&[&Node::String, &Node::Map(&Node::AnyOf(&[&Node::String, &Node::Array(&Node::String)]))]);
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Policy;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a group of keys")
            }

            fn visit_str<E>(self, text: &str) -> Result<Policy, E> {
                Ok(Policy::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Policy, A::Error> {
                let mut parts = Vec::new();
                while let Some((name, Words(words))) = map.next_entry()? {
                    parts.push((name, words));
                }
                Ok(Policy::Parts(parts))
            }
        }

        deserializer.deserialize_any(Visits)
    }
}

/// The pointer to a part of a policy (RFC 6901).
pub(crate) fn part(policy: &str, name: &str) -> String {
    [policy, "/", &name.replace('~', "~0").replace('/', "~1")].concat()
}

/// One word or a list of them.
struct Words(Vec<String>);

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Words;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, word: &str) -> Result<Words, E> {
                Ok(Words(vec![word.to_owned()]))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = list.next_element()? {
                    words.push(word);
                }
                Ok(Words(words))
            }
        }

        deserializer.deserialize_any(Visits)
    }
}
