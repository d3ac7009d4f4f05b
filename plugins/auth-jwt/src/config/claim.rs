//! A claim that is required, as it is written: `sub`, or `{ role: [admin, editor] }`.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use weir::schema::{Node, Schema};

/// A claim, and the values of which it must have one; of none, it must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) name: String,
    pub(crate) values: Vec<String>,
}

impl Schema for Claim {
    const SCHEMA: &'static Node =
        &Node::AnyOf(&[&Node::String, &Node::Map(&Node::AnyOf(&[SCALAR, &Node::Array(SCALAR)]))]);
}

const SCALAR: &Node = &Node::AnyOf(&[&Node::String, &Node::Boolean, &Node::Integer { minimum: None, maximum: None }]);

impl<'de> Deserialize<'de> for Claim {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Claim;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a claim's name, or one name with the values that it may have")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Claim, E> {
        Ok(Claim { name: name.to_owned(), values: Vec::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claim, A::Error> {
        let one = || de::Error::custom("write one claim here, and each other one as an item of its own");
        let (name, values): (String, Values) = map.next_entry()?.ok_or_else(one)?;
        if map.next_key::<String>()?.is_some() {
            return Err(one());
        }
        if values.0.is_empty() {
            return Err(de::Error::custom("no value would do; write the claim's name alone if any does"));
        }
        Ok(Claim { name, values: values.0 })
    }
}

/// One value or several: what a claim is as plain text.
struct Values(Vec<String>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Several)
    }
}

struct Several;

impl<'de> Visitor<'de> for Several {
    type Value = Values;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a text, a whole number, `true` or `false`, or a list of them")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Values, E> {
        Ok(Values(vec![text.to_owned()]))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Values, E> {
        Ok(Values(vec![(if value { "true" } else { "false" }).to_owned()]))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Values, E> {
        Ok(Values(vec![number.to_string()]))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Values, E> {
        Ok(Values(vec![number.to_string()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Values, A::Error> {
        let mut values = Vec::new();
        while let Some(Values(value)) = list.next_element()? {
            values.extend(value);
        }
        Ok(Values(values))
    }
}
