//! A filter's configuration: JSON whose parts know where they were written, also after an override.

use std::fmt::Write;
use std::rc::Rc;

use serde_json::{Number, Value, json};

use super::read::{Read, Reader};
use super::schema::Definitions;
use super::tree::{Key, Kind, Node, Scalar};
use super::{Located, Place};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub struct Json {
    /// Where it was written.
    pub place: Place,
    pub(super) kind: JsonKind,
    /// How it was written, if variables of the environment stand in it.
    pub(super) written: Option<Box<str>>,
}

/// What kind of value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum JsonKind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Json>),
    Map(Vec<(Located<String>, Json)>),
}

impl Json {
    /// `{}`, which stands for what is not written.
    pub(super) fn empty(place: Place) -> Self {
        Self { place, kind: JsonKind::Map(Vec::new()), written: None }
    }

    /// RFC 7396: maps are merged, `null` removes, everything else replaces.
    pub(super) fn merge(&mut self, patch: &Json) {
        let JsonKind::Map(changes) = &patch.kind else {
            *self = patch.clone();
            return;
        };
        if !matches!(self.kind, JsonKind::Map(_)) {
            *self = Self::empty(patch.place);
        }
        let JsonKind::Map(entries) = &mut self.kind else { return };
        for (name, change) in changes {
            let position = entries.iter().position(|(known, _)| known.value == name.value);
            match (&change.kind, position) {
                (JsonKind::Null, Some(position)) => drop(entries.remove(position)),
                (JsonKind::Null, None) => {}
                (_, Some(position)) => entries[position].1.merge(change),
                (_, None) => {
                    let mut value = Self { place: change.place, kind: JsonKind::Null, written: None };
                    value.merge(change);
                    entries.push((name.clone(), value));
                }
            }
        }
    }

    /// Where the value that a JSON pointer names was written; for one that is missing, what would hold it.
    pub fn place_of(&self, pointer: &str) -> Place {
        let mut value = self;
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let next = match &value.kind {
                JsonKind::Map(entries) => entries.iter().find(|(name, _)| name.value == step).map(|(_, value)| value),
                JsonKind::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        value.place
    }

    /// Calls with the path of each leaf, its value as JSON and its place; for `explain`.
    pub fn leaves(&self, path: &str, show: &mut impl FnMut(&str, &str, Place)) {
        match &self.kind {
            JsonKind::Map(entries) if !entries.is_empty() => {
                for (name, value) in entries {
                    let name = name.as_str();
                    value.leaves(&if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }, show);
                }
            }
            _ => show(path, &self.to_string(), self.place),
        }
    }

    /// A value that stands for what is written at `place`.
    pub(super) fn standing(value: &Value, place: Place) -> Self {
        let kind = match value {
            Value::Null => JsonKind::Null,
            Value::Bool(value) => JsonKind::Bool(*value),
            Value::Number(number) => JsonKind::Number(number.clone()),
            Value::String(text) => JsonKind::Text(text.clone()),
            Value::Array(items) => JsonKind::List(items.iter().map(|item| Self::standing(item, place)).collect()),
            Value::Object(entries) => {
                let entry = |(name, value): (&String, &Value)| {
                    (Located { value: name.clone(), place }, Self::standing(value, place))
                };
                JsonKind::Map(entries.iter().map(entry).collect())
            }
        };
        Self { place, kind, written: None }
    }

    /// How many values it holds, itself among them.
    pub(super) fn size(&self) -> usize {
        1 + match &self.kind {
            JsonKind::List(items) => items.iter().map(Self::size).sum(),
            JsonKind::Map(entries) => entries.iter().map(|(_, value)| value.size()).sum(),
            _ => 0,
        }
    }

    /// Whether it is `{}`.
    pub fn is_empty(&self) -> bool {
        matches!(&self.kind, JsonKind::Map(entries) if entries.is_empty())
    }
}

/// As JSON text.
impl std::fmt::Display for Json {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            JsonKind::Null => formatter.write_str("null"),
            JsonKind::Bool(value) => write!(formatter, "{value}"),
            JsonKind::Number(value) => write!(formatter, "{value}"),
            JsonKind::Text(value) => write!(formatter, "{}", Value::from(value.as_str())),
            JsonKind::List(items) => {
                formatter.write_char('[')?;
                for (index, item) in items.iter().enumerate() {
                    write!(formatter, "{}{item}", if index > 0 { "," } else { "" })?;
                }
                formatter.write_char(']')
            }
            JsonKind::Map(entries) => {
                formatter.write_char('{')?;
                for (index, (name, value)) in entries.iter().enumerate() {
                    let comma = if index > 0 { "," } else { "" };
                    write!(formatter, "{comma}{}:{value}", Value::from(name.as_str()))?;
                }
                formatter.write_char('}')
            }
        }
    }
}

impl Json {
    /// Nothing, if a part of it could not be had.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let mut written = None;
        let kind = match &node.kind {
            Kind::Broken => return None,
            Kind::Nothing => JsonKind::Null,
            Kind::Scalar(scalar) => {
                written.clone_from(&scalar.written);
                plain(scalar)
            }
            Kind::List(items) => JsonKind::List(items.iter().filter_map(|item| Self::of(item)).collect()),
            Kind::Map(entries) => {
                let entry = |(key, value): &(Key, Rc<Node>)| {
                    Some((Located { value: key.name.clone(), place: key.place }, Self::of(value)?))
                };
                JsonKind::Map(entries.iter().filter_map(entry).collect())
            }
        };
        Some(Self { place: node.place, kind, written })
    }
}

/// A filter's configuration is a map.
#[derive(Clone, Debug)]
pub(super) struct Settings(pub(super) Json);

impl Read for Settings {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Map(_) => Json::of(node).map(Self),
            _ => reader.expected("a map (the filter's own keys)", node),
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "object" })
    }
}

/// YAML's core schema, for what has no quotes.
fn plain(scalar: &Scalar) -> JsonKind {
    let text = scalar.text.as_str();
    if !scalar.is_plain {
        return JsonKind::Text(text.to_owned());
    }
    match text {
        "true" | "True" | "TRUE" => return JsonKind::Bool(true),
        "false" | "False" | "FALSE" => return JsonKind::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        && digits.ends_with(|last: char| last.is_ascii_digit() || last == '.')
        && digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let number = || {
        if digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let text = text.trim_start_matches('+');
            let whole = text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<u64>().map(Number::from));
            return whole.ok();
        }
        text.parse().ok().and_then(Number::from_f64)
    };
    let radix = |prefix, radix| u64::from_str_radix(text.strip_prefix(prefix)?, radix).ok().map(Number::from);
    let number = if is_number { number() } else { radix("0x", 16).or_else(|| radix("0o", 8)) };
    number.map_or_else(|| JsonKind::Text(text.to_owned()), JsonKind::Number)
}

impl Located<String> {
    pub(super) fn as_str(&self) -> &str {
        &self.value
    }
}
