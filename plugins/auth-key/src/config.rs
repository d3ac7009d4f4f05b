//! The entry's `config`, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value};
use weir::identity::Mapping;
use weir::schema::{Node, Schema};
use weir::{Document, Faults, config};

use crate::keys::Keys;
use crate::place::Place;
use crate::record::{self, Record};
use crate::table::{Rows, Table};
use crate::{AuthKey, hash, moment};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The few keys that stand in the configuration.
    #[serde(default)]
    keys: Vec<Written>,
    /// A document with many, one in each line: `HASH ID [name=value ...]`.
    file: Option<Document>,
    /// How often the document is read anew, from `1s` on.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    refresh: config::Duration,
    /// Where clients put the key: `header:NAME`, `header:NAME SCHEME`, `bearer`, `query:NAME`, `cookie:NAME`.
    #[serde(default = "from")]
    #[weir(default = ["header:x-api-key"])]
    from: Vec<String>,
    /// Variables for the filters that follow: `id`, or a name of the key's metadata.
    #[serde(default)]
    vars: Vars,
    /// Fields for the upstream: `id`, or a name of the key's metadata.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Lets requests without a key go on, without an identity.
    #[serde(default)]
    optional: bool,
    /// The upstream gets the key, too; never one that stood in a query.
    #[serde(default)]
    forward: bool,
    /// What the key is for, as clients are told.
    #[serde(default = "realm")]
    #[weir(default = "api")]
    realm: String,
}

/// A key of the configuration.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Written {
    /// Its SHA-256: `sha256:` and 64 hexadecimal digits.
    hash: HashText,
    /// Whose it is.
    id: String,
    /// What else is known of it.
    #[serde(default)]
    metadata: Map<String, Value>,
    /// When it ends: `2027-01-01T00:00:00Z`.
    expires: Option<String>,
}

/// A hash, which nobody is shown.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct HashText(String);

impl Schema for HashText {
    const SCHEMA: &'static Node = &Node::Marked(r#""type":"string","writeOnly":true"#);
}

/// Variables, and names of metadata.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Vars(BTreeMap<String, String>);

impl Default for Vars {
    fn default() -> Self {
        Self([("user.id", "id"), ("auth.roles", "roles")].map(|(var, name)| (var.to_owned(), name.to_owned())).into())
    }
}

impl Schema for Vars {
    const SCHEMA: &'static Node = <BTreeMap<String, String>>::SCHEMA;
    const DEFAULT: Option<&'static str> = Some(r#"{"user.id":"id","auth.roles":"roles"}"#);
}

fn minute() -> config::Duration {
    Duration::from_secs(60).into()
}

fn from() -> Vec<String> {
    vec!["header:x-api-key".to_owned()]
}

fn realm() -> String {
    "api".to_owned()
}

/// Places in which a key may stand; each costs every request a look.
const MOST_PLACES: usize = 8;

/// Keys that stand in the configuration: more are a file's.
const MOST_KEYS: usize = 1_000;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> AuthKey {
        if self.keys.is_empty() && self.file.is_none() {
            faults.at("", "there is no key; write `keys` or `file`");
        }
        if self.refresh.get() < Duration::from_secs(1) {
            faults.at("/refresh", "documents are read at most once in 1s");
        }
        if let Some(document) = &self.file
            && let Err(refusal) = document.keep_fresh(self.refresh.get())
        {
            faults.at("/file", &["the host does not keep it fresh: ", refusal.name()].concat());
        }
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if self.realm.len() > 128 || !self.realm.bytes().all(is_plain) {
            faults.at("/realm", "a realm has up to 128 letters, digits and signs of ASCII, without `\"` and `\\`");
        }
        let places = places(&self.from, faults);
        for name in self.headers.keys() {
            // Such a field would be taken from clients before the filter could look at it.
            if places.iter().any(|place| place.is_field(name)) {
                let pointer = ["/headers/", &name.replace('~', "~0").replace('/', "~1")].concat();
                faults.at(&pointer, "clients send their keys in this field; choose another for the upstream");
            }
        }
        let keys = Keys::new(table(self.keys, faults), self.file);
        let mapping = Mapping::new(self.vars.0, self.headers, faults, |source| match source {
            "id" => Ok(source.to_owned()),
            _ => record::check_name(source).map(|()| source.to_owned()),
        });
        AuthKey { keys, places, mapping, is_optional: self.optional, is_forwarded: self.forward, realm: self.realm }
    }
}

fn places(written: &[String], faults: &mut Faults) -> Vec<Place> {
    if !(1..=MOST_PLACES).contains(&written.len()) {
        faults.at("/from", "a key stands in one place of up to 8, as `header:x-api-key`");
    }
    let mut places = Vec::new();
    for (index, written) in written.iter().enumerate() {
        let pointer = || ["/from/", &index.to_string()].concat();
        match Place::parse(written) {
            Ok(place) if places.contains(&place) => faults.at(&pointer(), "this place is named already"),
            Ok(place) => places.push(place),
            Err(why) => faults.at(&pointer(), &why),
        }
    }
    places
}

/// The keys of the configuration, as a file would have them.
fn table(keys: Vec<Written>, faults: &mut Faults) -> Table {
    if keys.len() > MOST_KEYS {
        faults.at("/keys", "at most 1000 keys stand in the configuration; put them into a `file`");
    }
    let (mut text, mut rows) = (String::new(), Rows::default());
    for (index, key) in keys.into_iter().enumerate() {
        let place = ["/keys/", &index.to_string()].concat();
        let at = |name: &str| [&place, "/", name].concat();
        let hash = hash::read(key.hash.0.as_bytes()).map_err(|why| faults.at(&at("hash"), why));
        let begin = text.len();
        if let Err(why) = record::check_id(&key.id) {
            faults.at(&at("id"), &why);
        }
        text.push_str(&key.id);
        for (name, value) in &key.metadata {
            let pointer = || at(&["metadata/", &name.replace('~', "~0").replace('/', "~1")].concat());
            if name == "expires" {
                faults.at(&pointer(), "when a key ends stands beside its `id`, not in its `metadata`");
            } else if let Err(why) = record::check_name(name) {
                faults.at(&pointer(), &why);
            }
            let value = match value {
                Value::Null => continue,
                Value::String(value) => record::encoded(value),
                other => record::encoded(&other.to_string()),
            };
            text.extend([" ", name, "=", &value]);
        }
        let expires = key.expires.as_deref().and_then(|written| {
            let expires = moment::read(written);
            if expires.is_none() {
                faults.at(&at("expires"), &record::no_moment(written));
            }
            expires
        });
        let record = text.get(begin..).unwrap_or_default();
        if let Err(why) = Record::of(record).check()
            && faults.iter().all(|fault| !fault.pointer.starts_with(&place))
        {
            faults.at(&at("metadata"), &why);
        }
        if let Ok(hash) = hash {
            rows.push(hash, begin..text.len(), expires);
        }
        text.push('\n');
    }
    let table = rows.into_table(text.into_bytes());
    if let Some(twice) = table.twice() {
        // Each has a line of its own.
        let [one, other] = twice.map(|place| (table.line(place) - 1).to_string());
        faults.at(&["/keys/", &other, "/hash"].concat(), &["this is the hash of `/keys/", &one, "`, too"].concat());
    }
    table
}
