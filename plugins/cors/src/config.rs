//! The entry's `config`, and what becomes of it.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use weir::schema::{Node, Schema};
use weir::{Faults, config};

use crate::Cors;
use crate::origins::Origins;
use crate::preflight::Preflights;
use crate::words::{Kind, Words};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Pages of which origins may read responses: `https://app.example`, `https://*.app.example` (one label),
    /// `http://localhost:*` (any port), `{ regex: ... }`, `null`, or `*` alone for all.
    origins: Vec<Entry>,
    /// Methods that they may use; `*` is all.
    #[serde(default = "methods")]
    #[weir(default = ["GET", "HEAD", "POST"])]
    methods: Vec<String>,
    /// Request headers that they may send beside those that every form sends; `*` is all.
    #[serde(default = "headers")]
    #[weir(default = ["content-type"])]
    headers: Vec<String>,
    /// Response headers that they may read beside the few that browsers always show; `*` is all.
    #[serde(default)]
    expose: Vec<String>,
    /// Whether they may send cookies and other credentials.
    #[serde(default)]
    credentials: bool,
    /// How long browsers need not ask again, from `0s` to `24h`.
    #[serde(default = "max_age")]
    #[weir(default = "10m")]
    max_age: config::Duration,
    /// Whether pages of the internet may reach this proxy in a private network.
    #[serde(default)]
    private_network: bool,
    /// What becomes of a response in which the upstream says itself who may read it.
    #[serde(default)]
    #[weir(default = "replace")]
    upstream: Upstream,
}

/// What becomes of what the upstream says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Upstream {
    /// What is written here takes its place.
    #[default]
    Replace,
    /// It stays.
    Keep,
}

/// One of `origins`.
#[derive(Debug)]
pub(crate) enum Entry {
    Text(String),
    Regex(String),
}

/// An origin that is told by a pattern.
#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Pattern {
    /// A regular expression that the whole origin fits, in small letters and without a port that is the scheme's own.
    regex: String,
}

impl Schema for Entry {
    const SCHEMA: &'static Node = &Node::AnyOf(&[&Node::String, Pattern::SCHEMA]);
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = Entry;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an origin, or `{ regex: ... }`")
            }

            fn visit_str<E>(self, text: &str) -> Result<Entry, E> {
                Ok(Entry::Text(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Entry, A::Error> {
                Pattern::deserialize(MapAccessDeserializer::new(map)).map(|pattern| Entry::Regex(pattern.regex))
            }
        }

        deserializer.deserialize_any(Written)
    }
}

fn methods() -> Vec<String> {
    ["GET", "HEAD", "POST"].map(str::to_owned).to_vec()
}

fn headers() -> Vec<String> {
    vec!["content-type".to_owned()]
}

fn max_age() -> config::Duration {
    Duration::from_secs(600).into()
}

/// Beyond this no browser remembers it.
const LONGEST: Duration = Duration::from_hours(24);

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> Cors {
        let origins = Origins::of(&self.origins, self.credentials, faults);
        for (index, method) in self.methods.iter().enumerate() {
            let large = method.to_ascii_uppercase();
            if *method != large {
                let words = ["methods are told apart by case: write `", &large, "`"].concat();
                faults.at(&["/methods/", &index.to_string()].concat(), &words);
            }
        }
        let methods = Words::of(self.methods, &Kind { pointer: "/methods", what: "a method" }, faults);
        let name = "a header name; letters, digits and hyphens are, as in `x-request-id`";
        let headers = Words::of(self.headers, &Kind { pointer: "/headers", what: name }, faults);
        let expose = Words::of(self.expose, &Kind { pointer: "/expose", what: name }, faults);
        let expose = match expose {
            Words::All if self.credentials => {
                faults.at(
                    "/expose",
                    "browsers take `*` for a header of that name where credentials are sent; write the names",
                );
                None
            }
            Words::All => Some("*".to_owned()),
            expose @ Words::These(_) => expose.joined(),
        };
        let max_age = self.max_age.get();
        if max_age > LONGEST || max_age.subsec_millis() > 0 {
            faults.at("/max_age", "browsers remember it for whole seconds, and for `24h` at most");
        }
        Cors {
            origins,
            credentials: self.credentials,
            expose,
            upstream: self.upstream,
            preflights: Preflights {
                methods,
                headers,
                max_age: max_age.as_secs(),
                private_network: self.private_network,
            },
        }
    }
}
