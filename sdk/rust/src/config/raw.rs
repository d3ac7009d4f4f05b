//! A part of a configuration as JSON, for filters that hand it on or read it by rules of their own.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

use crate::schema::{Node, Schema};

/// Any value of a configuration, as the text of its JSON: numbers and the order of members stay as they are.
///
/// ```
/// use weir::{Fault, config::JsonText, testing::Host};
///
/// #[derive(serde::Deserialize, weir::Config)]
/// #[serde(deny_unknown_fields)]
/// struct Config {
///     /// What is answered.
///     answer: JsonText,
/// }
///
/// struct Answers(JsonText);
///
/// #[weir::filter]
/// impl Answers {
///     fn configure(config: Config) -> Result<Self, Fault> {
///         Ok(Self(config.answer))
///     }
/// }
///
/// let answers: Answers = Host::new().configure(r#"{"answer": {"b": 1.50, "a": [null]}}"#).unwrap();
/// assert_eq!(answers.0.as_str(), r#"{"b": 1.50, "a": [null]}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonText(String);

/// By this name the reader knows that the text is wanted; no configuration has a type that holds nothing.
pub(super) const NAME: &str = "$weir::config::JsonText";

impl JsonText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for JsonText {
    /// For tests: the text of some JSON.
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl Schema for JsonText {
    const SCHEMA: &'static Node = &Node::Any;
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = JsonText;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value of a filter's configuration")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<JsonText, E> {
                Ok(JsonText(text.to_owned()))
            }
        }

        deserializer.deserialize_unit_struct(NAME, Text)
    }
}
