//! What those who are refused are told, and what the operator reads.

use serde_json::json;
use weir_tests::{Client, Issuer, Key, Proxy, Reply, Scrape, weir};

use crate::{JWKS, Stage, claims, claims_with, now};

/// Watched by an operator who keeps each story.
fn watched(config: &str) -> (Stage, Key) {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::built(issuer, &format!("{JWKS}{config}"), |proxy| {
        proxy.top("workers: 1").top("admin: { address: \"127.0.0.1:0\" }").top("why: { sample: 1 }")
    });
    (stage, key)
}

fn why(proxy: &Proxy, id: &str) -> String {
    let admin = format!("http://{}", Scrape::of(&proxy.log).address());
    let output = weir().args(["why", id, "--admin", &admin]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// All of an answer but its date and its id.
fn whole(reply: &Reply) -> (u16, Vec<(&str, &str)>, String) {
    let mut fields: Vec<_> = reply
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .filter(|(name, _)| !["date", "x-request-id"].contains(&name.to_ascii_lowercase().as_str()))
        .collect();
    fields.sort_unstable();
    (reply.status, fields, reply.text())
}

#[test]
fn answers_have_these_fields_and_no_other() {
    let (stage, key) = watched(", realm: the API, required_claims: [{ role: [admin] }, { scope: [write] }]");
    let fine = json!({ "role": "admin", "scope": "write" });
    let lacks_role = json!({ "role": "user", "scope": "write" });
    let lacks_scope = json!({ "role": "admin", "scope": "read" });
    let ended = json!({ "role": "admin", "scope": "write", "exp": now() - 60 });
    let bearer = |more| format!("Authorization: Bearer {}\r\n", stage.issuer.token(&key, &claims_with("ada", more)));
    let challenge = |error: &str| format!("Bearer realm=\"the API\"{error}");
    assert_eq!(Client::connect(stage.proxy.address).get("/", &bearer(fine)).status, 200);
    for (what, lines, status, challenge, words) in [
        ("nothing", String::new(), 401, Some(challenge("")), "Unauthorized\n"),
        ("another scheme", "Authorization: Basic YTpi\r\n".into(), 401, Some(challenge("")), "Unauthorized\n"),
        (
            "no token",
            "Authorization: Bearer\r\n".into(),
            400,
            Some(challenge(", error=\"invalid_request\"")),
            "Bad Request\n",
        ),
        (
            "two",
            "Authorization: Bearer a, Bearer b\r\n".into(),
            400,
            Some(challenge(", error=\"invalid_request\"")),
            "Bad Request\n",
        ),
        (
            "not a JWT",
            "Authorization: Bearer abc\r\n".into(),
            401,
            Some(challenge(", error=\"invalid_token\"")),
            "Unauthorized\n",
        ),
        ("ended", bearer(ended), 401, Some(challenge(", error=\"invalid_token\"")), "Unauthorized\n"),
        ("lacks a role", bearer(lacks_role), 403, None, "Forbidden\n"),
        (
            "lacks a scope",
            bearer(lacks_scope),
            403,
            Some(challenge(", error=\"insufficient_scope\", scope=\"write\"")),
            "Forbidden\n",
        ),
    ] {
        let reply = Client::connect(stage.proxy.address).get("/", &lines);
        let (got, fields, text) = whole(&reply);
        let length = words.len().to_string();
        let mut expected = vec![
            ("cache-control", "no-store"),
            ("content-length", length.as_str()),
            ("content-type", "text/plain; charset=utf-8"),
        ];
        expected.extend(challenge.as_deref().map(|challenge| ("www-authenticate", challenge)));
        assert_eq!((got, fields, text.as_str()), (status, expected, words), "{what}");
    }
}

#[test]
fn the_operator_reads_the_reason_everywhere_and_never_the_token() {
    let (stage, key) = watched(", audience: [api], required_claims: [{ role: [admin] }]");
    let good = json!({ "aud": "api", "role": "admin" });
    let signed = |key: &Key, more| stage.issuer.token(key, &claims_with("ada", more));
    let stranger = stage.issuer.key("stranger", "ES256");
    let mut broken = signed(&key, good.clone());
    broken.replace_range(broken.len() - 20.., "AAAAAAAAAAAAAAAAAAAA");
    let tokens = [
        broken,
        signed(&stranger, good),
        signed(&key, json!({ "aud": "other", "role": "admin" })),
        signed(&key, json!({ "aud": "api", "role": "admin", "exp": now() - 600 })),
        signed(&key, json!({ "aud": "api", "role": "admin", "nbf": now() + 600 })),
        signed(&key, json!({ "aud": "api", "role": "user" })),
        "not.a.token".to_owned(),
    ];
    let mut reasons = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let reply = stage.get(token);
        let id = reply.header("x-request-id").unwrap().to_owned();
        let record = stage.proxy.record(index + 1);
        assert_eq!((record["exchange"].as_str(), record["by"].as_str()), (Some(id.as_str()), Some("auth-jwt")));
        let reason = record["reason"].as_str().unwrap().to_owned();
        let told = why(&stage.proxy, &id);
        assert!(told.contains(&reason), "{told}");
        let detail = record["detail"].as_str().unwrap_or_default();
        assert!(!detail.is_empty() && told.contains(detail), "{told}");
        let figures = Scrape::of(&stage.proxy.log).until("the answer", |figures| {
            figures.sum("weir_filter_answers_total", &[("filter", "auth-jwt"), ("reason", &reason)]) >= 1.0
        });
        // Neither is the client told the reason, nor the operator the token.
        assert!(!format!("{reply:?}").contains(&reason), "{reply:?}");
        for part in token.split('.').filter(|part| part.len() > 8) {
            for text in [&record.to_string(), &told, &figures.text, &stage.proxy.log.so_far().join("\n")] {
                assert!(!text.contains(part), "{part} stands in {text}");
            }
        }
        reasons.push(reason);
    }
    assert_eq!(stage.proxy.record(2)["detail"].as_str().map(|detail| detail.contains("stranger")), Some(true));
    let mut different = reasons.clone();
    different.sort();
    different.dedup();
    assert_eq!(different.len(), reasons.len(), "one reason for two faults: {reasons:?}");
}

#[test]
fn who_need_not_show_a_token_is_refused_with_a_bad_one() {
    let (stage, key) = watched(", optional: true");
    assert_eq!(Client::connect(stage.proxy.address).get("/", "").status, 200);
    assert_eq!(stage.get(&stage.issuer.token(&key, &claims("ada"))).status, 200);
    assert_eq!(stage.origin.arrived().len(), 2);
    stage.refuses(&stage.issuer.token(&key, &claims_with("ada", json!({ "exp": 1 }))), "ended");
    stage.refuses("x.y.z", "no token");
}
