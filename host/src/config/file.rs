//! The file as it is written: serde types, strict. What the values mean is `validate`'s to say.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_saphyr::{DeserializeError, Location, MessageFormatter, Spanned};

use super::fault::closest;
use super::units::{Size, Time};
use super::{Fault, OnFailure, Place};

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) version: Spanned<u32>,
    pub(super) workers: Option<Spanned<usize>>,
    #[serde(default = "yes")]
    pub(super) access_log: bool,
    pub(super) listeners: Spanned<BTreeMap<String, Listener>>,
    #[serde(default)]
    pub(super) upstreams: BTreeMap<String, Upstream>,
    #[serde(default)]
    pub(super) plugins: BTreeMap<String, Plugin>,
    pub(super) sites: Spanned<Vec<Site>>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listener {
    pub(super) address: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upstream {
    pub(super) endpoints: Spanned<Vec<Spanned<String>>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plugin {
    pub(super) file: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) limits: Limits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) cpu: Option<Spanned<Time>>,
    pub(super) memory: Option<Spanned<Size>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Site {
    #[serde(default)]
    pub(super) chain: Vec<Spanned<Entry>>,
    pub(super) routes: Spanned<Vec<Route>>,
}

/// A plugin's name alone, or a map with more.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) plugin: String,
    pub(super) name: Option<String>,
    pub(super) config: Option<Spanned<serde_json::Value>>,
    pub(super) on_failure: Option<OnFailure>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) path: Spanned<String>,
    pub(super) upstream: Spanned<String>,
}

// Not an untagged enum: serde buffers the content of those, and the places in it are lost.
impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields, rename = "chain entry")]
        struct Long {
            plugin: String,
            name: Option<String>,
            config: Option<Spanned<serde_json::Value>>,
            on_failure: Option<OnFailure>,
        }

        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Entry;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a plugin's name, or a map with `plugin: NAME`")
            }

            fn visit_str<E: serde::de::Error>(self, plugin: &str) -> Result<Entry, E> {
                Ok(Entry { plugin: plugin.to_owned(), name: None, config: None, on_failure: None })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                let Long { plugin, name, config, on_failure } = Long::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Entry { plugin, name, config, on_failure })
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// Reads the text, up to the first fault.
pub(super) fn parse(text: &str) -> Result<File, Fault> {
    let options = serde_saphyr::options! { with_snippet: false, strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| fault(text, &error))
}

fn fault(text: &str, error: &DeserializeError) -> Fault {
    let location = error.location().unwrap_or(Location::UNKNOWN);
    let message = serde_saphyr::DefaultMessageFormatter.format_message(error).into_owned();
    let fault = Fault::new(place(location, text), message);
    match error {
        DeserializeError::SerdeUnknownField { field, expected, .. } => {
            let fault = Fault { message: format!("unknown key `{field}`"), ..fault };
            match closest(field, expected.iter().copied()) {
                Some(known) => fault.help(format!("did you mean `{known}`?")),
                None => fault.help(format!("known here: {}", expected.join(", "))),
            }
        }
        DeserializeError::SerdeMissingField { field, .. } => {
            Fault { message: format!("missing key `{field}`"), ..fault }
        }
        _ => fault,
    }
}

/// Where a parsed value stands.
pub(super) fn place(location: Location, text: &str) -> Place {
    let span = location.span();
    match (span.byte_offset(), span.byte_len()) {
        (Some(start), Some(length)) => {
            let start = usize::try_from(start).unwrap_or(usize::MAX).min(text.len());
            let length = usize::try_from(length).unwrap_or(0);
            // The parser's span of a scalar or of an open block can be empty: mark the word that stands there.
            let word = text
                .get(start..)
                .map_or(0, |rest| rest.find(|c: char| c.is_whitespace() || c == ':').unwrap_or(rest.len()));
            Place::new(start, start + if length == 0 { word.max(1) } else { length })
        }
        _ => Place::default(),
    }
}
