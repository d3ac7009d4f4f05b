//! What a message's head says of its body.

use weir::{Coding, Faults};

use crate::headers::Head;

/// The types of bodies that are wanted: `application/json`, `text/*`, `*+json`, `*/*`.
#[derive(Debug)]
pub(crate) struct Types(Vec<String>);

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of another type.
    Other,
    Wanted,
    /// It is wanted, and cannot be read; why.
    Unreadable(&'static str),
}

const RANGE: &str = "it is a part of a document";

impl Types {
    /// The types that are written; what is wrong is noted.
    pub(crate) fn parse(written: Vec<String>, at: &str, faults: &mut Faults) -> Self {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        for (index, text) in written.iter().enumerate() {
            let is_type = match text.split_once('/') {
                Some(("*", subtype)) => subtype == "*",
                Some((kind, subtype)) => {
                    let is_subtype = subtype == "*" || !subtype.is_empty() && subtype.bytes().all(is_word);
                    !kind.is_empty() && kind.bytes().all(is_word) && is_subtype
                }
                None => text.strip_prefix("*+").is_some_and(|suffix| !suffix.is_empty() && suffix.bytes().all(is_word)),
            };
            if !is_type {
                let words = "` is no type; write one as `application/json`, `application/*`, `*+json` or `*/*`";
                faults.at(&[at, "/", &index.to_string()].concat(), &["`", text, words].concat());
            }
        }
        Self(written.into_iter().map(|text| text.to_ascii_lowercase()).collect())
    }

    fn have(&self, essence: &str) -> bool {
        self.0.iter().any(|wanted| match (wanted.split_once('*'), wanted.as_str()) {
            (_, "*/*") => true,
            (Some((start, end)), _) => essence.starts_with(start) && essence.ends_with(end) && essence != start,
            (None, wanted) => essence == wanted,
        })
    }

    /// What the body of a message is.
    pub(crate) fn kind(&self, head: &impl Head) -> Kind {
        let essence = |value: &str| value.split([';', ',']).next().unwrap_or_default().trim().to_ascii_lowercase();
        let is_wanted = |value: &str| self.have(&essence(value));
        match head.sole("content-type").map(|value| value.map(lossy)) {
            Ok(Some(one)) if !is_wanted(&one) => Kind::Other,
            Ok(Some(one)) if one.contains(',') => Kind::Unreadable("it has two types"),
            Ok(Some(one)) if !is_utf8(&one) => Kind::Unreadable("its charset is not UTF-8"),
            Ok(Some(_)) => Self::coded(head),
            Ok(None) if self.have("") => Self::coded(head),
            Err(_) if head.values("content-type").into_iter().map(lossy).any(|one| is_wanted(&one)) => {
                Kind::Unreadable("it has two types")
            }
            Ok(None) | Err(_) => Kind::Other,
        }
    }

    /// What the body of a response with this status is.
    pub(crate) fn kind_of_response(&self, status: u16, response: &impl Head) -> Kind {
        match (status, self.kind(response)) {
            // There is no body.
            (101 | 204 | 205 | 304, _) => Kind::Other,
            (206, Kind::Wanted) => Kind::Unreadable(RANGE),
            // Several parts of a document whose type only they tell.
            (206, Kind::Other) => {
                let is_parts =
                    |value: Vec<u8>| lossy(value).trim_start().to_ascii_lowercase().starts_with("multipart/");
                if response.values("content-type").into_iter().any(is_parts) {
                    Kind::Unreadable(RANGE)
                } else {
                    Kind::Other
                }
            }
            (_, kind) => kind,
        }
    }

    fn coded(head: &impl Head) -> Kind {
        match coding(head) {
            Ok(_) if head.sole("content-range") != Ok(None) => Kind::Unreadable(RANGE),
            Ok(_) => Kind::Wanted,
            Err(why) => Kind::Unreadable(why),
        }
    }
}

fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Whether a type's charset is UTF-8, or not said.
fn is_utf8(value: &str) -> bool {
    let parameters = value.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset")).all(|(_, value)| {
        ["utf-8", "us-ascii"].iter().any(|good| value.trim().trim_matches('"').eq_ignore_ascii_case(good))
    })
}

/// The coding that is to be taken off first, or why that is not possible.
pub(crate) fn coding(head: &impl Head) -> Result<Option<Coding>, &'static str> {
    let unknown = "its coding is unknown, or it has several";
    let Some(value) = head.sole("content-encoding").map_err(|_| unknown)? else { return Ok(None) };
    match lossy(value).trim().to_ascii_lowercase().as_str() {
        "identity" | "" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
        "br" => Ok(Some(Coding::Brotli)),
        "zstd" => Ok(Some(Coding::Zstd)),
        "deflate" => Ok(Some(Coding::Deflate)),
        _ => Err(unknown),
    }
}
