//! Which parts of a schema hold for a value: references are followed, and of alternatives the one that was meant.
//!
//! This is no validator: what a filter accepts is its own to say. It must tell alternatives apart, and come to an end
//! whatever the schema says.

use serde_json::{Map as Object, Value};

use crate::config::Json;
use crate::config::json::JsonKind;

/// References and alternatives inside one another; more is a schema that holds itself.
const DEEPEST: usize = 160;

/// Looks at a schema that one value of a config may cost, and what every config may cost besides.
const STEPS_PER_VALUE: usize = 1000;
const STEPS: usize = 100_000;

/// A schema, and how much more of it may be looked at.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    root: &'a Value,
    steps: usize,
}

/// The parts of a schema that hold for one value.
#[derive(Debug, Default)]
pub(super) struct Parts<'a> {
    all: Vec<&'a Object<String, Value>>,
    /// Whether it is not clear which of some alternatives was meant.
    is_unclear: bool,
}

/// How closely a value must fit an alternative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// With all that is in it.
    Whole,
    /// With its own keys.
    Keys,
    /// With its type, and the words that tell alternatives apart.
    Kind,
}

impl<'a> Shape<'a> {
    pub(super) fn new(root: &'a Value, config: &Json) -> Self {
        Self { root, steps: STEPS + STEPS_PER_VALUE.saturating_mul(config.size()) }
    }

    /// Whether the schema ran out of what it may cost.
    pub(super) fn is_exhausted(&self) -> bool {
        self.steps == 0
    }

    /// Ends the search.
    pub(super) fn exhaust(&mut self) {
        self.steps = 0;
    }

    /// Whether a copy of what stands in the schema is not too much; it costs a step for each value.
    pub(super) fn can_copy(&mut self, value: &Value) -> bool {
        self.step(0)
            && match value {
                Value::Array(items) => items.iter().all(|item| self.can_copy(item)),
                Value::Object(entries) => entries.values().all(|value| self.can_copy(value)),
                _ => true,
            }
    }

