//! The file as it is written. What the values mean is `validate`'s to say.
//!
//! The comments here are what an editor shows beside a key: `weir schema` prints them.

use std::rc::Rc;

use serde_json::{Value, json};

use super::Located;
use super::json::Settings;
use super::read::{Count, Named, OneOrMore, Read, Reader, section, words};
use super::schema::{Definitions, not_empty, text_like, word_like};
use super::tree::{Kind, Node};
use super::units::{Size, Time};
use super::{Balance, OnFailure};
use crate::paths::EncodedSlash;

const ADDRESS: &str = r"([0-9]{1,3}\.){3}[0-9]{1,3}:[0-9]{1,5}|\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}";
const NETWORK: &str = r"[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]*(/[0-9]{1,3})?";
const PATH: &str = r"/\*|(/([^/?#*\\%]|%[0-9A-Fa-f]{2})*)+(/\*)?";
const ENDPOINT: &str = r"(http|https|h2c)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:0*[1-9][0-9]{0,4})?/?";
const NAME_OR_ENDPOINT: &str =
    r"[A-Za-z0-9._-]+|(http|https|h2c)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:0*[1-9][0-9]{0,4})?/?";
const HOST: &str = r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[?[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*\]?";
const SERVER_NAME: &str = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*|[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*";
const HOST_HEADER: &str = r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?)(:[0-9]{1,5})?";
const METHOD: &str = r"[!#$%&'*+.^_`|~0-9A-Z-]+";
const DIGEST: &str = r"[0-9A-Fa-f]{64}";

section! {
    /// The configuration of a Weir.
    struct File {
        /// The version of this format: 1. Required, except in included files.
        version: Option<Version>,
        /// More files, as paths or patterns (`conf.d/*.yaml`) relative to this one. Names are merged, lists appended;
        /// a name that is defined twice is a fault, and so is a pattern that matches nothing.
        include: Option<Vec<Located<String>>>,
        /// Threads that serve exchanges. Default: one per core.
        workers: Option<Located<Count<1, 1024>>>,
        /// Whether every exchange leaves a record on standard output. Default: true.
        access_log: Option<Located<bool>>,
        /// Where `weir status` and `weir reload` reach the running proxy. Default: nowhere.
        admin: Option<Admin>,
        /// Where clients connect, by name.
        listeners: Named<Listener>,
        /// Servers behind the proxy, by name.
        upstreams: Named<Upstream>,
        /// Plugins that are not bundled, or differ from the defaults, by name.
        plugins: Named<Plugin>,
        /// Lists of filters to use in `chain:`, by name.
        chains: Named<Vec<Located<Entry>>>,
        /// What holds for every route that does not say otherwise.
        defaults: Option<Defaults>,
        /// What is served.
        sites: Option<Vec<Site>>,
    }
}

section! {
    /// The address for operators.
    struct Admin {
        /// IP address and port. Off loopback it needs a `token`.
        address: Located<String> => text_like(ADDRESS),
        /// What callers must show: `Authorization: Bearer TOKEN`.
        token: Option<Secret>,
    }
}

section! {
    /// One address to listen on.
    struct Listener {
        /// IP address and port, as in 0.0.0.0:8443 or `[::]:80`; port 0 finds a free one.
        address: Located<String> => text_like(ADDRESS),
        /// Speak TLS, with these certificates. Default: plain TCP.
        tls: Option<Tls>,
        /// Redirect every request: `https` to port 443, or `{ https: 8443 }`.
        redirect: Option<Redirect>,
        /// Addresses and networks (`10.0.0.0/8`) of proxies whose Forwarded and X-Forwarded fields are believed.
        trusted_proxies: Option<Vec<Located<String>>> => text_like(NETWORK),
        /// What its connections may use.
        limits: Option<ListenerLimits>,
        /// How long its connections may take.
        timeouts: Option<ListenerTimeouts>,
    }
}

section! {
    /// TLS of a listener.
    struct Tls {
        /// Each serves the names that it holds (SNI); the first also serves clients that name none of them.
        certificates: Located<Vec<Certificate>> => not_empty,
    }
}

section! {
    /// A certificate and its key.
    struct Certificate {
        /// PEM file of the chain, the server's own certificate first. Relative to this file.
        cert: Located<String>,
        /// PEM file of the private key.
        key: Located<String>,
    }
}

section! {
    /// What the connections of a listener may use.
    struct ListenerLimits {
        /// Connections at the same time; more are closed at once. Default: 16384.
        connections: Option<Located<Count<1, 10_000_000>>>,
        /// A request's head; a larger one is answered with 431. Default: 64KiB.
        header: Option<Located<Size>>,
    }
}

section! {
    /// How long the connections of a listener may take.
    struct ListenerTimeouts {
        /// From a connection's idleness, or its first byte, to the end of a request's head. Default: 60s.
        head: Option<Located<Time>>,
    }
}

section! {
    /// Servers that do the same.
    struct Upstream {
        /// URLs, or maps with `url` and `weight`.
        endpoints: Located<Vec<Located<Endpoint>>> => not_empty,
        /// Which endpoint is asked: in turn (the default), the one with the fewest exchanges in progress, or the same
        /// one for the same client.
        balance: Option<Balance>,
        /// How the certificates of https endpoints are checked.
        tls: Option<UpstreamTls>,
    }
}

section! {
    /// How the certificates of https endpoints are checked.
    struct UpstreamTls {
        /// PEM file of the authorities that count, instead of the system's. Relative to this file.
        ca: Option<Located<String>>,
        /// The name that the certificate must have, instead of the endpoint's host.
        server_name: Option<Located<String>> => word_like(SERVER_NAME),
    }
}

section! {
    /// An endpoint with its share.
    struct WeightedEndpoint {
        /// http:// (HTTP/1.1), h2c:// (HTTP/2 without TLS) or https://, host and port.
        url: Located<String> => text_like(ENDPOINT),
        /// Its share, compared with the others'. Default: 1.
        weight: Option<Count<1, 1000>>,
    }
}

section! {
    /// A plugin.
    struct Plugin {
        /// The component. Relative to this file. Default: the bundled plugin of this name.
        file: Option<Located<String>>,
        /// The SHA-256 digest that the component must have, in hexadecimal.
        sha256: Option<Located<String>> => word_like(DIGEST),
        /// What one instance may use.
        limits: Option<Limits>,
    }
}

section! {
    /// What one instance of a filter may use.
    struct Limits {
        /// CPU time of one hook, 1ms to 60s. Default: 10ms.
        cpu: Option<Located<Time>>,
        /// Memory, 64KiB to 1GiB. Default: 32MiB.
        memory: Option<Located<Size>>,
    }
}

section! {
    /// What holds for every route that does not say otherwise.
    struct Defaults {
        /// How long the parts of an exchange may take.
        timeouts: Option<Timeouts>,
        /// What an exchange may use.
        limits: Option<RouteLimits>,
    }
}

section! {
    /// How long the parts of an exchange may take.
    struct Timeouts {
        /// To connect to an endpoint. Default: 5s.
        connect: Option<Located<Time>>,
        /// From the last byte of the request that the upstream took to the response's head. Default: 60s.
        response: Option<Located<Time>>,
        /// Without a byte in the middle of a response, or on a WebSocket. Default: 5m.
        idle: Option<Located<Time>>,
        /// The whole exchange, to the response's last byte. Default: no limit.
        total: Option<Located<Time>>,
    }
}

section! {
    /// What an exchange may use.
    struct RouteLimits {
        /// A request's body; a larger one is answered with 413. Default: 16MiB.
        body: Option<Located<Size>>,
    }
}

section! {
    /// What one or several hosts serve.
    struct Site {
        /// Names the site in logs. Default: its first host.
        name: Option<Located<String>>,
        /// A host name or a list; `*.example.com` is any one label before it. Default: any host.
        host: Option<OneOrMore<Located<String>>> => word_like(HOST),
        /// Names of listeners. Default: all.
        listeners: Option<OneOrMore<Located<String>>>,
        /// How paths are read.
        paths: Option<Paths>,
        /// Filters, outermost first, for every route of the site and for its 404s: names of plugins or chains, or maps.
        chain: Option<Vec<Located<Entry>>>,
        /// Where requests go. The most specific route wins, whatever the order.
        routes: Vec<Route>,
    }
}

section! {
    /// How paths are read.
    struct Paths {
        /// What becomes of a request with %2F in its path: `reject` (400, the default) or `keep`.
        encoded_slash: Option<EncodedSlash>,
        /// Whether `//` counts as `/`. Default: false.
        merge_slashes: Option<bool>,
    }
}

section! {
    /// From requests to an upstream.
    struct Route {
        /// Names the route in logs. Default: its path.
        name: Option<Located<String>>,
        /// For people.
        description: Option<String>,
        /// `/exact`, or `/prefix/*`, which matches `/prefix` and all below it.
        path: Located<String> => text_like(PATH),
        /// Only these methods; GET implies HEAD.
        methods: Option<OneOrMore<Located<String>>> => word_like(METHOD),
        /// Only requests with these fields: a value, `true` for any, `false` for none.
        headers: Option<Conditions>,
        /// Only requests with these parameters: a value, `true` for any, `false` for none.
        query: Option<Conditions>,
        /// Settles a tie with another route; the higher one wins. Default: 0.
        priority: Option<Located<Whole>>,
        /// A name under `upstreams`, or a URL.
        upstream: Located<String> => word_like(NAME_OR_ENDPOINT),
        /// Take the matched prefix (true), or this one, off the path that the upstream gets.
        strip_prefix: Option<Located<StripPrefix>>,
        /// The Host that the upstream gets: the client's (`preserve`, the default), its own (`upstream`), or this name.
        host_header: Option<Located<String>> => word_like(HOST_HEADER),
        /// How long the parts of an exchange may take.
        timeouts: Option<Timeouts>,
        /// What an exchange may use.
        limits: Option<RouteLimits>,
        /// Filters instead of the site's: a list, or `none`.
        chain: Option<Located<RouteChain>>,
        /// Names of entries of the site's chain that are not run.
        without: Option<Vec<Located<String>>>,
        /// Changes of entries of the site's chain, by name.
        r#override: Named<Override>,
        /// Filters besides the site's; innermost, or where they say.
        add: Option<Vec<Located<Added>>>,
    }
}

section! {
    /// A filter of a chain.
    struct LongEntry {
        /// A bundled plugin, or a name under `plugins`.
        plugin: Located<String>,
        /// Unique in the chain. Default: the plugin's name.
        name: Option<Located<String>>,
        /// Paths (`/exact`, `/prefix/*`) for which it is not run.
        except: Option<OneOrMore<Located<String>>> => text_like(PATH),
        /// The filter's own configuration.
        config: Option<Settings>,
        /// When the filter fails: `closed` (the default) answers 500, `open` goes on without it.
        on_failure: Option<OnFailure>,
        /// What one instance may use, instead of what the plugin says.
        limits: Option<Limits>,
    }
}

section! {
    /// A filter besides the site's.
    struct LongAdded {
        /// A bundled plugin, or a name under `plugins`.
        plugin: Located<String>,
        /// Unique in the chain. Default: the plugin's name.
        name: Option<Located<String>>,
        /// Paths (`/exact`, `/prefix/*`) for which it is not run.
        except: Option<OneOrMore<Located<String>>> => text_like(PATH),
        /// The filter's own configuration.
        config: Option<Settings>,
        /// When the filter fails: `closed` (the default) answers 500, `open` goes on without it.
        on_failure: Option<OnFailure>,
        /// What one instance may use, instead of what the plugin says.
        limits: Option<Limits>,
        /// Put it before the entry of this name.
        before: Option<Located<String>>,
        /// Put it behind the entry of this name.
        after: Option<Located<String>>,
        /// Make it the outermost.
        first: Option<Located<bool>>,
    }
}

section! {
    /// Changes of an entry.
    struct Override {
        /// Merged into the entry's: `null` removes, lists replace.
        config: Option<Settings>,
        /// When the filter fails: `closed` answers 500, `open` goes on without it.
        on_failure: Option<OnFailure>,
        /// What one instance may use.
        limits: Option<Limits>,
    }
}

words! { "a rule for failures", OnFailure { "closed" => OnFailure::Closed, "open" => OnFailure::Open, } }

words! { "a way to balance", Balance {
    "round-robin" => Balance::RoundRobin,
    "least-connections" => Balance::LeastConnections,
    "ip-hash" => Balance::IpHash,
} }

words! { "a rule for %2F", EncodedSlash { "reject" => EncodedSlash::Reject, "keep" => EncodedSlash::Keep, } }

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

/// A filter: its plugin's or a chain's name alone, or a map.
#[derive(Debug)]
pub(super) enum Entry {
    Name(String),
    Long(Box<LongEntry>),
}

impl Read for Entry {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self::Name(scalar.text.clone())),
            Kind::Map(_) => LongEntry::read(node, reader).map(|entry| Self::Long(Box::new(entry))),
            _ => reader.expected("a plugin's name, a chain's name, or a map with `plugin: NAME`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "string" }, LongEntry::schema(definitions)] })
    }
}

