//! Keys as operators write them: a source, `{ all: [...] }`, or a list of both of which the first that is there counts.

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use weir::Faults;
use weir::schema::{Node, Schema};
use weir::source::Source;

/// A key as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Written(Vec<Choice>);

/// One of several, of which the first that is there counts.
#[derive(Clone, Debug)]
enum Choice {
    One(String),
    All(Vec<String>),
}

/// Several values together.
#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Together {
    /// Where they come from; each must be there.
    all: Vec<String>,
}

/// The one word that is no source.
const EVERYONE: &str = "everyone";

/// Each costs every request a look.
const MOST: usize = 8;

impl Written {
    /// The client's address.
    pub(crate) fn usual() -> Self {
        Self(vec![Choice::One("client.ip".to_owned())])
    }

    /// What it means; what is wrong is noted.
    pub(crate) fn read(&self, pointer: &str, faults: &mut Faults) -> Vec<Vec<Source>> {
        let mut source = |text: &str| {
            let read = Source::parse(text).map_err(|why| [&why, ", and `everyone`"].concat());
            read.map_err(|why| faults.at(pointer, &why)).ok()
        };
        let choices: Vec<Vec<Source>> = (self.0.iter())
            .map(|choice| match choice {
                Choice::One(text) if text == EVERYONE => Vec::new(),
                Choice::One(text) => source(text).into_iter().collect(),
                Choice::All(texts) => texts.iter().filter_map(|text| source(text)).collect(),
            })
            .collect();
        let is_empty = |choice: &Choice| matches!(choice, Choice::All(texts) if texts.is_empty());
        if self.0.is_empty() || self.0.iter().any(is_empty) {
            faults.at(pointer, "this names nobody; for one counter of all requests write `everyone`");
        }
        if self.0.len() > MOST || choices.iter().any(|sources| sources.len() > MOST) {
            faults.at(pointer, "a key has at most 8 choices, of at most 8 values each");
        }
        let is_everyone = |choice: &Choice| matches!(choice, Choice::One(text) if text == EVERYONE);
        if self.0.iter().rev().skip(1).any(is_everyone) {
            faults.at(pointer, "what comes after `everyone` is never looked at");
        }
        choices
    }
}

impl Schema for Choice {
    const SCHEMA: &'static Node = &Node::AnyOf(&[&Node::String, Together::SCHEMA]);
}

impl Schema for Written {
    const SCHEMA: &'static Node =
        &Node::AnyOf(&[&Node::String, Together::SCHEMA, &Node::Array(<Choice as Schema>::SCHEMA)]);
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Choice;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("where a value comes from, as `client.ip`, or `{ all: [...] }`")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Choice, E> {
                Ok(Choice::One(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Choice, A::Error> {
                Together::deserialize(MapAccessDeserializer::new(map)).map(|together| Choice::All(together.all))
            }
        }

        deserializer.deserialize_any(Visits)
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Written;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("where a value comes from, as `client.ip`, `{ all: [...] }`, or a list of these")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Written, E> {
                Ok(Written(vec![Choice::One(text.to_owned())]))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                let together = Together::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Written(vec![Choice::All(together.all)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Written, A::Error> {
                let mut choices = Vec::new();
                while let Some(choice) = list.next_element()? {
                    choices.push(choice);
                }
                Ok(Written(choices))
            }
        }

        deserializer.deserialize_any(Visits)
    }
}
