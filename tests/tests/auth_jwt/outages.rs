//! An issuer whose keys cannot be had, or are something else: nobody is let in because of that, and nobody is kept out who
//! was let in before.

use serde_json::{Value, json};
use weir_tests::{Authority, Client, Issuer, until};

use crate::{JWKS, Stage, claims, get_with};

/// What may come in place of a key set.
fn mishaps() -> Vec<(&'static str, Value)> {
    vec![
        ("500", json!({ "status": 500, "json": { "keys": [] } })),
        ("404", json!({ "status": 404, "text": "<h1>Not found</h1>" })),
        ("a redirect", json!({ "status": 302, "fields": { "Location": "/elsewhere" } })),
        ("HTML", json!({ "text": "<html><body>Please log in</body></html>" })),
        ("nothing", json!({ "text": "" })),
        ("huge", json!({ "huge": 5_000_000 })),
        ("no object", json!({ "json": [] })),
        ("no keys", json!({ "json": { "error": "later" } })),
        ("keys that are no list", json!({ "json": { "keys": { "a": 1 } } })),
        ("hung up", json!({ "hang_up": true })),
    ]
}

#[test]
fn without_keys_nobody_is_let_in_until_there_are_some() {
    for (what, mishap) in mishaps() {
        let issuer = Issuer::start();
        let key = issuer.key("a", "ES256");
        issuer.publish(&[&key]);
        issuer.answer("/jwks", &mishap);
        issuer.answer("/elsewhere", &json!({ "json": { "keys": [key.jwk] } }));
        let stage = Stage::new(issuer, ", refresh: 1s");
        let token = stage.issuer.token(&key, &claims("ada"));
        let reply = stage.get(&token);
        assert_eq!(reply.status, 503, "{what}: {reply:?}");
        let wait: u64 = reply.header("retry-after").and_then(|value| value.parse().ok()).expect("seconds to wait");
        assert!((1..=60).contains(&wait), "{what}: {wait}");
        assert_eq!(
            (reply.header("www-authenticate"), reply.header("cache-control")),
            (None, Some("no-store")),
            "{what}"
        );
        let record = stage.proxy.record(1);
        assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("auth-jwt"), Some("no-keys")), "{what}");
        // Whoever shows nothing, or what can never be a token, learns so at once.
        assert_eq!(Client::connect(stage.proxy.address).get("/", "").status, 401, "{what}");
        assert_eq!(stage.origin.arrived().len(), 0, "{what}");
        assert_eq!(stage.issuer.count("/elsewhere"), 0, "{what}");
        stage.issuer.mend("/jwks");
        until("it heals", || stage.get(&token).status == 200);
    }
}

#[test]
fn keys_that_were_had_stay_when_others_cannot_be_had() {
    let issuer = Issuer::start();
    let (key, new) = (issuer.key("a", "ES256"), issuer.key("b", "ES256"));
    issuer.publish(&[&key]);
    // An instance that never read a sound set cannot know one: one worker that serves one after the other has one instance.
    let config = format!("{JWKS}, headers: {{ x-user-id: sub }}, refresh: 1s, refetch: 1s");
    let stage = Stage::built(issuer, &config, |proxy| proxy.top("workers: 1"));
    let known = stage.issuer.token(&key, &claims("ada"));
    stage.accepts(&known);
    for (what, mishap) in mishaps() {
        stage.issuer.answer("/jwks", &mishap);
        // It was asked twice since: what came of the first is known by then.
        stage.issuer.requests("/jwks", stage.issuer.count("/jwks") + 2);
        for number in 0..3 {
            // Not one that was seen before: each wants the key itself.
            let token = stage.issuer.token(&key, &claims(&number.to_string()));
            assert_eq!(get_with(stage.proxy.address, &token).status, 200, "{what}");
        }
        assert_eq!(stage.get(&stage.issuer.token(&new, &claims("eve"))).status, 401, "{what}");
        stage.issuer.mend("/jwks");
    }
    stage.issuer.publish(&[&key, &new]);
    until("it heals", || stage.get(&stage.issuer.token(&new, &claims("grace"))).status == 200);
}

