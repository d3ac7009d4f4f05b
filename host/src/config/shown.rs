//! A configuration as it may be shown: merged as it counts, and without what must not be seen.
//!
//! Hidden are: what a plugin's schema marks (`"format": "password"`, `"writeOnly": true`), what has the name of a
//! secret, passwords in URLs, private keys, the values of `${NAME}`, and all of a filter's configuration that no chain
//! uses, because nobody can say what its marks are. Where a secret is kept (`{ env: NAME }`) is none.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::json::JsonKind;
use super::tree::{self, Kind, Node};
use super::{Config, Fault, Json, Place, Source};
use crate::config::grants::{self, Schema};

/// What stands where something is hidden.
pub const HIDDEN: &str = "(hidden)";

/// How names of secrets end, without `-`, `_` and `.`.
const SECRETS: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "secretkey",
    "authorization",
    "credentials",
    "cookie",
];

/// Values that are shown are not larger altogether.
const LARGEST: usize = 16 << 20;

/// A filter's configuration as an entry has it.
pub fn of_entry(config: &Json, schema: Option<&Value>) -> Value {
    let hidden = hidden(config, schema);
    json(config, "", &|leaf| !hidden.contains(&leaf.place))
}

/// The places that a filter's schema marks.
fn hidden(config: &Json, schema: Option<&Value>) -> HashSet<Place> {
    let schema = schema.map(|schema| Schema::of(schema.clone()));
    schema.map(|schema| grants::hidden(config, &schema)).unwrap_or_default()
}

/// Shows a value of a filter's configuration; `may` tells which parts of it.
fn json(value: &Json, name: &str, may: &dyn Fn(&Json) -> bool) -> Value {
    match &value.kind {
        JsonKind::Null => Value::Null,
        _ if !may(value) => HIDDEN.into(),
        JsonKind::Map(entries) => {
            let entry =
                |(name, value): &(super::Located<String>, Json)| (name.value.clone(), json(value, name.as_str(), may));
            Value::Object(entries.iter().map(entry).collect())
        }
        // A list has its key's name.
        JsonKind::List(items) => items.iter().map(|item| json(item, name, may)).collect(),
        _ if is_secret(name) => HIDDEN.into(),
        JsonKind::Bool(flag) => (*flag).into(),
        JsonKind::Number(number) => number.clone().into(),
        JsonKind::Text(text) => harmless(value.written.as_deref().unwrap_or(text)).into(),
    }
}

/// About so many bytes of text.
pub fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|item| 1 + weight(item)).sum(),
        Value::Object(entries) => entries.iter().map(|(name, value)| 4 + name.len() + weight(value)).sum(),
        _ => 8,
    }
}

/// Whether what has this name is a secret.
pub fn is_secret(name: &str) -> bool {
    let name: String =
        name.chars().filter(|character| !"-_.".contains(*character)).map(|one| one.to_ascii_lowercase()).collect();
    SECRETS.iter().any(|secret| name.ends_with(secret))
}

/// A text without a password in a URL, and without a key.
pub fn harmless(text: &str) -> String {
    if text.contains("PRIVATE KEY-----") {
        return HIDDEN.to_owned();
    }
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(start) = rest.find("://") {
        let (before, after) = rest.split_at(start + 3);
        shown.push_str(before);
        let end = after.find(['/', '?', '#', ' ', '"', '\'', '\n']).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(at) => {
                shown.push_str(HIDDEN);
                rest = &after[at..];
            }
            None => rest = after,
        }
    }
    shown + rest
}

/// The configuration as its files say it, merged. None if that is too much to show.
///
/// `schemas` are those of the entries' configurations, in their order.
pub fn whole(config: &Config, schemas: &[Option<&Value>]) -> Option<Value> {
    let mut used = HashSet::new();
    for entry in &config.entries {
        places(&entry.config, &mut |place| _ = used.insert(place));
    }
    // An alias has one place in several filters: what one of them hides, none shows.
    for (entry, schema) in config.entries.iter().zip(schemas) {
        for place in hidden(&entry.config, *schema) {
            used.remove(&place);
        }
    }
    let root = super::schema();
    let mut view = View { root: &root, used: &used, left: LARGEST };
    let mut merged = Map::new();
    for (number, source) in config.sources.iter().enumerate() {
        let Some(tree) = parse(source, number) else { continue };
        let Value::Object(file) = view.value(&tree, &[&root], "")? else { continue };
        merge(&mut merged, file);
    }
    merged.remove("include");
    Some(Value::Object(merged))
}