    /// The parts of these schemas that hold for the value. Without a value, alternatives are left out.
    pub(super) fn parts(&mut self, schemas: &[&'a Value], value: Option<&Json>) -> Parts<'a> {
        let mut parts = Parts::default();
        for schema in schemas {
            self.add(schema, value, 0, &mut parts);
        }
        parts
    }

    /// The same with all alternatives, whatever was meant.
    pub(super) fn all_parts(&mut self, schemas: &[&'a Value]) -> Parts<'a> {
        let mut parts = Parts::default();
        let mut open: Vec<(&'a Value, usize)> = schemas.iter().map(|schema| (*schema, 0)).collect();
        while let Some((schema, depth)) = open.pop() {
            let Value::Object(object) = schema else { continue };
            if !self.step(depth) {
                break;
            }
            parts.all.push(object);
            open.extend(self.reference(object).map(|part| (part, depth + 1)));
            let alternatives = ["allOf", "oneOf", "anyOf"].into_iter().flat_map(|key| list(object, key));
            open.extend(alternatives.map(|part| (part, depth + 1)));
        }
        parts
    }

    /// Whether one more look is possible, at this depth.
    fn step(&mut self, depth: usize) -> bool {
        self.steps = if depth > DEEPEST { 0 } else { self.steps.saturating_sub(1) };
        self.steps > 0
    }

    fn add(&mut self, schema: &'a Value, value: Option<&Json>, depth: usize, parts: &mut Parts<'a>) {
        let Value::Object(object) = schema else { return };
        if !self.step(depth) {
            return;
        }
        parts.all.push(object);
        for part in self.reference(object).into_iter().chain(list(object, "allOf")) {
            self.add(part, value, depth + 1, parts);
        }
        for alternatives in ["oneOf", "anyOf"].map(|key| list(object, key)) {
            if alternatives.is_empty() {
                continue;
            }
            let meant = value.map(|value| self.meant(alternatives, value, depth)).unwrap_or_default();
            parts.is_unclear |= meant.is_empty();
            for part in meant {
                self.add(part, value, depth + 1, parts);
            }
        }
    }

    /// Those of the alternatives that the value fits; if none, the only one that it nearly does.
    fn meant(&mut self, alternatives: &'a [Value], value: &Json, depth: usize) -> Vec<&'a Value> {
        for how in [Fit::Whole, Fit::Keys, Fit::Kind] {
            let fitting: Vec<&Value> =
                alternatives.iter().filter(|part| self.fits(value, part, how, depth + 1)).collect();
            if fitting.len() == 1 || how == Fit::Whole && !fitting.is_empty() {
                return fitting;
            }
        }
        Vec::new()
    }

    fn reference(&self, object: &'a Object<String, Value>) -> Option<&'a Value> {
        self.root.pointer(object.get("$ref")?.as_str()?.strip_prefix('#')?)
    }

    fn fits(&mut self, value: &Json, schema: &'a Value, how: Fit, depth: usize) -> bool {
        let object = match schema {
            Value::Object(object) => object,
            Value::Bool(anything) => return *anything,
            _ => return false,
        };
        if !self.step(depth) {
            return false;
        }
        if let Some(mark) = object.get("x-weir").and_then(Value::as_str) {
            return fits_mark(value, mark, how);
        }
        let alternatives = |key| Some(list(object, key)).filter(|list| !list.is_empty());
        has_type(value, object)
            && is_allowed(value, object)
            && self.reference(object).is_none_or(|part| self.fits(value, part, how, depth + 1))
            && list(object, "allOf").iter().all(|part| self.fits(value, part, how, depth + 1))
            && ["oneOf", "anyOf"]
                .into_iter()
                .filter_map(alternatives)
                .all(|parts| parts.iter().any(|part| self.fits(value, part, how, depth + 1)))
            && self.fits_inside(value, object, how, depth)
    }

    fn fits_inside(&mut self, value: &Json, object: &'a Object<String, Value>, how: Fit, depth: usize) -> bool {
        match &value.kind {
            JsonKind::Map(entries) => {
                let properties = object.get("properties").and_then(Value::as_object);
                let property = |name: &str| properties.and_then(|properties| properties.get(name));
                let rest = object.get("additionalProperties").filter(|_| !object.contains_key("patternProperties"));
                let has = |name: &Value| entries.iter().any(|(key, _)| Some(key.as_str()) == name.as_str());
                if how != Fit::Kind && !list(object, "required").iter().all(has) {
                    return false;
                }
                entries.iter().all(|(key, value)| match property(key.as_str()).or(rest) {
                    None => true,
                    Some(Value::Bool(false)) => how == Fit::Kind,
                    Some(part) if how == Fit::Whole => self.fits(value, part, how, depth + 1),
                    Some(part) => part.as_object().is_none_or(|part| is_allowed(value, part)),
                })
            }
            JsonKind::List(items) if how == Fit::Whole => match object.get("items") {
                Some(part) => items.iter().all(|item| self.fits(item, part, how, depth + 1)),
                None => true,
            },
            _ => true,
        }
    }
}

impl<'a> Parts<'a> {
    /// What a key of all parts says, if it is text.
    pub(super) fn word(&self, key: &str) -> Option<&'a str> {
        self.all.iter().find_map(|part| part.get(key)?.as_str())
    }

    /// Whether a key of some part has this value.
    pub(super) fn says(&self, key: &str, value: &Value) -> bool {
        self.all.iter().any(|part| part.get(key) == Some(value))
    }

    /// The default, if there is one.
    pub(super) fn fallback(&self) -> Option<&'a Value> {
        self.all.iter().find_map(|part| part.get("default"))
    }

    /// The schemas of a map's key.
    pub(super) fn property(&self, name: &str) -> Vec<&'a Value> {
        let named: Vec<&Value> = self.properties().filter(|(known, _)| *known == name).map(|(_, part)| part).collect();
        if named.is_empty() { self.each("additionalProperties") } else { named }
    }

    /// The schemas of a list's items.
    pub(super) fn items(&self) -> Vec<&'a Value> {
        self.each("items")
    }

    /// All keys that are named, and their schemas.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + Clone {
        let properties = self.all.iter().filter_map(|part| part.get("properties")?.as_object());
        properties.flat_map(|properties| properties.iter().map(|(name, part)| (name.as_str(), part)))
    }

    /// Whether keys that are not named are wrong.
    pub(super) fn is_closed(&self) -> bool {
        let has = |key| self.all.iter().any(|part| part.get(key) == Some(&Value::Bool(false)));
        let has_patterns = self.all.iter().any(|part| part.contains_key("patternProperties"));
        !self.is_unclear && !has_patterns && (has("additionalProperties") || has("unevaluatedProperties"))
    }

    fn each(&self, key: &str) -> Vec<&'a Value> {
        self.all.iter().filter_map(|part| part.get(key)).filter(|part| part.is_object()).collect()
    }
}

fn list<'a>(object: &'a Object<String, Value>, key: &str) -> &'a [Value] {
    object.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A marked field has the operator's form, whatever type the filter sees.
fn fits_mark(value: &Json, mark: &str, how: Fit) -> bool {
    let known: &[&str] = match mark {
        "document" => &["upstream", "path", "follow", "file"],
        "secret" => &["env", "file"],
        _ => return matches!(value.kind, JsonKind::Text(_)),
    };
    match &value.kind {
        JsonKind::Map(entries) => how == Fit::Kind || entries.iter().all(|(key, _)| known.contains(&key.as_str())),
        _ => false,
    }
}

fn has_type(value: &Json, object: &Object<String, Value>) -> bool {
    let is = |name: &Value| match (name.as_str().unwrap_or_default(), &value.kind) {
        ("null", JsonKind::Null)
        | ("boolean", JsonKind::Bool(_))
        | ("number", JsonKind::Number(_))
        | ("string", JsonKind::Text(_))
        | ("array", JsonKind::List(_))
        | ("object", JsonKind::Map(_)) => true,
        ("integer", JsonKind::Number(number)) => !number.is_f64(),
        _ => false,
    };
    match object.get("type") {
        None => true,
        Some(Value::Array(names)) => names.iter().any(is),
        Some(name) => is(name),
    }
}

/// Whether a text is among those that `const` and `enum` allow; of other values they say nothing here.
fn is_allowed(value: &Json, object: &Object<String, Value>) -> bool {
    let JsonKind::Text(text) = &value.kind else { return true };
    object.get("const").is_none_or(|only| only == text)
        && object.get("enum").and_then(Value::as_array).is_none_or(|words| words.iter().any(|word| word == text))
}
