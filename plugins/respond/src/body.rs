//! The body of an answer, and how values are written into it: its type says so.

mod json;
mod markup;

use weir::config::Json;
use weir::escape::Destination;
use weir::template::{Part, Template};
use weir::{Faults, Request};

use crate::answer::Field;
use crate::fill::fill;
use crate::written::Pairs;

/// What a `content-type` means for values in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unwritten,
    Text,
    Markup,
    Json,
    Other,
}

impl Kind {
    /// As the headers of an answer say it.
    pub(crate) fn of(headers: &Pairs<String>) -> Self {
        let Some(value) = headers.header("content-type") else { return Self::Unwritten };
        let essence = value.split(';').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        match essence.as_str() {
            "text/plain" => Self::Text,
            "text/html" | "text/xml" | "application/xml" => Self::Markup,
            "application/json" => Self::Json,
            other if other.ends_with("+xml") => Self::Markup,
            other if other.ends_with("+json") => Self::Json,
            _ => Self::Other,
        }
    }
}

/// A body.
#[derive(Default)]
pub(crate) struct Body {
    parts: Vec<Part>,
    into: Option<Destination>,
    /// What it is if the headers do not say.
    content_type: Option<&'static str>,
}

const TEXT: &str = "text/plain; charset=utf-8";

impl Body {
    /// A text as it stands.
    pub(crate) fn fixed(text: String) -> Self {
        let parts = if text.is_empty() { Vec::new() } else { vec![Part::Text(text)] };
        Self { parts, into: None, content_type: Some(TEXT) }
    }

    /// A text with values.
    pub(crate) fn template(text: &str, kind: Kind, faults: &mut Faults) -> Self {
        let pointer = "/template";
        let parts = match Template::parse(text) {
            Ok(template) => template.parts().to_vec(),
            Err(why) => {
                faults.at(pointer, &why);
                Vec::new()
            }
        };
        let has_values = parts.iter().any(|part| matches!(part, Part::Value(_)));
        let into = match kind {
            Kind::Markup => {
                if let Some(why) = markup::fault(&parts) {
                    faults.at(pointer, &why);
                }
                Destination::Markup
            }
            Kind::Json if has_values => {
                faults.at(pointer, "write a JSON body with values as `json`, where they stay values");
                Destination::Json
            }
            Kind::Other if has_values => {
                let words = "values are written into text/plain, HTML, XML and JSON only; this type is none of them";
                faults.at(pointer, words);
                Destination::Text
            }
            _ => Destination::Text,
        };
        Self { parts, into: Some(into), content_type: Some(TEXT) }
    }

    /// A JSON value with values in its texts.
    pub(crate) fn json(value: &Json, kind: Kind, faults: &mut Faults) -> Self {
        if !matches!(kind, Kind::Unwritten | Kind::Json) {
            faults.at("/headers", "the content-type of a body that is `json` is application/json or ends with +json");
        }
        Self {
            parts: json::parts(value, faults),
            into: Some(Destination::Json),
            content_type: Some("application/json"),
        }
    }

    /// The fields that tell what it is, as far as they are not written.
    pub(crate) fn headers(&self, written: &Pairs<String>) -> Vec<Field> {
        if self.is_empty() {
            return Vec::new();
        }
        // A browser that guesses could take a text for a page.
        let fields = [("content-type", self.content_type), ("x-content-type-options", self.into.map(|_| "nosniff"))];
        let missing = fields.into_iter().filter(|(name, _)| written.header(name).is_none());
        missing.filter_map(|(name, value)| Some((name.to_owned(), vec![Part::Text(value?.to_owned())]))).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Bytes without the values.
    pub(crate) fn length(&self) -> usize {
        let length = |part: &Part| if let Part::Text(text) = part { text.len() } else { 0 };
        self.parts.iter().map(length).sum()
    }

    /// The body with the request's values. `None` if it gets too long.
    pub(crate) fn fill(&self, request: &Request) -> Option<String> {
        fill(&self.parts, request, |_| self.into.unwrap_or(Destination::Text))
    }
}
