//! The JSON Schema of the file, made of what its types say of themselves.

use serde_json::{Map as Object, Value, json};

/// The schemas of named sections, by name.
#[derive(Debug, Default)]
pub(super) struct Definitions(pub(super) Object<String, Value>);

/// One key of a section, for the schema.
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) is_required: bool,
    pub(super) schema: Value,
}

impl Definitions {
    /// A reference to the schema of a section, which is made at its first use.
    pub(super) fn section(
        &mut self,
        name: &'static str,
        text: &'static str,
        properties: impl FnOnce(&mut Self) -> Vec<Property>,
    ) -> Value {
        if !self.0.contains_key(name) {
            // First a mark, so that a section may hold itself.
            self.0.insert(name.to_owned(), Value::Null);
            let properties = properties(self);
            let required: Vec<&str> =
                properties.iter().filter(|property| property.is_required).map(|property| property.name).collect();
            let described = properties.iter().map(|property| {
                let mut schema = property.schema.clone();
                let text = flat(property.text);
                match &mut schema {
                    // Beside a reference a description is allowed, and editors show it.
                    Value::Object(object) => drop(object.insert("description".into(), text.into())),
                    _ => schema = json!({ "description": text }),
                }
                (property.name.to_owned(), schema)
            });
            let schema = json!({
                "type": "object",
                "description": flat(text),
                "properties": described.collect::<Object<String, Value>>(),
                "patternProperties": { "^x-": {} },
                "additionalProperties": false,
                "required": required,
            });
            self.0.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every text in the schema matches this, or has an environment variable in it; numbers stay if a `word` is wanted.
pub(super) fn word_like(pattern: &str) -> impl Fn(Value) -> Value {
    move |schema| leaves(schema, &json!(["string", "number", "boolean"]), pattern)
}

/// The same, of what YAML never reads as a number.
pub(super) fn text_like(pattern: &str) -> impl Fn(Value) -> Value {
    move |schema| leaves(schema, &json!("string"), pattern)
}

/// The list has an item.
pub(super) fn not_empty(mut schema: Value) -> Value {
    schema["minItems"] = 1.into();
    schema
}

fn leaves(schema: Value, kind: &Value, pattern: &str) -> Value {
    match schema {
        Value::Object(object) if object.get("type").is_some_and(|kind| kind.is_array() || kind == "string") => {
            json!({ "type": kind, "pattern": format!(r"^({pattern})$|\$\{{") })
        }
        Value::Object(object) => {
            Value::Object(object.into_iter().map(|(key, value)| (key, leaves(value, kind, pattern))).collect())
        }
        Value::Array(items) => items.into_iter().map(|item| leaves(item, kind, pattern)).collect(),
        other => other,
    }
}
