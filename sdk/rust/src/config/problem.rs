//! What is wrong with a configuration, in words for the operator.
//!
//! serde's own words would bring the printing of floating-point numbers into every component.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::Fault;

/// What is wrong, and where: the innermost key or index first.
#[derive(Debug)]
pub(super) struct Problem {
    inside_out: Vec<String>,
    message: String,
}

impl Problem {
    pub(super) fn new(words: &[&str]) -> Self {
        Self { inside_out: Vec::new(), message: words.concat() }
    }

    pub(super) fn inside(mut self, token: String) -> Self {
        self.inside_out.push(token);
        self
    }

    pub(super) fn into_fault(self) -> Fault {
        let mut pointer = String::new();
        for token in self.inside_out.iter().rev() {
            pointer.push('/');
            for character in token.chars() {
                match character {
                    '~' => pointer.push_str("~0"),
                    '/' => pointer.push_str("~1"),
                    _ => pointer.push(character),
                }
            }
        }
        Fault { pointer, message: self.message }
    }
}

impl Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Problem {}

impl de::Error for Problem {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(&[&message.to_string()])
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let number;
        let found = match unexpected {
            Unexpected::Bool(_) => "`true` or `false`",
            Unexpected::Unsigned(value) => {
                number = value.to_string();
                &number
            }
            Unexpected::Signed(value) => {
                number = value.to_string();
                &number
            }
            Unexpected::Float(_) => "a number with a fraction",
            Unexpected::Char(_) | Unexpected::Str(_) | Unexpected::Bytes(_) => "a text",
            Unexpected::Unit | Unexpected::Option => "nothing",
            Unexpected::Seq => "a list",
            Unexpected::Map => "a group of keys",
            Unexpected::UnitVariant => "a name alone",
            _ => "a value with a name",
        };
        Self::new(&["expected ", &expected.to_string(), ", found ", found])
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::new(&["expected ", &expected.to_string(), ", found ", &length.to_string(), " values"])
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(&["`", variant, "` is none of the words that can stand here: ", &list(expected)])
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        match expected {
            [] => Self::new(&["unknown key `", field, "`; there are no keys here"]),
            _ => Self::new(&["unknown key `", field, "`; the keys here are ", &list(expected)]),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(&["`", field, "` is missing"])
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new(&["`", field, "` stands here twice"])
    }
}

fn list(names: &[&str]) -> String {
    let mut list = String::new();
    for name in names {
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push('`');
        list.push_str(name);
        list.push('`');
    }
    list
}
