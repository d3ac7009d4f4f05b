//! Statuses of responses, one by one or by their first digit: `404`, `2xx`.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use weir::schema::{Node, Schema};

/// Statuses, from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Statuses {
    first: u16,
    last: u16,
}

impl Statuses {
    pub(crate) fn have(self, status: u16) -> bool {
        (self.first..=self.last).contains(&status)
    }
}

impl Schema for Statuses {
    const SCHEMA: &'static Node =
        &Node::AnyOf(&[&Node::Integer { minimum: Some(200), maximum: Some(599) }, &Node::Pattern("^[2-5]xx$")]);
}

impl<'de> Deserialize<'de> for Statuses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl Visitor<'_> for Written {
    type Value = Statuses;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a status from 200 to 599, or all with a first digit, as `2xx`")
    }

    fn visit_u64<E: de::Error>(self, status: u64) -> Result<Statuses, E> {
        match u16::try_from(status) {
            Ok(status) if (200..600).contains(&status) => Ok(Statuses { first: status, last: status }),
            _ => Err(E::invalid_value(de::Unexpected::Unsigned(status), &self)),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Statuses, E> {
        let digit = text.strip_suffix("xx").and_then(|digit| digit.parse::<u16>().ok());
        match digit.filter(|digit| (2..=5).contains(digit)) {
            Some(digit) => Ok(Statuses { first: digit * 100, last: digit * 100 + 99 }),
            None => Err(E::custom(
                ["`", text, "` is no status: write one from 200 to 599, or all with a first digit, as `2xx`"].concat(),
            )),
        }
    }
}
