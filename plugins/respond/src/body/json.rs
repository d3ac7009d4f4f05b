//! JSON with places for values in its texts.

use weir::Faults;
use weir::config::Json;
use weir::escape::{self, Destination};
use weir::template::{Part, Template};

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
            Json::Number(Some(digits)) => self.text.push_str(digits),
            Json::Number(None) => {
                self.faults.at(pointer, "a number has at most 15 digits here; write others as a text");
            }
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
