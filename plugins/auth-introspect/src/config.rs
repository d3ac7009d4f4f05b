//! The entry's `config`, and what becomes of it.

use std::time::Duration;

use serde::Deserialize;
use weir::schema::{Node, Schema};
use weir::source::Source;
use weir::{Faults, Secret, Store, Upstream, config, fields, setup};

use crate::AuthIntrospect;
use crate::endpoint::{Client, Endpoint};
use crate::identity::{Identity, METHOD};
use crate::known::Known;
use crate::pace::Pace;
use crate::places::Place;
use crate::refusals::Refusals;
use crate::requirements::{Required, Requirements};
use crate::written::{Demand, Pairs};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where tokens are asked about.
    endpoint: At,
    /// As whom. Without it the endpoint must know its callers by other means.
    client: Option<As>,
    /// What the endpoint is told that the token is (`token_type_hint`): `access_token`.
    hint: Option<String>,
    /// How long the endpoint may take.
    #[serde(default = "two_seconds")]
    #[weir(default = "2s")]
    timeout: config::Duration,
    /// How long "active" is kept at most; `0s` keeps none.
    #[serde(default = "minute")]
    #[weir(default = "1m")]
    cache: config::Duration,
    /// How long "inactive" is kept at most; `0s` keeps none.
    #[serde(default = "ten_seconds")]
    #[weir(default = "10s")]
    cache_inactive: config::Duration,
    /// Tokens that are asked about in one second, over all workers; 0 is no bound.
    #[serde(default = "rate")]
    #[weir(default = 500)]
    rate: u32,
    /// The store that answers are kept in.
    #[serde(default)]
    #[weir(default = "local")]
    store: Store,
    /// What `iss` must be.
    issuer: Option<String>,
    /// One of these must be in `aud`.
    #[serde(default)]
    audience: Vec<String>,
    /// Claims that must be there, with one of these values if there are any.
    #[serde(default)]
    required_claims: Vec<Demand>,
    /// Scopes, all of which are needed.
    #[serde(default)]
    scopes: Vec<String>,
    /// How far clocks may be apart, for `exp` and `nbf`; at most `5m`.
    #[serde(default = "half_a_minute")]
    #[weir(default = "30s")]
    leeway: config::Duration,
    /// Where a token may stand: `bearer`, `header:NAME`, `query:NAME`, `cookie:NAME`.
    #[serde(default = "bearer")]
    #[weir(default = ["bearer"])]
    from: Vec<String>,
    /// Whether requests without a token go on, as nobody's.
    #[serde(default)]
    optional: bool,
    /// Variables and the claims that they are set to.
    #[serde(default)]
    claims: Vars,
    /// Headers to the upstream and the claims that they are set to.
    #[serde(default)]
    headers: Pairs,
    /// What clients are told that they are kept from.
    #[serde(default = "realm")]
    #[weir(default = "weir")]
    realm: String,
    /// Whether the token goes to the upstream; one in a query never does.
    #[serde(default = "yes")]
    #[weir(default = true)]
    forward: bool,
}

/// Variables and their claims.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Vars(Pairs);

impl Schema for Vars {
    const SCHEMA: &'static Node = Pairs::SCHEMA;
    const DEFAULT: Option<&'static str> =
        Some(r#"{"user.id":"sub","auth.roles":"roles","auth.role":"role","auth.scope":"scope"}"#);
}

impl Default for Vars {
    fn default() -> Self {
        let pairs = [("user.id", "sub"), ("auth.roles", "roles"), ("auth.role", "role"), ("auth.scope", "scope")];
        Self(Pairs(pairs.map(|(var, claim)| (var.to_owned(), claim.to_owned())).to_vec()))
    }
}

/// Where tokens are asked about.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct At {
    upstream: Upstream,
    /// Its path: `/introspect`.
    path: String,
}

/// As whom: with `id` and `secret`, or with `bearer`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct As {
    /// The name of the client that this proxy is to the endpoint.
    id: Option<String>,
    /// Its secret.
    secret: Option<Secret>,
    /// A token of its own, instead of both.
    bearer: Option<Secret>,
}

fn two_seconds() -> config::Duration {
    Duration::from_secs(2).into()
}

fn ten_seconds() -> config::Duration {
    Duration::from_secs(10).into()
}

fn half_a_minute() -> config::Duration {
    Duration::from_secs(30).into()
}

fn minute() -> config::Duration {
    Duration::from_secs(60).into()
}

fn rate() -> u32 {
    500
}

fn bearer() -> Vec<String> {
    vec!["bearer".to_owned()]
}

fn realm() -> String {
    "weir".to_owned()
}

fn yes() -> bool {
    true
}

const DAY: Duration = Duration::from_hours(24);