/// The file again, with `${NAME}` for what the environment has under that name.
fn parse(source: &Source, number: usize) -> Option<Rc<Node>> {
    let environment = |name: &str| Some(format!("${{{name}}}"));
    // It was read before: there is nothing new to say of it.
    let mut said: Vec<Fault> = Vec::new();
    tree::parse(&source.text, u32::try_from(number).ok()?, &environment, &mut said)
}

/// Names are merged, lists appended, as by `include`.
fn merge(merged: &mut Map<String, Value>, file: Map<String, Value>) {
    for (key, value) in file {
        match (merged.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (_, value) => drop(merged.insert(key, value)),
        }
    }
}

/// Calls with the place of each leaf.
fn places(value: &Json, found: &mut dyn FnMut(Place)) {
    match &value.kind {
        JsonKind::Map(entries) if !entries.is_empty() => entries.iter().for_each(|(_, value)| places(value, found)),
        JsonKind::List(items) if !items.is_empty() => items.iter().for_each(|item| places(item, found)),
        _ => found(value.place),
    }
}

/// The file beside its schema, which tells what a filter's own configuration is, and which keys are the operator's own.
struct View<'a> {
    root: &'a Value,
    /// Places in filters' configurations that may be shown.
    used: &'a HashSet<Place>,
    left: usize,
}