/// The same, and where it goes.
#[derive(Debug)]
pub(super) enum Added {
    Name(String),
    Long(Box<LongAdded>),
}

impl Read for Added {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) => Some(Self::Name(scalar.text.clone())),
            Kind::Map(_) => LongAdded::read(node, reader).map(|entry| Self::Long(Box::new(entry))),
            _ => reader.expected("a plugin's name, a chain's name, or a map with `plugin: NAME`,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "type": "string" }, LongAdded::schema(definitions)] })
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

/// A route's own chain.
#[derive(Debug)]
pub(super) enum RouteChain {
    None,
    These(Vec<Located<Entry>>),
}

impl Read for RouteChain {
    fn read(node: &Rc<Node>, reader: &mut Reader) -> Option<Self> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "none" => Some(Self::None),
            Kind::List(_) => Vec::read(node, reader).map(Self::These),
            _ => reader.expected("`none`, or a list of filters,", node),
        }
    }

    fn schema(definitions: &mut Definitions) -> Value {
        json!({ "anyOf": [{ "const": "none" }, Vec::<Located<Entry>>::schema(definitions)] })
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
            reader.fault(node.place, "a secret does not stand in the configuration").help =
                Some("write `{ env: NAME }` or `{ file: PATH }`".into());
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

/// The JSON Schema of the whole file.
pub(super) fn schema() -> Value {
    let mut definitions = Definitions::default();
    let root = File::schema(&mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Weir",
        "$ref": root["$ref"],
        "$defs": definitions.0,
    })
}