/// Of each list.
const MOST: usize = 32;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> AuthIntrospect {
        self.check_times(faults);
        self.check_words(faults);
        let places = self.from.iter().enumerate().filter_map(|(index, written)| {
            let place = Place::parse(written);
            place.map_err(|why| faults.at(&["/from/", &index.to_string()].concat(), &why)).ok()
        });
        let places: Vec<Place> = places.collect();
        if self.from.is_empty() {
            faults.at("/from", "a token stands somewhere; `bearer` is the usual place");
        }
        let client = self.client.map_or(Client::Unnamed, |client| client.check(faults));
        let identity = identity(self.claims.0, self.headers, faults);
        let claims = required(self.required_claims, faults);
        let requirements = Requirements {
            issuer: self.issuer,
            audience: self.audience,
            claims,
            scopes: self.scopes,
            leeway: self.leeway.get(),
        };
        let endpoint = Endpoint {
            upstream: self.endpoint.upstream,
            path: self.endpoint.path,
            client,
            hint: self.hint,
            timeout: self.timeout.get(),
        };
        let mut used: Vec<String> = requirements.claims().chain(identity.claims()).map(str::to_owned).collect();
        used.sort_unstable();
        used.dedup();
        AuthIntrospect {
            known: Known {
                store: self.store,
                active: self.cache.get(),
                inactive: self.cache_inactive.get(),
                about: endpoint.about(&used),
            },
            pace: Pace { rate: self.rate, timeout: endpoint.timeout },
            refusals: Refusals { realm: self.realm },
            is_optional: self.optional,
            is_forwarded: self.forward,
            places,
            identity,
            requirements,
            endpoint,
            used,
        }
    }

    fn check_times(&self, faults: &mut Faults) {
        if !(Duration::from_millis(1)..=Duration::from_secs(60)).contains(&self.timeout.get()) {
            faults.at("/timeout", "the endpoint is given from `1ms` to `60s`");
        }
        for (pointer, time) in [("/cache", self.cache), ("/cache_inactive", self.cache_inactive)] {
            if time.get() > DAY {
                faults.at(pointer, "an answer is kept for `24h` at most: so long a withdrawn token goes on");
            }
        }
        if self.leeway.get() > Duration::from_secs(300) {
            faults.at("/leeway", "clocks may be `5m` apart at most");
        }
    }

    fn check_words(&self, faults: &mut Faults) {
        let path = &self.endpoint.path;
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
            faults.at("/endpoint/path", "a path begins with `/` and has no spaces, as `/introspect`");
        }
        if self.hint.as_ref().is_some_and(|hint| hint.is_empty() || hint.len() > 128) {
            faults.at("/hint", "a hint has 1 to 128 characters, as `access_token`");
        }
        if self.realm.len() > 128 || !self.realm.bytes().all(|byte| is_quotable(byte) || byte == b' ') {
            faults.at("/realm", "a realm has at most 128 visible characters, and neither `\"` nor `\\`");
        }
        for (index, scope) in self.scopes.iter().enumerate() {
            if scope.is_empty() || !scope.bytes().all(is_quotable) {
                let pointer = ["/scopes/", &index.to_string()].concat();
                faults.at(&pointer, "a scope is one word of visible characters, without `\"` and `\\`");
            }
        }
        let lengths = [
            ("/audience", self.audience.len()),
            ("/required_claims", self.required_claims.len()),
            ("/scopes", self.scopes.len()),
            ("/from", self.from.len()),
            ("/claims", self.claims.0.0.len()),
            ("/headers", self.headers.0.len()),
        ];
        for (pointer, _) in lengths.into_iter().filter(|(_, length)| *length > MOST) {
            faults.at(pointer, "there are at most 32 of them");
        }
    }
}

/// What can stand in a quoted text, and in a scope (RFC 6749, 3.3).
fn is_quotable(byte: u8) -> bool {
    byte.is_ascii_graphic() && byte != b'"' && byte != b'\\'
}

impl As {
    fn check(self, faults: &mut Faults) -> Client {
        match (self.id, self.secret, self.bearer) {
            (Some(id), Some(secret), None) if !id.is_empty() => Client::Basic(id, secret),
            (None, None, Some(bearer)) => Client::Bearer(bearer),
            _ => {
                faults.at("/client", "a client has an `id` and its `secret`, or a `bearer`");
                Client::Unnamed
            }
        }
    }
}

fn identity(claims: Pairs, headers: Pairs, faults: &mut Faults) -> Identity {
    let pointer = |of: &str, name: &str| [of, "/", &name.replace('~', "~0").replace('/', "~1")].concat();
    for (var, claim) in &claims.0 {
        let pointer = pointer("/claims", var);
        if !matches!(Source::parse(var), Ok(Source::Var(_))) {
            faults.at(&pointer, "a variable is words with a dot between, as `user.id`");
        } else if var == METHOD {
            faults.at(&pointer, "`auth.method` is set to `introspect`, so no claim can be");
        }
        check_claim(claim, &pointer, faults);
    }
    for (header, claim) in &headers.0 {
        let pointer = pointer("/headers", header);
        let before = faults.iter().count();
        fields::check_name(faults, &pointer, header);
        if faults.iter().count() == before
            && let Err(refusal) = setup::own_header(header)
        {
            faults.at(&pointer, &["it cannot be this filter's own: ", refusal.name()].concat());
        }
        check_claim(claim, &pointer, faults);
    }
    Identity { vars: claims.0, headers: headers.0 }
}

fn required(demands: Vec<Demand>, faults: &mut Faults) -> Vec<Required> {
    let mut all = Vec::new();
    for (index, Demand(demands)) in demands.into_iter().enumerate() {
        let pointer = ["/required_claims/", &index.to_string()].concat();
        if demands.is_empty() {
            faults.at(&pointer, "a claim has a name");
        }
        for required in &demands {
            check_claim(&required.claim, &pointer, faults);
            let is_scope = ["scope", "scp"].contains(&required.claim.as_str());
            if is_scope && !required.values.iter().all(|scope| scope.bytes().all(is_quotable)) {
                faults.at(&pointer, "a scope is one word of visible characters, without `\"` and `\\`");
            }
        }
        all.extend(demands);
    }
    all
}

fn check_claim(claim: &str, pointer: &str, faults: &mut Faults) {
    if claim.is_empty() || claim.len() > 256 {
        faults.at(pointer, "a claim has a name of 1 to 256 bytes, or a JSON Pointer, as `/realm_access/roles`");
    }
}