impl<'a> View<'a> {
    fn value(&mut self, node: &Node, schemas: &[&'a Value], name: &str) -> Option<Value> {
        self.left = self.left.checked_sub(16 + name.len())?;
        let schemas = self.meant(node, schemas);
        let value = match &node.kind {
            Kind::Nothing | Kind::Broken => Value::Null,
            Kind::Scalar(scalar) => {
                self.left = self.left.checked_sub(scalar.text.len())?;
                if is_secret(name) { HIDDEN.into() } else { leaf(node, name) }
            }
            Kind::List(items) => {
                let schemas: Vec<&Value> = schemas.iter().filter_map(|schema| schema.get("items")).collect();
                items.iter().map(|item| self.value(item, &schemas, name)).collect::<Option<_>>()?
            }
            Kind::Map(_) if schemas.iter().any(|schema| is_filters_own(schema)) => self.filters_own(node, name)?,
            Kind::Map(entries) => {
                let has_own = schemas.iter().any(|schema| schema["patternProperties"]["^x-"].is_object());
                let mut shown = Map::new();
                for (key, value) in entries.iter().filter(|(key, _)| !has_own || !key.name.starts_with("x-")) {
                    let below: Vec<&Value> = schemas
                        .iter()
                        .filter_map(|schema| schema["properties"].get(&key.name).or(schema.get("additionalProperties")))
                        .collect();
                    shown.insert(key.name.clone(), self.value(value, &below, &key.name)?);
                }
                Value::Object(shown)
            }
        };
        Some(value)
    }

    /// A filter's own configuration: only what an entry has, and its schema does not mark.
    fn filters_own(&mut self, node: &Node, name: &str) -> Option<Value> {
        let Some(config) = Json::of(node) else { return Some(Value::Null) };
        let mut length = 0;
        places(&config, &mut |place| length += 16 + place.length());
        self.left = self.left.checked_sub(length)?;
        let is_leaf = |value: &Json| match &value.kind {
            JsonKind::Map(entries) => entries.is_empty(),
            JsonKind::List(items) => items.is_empty(),
            _ => true,
        };
        Some(json(&config, name, &|value| !is_leaf(value) || self.used.contains(&value.place)))
    }

    /// The schemas that a value of this kind has, with references followed.
    fn meant(&self, node: &Node, schemas: &[&'a Value]) -> Vec<&'a Value> {
        let kind = match node.kind {
            Kind::Map(_) => "object",
            Kind::List(_) => "array",
            _ => "",
        };
        let mut meant = Vec::new();
        let mut open: Vec<&'a Value> = schemas.to_vec();
        while let Some(schema) = open.pop() {
            if let Some(reference) = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
                open.extend(self.root.pointer(reference));
            }
            open.extend(schema["anyOf"].as_array().into_iter().flatten());
            if schema["type"] == kind {
                meant.push(schema);
            }
        }
        meant
    }
}

fn leaf(node: &Node, name: &str) -> Value {
    Json::of(node).map_or(Value::Null, |value| json(&value, name, &|_| true))
}

/// Of a filter's own configuration the file's schema says only that it is a map.
fn is_filters_own(schema: &Value) -> bool {
    schema
        .as_object()
        .is_some_and(|schema| !schema.contains_key("properties") && !schema.contains_key("additionalProperties"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config_of(text: &str) -> Config {
        let text = format!(
            "version: 1\nlisteners: {{ a: {{ address: 127.0.0.1:1 }} }}\nplugins: {{ p: {{ file: p.wasm }} }}\n{text}"
        );
        super::super::parse(Source { path: "weir.yaml".into(), text })
    }

    /// What a schema marks is hidden wherever the value was written: also by an override, and where an alias stands.
    #[test]
    fn what_a_schema_marks_is_hidden() {
        let config = config_of(
            "x-both: &both hunter2\nsites:\n  - chain:\n      - plugin: p\n        config:\n          open: 1\n          \
             pin: 4711\n          list: [{ word: hunter2, at: here }]\n          either: { inner: hunter2 }\n      \
             - { plugin: p, name: q, config: { open: *both, pin: 2 } }\n    routes:\n      - path: /*\n        \
             upstream: http://127.0.0.1:1\n        override: { p: { config: { pin: hunter2, open: 2 } } }\n",
        );
        assert!(config.faults.is_empty(), "{:?}", config.faults);
        let schema = json!({
            "properties": {
                "pin": { "$ref": "#/$defs/pin" },
                "list": { "items": { "properties": { "word": { "writeOnly": true } } } },
                "either": { "anyOf": [
                    { "type": "string" },
                    { "type": "object", "properties": { "inner": { "format": "password" } } },
                ] },
            },
            "$defs": { "pin": { "format": "password" } },
        });
        let shown: Vec<Value> = config.entries.iter().map(|entry| of_entry(&entry.config, Some(&schema))).collect();
        for (name, value) in [
            ("open", json!(1)),
            ("pin", json!(HIDDEN)),
            ("list", json!([{ "word": HIDDEN, "at": "here" }])),
            ("either", json!({ "inner": HIDDEN })),
        ] {
            assert_eq!(shown[0][name], value);
        }
        let overridden = config.entries.iter().zip(&shown).find(|(entry, _)| entry.changed.is_some()).unwrap().1;
        assert_eq!((&overridden["pin"], &overridden["open"]), (&json!(HIDDEN), &json!(2)));
        let marked: Vec<Option<&Value>> = config.entries.iter().map(|_| Some(&schema)).collect();
        let whole = whole(&config, &marked).unwrap();
        let said = whole.to_string();
        assert_eq!(said.matches("hunter2").count(), 1, "{said}");
        assert_eq!(whole["sites"][0]["chain"][1]["config"]["open"], "hunter2");
        assert!(!said.contains("4711") && whole["sites"][0]["chain"][0]["config"]["open"] == 1, "{said}");
        // What one filter hides, none shows that has it by an alias.
        let both = json!({ "properties": { "open": { "writeOnly": true } } });
        let marked: Vec<Option<&Value>> = config.entries.iter().map(|_| Some(&both)).collect();
        let text = super::whole(&config, &marked).unwrap()["sites"][0]["chain"][1]["config"]["open"].clone();
        assert_eq!(text, HIDDEN);
    }

    /// A schema that holds itself hides everything rather than nothing.
    #[test]
    fn a_schema_without_an_end_hides_all() {
        let config = config_of("sites: [{ chain: [{ plugin: p, config: { a: { a: { a: 1 } } } }], routes: [] }]\n");
        let schema = json!({ "allOf": [{ "$ref": "#" }, { "$ref": "#" }], "additionalProperties": { "$ref": "#" } });
        assert_eq!(of_entry(&config.entries[0].config, Some(&schema)), HIDDEN);
    }

    #[test]
    fn what_is_too_large_is_not_shown() {
        let large = format!("sites: [{{ routes: [], name: \"{}\" }}]\n", "x".repeat(LARGEST));
        assert!(whole(&config_of(&large), &[]).is_none());
    }

    #[test]
    fn passwords_in_urls_and_keys_are_hidden_and_nothing_else_is() {
        for (text, shown) in [
            ("redis://:pw@10.0.0.5:6379/0", "redis://(hidden)@10.0.0.5:6379/0"),
            ("https://u:p@a, http://b", "https://(hidden)@a, http://b"),
            ("https://u:p@w@a/x@y", "https://(hidden)@a/x@y"),
            ("http://a/b?c=d@e", "http://a/b?c=d@e"),
            ("name@example.com", "name@example.com"),
            ("-----BEGIN EC PRIVATE KEY-----\nMHc", "(hidden)"),
        ] {
            assert_eq!(harmless(text), shown);
        }
        for (name, is) in [
            ("password", true),
            ("X-Api-Key", true),
            ("client_secret", true),
            ("Authorization", true),
            ("set-cookie", true),
            ("token", true),
            ("tokens_per_second", false),
            ("key", false),
            ("header", false),
        ] {
            assert_eq!(is_secret(name), is, "{name}");
        }
    }
}
