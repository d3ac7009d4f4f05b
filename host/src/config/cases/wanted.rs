//! What is to come of an exchange, in the forms in which it can be written.

use std::rc::Rc;

use serde_json::{Value, json};

use super::super::fault::quoted;
use super::super::read::{Read, Reader};
use super::super::schema::Definitions;
use super::super::tree::{Kind, Node};
use super::super::{Located, Place};
use super::Match;
use super::file::{self, Labelled, LongLine, Sent};
use super::forms::bytes;

/// What something must be.
#[derive(Debug)]
pub(super) struct AnyMatch(pub(super) Match);

impl Read for AnyMatch {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        Some(Self(match &node.kind {
            Kind::Scalar(scalar) if scalar.is_plain && scalar.text == "true" => Match::Any,
            Kind::Scalar(scalar) if scalar.is_plain && scalar.text == "false" => Match::Absent,
            Kind::Scalar(scalar) => Match::Is(scalar.text.clone()),
            Kind::List(_) => Match::Each(Vec::read(node, reader)?),
            Kind::Map(_) => {
                let file::Match { like, contains, json, hex, not, .. } = file::Match::read(node, reader)?;
                let hex = match hex {
                    Some(hex) => Some(Match::Bytes(bytes(&hex, reader)?)),
                    None => None,
                };
                let forms = [
                    like.map(Match::Like),
                    contains.map(|parts| Match::Contains(parts.0)),
                    json.map(|json| Match::Json(json.0)),
                    not.map(Match::Not),
                    hex,
                ];
                let mut forms = forms.into_iter().flatten();
                match (forms.next(), forms.next()) {
                    (Some(only), None) => only,
                    _ => return reader.expected("one of `like`, `contains`, `json`, `hex` and `not`", node),
                }
            }
            _ => {
                let help = "`true` stands for any, `false` for none; or write `{ like: \"a*\" }` or the like";
                return reader.expected_with("what it must be", node, help);
            }
        }))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let text = String::schema(definitions);
        json!({ "anyOf": [text, { "type": "array", "items": text }, file::Match::schema(definitions)] })
    }
}

/// Why: the code alone, or a map.
#[derive(Debug)]
pub(super) struct AnyReason {
    pub(super) code: Option<Located<AnyMatch>>,
    pub(super) detail: Option<Located<AnyMatch>>,
}

impl Read for AnyReason {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        if let Kind::Map(entries) = &node.kind
            && entries.iter().any(|(key, _)| ["code", "detail"].contains(&key.name.as_str()))
        {
            let file::Reason { code, detail, .. } = file::Reason::read(node, reader)?;
            return Some(Self { code, detail });
        }
        Some(Self { code: Some(Located::read(node, reader)?), detail: None })
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [AnyMatch::schema(definitions), file::Reason::schema(definitions)] })
    }
}

/// What the upstream gets: nothing, or a map.
#[derive(Debug)]
pub(super) enum AnySent {
    Nothing,
    This(Box<Sent>),
}

impl Read for AnySent {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if ["none", "false"].contains(&scalar.text.as_str()) => Some(Self::Nothing),
            Kind::Map(_) => Sent::read(node, reader).map(|sent| Self::This(Box::new(sent))),
            _ => reader.expected("`none`, or a map with `method`, `path`, `headers` and `body`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "enum": ["none", false] }, Sent::schema(definitions)] })
    }
}

/// A line of the log: a part of what it says, or a map.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) level: Option<Located<String>>,
    pub(super) text: Option<Match>,
}

impl Read for Line {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let place = node.place;
        match &node.kind {
            Kind::Scalar(scalar) => {
                Some(Self { place, level: None, text: Some(Match::Contains(vec![scalar.text.clone()])) })
            }
            _ => {
                let LongLine { level, text, .. } = LongLine::read(node, reader)?;
                let levels = ["error", "warn", "info", "debug"];
                if let Some(odd) = level.as_ref().filter(|level| !levels.contains(&level.value.as_str())) {
                    reader.fault(odd.place, format!("{} is not a level", quoted(&odd.value))).help =
                        Some(format!("levels are {}", levels.join(", ")));
                }
                Some(Self { place, level, text: text.map(|text| text.value.0) })
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [String::schema(definitions), LongLine::schema(definitions)] })
    }
}

/// A count: over all labels, or for some of them.
#[derive(Debug)]
pub(super) enum AnyTotal {
    Sum(Located<String>),
    Each(Vec<Labelled>),
}

impl Read for AnyTotal {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::List(_) => Vec::read(node, reader).map(Self::Each),
            _ => Located::read(node, reader).map(Self::Sum),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let labelled = Labelled::schema(definitions);
        json!({ "anyOf": [{ "type": "number" }, { "type": "array", "items": labelled }] })
    }
}
