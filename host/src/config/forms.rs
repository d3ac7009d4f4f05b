//! Values that are words, or that can be written in more than one way.

use std::rc::Rc;

use serde_json::{Value, json};

use super::file::{
    ENDPOINT, FileStore, LogFile, MemoryStore, REDIS, RedisCluster, RedisSentinels, RedisStore, Stories,
    WeightedEndpoint,
};
use super::read::{Count, Read, Reader, section, words};
use super::schema::{Definitions, text_like};
use super::tree::{Kind, Node};
use super::{Balance, Located};
use crate::paths::EncodedSlash;

words! { "a way to balance", Balance {
    "round-robin" => Balance::RoundRobin,
    "least-connections" => Balance::LeastConnections,
    "ip-hash" => Balance::IpHash,
} }

words! { "a rule for %2F", EncodedSlash { "reject" => EncodedSlash::Reject, "keep" => EncodedSlash::Keep, } }

/// Whose decision to trace an exchange is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    All,
    TrustedProxies,
}

words! { "a way to trust", Trust { "trusted_proxies" => Trust::TrustedProxies, "all" => Trust::All, } }

/// How what the proxy sends on its own account is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compression {
    Gzip,
    None,
}

words! { "a compression", Compression { "gzip" => Compression::Gzip, "none" => Compression::None, } }
/// Whom probes are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Probes {
    Open,
    Closed,
}

words! { "a rule for probes", Probes { "open" => Probes::Open, "closed" => Probes::Closed, } }

/// The version of the format; there is one.
#[derive(Debug)]
pub(super) struct Version;

impl Read for Version {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text != "1" => {
                reader
                    .fault(node.place, format!("version {} is not known to this weir", scalar.text.escape_debug()))
                    .help = Some("write `version: 1`".into());
            }
            Kind::Scalar(_) => {}
            _ => return reader.expected_with("a version", node, "write `version: 1`").or(Some(Self)),
        }
        // It is there, whatever it says.
        Some(Self)
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "enum": [1, "1"] })
    }
}

/// Where records go.
#[derive(Debug)]
pub(super) enum AccessLog {
    Is(bool),
    In(LogFile),
}

impl Read for AccessLog {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "true" || scalar.text == "false" => {
                Some(Self::Is(scalar.text == "true"))
            }
            Kind::Map(_) => LogFile::read(node, reader).map(Self::In),
            _ => reader.expected("`true`, `false`, or `{ file: PATH }`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, LogFile::schema(definitions)] })
    }
}

/// A whole number of any sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whole(pub(super) i64);

impl Read for Whole {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let number = match &node.kind {
            Kind::Scalar(scalar) => scalar.text.parse().ok(),
            _ => None,
        };
        number.map(Self).or_else(|| reader.expected("a whole number", node))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "integer" })
    }
}

/// An endpoint: its URL alone, or a map.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) url: Located<String>,
    pub(super) weight: u64,
}

impl Read for Endpoint {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(_) => Some(Self { url: Located::read(node, reader)?, weight: 1 }),
            Kind::Map(_) => {
                let WeightedEndpoint { url, weight, .. } = WeightedEndpoint::read(node, reader)?;
                Some(Self { url, weight: weight.map_or(1, |weight| weight.0) })
            }
            _ => reader.expected("a URL, or a map with `url` and `weight`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let url = text_like(ENDPOINT)(json!({ "type": "string" }));
        json!({ "anyOf": [url, WeightedEndpoint::schema(definitions)] })
    }
}

/// A store of any kind, which the one key tells that all of its kind have.
#[derive(Debug)]
pub(super) enum AnyStore {
    Memory(MemoryStore),
    File(FileStore),
    Redis(Box<RedisStore>),
}

const STORES: &str = "write `{ memory: 64MiB }`, `{ file: PATH }` or `{ redis: redis://HOST:6379 }`";

