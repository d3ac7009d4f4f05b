//! One header name, several, or none.

use std::fmt;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use weir::schema::{Node, Schema};
use weir::{Faults, fields};

/// More would be a mistake.
const MOST: usize = 8;

/// Names as they are written: `x-request-id`, `[x-request-id, x-correlation-id]` or `null`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Names {
    names: Vec<String>,
    is_list: bool,
}

impl Names {
    pub(crate) fn one(name: &str) -> Self {
        Self { names: vec![name.to_owned()], is_list: false }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Notes what is wrong with them.
    pub(crate) fn check(&self, faults: &mut Faults, pointer: &str) {
        if self.names.len() > MOST {
            faults.at(pointer, "there are more than 8 headers here");
        }
        for (index, name) in self.iter().enumerate() {
            let pointer = if self.is_list { format!("{pointer}/{index}") } else { pointer.to_owned() };
            fields::check_name(faults, &pointer, name);
        }
    }
}

impl Schema for Names {
    const SCHEMA: &'static Node = &Node::AnyOf(&[&Node::String, &Node::Array(&Node::String), &Node::Null]);
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Names;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a header's name, a list of names, or `null`")
    }

    fn visit_str<E>(self, name: &str) -> Result<Names, E> {
        Ok(Names::one(name))
    }

    fn visit_unit<E>(self) -> Result<Names, E> {
        Ok(Names { names: Vec::new(), is_list: false })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(name) = list.next_element()? {
            names.push(name);
        }
        Ok(Names { names, is_list: true })
    }
}
