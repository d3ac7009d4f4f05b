//! The text of an endpoint's answer: its own form, or that of Open Policy Agent, which has it under `result`.
//!
//! What stands twice is no answer. Read by hand, because the usual reading of values of several kinds takes the last of
//! two, and is much code.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// What stands in an answer.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Members {
    pub(super) allow: Option<bool>,
    pub(super) headers: Option<Vec<(String, String)>>,
    pub(super) reason: Option<String>,
    pub(super) result: Option<Box<Members>>,
    /// Whether there is something that is neither here nor about an agent's work.
    pub(super) has_others: bool,
}

/// What an agent's answer may have without a result, where no rule of its policy holds.
const ABOUT: [&str; 4] = ["decision_id", "explanation", "metrics", "provenance"];

impl Members {
    pub(super) fn read(text: &[u8]) -> Result<Self, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_slice(text);
        let members = Reads { is_result: false }.deserialize(&mut reader)?;
        reader.end().map(|()| members)
    }
}

/// Reads members; those of a result, which has no result in it, may be `true` or `false` alone.
struct Reads {
    is_result: bool,
}

impl<'de> DeserializeSeed<'de> for Reads {
    type Value = Members;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Members, D::Error> {
        if self.is_result { deserializer.deserialize_any(self) } else { deserializer.deserialize_map(self) }
    }
}

impl<'de> Visitor<'de> for Reads {
    type Value = Members;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a decision")
    }

    fn visit_bool<E>(self, allow: bool) -> Result<Members, E> {
        Ok(Members { allow: Some(allow), ..Members::default() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        while let Some(key) = map.next_key::<String>()? {
            let is_new = match key.as_str() {
                "allow" => members.allow.replace(map.next_value()?).is_none(),
                "reason" => members.reason.replace(map.next_value()?).is_none(),
                "headers" => members.headers.replace(map.next_value_seed(Pairs)?).is_none(),
                "result" if !self.is_result => {
                    members.result.replace(map.next_value_seed(Self { is_result: true })?.into()).is_none()
                }
                other => {
                    members.has_others |= !ABOUT.contains(&other);
                    map.next_value::<IgnoredAny>()?;
                    true
                }
            };
            if !is_new {
                return Err(A::Error::custom("something stands in it twice"));
            }
        }
        Ok(members)
    }
}

/// Names and texts.
struct Pairs;

impl<'de> DeserializeSeed<'de> for Pairs {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, String)>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("names and texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(pairs)
    }
}
