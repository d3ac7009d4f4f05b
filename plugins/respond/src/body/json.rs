//! JSON with places for values in its texts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use weir::Faults;
use weir::schema::{Node, Schema};
use weir::template::{Part, Template};

use super::number::fraction;
use crate::escape::{self, Destination};
use crate::written::Pairs;

/// A value as it is written.
#[derive(Debug)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// Its digits.
    Integer(String),
    Fraction(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Schema for Json {
    const SCHEMA: &'static Node = &Node::Any;
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Written)
    }
}

struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Integer(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Integer(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Fraction(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Json, A::Error> {
        Pairs::read(map).map(|Pairs(members)| Json::Object(members))
    }
}

/// The value's text, in parts; what is wrong is noted.
pub(super) fn parts(value: &Json, faults: &mut Faults) -> Vec<Part> {
    let mut writer = Writer { parts: Vec::new(), text: String::new(), faults };
    writer.value(value, "/json");
    writer.end();
    writer.parts
}

struct Writer<'a> {
    parts: Vec<Part>,
    /// What is not yet in `parts`.
    text: String,
    faults: &'a mut Faults,
}

impl Writer<'_> {
    fn end(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(Part::Text(std::mem::take(&mut self.text)));
        }
    }

    fn value(&mut self, value: &Json, pointer: &str) {
        match value {
            Json::Text(text) => self.template(text, pointer),
            Json::List(values) => {
                self.text.push('[');
                for (index, value) in values.iter().enumerate() {
                    self.comma(index);
                    self.value(value, &[pointer, "/", &index.to_string()].concat());
                }
                self.text.push(']');
            }
            Json::Object(members) => {
                self.text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    self.comma(index);
                    self.text.push('"');
                    escape::push(&mut self.text, name, Destination::Json);
                    self.text.push_str("\":");
                    let token = name.replace('~', "~0").replace('/', "~1");
                    self.value(value, &[pointer, "/", &token].concat());
                }
                self.text.push('}');
            }
            Json::Null => self.text.push_str("null"),
            Json::Bool(truth) => self.text.push_str(if *truth { "true" } else { "false" }),
            Json::Integer(digits) => self.text.push_str(digits),
            Json::Fraction(number) => match fraction(*number) {
                Some(digits) => self.text.push_str(&digits),
                None => {
                    self.faults.at(pointer, "a number has at most 15 digits here; write others as a text");
                }
            },
        }
    }

    fn comma(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
    }

    fn template(&mut self, text: &str, pointer: &str) {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(why) => return self.faults.at(pointer, &why),
        };
        self.text.push('"');
        for part in template.parts() {
            match part {
                Part::Text(text) => escape::push(&mut self.text, text, Destination::Json),
                Part::Value(_) => {
                    self.end();
                    self.parts.push(part.clone());
                }
            }
        }
        self.text.push('"');
    }
}
