//! What a case gives, in the forms in which it can be written.

use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use super::super::Located;
use super::super::fault::quoted;
use super::super::json::Json;
use super::super::read::{Read, Reader};
use super::super::schema::Definitions;
use super::super::tree::{Kind, Node};
use super::file::{self, Tls};
use super::{Body, Document};

/// A part of the file that is read later, or elsewhere.
#[derive(Debug)]
pub(super) struct Raw(pub(super) Rc<Node>);

impl Read for Raw {
    fn read(node: &Rc<Node>, _: &mut Reader) -> Option<Self> {
        Some(Self(Rc::clone(node)))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({})
    }
}

/// Any value, as JSON.
#[derive(Debug)]
pub(super) struct AnyJson(pub(super) Value);

impl Read for AnyJson {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match Json::of(node).map(|json| serde_json::from_str(&json.to_string())) {
            Some(Ok(value)) => Some(Self(value)),
            _ => reader.expected("a value that can be written as JSON", node),
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({})
    }
}

/// Values by names of any kind, in the file's order.
#[derive(Debug)]
pub(super) struct Table<T>(pub(super) Vec<(Located<String>, T)>);

impl<T: Read> Read for Table<T> {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else { return reader.expected("a map of names and values", node) };
        let read = entries.iter().filter_map(|(key, value)| {
            let name = Located { value: key.name.clone(), place: key.place };
            T::read(value, reader).map(|value| (name, value))
        });
        Some(Self(read.collect()))
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": T::schema(definitions) })
    }
}

/// One text, or several.
#[derive(Debug)]
pub(super) struct Lines(pub(super) Vec<String>);

impl Read for Lines {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self(vec![scalar.text.clone()])),
            Kind::List(_) => Vec::read(node, reader).map(Self),
            _ => reader.expected("a text, or a list of texts,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let one = String::schema(definitions);
        json!({ "anyOf": [one, { "type": "array", "items": one }] })
    }
}

/// A point in time, as in 2026-01-31T12:34:56Z, since 1970.
#[derive(Debug)]
pub(super) struct Moment(pub(super) Duration);

impl Read for Moment {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Scalar(scalar) = &node.kind else { return reader.expected("a point in time", node) };
        let moment = since_1970(&scalar.text).map(Self);
        if moment.is_none() {
            reader.fault(node.place, format!("{} is not a point in time", quoted(&scalar.text))).help =
                Some("write one from 1970 on in UTC, as in 2026-01-31T12:34:56Z".into());
        }
        moment
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "string", "format": "date-time" })
    }
}

fn since_1970(text: &str) -> Option<Duration> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let numbers = |text: &str, separator| -> Option<[u64; 3]> {
        let parts: Option<Vec<u64>> = text
            .split(separator)
            .map(|part| part.parse().ok().filter(|_| part.bytes().all(|byte| byte.is_ascii_digit())))
            .collect();
        parts?.try_into().ok()
    };
    let ([year, month, day], [hour, minute, second]) = (numbers(date, '-')?, numbers(time, ':')?);
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let length = |month: u64| match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let is_date = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=length(month)).contains(&day);
    if !is_date || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let years = year - 1;
    let before = years * 365 + years / 4 - years / 100 + years / 400 - 719_162;
    let days = before + (1..month).map(length).sum::<u64>() + day - 1;
    Some(Duration::from_secs(((days * 24 + hour) * 60 + minute) * 60 + second))
}

/// A body: a text, or a map that says more.
#[derive(Debug)]
pub(super) struct AnyBody(pub(super) Body);

impl Read for AnyBody {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self(Body::of(scalar.text.clone()))),
            Kind::Map(_) => {
                let file::Body { text, json, hex, chunks, breaks, .. } = file::Body::read(node, reader)?;
                let whole = [text, json.map(|json| json.0.to_string())].into_iter().flatten().map(String::into_bytes);
                let mut given: Vec<Vec<u8>> = whole.collect();
                if let Some(hex) = hex {
                    given.push(bytes(&hex, reader)?);
                }
                let body = match (given.len(), chunks) {
                    (1, None) => Body::of(given.remove(0)),
                    (0, Some(chunks)) => {
                        Body { pieces: chunks.into_iter().map(Into::into).collect(), has_length: false, breaks: false }
                    }
                    (0, None) => Body::of(""),
                    _ => return reader.expected("one of `text`, `json`, `hex` and `chunks`", node),
                };
                let breaks = breaks.unwrap_or(false);
                Some(Self(Body { breaks, has_length: body.has_length && !breaks, ..body }))
            }
            _ => reader.expected("a text, or a map with `text`, `json`, `hex` or `chunks`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [String::schema(definitions), file::Body::schema(definitions)] })
    }
}

/// A body in one piece.
#[derive(Debug)]
pub(super) struct OneBody(pub(super) Vec<u8>);

impl Read for OneBody {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        AnyBody::read(node, reader).map(|body| Self(body.0.pieces.concat()))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        AnyBody::schema(definitions)
    }
}

/// Bytes in hexadecimal.
pub(super) fn bytes(hex: &Located<String>, reader: &mut Reader) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = hex.value.as_bytes().chunks(2).map(|pair| Some((digit(pair[0])? << 4) | digit(*pair.get(1)?)?));
    let bytes: Option<Vec<u8>> = pairs.collect();
    if bytes.is_none() {
        reader.fault(hex.place, format!("{} is not bytes in hexadecimal", quoted(&hex.value))).help =
            Some("write two digits for each, as in 00ff".into());
    }
    bytes
}

/// A document: its text, nothing, or a map with what a fetch brings later.
#[derive(Debug)]
pub(super) struct AnyDocument(pub(super) Document);

super::super::read::section! {
    /// A document that changes when it is fetched anew.
    struct Fresh {
        /// Its text at first; none is there if this is absent.
        text: Option<String>,
        /// Its text when the filter has it fetched anew.
        refreshed: Option<String>,
    }
}

impl Read for AnyDocument {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let text = |text: String| Some(text.into_bytes().into());
        Some(Self(match &node.kind {
            Kind::Nothing => Document { first: None, then: None },
            Kind::Map(_) => {
                let Fresh { text: first, refreshed, .. } = Fresh::read(node, reader)?;
                let first = first.and_then(text);
                Document { then: refreshed.map_or_else(|| first.clone(), text), first }
            }
            _ => {
                let text = String::read(node, reader).and_then(text);
                Document { first: text.clone(), then: text }
            }
        }))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "null" }, String::schema(definitions), Fresh::schema(definitions)] })
    }
}

/// TLS: that there is some, or a map.
#[derive(Debug)]
pub(super) struct AnyTls(pub(super) Option<Tls>);

impl Read for AnyTls {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "false" => Some(Self(None)),
            Kind::Scalar(scalar) if scalar.text == "true" => {
                Some(Self(Some(Tls { place: node.place, version: None, cipher: None, server_name: None })))
            }
            Kind::Map(_) => Tls::read(node, reader).map(|tls| Self(Some(tls))),
            _ => reader.expected("`true`, or a map with `version`, `cipher` and `server_name`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, Tls::schema(definitions)] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_in_time() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2024-02-29T23:59:59Z", Some(1_709_251_199)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600)),
            ("2100-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-01-01", None),
            ("1969-12-31T23:59:59Z", None),
            ("2026-01-01T24:00:00Z", None),
            ("2026-01-+1T00:00:00Z", None),
        ] {
            assert_eq!(since_1970(text).map(|time| time.as_secs()), seconds, "{text}");
        }
    }
}
