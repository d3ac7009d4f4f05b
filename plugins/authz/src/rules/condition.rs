//! What a rule asks of a variable, as it is written under `when`.

use std::fmt;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use weir::schema::{Node, Schema};

use crate::caller::Split;

/// Texts, of which one is enough. A number or a truth is its text, as it is in a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Texts(pub(crate) Vec<String>);

const TEXT: &Node = &Node::AnyOf(&[&Node::String, &Node::Integer { minimum: None, maximum: None }, &Node::Boolean]);

impl Schema for Texts {
    const SCHEMA: &'static Node = &Node::AnyOf(&[TEXT, &Node::Array(TEXT)]);
}

/// What is asked of one variable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// It is this, or one of these.
    pub(crate) is: Option<Texts>,
    /// It is none of these; one that is not there is none.
    pub(crate) not: Option<Texts>,
    /// It is a list with one of these.
    pub(crate) contains: Option<Texts>,
    /// It is a list without any of these; one that is not there is empty.
    pub(crate) lacks: Option<Texts>,
    /// It is there, or it is not.
    pub(crate) exists: Option<bool>,
    /// How a text becomes a list: `auth.scope` by `space`, others by `no`.
    pub(crate) split: Option<Split>,
}

/// The same, or in short a text or a list of texts that it is one of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition(pub(crate) Asked);

impl Schema for Condition {
    const SCHEMA: &'static Node = &Node::AnyOf(&[Texts::SCHEMA, Asked::SCHEMA]);
}

impl Asked {
    /// What is wrong with it, and under which key.
    pub(crate) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let texts = [("/is", &self.is), ("/not", &self.not), ("/contains", &self.contains), ("/lacks", &self.lacks)];
        if let Some((key, _)) = texts.iter().find(|(_, texts)| texts.as_ref().is_some_and(|texts| texts.0.is_empty())) {
            return Some((key, "an empty list is true of nothing; write at least one text"));
        }
        if texts.iter().all(|(_, texts)| texts.is_none()) && self.exists.is_none() {
            return Some(("", "nothing is asked; write a text, or `is`, `not`, `contains`, `lacks` or `exists`"));
        }
        if self.split.is_some() && self.contains.is_none() && self.lacks.is_none() {
            return Some(("/split", "`split` is for `contains` and `lacks`; here is neither"));
        }
        None
    }
}

struct Written;

/// Reads texts, or a group where that is allowed.
enum Read {
    Texts(Vec<String>),
    Group(Asked),
}

impl<'de> Visitor<'de> for Written {
    type Value = Read;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a list of texts, or a group of keys")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Read, E> {
        Ok(Read::Texts(vec![text.to_owned()]))
    }

    fn visit_bool<E: Error>(self, is: bool) -> Result<Read, E> {
        self.visit_str(if is { "true" } else { "false" })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Read, E> {
        Ok(Read::Texts(vec![number.to_string()]))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Read, E> {
        Ok(Read::Texts(vec![number.to_string()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Read, A::Error> {
        let mut texts = Vec::new();
        while let Some(Texts(mut one)) = list.next_element()? {
            texts.append(&mut one);
        }
        Ok(Read::Texts(texts))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Read, A::Error> {
        Asked::deserialize(MapAccessDeserializer::new(map)).map(Read::Group)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Written)? {
            Read::Texts(texts) => Ok(Self(texts)),
            Read::Group(_) => Err(D::Error::custom("expected a text or a list of texts, found a group of keys")),
        }
    }
}

impl<'de> Deserialize<'de> for Condition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(match deserializer.deserialize_any(Written)? {
            Read::Texts(texts) => Asked { is: Some(Texts(texts)), ..Asked::default() },
            Read::Group(asked) => asked,
        }))
    }
}

/// Variables and what is asked of them.
#[derive(Debug, Default)]
pub(crate) struct When(pub(crate) Vec<(String, Condition)>);

impl Schema for When {
    const SCHEMA: &'static Node = &Node::Map(Condition::SCHEMA);
    const DEFAULT: Option<&'static str> = Some("{}");
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = When;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("variables with what they must be")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<When, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(When(members))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
