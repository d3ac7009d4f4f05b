//! What clients are told, and what operators are.

use super::issuer::{P256, filter, host, lasting, set};
use crate::AuthJwt;
use weir::testing::{Answered, Host};

fn answer(host: &mut Host, filter: &AuthJwt, value: &str) -> Answered {
    host.request.fields.clear();
    host.request.header("authorization", value);
    host.on_request(filter);
    host.reply.take().unwrap()
}

#[test]
fn answers_are_those_of_rfc_6750_and_tell_nothing_more() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"a""#)])));
    let filter = filter(
        &mut host,
        r#""realm":"the api","audience":["api"],"required_claims":[{"scope":["read","write"]},"sub"]"#,
    );
    let token = |claims: &str| format!("Bearer {}", P256.token("ES256", "a", claims));
    let expired = P256.written("ES256", r#"{"alg":"ES256","kid":"a"}"#, r#"{"exp":1}"#);
    let invalid = Some(r#"Bearer realm="the api", error="invalid_token""#);
    let scope = Some(r#"Bearer realm="the api", error="insufficient_scope", scope="read write""#);
    for (value, status, body, challenge, code) in [
        ("Basic eDp5".to_owned(), 401, "Unauthorized\n", Some(r#"Bearer realm="the api""#), "no-token"),
        (
            "Bearer".to_owned(),
            400,
            "Bad Request\n",
            Some(r#"Bearer realm="the api", error="invalid_request""#),
            "invalid-request",
        ),
        ("Bearer x.y.z".to_owned(), 401, "Unauthorized\n", invalid, "malformed-token"),
        (format!("Bearer {expired}"), 401, "Unauthorized\n", invalid, "token-expired"),
        (token(r#""aud":"web""#), 401, "Unauthorized\n", invalid, "wrong-audience"),
        (token(r#""aud":"api""#).replace("Bearer ey", "Bearer eyJ"), 401, "Unauthorized\n", invalid, "malformed-token"),
        (token(r#""aud":"api","scope":"other""#), 403, "Forbidden\n", scope, "insufficient-scope"),
        (token(r#""aud":"api","scope":"read""#), 403, "Forbidden\n", None, "claim-missing"),
    ] {
        let reply = answer(&mut host, &filter, &value);
        assert_eq!((reply.status, reply.text(), reply.code.as_str()), (status, Some(body), code));
        assert_eq!(reply.get("www-authenticate"), challenge);
        assert_eq!(reply.get("cache-control"), Some("no-store"));
        assert_eq!(reply.get("retry-after"), None);
        let names: Vec<_> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(
            names.iter().all(|name| ["cache-control", "www-authenticate", "content-type"].contains(name)),
            "{names:?}"
        );
        // The operator reads why, but never the token.
        assert!(!reply.detail.is_empty() && !reply.detail.contains("ey"), "{}", reply.detail);
    }
}

#[test]
fn what_a_stranger_wrote_is_short_and_visible_in_the_log() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"a""#)])));
    let filter = filter(&mut host, "");
    let kid = format!("a\\nb\\u001b[31m{}", "c".repeat(500));
    let token = P256.token("ES256", &kid, "");
    let name = format!(r#"{{"alg":"{}\r\n"}}"#, "x".repeat(500));
    let value = format!("Bearer {}", P256.written("ES256", &name, &lasting("")));
    let named = answer(&mut host, &filter, &value).detail;
    host.request.fields.clear();
    host.request.header("authorization", format!("Bearer {token}"));
    host.on_request(&filter);
    host.on_resume(&filter);
    let unknown = host.reply.take().unwrap().detail;
    for detail in [named, unknown] {
        assert!(detail.len() < 120 && !detail.chars().any(char::is_control), "{detail:?}");
    }
}

#[test]
fn claims_become_variables_and_fields() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"a""#)])));
    let usual = filter(&mut host, "");
    let claims = r#""sub":"ada","roles":["admin", "editor"],"scope":"read write","role":null"#;
    host.vars.insert("auth.role".into(), "somebody else's".into());
    host.request.header("authorization", format!("Bearer {}", P256.token("ES256", "a", claims)));
    assert_eq!(host.on_request(&usual), weir::Flow::Next);
    let vars: Vec<_> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        vars,
        [
            ("auth.method", "jwt"),
            ("auth.roles", r#"["admin","editor"]"#),
            ("auth.scope", "read write"),
            ("user.id", "ada"),
        ]
    );

    let mapping = r#""claims":{"user.name":"name","user.age":"age","user.org":"/org/id","user.all":"org","user.ok":"ok"},
        "headers":{"X-Name":"name","x-roles":"/org/roles","x-none":"none"}"#;
    let own = filter(&mut host, mapping);
    assert_eq!(host.own_headers, ["x-name", "x-none", "x-roles"]);
    let claims =
        r#""sub":"ada","name":"Zo\u00eb\r\nX-Admin: 1","age":36,"ok":true,"org":{"id" : "o1", "roles":["a,b","c"]}"#;
    host.vars.clear();
    host.request.fields.clear();
    host.request.header("x-none", "forged").header("X_Name", "forged");
    host.request.header("authorization", format!("Bearer {}", P256.token("ES256", "a", claims)));
    assert_eq!(host.on_request(&own), weir::Flow::Next);
    let vars: Vec<_> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        vars,
        [
            ("auth.method", "jwt"),
            ("user.age", "36"),
            ("user.all", r#"{"id":"o1","roles":["a,b","c"]}"#),
            ("user.name", "Zo\u{eb}\r\nX-Admin: 1"),
            ("user.ok", "true"),
            ("user.org", "o1"),
        ]
    );
    assert_eq!(host.request.all("x-name"), ["Zo%C3%AB%0D%0AX-Admin:%201"]);
    assert_eq!((host.request.get("x-roles"), host.request.get("x-none")), (Some("a%2Cb,c"), None));
    assert_eq!(host.request.get("x_name"), None);
}

#[test]
fn a_claim_that_is_too_long_to_be_told_lets_nobody_in() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"a""#)])));
    let to_var = filter(&mut host, "");
    let to_field = filter(&mut host, r#""claims":{},"headers":{"x-user":"sub"}"#);
    for (length, filter, is_let_in) in
        [(8192, &to_var, true), (8193, &to_var, false), (4096, &to_field, true), (4097, &to_field, false)]
    {
        let token = P256.token("ES256", "a", &format!(r#""sub":"{}""#, "a".repeat(length)));
        let said = super::outcome(&mut host, filter, &token);
        assert_eq!(said, if is_let_in { "next" } else { "403 claim-too-long" }, "{length}");
    }
}
