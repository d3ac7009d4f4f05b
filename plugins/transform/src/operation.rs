//! Operations on a JSON body, as they are configured.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::Deserializer;
use weir::config::Json;
use weir::escape::Destination;
use weir::schema::{Node, Schema};
use weir::{Faults, Request, Secret};

use crate::fill::{Text, TooLong};
use crate::json::{Mask, Operation, Path, quoted};
use crate::pointer;
use crate::several::Several;

/// One thing to do to a document.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(crate) enum Written {
    /// Takes away what is there.
    Remove(Several<String>),
    /// Gives members another key.
    Rename {
        /// Which members.
        at: String,
        /// Their new key.
        to: String,
    },
    /// Puts a value there, and makes it if it is missing.
    Set {
        /// Where.
        at: String,
        /// The value, of any kind.
        #[serde(default)]
        value: Value,
        /// A text with placeholders instead; if a value is not there, what stands there goes.
        template: Option<String>,
    },
    /// Puts a value elsewhere.
    Move {
        /// Where it is.
        from: String,
        /// Where it goes.
        to: String,
    },
    /// Puts a value elsewhere, too.
    Copy {
        /// Where it is.
        from: String,
        /// Where it goes.
        to: String,
    },
    /// Hides values.
    Mask {
        /// Which.
        at: Several<String>,
        /// What stands there instead; `****` if nothing is said.
        text: Option<String>,
        /// So many characters at the end stay, but never more than half.
        keep_last: Option<u16>,
        /// Instead: the HMAC with SHA-256 under this key, in hexadecimal.
        hmac: Option<Secret>,
        /// Instead: the SHA-256 of this salt and the value, in hexadecimal.
        salt: Option<String>,
    },
}

/// A value that may be `null`, or not be written.
#[derive(Debug, Default)]
pub(crate) struct Value(Option<Json>);

impl Schema for Value {
    const SCHEMA: &'static Node = &Node::Any;
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Json::deserialize(deserializer).map(|json| Self(Some(json)))
    }
}

/// What `set` puts into documents.
#[derive(Debug)]
pub(crate) enum Put {
    /// JSON.
    Fixed(String),
    /// A text.
    Filled(Text),
}

impl Put {
    /// JSON for this request; none if one of its values is not there.
    pub(crate) fn fill(&self, request: &Request) -> Result<Option<Cow<'_, str>>, TooLong> {
        match self {
            Self::Fixed(json) => Ok(Some(json.into())),
            Self::Filled(text) => {
                let text = text.fill(request, Destination::Json)?;
                Ok(text.map(|text| ["\"", &text, "\""].concat().into()))
            }
        }
    }
}

/// Of a salt and a text.
const LONGEST: usize = 1 << 10;

/// Of a salt.
const SHORTEST: usize = 16;

impl Written {
    /// Adds what is to be done; what is wrong is noted.
    pub(crate) fn add(self, at: &str, operations: &mut Vec<Operation>, puts: &mut Vec<Put>, faults: &mut Faults) {
        let mut parse = |text: &str, at: &str| match Path::parse(text) {
            Ok(path) => Some(path),
            Err(why) => {
                faults.at(at, &why);
                None
            }
        };
        match self {
            Self::Remove(paths) => {
                for (at, text) in paths.placed(&pointer(at, "remove")) {
                    operations.extend(parse(&text, &at).map(Operation::Remove));
                }
            }
            Self::Rename { at: from, to } => {
                let at = pointer(at, "rename");
                let Some(path) = parse(&from, &pointer(&at, "at")) else { return };
                match path.key() {
                    None => faults.at(&pointer(&at, "at"), "only a member has a key; a path of one ends with its key"),
                    Some(key) if key == to => faults.at(&pointer(&at, "to"), "it has that key already"),
                    Some(_) => operations.push(Operation::Rename(path, to)),
                }
            }
            Self::Set { at: text, value, template } => {
                let at = pointer(at, "set");
                let path = parse(&text, &pointer(&at, "at"));
                let put = match (value.0, template) {
                    (Some(value), None) => {
                        let mut json = String::new();
                        write(&value, &mut json, &pointer(&at, "value"), faults);
                        Put::Fixed(json)
                    }
                    (None, Some(template)) => {
                        let text = Text::parse(&template, &pointer(&at, "template"), faults);
                        match text {
                            Text::Fixed(text) => Put::Fixed(quoted(&text, "")),
                            parts @ Text::Parts(_) => Put::Filled(parts),
                        }
                    }
                    _ => {
                        return faults
                            .at(&at, "write what is put there: `value`, or `template` for a text with placeholders");
                    }
                };
                if let Some(path) = path {
                    if path.is_deep() {
                        faults.at(&pointer(&at, "at"), "`**` would put it into every object; name the way");
                    }
                    operations.push(Operation::Set(path, puts.len()));
                    puts.push(put);
                }
            }
            Self::Move { from, to } => {
                let at = pointer(at, "move");
                if let Some((from, to)) = way(&from, &to, &at, faults) {
                    if from.holds(&to) {
                        faults.at(&pointer(&at, "to"), "a value cannot go into itself");
                    }
                    operations.push(Operation::Move { from, to });
                }
            }
            Self::Copy { from, to } => {
                let at = pointer(at, "copy");
                if let Some((from, to)) = way(&from, &to, &at, faults) {
                    if from == to {
                        faults.at(&pointer(&at, "to"), "it is there already");
                    }
                    operations.push(Operation::Copy { from, to });
                }
            }
            Self::Mask { at: paths, text, keep_last, hmac, salt } => {
                let at = pointer(at, "mask");
                let mask = mask(&at, text, keep_last, hmac, salt, faults);
                for (at, text) in paths.placed(&pointer(&at, "at")) {
                    match Path::parse(&text) {
                        Ok(path) => operations.push(Operation::Mask(path, mask.clone())),
                        Err(why) => faults.at(&at, &why),
                    }
                }
            }
        }
    }
}

