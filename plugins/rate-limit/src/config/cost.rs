//! Costs as operators write them: a number, numbers by method, or a size of the answer.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use weir::schema::{Node, Schema};
use weir::{Faults, config};

use crate::cost::Cost;

/// A cost as it is written.
#[derive(Clone, Debug)]
pub(crate) enum Written {
    Number(u64),
    Group(Group),
}

/// A cost that depends on something.
#[derive(Clone, Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Group {
    /// Costs by method.
    methods: Option<BTreeMap<String, u64>>,
    /// Of the methods that are not named; 1 if it is not there.
    default: Option<u64>,
    /// One for so many bytes of the answer.
    answer: Option<config::Size>,
}

/// The greatest cost of a request.
const MOST: u64 = 1_000_000;

impl Written {
    /// What it means; what is wrong is noted.
    pub(crate) fn read(&self, pointer: &str, faults: &mut Faults) -> Cost {
        let mut number = |place: &[&str], cost: u64| {
            if cost > MOST {
                faults.at(&[&[pointer], place].concat().concat(), "a request costs at most 1,000,000");
            }
            i64::try_from(cost.min(MOST)).unwrap_or_default()
        };
        match self {
            Self::Number(cost) => Cost::Each(number(&[], *cost)),
            Self::Group(Group { methods: Some(methods), default, answer: None }) => {
                let costs =
                    methods.iter().map(|(method, cost)| (method.clone(), number(&["/methods/", method], *cost)));
                let costs: Vec<(String, i64)> = costs.collect();
                let others = number(&["/default"], default.unwrap_or(1));
                for method in methods.keys().filter(|method| !is_method(method)) {
                    let message = ["`", method, "` is no method; they are written in capitals, as POST"].concat();
                    faults.at(&[pointer, "/methods"].concat(), &message);
                }
                Cost::Methods(costs, others)
            }
            Self::Group(Group { methods: None, default: None, answer: Some(size) }) => {
                let bytes = i64::try_from(size.bytes()).unwrap_or(i64::MAX);
                if !(1..=1 << 30).contains(&bytes) {
                    faults.at(&[pointer, "/answer"].concat(), "a permit stands for 1B to 1GiB of an answer");
                }
                Cost::Answer(bytes.clamp(1, 1 << 30))
            }
            Self::Group(_) => {
                faults.at(pointer, "write a number, `methods` with or without `default`, or `answer`");
                Cost::Each(1)
            }
        }
    }
}

/// Methods are compared as they are, so `post` would be one that nobody uses.
fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || b"-_".contains(&byte))
}

impl Schema for Written {
    const SCHEMA: &'static Node = &Node::AnyOf(&[u64::SCHEMA, Group::SCHEMA]);
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Written;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a whole number, `methods` with their costs, or `answer` with a size")
            }

            fn visit_u64<E: Error>(self, cost: u64) -> Result<Written, E> {
                Ok(Written::Number(cost))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Written, A::Error> {
                Group::deserialize(MapAccessDeserializer::new(map)).map(Written::Group)
            }
        }

        deserializer.deserialize_any(Visits)
    }
}
