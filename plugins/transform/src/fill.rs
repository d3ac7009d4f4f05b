//! Texts with values of the request in them.

use std::borrow::Cow;

use weir::escape::{self, Destination};
use weir::template::{Part, Template};
use weir::{Faults, Request};

/// Of one text with its values: as long as the host lets a field be.
const LONGEST: usize = 64 << 10;

/// The values of this request are too long for the place where they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// A text as it is configured.
#[derive(Debug)]
pub(crate) enum Text {
    Fixed(String),
    Parts(Vec<Part>),
}

impl Text {
    /// Reads a text; what is wrong is noted.
    pub(crate) fn parse(written: &str, pointer: &str, faults: &mut Faults) -> Self {
        match Template::parse(written) {
            Ok(template) => match template.parts() {
                [] => Self::Fixed(String::new()),
                [Part::Text(text)] => Self::Fixed(text.clone()),
                parts => Self::Parts(parts.to_vec()),
            },
            Err(why) => {
                faults.at(pointer, &why);
                Self::Fixed(String::new())
            }
        }
    }

    /// The same, where what is fixed stands in a URL's query.
    pub(crate) fn in_query(self) -> Self {
        let part = |part| match part {
            Part::Text(text) => Part::Text(escaped(&text)),
            value @ Part::Value(_) => value,
        };
        match self {
            Self::Fixed(text) => Self::Fixed(escaped(&text)),
            Self::Parts(parts) => Self::Parts(parts.into_iter().map(part).collect()),
        }
    }

    /// The text for this request; none if one of its values is not there.
    pub(crate) fn fill(&self, request: &Request, into: Destination) -> Result<Option<Cow<'_, str>>, TooLong> {
        let parts = match self {
            Self::Fixed(text) => return Ok(Some(text.into())),
            Self::Parts(parts) => parts,
        };
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Value(source) => match source.read(request) {
                    Some(value) if text.len() + value.len() > LONGEST => return Err(TooLong),
                    Some(value) => escape::push(&mut text, &value, into),
                    None => return Ok(None),
                },
            }
        }
        if text.len() > LONGEST { Err(TooLong) } else { Ok(Some(text.into())) }
    }
}

/// A text as it stands in a URL's query.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    escape::push(&mut escaped, text, Destination::UrlPart);
    escaped
}
