//! How the filters of chains are written.

use std::rc::Rc;

use serde_json::{Value, json};

use super::Located;
use super::fault::closest;
use super::filters::{AddedAlternatives, Alternatives, LongAdded, LongEntry};
use super::read::{Read, Reader};
use super::schema::Definitions;
use super::tree::{Key, Kind, Node};

/// A filter: its plugin's or a chain's name alone, or a map. Or alternatives.
#[derive(Debug)]
pub(super) enum Entry {
    Name(String),
    Long(Box<LongEntry>),
    AnyOf(Box<Alternatives>),
}

impl Read for Entry {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self::Name(scalar.text.clone())),
            Kind::Map(entries) if has_alternatives(entries) => {
                Alternatives::read(node, reader).map(|any_of| Self::AnyOf(Box::new(any_of)))
            }
            Kind::Map(entries) if is_keyed_by_filter(entries, reader) => None,
            Kind::Map(_) => LongEntry::read(node, reader).map(|entry| Self::Long(Box::new(entry))),
            _ => reader.expected("a plugin's name, a chain's name, or a map with `plugin: NAME`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "string" }, LongEntry::schema(definitions), Alternatives::schema(definitions)] })
    }
}

/// One of several filters of which one is enough.
#[derive(Debug)]
pub(super) enum Alternative {
    Name(String),
    Long(Box<LongEntry>),
}

impl Read for Alternative {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self::Name(scalar.text.clone())),
            Kind::Map(entries) if has_alternatives(entries) => {
                reader.fault(node.place, "an alternative is one filter, not `any_of` again").help =
                    Some("write all of them into one list: they are asked in its order".into());
                None
            }
            Kind::Map(entries) if is_keyed_by_filter(entries, reader) => None,
            Kind::Map(_) => LongEntry::read(node, reader).map(|entry| Self::Long(Box::new(entry))),
            _ => reader.expected("a plugin's name, or a map with `plugin: NAME`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "string" }, LongEntry::schema(definitions)] })
    }
}

/// Whether what is written are alternatives, or probably meant to be.
fn has_alternatives(entries: &[(Key, Rc<Node>)]) -> bool {
    let has_plugin = entries.iter().any(|(key, _)| key.name == "plugin");
    let is_meant = |key: &Key| closest(&key.name, ["any_of", "plugin"]) == Some("any_of");
    entries.iter().any(|(key, _)| key.name == "any_of" || !has_plugin && is_meant(key))
}

/// Whether an entry is written as `override` has it, `NAME: { ... }`; that is noted.
fn is_keyed_by_filter(entries: &[(Key, Rc<Node>)], reader: &mut Reader) -> bool {
    let [(key, value)] = entries else { return false };
    if !matches!(value.kind, Kind::Map(_)) || ["config", "limits"].contains(&key.name.as_str()) {
        return false;
    }
    let message = format!("an entry names its filter under `plugin`, not by the key `{}`", key.name);
    reader.fault(key.place, message).help = Some(format!("write `{{ plugin: {}, config: {{ ... }} }}`", key.name));
    true
}

/// The same, and where it goes.
#[derive(Debug)]
pub(super) enum Added {
    Name(String),
    Long(Box<LongAdded>),
    AnyOf(Box<AddedAlternatives>),
}

impl Read for Added {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self::Name(scalar.text.clone())),
            Kind::Map(entries) if has_alternatives(entries) => {
                AddedAlternatives::read(node, reader).map(|any_of| Self::AnyOf(Box::new(any_of)))
            }
            Kind::Map(entries) if is_keyed_by_filter(entries, reader) => None,
            Kind::Map(_) => LongAdded::read(node, reader).map(|entry| Self::Long(Box::new(entry))),
            _ => reader.expected("a plugin's name, a chain's name, or a map with `plugin: NAME`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "string" }, LongAdded::schema(definitions), AddedAlternatives::schema(definitions)] })
    }
}

/// A route's own chain.
#[derive(Debug)]
pub(super) enum RouteChain {
    None,
    These(Vec<Located<Entry>>),
}

impl Read for RouteChain {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "none" => Some(Self::None),
            Kind::List(_) => Vec::read(node, reader).map(Self::These),
            _ => reader.expected("`none`, or a list of filters,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "const": "none" }, Vec::<Located<Entry>>::schema(definitions)] })
    }
}
