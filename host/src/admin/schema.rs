//! What views look like, for the API's own document: declared once, for the JSON and for its schema.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// What can be shown, and how that looks.
pub(crate) trait Shown: serde::Serialize {
    /// Its JSON Schema; named ones are put among the shapes and referred to.
    fn schema(shapes: &mut Shapes) -> Value;
}

/// Named schemas.
#[derive(Debug, Default)]
pub(crate) struct Shapes(pub(super) Map<String, Value>);

/// A field of a view.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its key.
    pub(crate) name: &'static str,
    /// What it says.
    pub(crate) text: &'static str,
    /// Its schema.
    pub(crate) schema: Value,
}

impl Shapes {
    /// A reference to the schema of a view, which is made at its first use. All fields are always there.
    pub(crate) fn of(
        &mut self,
        name: &'static str,
        text: &'static str,
        fields: impl FnOnce(&mut Self) -> Vec<Field>,
    ) -> Value {
        if !self.0.contains_key(name) {
            // First a mark, so that a view may hold itself.
            self.0.insert(name.to_owned(), Value::Null);
            let fields = fields(self);
            let required: Vec<&str> = fields.iter().map(|field| field.name).collect();
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name.to_owned(), described(field))).collect();
            let schema = json!({
                "type": "object", "description": text.trim(), "properties": properties, "required": required
            });
            self.0.insert(name.to_owned(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }
}

fn described(field: &Field) -> Value {
    let mut schema = field.schema.clone();
    if let Value::Object(members) = &mut schema {
        let text: Vec<&str> = field.text.split_whitespace().collect();
        members.insert("description".into(), text.join(" ").into());
    }
    schema
}

/// Declares a view: its fields with what they say, which is the text of their schema.
macro_rules! view {
    ($(#[doc = $text:literal])* struct $name:ident {
        $( $(#[doc = $field_text:literal])* $field:ident: $type:ty, )*
    }) => {
        $(#[doc = $text])*
        #[derive(Clone, Debug, Default, serde::Serialize)]
        pub struct $name {
            $( $(#[doc = $field_text])* pub $field: $type, )*
        }

        impl $crate::admin::schema::Shown for $name {
            fn schema(shapes: &mut $crate::admin::schema::Shapes) -> serde_json::Value {
                shapes.of(stringify!($name), concat!($($text, "\n"),*), |_shapes| vec![
                    $( $crate::admin::schema::Field {
                        name: stringify!($field),
                        text: concat!($($field_text, "\n"),*),
                        schema: <$type as $crate::admin::schema::Shown>::schema(_shapes),
                    } ),*
                ])
            }
        }
    };
}
pub(crate) use view;

macro_rules! plain {
    ($($type:ty => $schema:tt,)*) => {
        $( impl Shown for $type {
            fn schema(_: &mut Shapes) -> Value {
                json!($schema)
            }
        } )*
    };
}

plain! {
    bool => { "type": "boolean" },
    u16 => { "type": "integer", "minimum": 0 },
    u32 => { "type": "integer", "minimum": 0 },
    u64 => { "type": "integer", "minimum": 0 },
    usize => { "type": "integer", "minimum": 0 },
    i64 => { "type": "integer" },
    f64 => { "type": "number" },
    String => { "type": "string" },
    &'static str => { "type": "string" },
    // Whatever stands in a configuration.
    Value => {},
}

impl<T: Shown> Shown for Option<T> {
    fn schema(shapes: &mut Shapes) -> Value {
        json!({ "anyOf": [T::schema(shapes), { "type": "null" }] })
    }
}

impl<T: Shown> Shown for Vec<T> {
    fn schema(shapes: &mut Shapes) -> Value {
        json!({ "type": "array", "items": T::schema(shapes) })
    }
}

impl<T: Shown> Shown for BTreeMap<String, T> {
    fn schema(shapes: &mut Shapes) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(shapes) })
    }
}