/// From where to where: one place each.
fn way(from: &str, to: &str, at: &str, faults: &mut Faults) -> Option<(Path, Path)> {
    let mut place = |text: &str, key: &str| match Path::parse(text) {
        Ok(path) if path.is_literal() => Some(path),
        Ok(_) => {
            faults.at(&pointer(at, key), "this is one place, without `*`");
            None
        }
        Err(why) => {
            faults.at(&pointer(at, key), &why);
            None
        }
    };
    let (from, to) = (place(from, "from"), place(to, "to"));
    from.zip(to)
}

/// How values are hidden.
fn mask(
    at: &str,
    text: Option<String>,
    keep_last: Option<u16>,
    hmac: Option<Secret>,
    salt: Option<String>,
    faults: &mut Faults,
) -> Mask {
    let is_text = text.is_some() || keep_last.is_some();
    if [is_text, hmac.is_some(), salt.is_some()].into_iter().filter(|is| *is).count() > 1 {
        faults.at(at, "a value is hidden in one way: by `text` and `keep_last`, by `hmac`, or by `salt`");
    }
    for (key, written) in [("text", &text), ("salt", &salt)] {
        if written.as_ref().is_some_and(|written| written.len() > LONGEST) {
            faults.at(&pointer(at, key), "this has at most 1 KiB");
        }
    }
    match (hmac, salt) {
        (Some(key), _) => Mask::Hmac(key),
        (None, Some(salt)) => {
            if salt.len() < SHORTEST {
                faults.at(&pointer(at, "salt"), "a salt has at least 16 characters, or it can be guessed");
            }
            Mask::Salted(salt)
        }
        (None, None) => Mask::Text {
            text: text.unwrap_or_else(|| "****".to_owned()),
            keep_last: usize::from(keep_last.unwrap_or_default()),
        },
    }
}

/// A value as JSON. How deep it nests the configuration's reader has bounded.
fn write(value: &Json, json: &mut String, at: &str, faults: &mut Faults) {
    match value {
        Json::Null => json.push_str("null"),
        Json::Bool(truth) => json.push_str(if *truth { "true" } else { "false" }),
        Json::Number(Some(digits)) => json.push_str(digits),
        Json::Number(None) => faults.at(at, "a fraction has at most 15 digits here"),
        Json::Text(text) => json.push_str(&quoted(text, "")),
        Json::List(items) => {
            json.push('[');
            for (index, item) in items.iter().enumerate() {
                json.push_str(if index > 0 { "," } else { "" });
                write(item, json, at, faults);
            }
            json.push(']');
        }
        Json::Object(members) => {
            json.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                json.push_str(if index > 0 { "," } else { "" });
                json.push_str(&quoted(key, ""));
                json.push(':');
                write(member, json, at, faults);
            }
            json.push('}');
        }
    }
}
