//! What texts of a format look like. Formats that are not here are notes for people, and fit everything.

mod names;
mod pointer;
mod time;
mod web;

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::regex::Program;

/// A format that can be asserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Date,
    DateTime,
    Duration,
    Email,
    Hostname,
    IdnEmail,
    Ipv4,
    Ipv6,
    Iri,
    IriReference,
    JsonPointer,
    Regex,
    RelativeJsonPointer,
    Time,
    Uri,
    UriReference,
    UriTemplate,
    Uuid,
}

impl Format {
    /// All of them with their names.
    pub(crate) const ALL: [(&'static str, Self); 18] = [
        ("date", Self::Date),
        ("date-time", Self::DateTime),
        ("duration", Self::Duration),
        ("email", Self::Email),
        ("hostname", Self::Hostname),
        ("idn-email", Self::IdnEmail),
        ("ipv4", Self::Ipv4),
        ("ipv6", Self::Ipv6),
        ("iri", Self::Iri),
        ("iri-reference", Self::IriReference),
        ("json-pointer", Self::JsonPointer),
        ("regex", Self::Regex),
        ("relative-json-pointer", Self::RelativeJsonPointer),
        ("time", Self::Time),
        ("uri", Self::Uri),
        ("uri-reference", Self::UriReference),
        ("uri-template", Self::UriTemplate),
        ("uuid", Self::Uuid),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, format)| *format)
    }

    pub(crate) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| name)
    }

    /// Whether the text is one of this format.
    pub(crate) fn fits(self, text: &str) -> bool {
        match self {
            Self::Date => time::is_date(text),
            Self::DateTime => time::is_date_time(text),
            Self::Duration => time::is_duration(text),
            Self::Email => text.is_ascii() && names::is_email(text),
            Self::Hostname => names::is_hostname(text),
            Self::IdnEmail => names::is_email(text),
            Self::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Self::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
            Self::Iri => web::is_uri(text, false),
            Self::IriReference => web::is_reference(text, false),
            Self::JsonPointer => pointer::is_pointer(text),
            Self::Regex => text.len() <= LONGEST_PATTERN && Program::new(text).is_ok(),
            Self::RelativeJsonPointer => pointer::is_relative(text),
            Self::Time => time::is_time(text),
            Self::Uri => web::is_uri(text, true),
            Self::UriReference => web::is_reference(text, true),
            Self::UriTemplate => web::is_template(text),
            Self::Uuid => names::is_uuid(text),
        }
    }
}

/// Of a pattern that a client sends.
const LONGEST_PATTERN: usize = 256;
