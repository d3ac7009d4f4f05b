//! The entry's `config`, and what becomes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use weir::identity::Mapping;
use weir::schema::{Node, Schema};
use weir::{Document, Faults, Store, config};

use crate::table::{Rows, Table};
use crate::users::Users;
use crate::verified::Verified;
use crate::{AuthBasic, FIELD, htpasswd, slow};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The few users that stand in the configuration: names and their passwords' slow hashes.
    #[serde(default)]
    users: BTreeMap<String, Hash>,
    /// A document with many, as `htpasswd -B` writes it: `NAME:HASH` in each line.
    file: Option<Document>,
    /// How often the document is read anew, from `1s` on.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    refresh: config::Duration,
    /// What the password is for, as browsers show it.
    #[serde(default = "realm")]
    #[weir(default = "Restricted")]
    realm: String,
    /// Variables for the filters that follow; all there is of a user is its `id`, the name.
    #[serde(default)]
    vars: Vars,
    /// Fields for the upstream.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Lets requests without a user go on, without an identity.
    #[serde(default)]
    optional: bool,
    /// The upstream gets name and password, too.
    #[serde(default)]
    forward: bool,
    /// For how long after a request a password that was right needs no slow hash, up to `24h`; `0s` is never.
    #[serde(default = "minutes")]
    #[weir(default = "5m")]
    cache: config::Duration,
    /// Where that is remembered for all workers.
    #[serde(default)]
    store: Store,
}

/// A slow hash, which nobody is shown.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Hash(String);

impl Schema for Hash {
    const SCHEMA: &'static Node = &Node::Marked(r#""type":"string","writeOnly":true"#);
}

/// Variables, and what they are set to.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Vars(BTreeMap<String, String>);

impl Default for Vars {
    fn default() -> Self {
        Self([("user.id".to_owned(), "id".to_owned())].into())
    }
}

impl Schema for Vars {
    const SCHEMA: &'static Node = <BTreeMap<String, String>>::SCHEMA;
    const DEFAULT: Option<&'static str> = Some(r#"{"user.id":"id"}"#);
}

fn minute() -> config::Duration {
    Duration::from_secs(60).into()
}

fn minutes() -> config::Duration {
    Duration::from_secs(300).into()
}

fn realm() -> String {
    "Restricted".to_owned()
}

/// Users that stand in the configuration: more are a file's.
const MOST_USERS: usize = 1_000;

const DAY: Duration = Duration::from_hours(24);

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> AuthBasic {
        if self.users.is_empty() && self.file.is_none() {
            faults.at("", "there is no user; write `users` or `file`");
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
        if self.cache.get() > DAY {
            faults.at("/cache", "a password is remembered for 24h at most");
        }
        for name in self.headers.keys().filter(|name| name.eq_ignore_ascii_case(FIELD)) {
            let pointer = ["/headers/", name].concat();
            faults.at(&pointer, "clients send their passwords in this field; choose another for the upstream");
        }
        let users = Users::new(table(self.users, faults), self.file);
        let mapping = Mapping::new(self.vars.0, self.headers, faults, |source| match source {
            "id" => Ok(()),
            _ => Err(["there is no `", source, "` of a user; there is `id`, the name"].concat()),
        });
        AuthBasic {
            users,
            verified: Verified::new(self.store, self.cache.get()),
            mapping,
            is_optional: self.optional,
            is_forwarded: self.forward,
            realm: self.realm,
        }
    }
}

/// The users of the configuration, as a file would have them.
fn table(users: BTreeMap<String, Hash>, faults: &mut Faults) -> Table {
    if users.len() > MOST_USERS {
        faults.at("/users", "at most 1000 users stand in the configuration; put them into a `file`");
    }
    let (mut text, mut rows) = (String::new(), Rows::default());
    for (user, hash) in users {
        let pointer = ["/users/", &user.replace('~', "~0").replace('/', "~1")].concat();
        if let Err(why) = htpasswd::check_user(&user) {
            faults.at(&pointer, why);
        }
        if let Err(why) = slow::check(&hash.0) {
            faults.at(&pointer, &why);
        }
        let from = text.len();
        text.push_str(&user);
        let between = text.len();
        text.push_str(&hash.0);
        rows.push(from..between, between..text.len());
    }
    rows.into_table(text.into_bytes())
}
