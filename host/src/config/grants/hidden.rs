//! What a plugin's schema marks as not to be shown: `"format": "password"` and `"writeOnly": true`.
//!
//! A secret proper (`"x-weir": "secret"`) says where it is kept, which may be seen.

use std::collections::HashSet;

use serde_json::Value;

use super::Schema;
use super::shape::Shape;
use crate::config::json::JsonKind;
use crate::config::{Json, Place};

/// The places of all marked leaves. Where the schema is too large to go through, all of them.
pub(in crate::config) fn hidden(config: &Json, schema: &Schema) -> HashSet<Place> {
    let mut walk = Walk { shape: Shape::new(&schema.0, config), hidden: HashSet::new() };
    walk.value(config, &[&schema.0]);
    if walk.shape.is_exhausted() {
        walk.hide(config);
    }
    walk.hidden
}

struct Walk<'a> {
    shape: Shape<'a>,
    hidden: HashSet<Place>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &Json, schemas: &[&'a Value]) {
        if schemas.is_empty() || self.shape.is_exhausted() {
            return;
        }
        // Of alternatives all count: what one of them marks is not shown.
        let parts = self.shape.all_parts(schemas);
        if parts.says("format", &"password".into()) || parts.says("writeOnly", &true.into()) {
            self.hide(value);
            return;
        }
        match &value.kind {
            JsonKind::Map(entries) => {
                for (key, value) in entries {
                    self.value(value, &parts.property(key.as_str()));
                }
            }
            JsonKind::List(items) => items.iter().for_each(|item| self.value(item, &parts.items())),
            _ => {}
        }
    }

    /// This and all below it.
    fn hide(&mut self, value: &Json) {
        self.hidden.insert(value.place);
        match &value.kind {
            JsonKind::Map(entries) => entries.iter().for_each(|(_, value)| self.hide(value)),
            JsonKind::List(items) => items.iter().for_each(|item| self.hide(item)),
            _ => {}
        }
    }
}