impl Read for AnyStore {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else { return reader.expected_with("a map", node, STORES) };
        let mut kinds = entries.iter().filter(|(key, _)| ["memory", "file", "redis"].contains(&key.name.as_str()));
        match (kinds.next(), kinds.next()) {
            (Some((key, _)), None) => match key.name.as_str() {
                "memory" => MemoryStore::read(node, reader).map(Self::Memory),
                "file" => FileStore::read(node, reader).map(Self::File),
                _ => RedisStore::read(node, reader).map(Box::new).map(Self::Redis),
            },
            (Some((key, _)), Some((other, _))) => {
                let message = format!("a store is in one place, and this one has `{}` and `{}`", key.name, other.name);
                reader.fault(other.place, message).help = Some(STORES.into());
                None
            }
            _ => {
                reader.fault(node.place, "a store has `memory`, `file` or `redis`").help = Some(STORES.into());
                None
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let (memory, file) = (MemoryStore::schema(definitions), FileStore::schema(definitions));
        json!({ "anyOf": [memory, file, RedisStore::schema(definitions)] })
    }
}

/// Where a store on Redis is: at a URL, in a cluster, or behind sentinels.
#[derive(Debug)]
pub(super) enum RedisServers {
    One(Located<String>),
    Cluster(RedisCluster),
    Sentinels(RedisSentinels),
}

impl Read for RedisServers {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let help = "write a URL, `{ cluster: [...] }`, or `{ sentinels: [...], master: NAME }`";
        match &node.kind {
            Kind::Scalar(_) => Located::read(node, reader).map(Self::One),
            Kind::Map(entries) if entries.iter().any(|(key, _)| key.name == "cluster") => {
                RedisCluster::read(node, reader).map(Self::Cluster)
            }
            Kind::Map(entries) if entries.iter().any(|(key, _)| key.name == "sentinels") => {
                RedisSentinels::read(node, reader).map(Self::Sentinels)
            }
            Kind::Map(_) => {
                reader.fault(node.place, "several servers are a `cluster`, or known to `sentinels`").help =
                    Some(help.into());
                None
            }
            _ => reader.expected_with("a URL or a map", node, help),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let url = text_like(REDIS)(json!({ "type": "string" }));
        json!({ "anyOf": [url, RedisCluster::schema(definitions), RedisSentinels::schema(definitions)] })
    }
}

/// `https`, or a map with the port.
#[derive(Debug)]
pub(super) struct Redirect(pub(super) u16);

section! {
    /// Where requests are redirected to.
    struct RedirectPort {
        /// The port that https clients reach.
        https: Count<1, 65_535>,
    }
}

impl Read for Redirect {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "https" => Some(Self(443)),
            Kind::Map(_) => {
                RedirectPort::read(node, reader).map(|port| Self(u16::try_from(port.https.0).unwrap_or(443)))
            }
            _ => reader.expected("`https`, or `{ https: PORT }`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "const": "https" }, RedirectPort::schema(definitions)] })
    }
}

/// Which prefix is stripped.
#[derive(Debug)]
pub(super) enum StripPrefix {
    Matched(bool),
    This(String),
}

impl Read for StripPrefix {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "true" || scalar.text == "false" => {
                Some(Self::Matched(scalar.text == "true"))
            }
            Kind::Scalar(scalar) if scalar.text.starts_with('/') => Some(Self::This(scalar.text.clone())),
            _ => reader.expected("`true`, or a prefix that begins with a slash,", node),
        }
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": r"^(/|.*\$\{)" }] })
    }
}

/// Whether stories of exchanges are kept.
#[derive(Debug)]
pub(super) enum Why {
    None,
    Keep(Stories),
}

impl Read for Why {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "none" => Some(Self::None),
            Kind::Map(_) => Stories::read(node, reader).map(Self::Keep),
            _ => reader.expected("`none`, or a map as `{ keep: 1000, sample: 100 }`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "const": "none" }, Stories::schema(definitions)] })
    }
}

/// What fields or parameters must be.
#[derive(Debug)]
pub(super) struct Conditions(pub(super) Vec<(Located<String>, Located<Condition>)>);

/// What one of them must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    Is(String),
    Any,
    None,
}

impl Read for Conditions {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else { return reader.expected("a map of names and values", node) };
        let read = entries.iter().filter_map(|(key, value)| {
            let condition = match &value.kind {
                Kind::Scalar(scalar) if scalar.is_plain && scalar.text == "true" => Condition::Any,
                Kind::Scalar(scalar) if scalar.is_plain && scalar.text == "false" => Condition::None,
                Kind::Scalar(scalar) => Condition::Is(scalar.text.clone()),
                _ => return reader.expected("a value, `true` for any, or `false` for none,", value),
            };
            let condition = Located { value: condition, place: value.place };
            Some((Located { value: key.name.clone(), place: key.place }, condition))
        });
        Some(Self(read.collect()))
    }

    fn schema(_: &mut Definitions) -> Value {
        json!({ "type": "object", "additionalProperties": { "type": ["string", "boolean", "number"] } })
    }
}

/// What must not be shown: where it is kept.
#[derive(Debug)]
pub(super) enum Secret {
    Env(Located<String>),
    File(Located<String>),
}

section! {
    /// Where a secret is kept: exactly one of both.
    struct SecretPlace {
        /// The name of an environment variable.
        env: Option<Located<String>>,
        /// A file; white space at its end does not count. Relative to this file.
        file: Option<Located<String>>,
    }
}

impl Read for Secret {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        if let Kind::Scalar(_) = node.kind {
            let fault = reader.fault(node.place, "a secret does not stand in the configuration");
            fault.help = Some("write `{ env: NAME }` or `{ file: PATH }`".into());
            fault.is_secret = true;
            return None;
        }
        match SecretPlace::read(node, reader)? {
            SecretPlace { env: Some(name), file: None, .. } => Some(Self::Env(name)),
            SecretPlace { env: None, file: Some(path), .. } => Some(Self::File(path)),
            _ => {
                reader.fault(node.place, "a secret has either `env` or `file`, and not both").help =
                    Some("write `{ env: NAME }` or `{ file: PATH }`".into());
                None
            }
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        let mut schema = SecretPlace::schema(definitions);
        schema["oneOf"] = json!([{ "required": ["env"] }, { "required": ["file"] }]);
        schema
    }
}

/// Fields of requests whose values must not be shown. Here `x-` begins a name like any other.
#[derive(Debug)]
pub(super) struct SecretFields(pub(super) Vec<(Located<String>, Secret)>);

impl Read for SecretFields {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        let Kind::Map(entries) = &node.kind else {
            return reader.expected_with("a map", node, "write `{ authorization: { env: NAME } }`");
        };
        let read = entries.iter().filter_map(|(key, value)| {
            let name = Located { value: key.name.clone(), place: key.place };
            Some((name, Secret::read(value, reader)?))
        });
        Some(Self(read.collect()))
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z0-9._-]+$" },
            "additionalProperties": Secret::schema(definitions),
        })
    }
}