#[test]
fn a_broken_key_set_is_logged_once() {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::built(issuer, &format!("{JWKS}, refresh: 1s"), |proxy| proxy.top("workers: 1"));
    stage.accepts(&stage.issuer.token(&key, &claims("ada")));
    stage.issuer.answer("/jwks", &json!({ "text": "<html>" }));
    stage.issuer.requests("/jwks", stage.issuer.count("/jwks") + 2);
    for number in 0..20 {
        stage.accepts(&stage.issuer.token(&key, &claims(&number.to_string())));
    }
    let said = stage.proxy.log.so_far();
    let lines: Vec<_> = said.iter().filter(|line| line.contains("auth-jwt") && line.contains("jwks")).collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

#[test]
fn a_key_that_cannot_be_read_spoils_no_other() {
    let issuer = Issuer::start();
    let (key, other) = (issuer.key("a", "ES256"), issuer.key("b", "RS256"));
    let mut broken = other.jwk.clone();
    broken["n"] = "%%%".into();
    broken["kid"] = "broken".into();
    let mut short = other.jwk.clone();
    short["n"] = "AQAB".into();
    short["kid"] = "short".into();
    issuer.publish_jwks(&[
        json!({}),
        json!({ "kty": "unheard-of", "kid": "a" }),
        json!({ "kty": "EC", "crv": "secp256k1", "kid": "a", "x": "AA", "y": "AA" }),
        json!({ "kty": "OKP", "crv": "X25519", "kid": "x", "x": "AA" }),
        json!({ "kty": "EC", "crv": "P-256", "kid": "half", "x": key.jwk["x"] }),
        broken,
        short,
        json!("no key"),
        key.jwk.clone(),
        other.jwk.clone(),
    ]);
    let stage = Stage::new(issuer, "");
    assert_eq!(stage.accepts(&stage.issuer.token(&key, &claims("ada"))).as_deref(), Some("ada"));
    assert_eq!(stage.accepts(&stage.issuer.token(&other, &claims("ada"))).as_deref(), Some("ada"));
    for kid in ["broken", "short", "half"] {
        stage.refuses(&stage.issuer.token_with(&other, "RS256", &json!({ "kid": kid }), &claims("ada")), kid);
    }
}

#[test]
fn a_slow_issuer_holds_up_nobody_whose_key_is_known() {
    let issuer = Issuer::start();
    let (key, new) = (issuer.key("a", "ES256"), issuer.key("b", "ES256"));
    issuer.publish(&[&key]);
    let stage = Stage::built(issuer, &format!("{JWKS}, refetch: 1s, refresh: 1s"), |proxy| proxy.top("workers: 1"));
    stage.accepts(&stage.issuer.token(&key, &claims("ada")));
    stage.issuer.publish(&[&key, &new]);
    stage.issuer.answer("/jwks", &json!({ "hold": true }));
    stage.issuer.requests("/jwks", stage.issuer.count("/jwks") + 1);
    let unknown = stage.issuer.token(&new, &claims("grace"));
    std::thread::scope(|scope| {
        let (proxy, token) = (stage.proxy.address, &unknown);
        let waits = scope.spawn(move || get_with(proxy, token).status);
        for number in 0..50 {
            stage.accepts(&stage.issuer.token(&key, &claims(&number.to_string())));
        }
        stage.issuer.mend("/jwks");
        // It waited for the keys, or was refused because they did not come in time: never let in without.
        let status = waits.join().unwrap();
        assert!(matches!(status, 200 | 401), "{status}");
    });
    until("the new key is known", || stage.get(&unknown).status == 200);
}

#[test]
fn keys_come_over_tls_from_an_issuer_with_a_certificate_of_ones_own() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    for (authority, status) in [(&ours, 200), (&theirs, 503)] {
        let issuer = Issuer::over_tls(&ours);
        let key = issuer.key("a", "ES256");
        issuer.publish(&[&key]);
        let token = issuer.token(&key, &claims("ada"));
        let upstream =
            format!("{{ endpoints: [\"{}\"], tls: {{ ca: \"{}\" }} }}", issuer.url(), authority.file().display());
        let config = "jwks: { upstream: trusted, path: /jwks }";
        let stage = Stage::built(issuer, config, |proxy| proxy.upstream("trusted", &upstream));
        assert_eq!(stage.get(&token).status, status);
        assert_eq!(stage.issuer.count("/jwks") > 0, status == 200);
    }
}

#[test]
fn keys_are_found_by_the_issuers_own_description() {
    let issuer = Issuer::start();
    let (key, elsewhere) = (issuer.key("a", "ES256"), Issuer::start());
    issuer.publish(&[&key]);
    elsewhere.publish(&[&key]);
    let config = "jwks: { upstream: auth, path: /.well-known/openid-configuration, follow: /jwks_uri }, refresh: 1s, \
                  headers: { x-user-id: sub }";
    let stage = Stage::built(issuer, config, |proxy| proxy);
    let token = stage.issuer.token(&key, &claims("ada"));
    assert_eq!(stage.accepts(&token).as_deref(), Some("ada"));
    // A description that points elsewhere is not followed; the keys from before stay.
    let there = json!({ "json": { "jwks_uri": format!("{}/jwks", elsewhere.url()) } });
    stage.issuer.answer("/.well-known/openid-configuration", &there);
    let described = stage.issuer.count("/.well-known/openid-configuration");
    stage.issuer.requests("/.well-known/openid-configuration", described + 2);
    assert_eq!(stage.accepts(&token).as_deref(), Some("ada"));
    assert_eq!(elsewhere.count("/jwks"), 0);
    let stage = Stage::built(stage.issuer, config, |proxy| proxy);
    assert_eq!((stage.get(&token).status, elsewhere.count("/jwks")), (503, 0));
    stage.issuer.mend("/.well-known/openid-configuration");
    until("it heals", || stage.get(&token).status == 200);
}
