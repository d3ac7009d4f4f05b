//! What stands in place of a value that is hidden.

use weir::crypto::{self, Hash};
use weir::escape::{self, Destination};
use weir::{Refusal, Secret};

use super::scan::Kind;
use super::token::unescaped;

/// How a value is hidden.
#[derive(Clone, Debug)]
pub(crate) enum Mask {
    /// By a text, of which a few characters at the end may stay.
    Text {
        text: String,
        keep_last: usize,
    },
    Hmac(Secret),
    /// SHA-256 of this and the value.
    Salted(String),
}

impl Mask {
    /// Whether the host is asked for each value.
    pub(super) fn hashes(&self) -> bool {
        !matches!(self, Self::Text { .. })
    }

    /// What stands in the place of an object or a list: nothing of it stays.
    pub(super) fn of_container(&self) -> String {
        match self {
            Self::Text { text, .. } => quoted(text, ""),
            Self::Hmac(_) | Self::Salted(_) => quoted("****", ""),
        }
    }

    /// What stands in the place of another value, given as it stands in the document. `null` hides nothing.
    pub(super) fn of_scalar(&self, value: &str, kind: Kind) -> Result<Option<String>, Refusal> {
        let plain;
        let value = match kind {
            Kind::Null => return Ok(None),
            Kind::Text { has_escapes } => {
                let inside = value.get(1..value.len() - 1).unwrap_or_default();
                if has_escapes {
                    plain = unescaped(inside);
                    plain.as_str()
                } else {
                    inside
                }
            }
            Kind::Number | Kind::Bool => value,
        };
        Ok(Some(match self {
            Self::Text { text, .. } if kind == Kind::Bool => quoted(text, ""),
            Self::Text { text, keep_last } => quoted(text, end(value, *keep_last)),
            Self::Hmac(key) => hexadecimal(&key.hmac(Hash::Sha256, value.as_bytes())?),
            Self::Salted(salt) => {
                hexadecimal(&crypto::digest(Hash::Sha256, &[salt.as_bytes(), value.as_bytes()].concat()))
            }
        }))
    }
}

/// The last characters, but never more than half: of a short value the end would be too much.
fn end(value: &str, most: usize) -> &str {
    if most == 0 {
        return "";
    }
    let count = value.chars().count();
    let kept = most.min(count / 2);
    let start = value.char_indices().nth(count - kept).map_or(value.len(), |(start, _)| start);
    value.get(start..).unwrap_or_default()
}

/// A text of JSON.
pub(crate) fn quoted(text: &str, more: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + more.len() + 2);
    quoted.push('"');
    escape::push(&mut quoted, text, Destination::Json);
    escape::push(&mut quoted, more, Destination::Json);
    quoted.push('"');
    quoted
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len() + 2);
    text.push('"');
    for byte in bytes {
        for half in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(half), 16).unwrap_or_default());
        }
    }
    text.push('"');
    text
}
