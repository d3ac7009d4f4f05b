//! The entry's `config`, as it is written.

mod claim;
mod settle;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use weir::{Document, Secret, config};

use crate::algorithm::Algorithm;

pub(crate) use claim::Claim;

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// The issuer's keys, as a JSON Web Key Set.
    jwks: Option<Document>,
    /// What the issuer signs with, for HS256, HS384 and HS512: at least as many bytes as the hash has.
    secret: Option<Secret>,
    /// What `iss` must be.
    issuer: Option<String>,
    /// One of these must be in `aud`.
    #[serde(default)]
    audience: Vec<String>,
    /// With which algorithms tokens may be signed. Otherwise all that have public keys with `jwks`, HS256 with `secret`.
    algorithms: Option<Vec<Algorithm>>,
    /// Claims that a token must have: names, or names with the values of which it must have one.
    #[serde(default)]
    required_claims: Vec<Claim>,
    /// How much the clocks may differ: for `exp`, `nbf`, `iat` and `max_age`; at most `5m`.
    #[serde(default = "half_a_minute")]
    #[weir(default = "30s")]
    leeway: config::Duration,
    /// How long after `iat` a token counts.
    max_age: Option<config::Duration>,
    /// Whether a token without `exp` is refused.
    #[serde(default = "yes")]
    #[weir(default = true)]
    require_exp: bool,
    /// What `typ` in the header may be.
    #[serde(default)]
    typ: Vec<String>,
    /// How often the keys are fetched in the background, from `1s` on.
    #[serde(default = "five_minutes")]
    #[weir(default = "5m")]
    refresh: config::Duration,
    /// They are fetched at most once in this time because a token names one that is not known.
    #[serde(default = "ten_seconds")]
    #[weir(default = "10s")]
    refetch: config::Duration,
    /// Several issuers, each with its keys: a token's `iss` says whose it is. What one of them does not have holds as above.
    #[serde(default)]
    issuers: Vec<Issuer>,
    /// Where a token may stand: `bearer`, `header:NAME`, `query:NAME`, `cookie:NAME`.
    #[serde(default = "bearer")]
    #[weir(default = ["bearer"])]
    from: Vec<String>,
    /// Lets those go on that have no token, without identity.
    #[serde(default)]
    optional: bool,
    /// Variables, and the claims that they are set from: otherwise `user.id` from `sub`, `auth.roles` from `roles`, `auth.role`
    /// from `role`, `auth.scope` from `scope`.
    claims: Option<BTreeMap<String, String>>,
    /// Fields of the request to the upstream, and the claims that they are set from.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// Whether the token goes to the upstream.
    #[serde(default = "yes")]
    #[weir(default = true)]
    forward: bool,
    /// What clients are told that the token is for.
    #[serde(default = "realm")]
    #[weir(default = "weir")]
    realm: String,
    /// How many verified tokens are kept in each worker, at most 100000; 0 keeps none.
    #[serde(default = "thousand")]
    #[weir(default = 1000)]
    cache: u32,
}

/// One of several issuers.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_field_names, reason = "the operator's words")]
struct Issuer {
    /// What `iss` is.
    issuer: String,
    /// The issuer's keys, as a JSON Web Key Set.
    jwks: Option<Document>,
    /// What the issuer signs with.
    secret: Option<Secret>,
    /// One of these must be in `aud`.
    audience: Option<Vec<String>>,
    /// With which algorithms tokens may be signed.
    algorithms: Option<Vec<Algorithm>>,
    /// Claims that a token must have.
    required_claims: Option<Vec<Claim>>,
    /// How much the clocks may differ.
    leeway: Option<config::Duration>,
    /// How long after `iat` a token counts.
    max_age: Option<config::Duration>,
    /// Whether a token without `exp` is refused.
    require_exp: Option<bool>,
    /// What `typ` in the header may be.
    typ: Option<Vec<String>>,
    /// How often the keys are fetched in the background.
    refresh: Option<config::Duration>,
    /// They are fetched at most once in this time because a token names one that is not known.
    refetch: Option<config::Duration>,
}

fn half_a_minute() -> config::Duration {
    Duration::from_secs(30).into()
}

fn five_minutes() -> config::Duration {
    Duration::from_secs(300).into()
}

fn ten_seconds() -> config::Duration {
    Duration::from_secs(10).into()
}

fn yes() -> bool {
    true
}

fn bearer() -> Vec<String> {
    vec!["bearer".to_owned()]
}

fn realm() -> String {
    "weir".to_owned()
}

fn thousand() -> u32 {
    1000
}
