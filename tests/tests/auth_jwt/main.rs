//! `auth-jwt` in the running proxy, between clients whose tokens other libraries made and an issuer that is a process of its
//! own.

mod algorithms;
mod alternatives;
mod answers;
mod claims;
mod differential;
mod forgeries;
mod identity;
mod mutations;
mod outages;
mod rotation;

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use weir_tests::{Client, Issuer, Origin, Proxy, ProxyBuilder, Reply};

/// Where an issuer publishes its keys, as it is written for the filter.
const JWKS: &str = "jwks: { upstream: auth, path: /jwks }";

/// A proxy that wants tokens, an issuer of them, and the upstream behind.
struct Stage {
    issuer: Issuer,
    proxy: Proxy,
    origin: Origin,
}

impl Stage {
    /// With more keys of the filter's configuration; these are there already: `jwks`, and `sub` as a header.
    fn new(issuer: Issuer, more: &str) -> Self {
        Self::built(issuer, &format!("{JWKS}, headers: {{ x-user-id: sub }}{more}"), |proxy| proxy)
    }

    /// With this configuration of the filter, and more of the proxy's.
    fn built(issuer: Issuer, config: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Self {
        let origin = Origin::text("let in\n");
        let proxy = build(guarded(&issuer, config)).route("/*", "app", origin.address).start();
        Self { issuer, proxy, origin }
    }

    fn get(&self, token: &str) -> Reply {
        get_with(self.proxy.address, token)
    }

    /// Asks on a connection of its own, and says who the upstream was told that it is.
    #[track_caller]
    fn accepts(&self, token: &str) -> Option<String> {
        let reply = self.get(token);
        assert_eq!((reply.status, reply.text().as_str()), (200, "let in\n"), "{token}: {reply:?}");
        self.origin.next().header("x-user-id").map(str::to_owned)
    }

    /// This token is refused as a bad one, and the upstream learns nothing of the request.
    #[track_caller]
    fn refuses(&self, token: &str, what: &str) {
        let reply = self.get(token);
        assert_eq!(reply.status, 401, "{what}: {token}: {reply:?}");
        assert_eq!(reply.values("www-authenticate"), ["Bearer realm=\"weir\", error=\"invalid_token\""], "{what}");
        assert_eq!(self.origin.arrived().len(), 0, "{what}");
    }
}

/// The beginning of a proxy: the issuer's upstream, and the filter.
fn guarded(issuer: &Issuer, config: &str) -> ProxyBuilder {
    Proxy::builder()
        // However busy the machine is.
        .top("plugins: { auth-jwt: { limits: { cpu: 1s } } }")
        .upstream("auth", &issuer.upstream())
        .filter(&format!("{{ plugin: auth-jwt, config: {{ {config} }} }}"))
}

/// A GET with this token, on a connection of its own.
fn get_with(proxy: SocketAddr, token: &str) -> Reply {
    Client::connect(proxy).get("/", &format!("Authorization: Bearer {token}\r\n"))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Claims of somebody, for the next ten minutes.
fn claims(sub: &str) -> Value {
    json!({ "sub": sub, "exp": now() + 600 })
}

/// The same and more; `null` takes one out.
fn claims_with(sub: &str, more: Value) -> Value {
    let (mut claims, Value::Object(more)) = (claims(sub), more) else { panic!("claims are an object") };
    for (name, value) in more {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(&name);
        } else {
            claims[name] = value;
        }
    }
    claims
}
