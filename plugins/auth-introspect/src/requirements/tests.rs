//! Each thing that may be demanded of a token.

use std::time::Duration;

use super::{Required, Requirements, Unfit, date, is_date};
use crate::json::Value;

fn json(text: &str) -> Value {
    Value::read(text.as_bytes()).unwrap()
}

fn requirements() -> Requirements {
    Requirements {
        issuer: None,
        audience: Vec::new(),
        claims: Vec::new(),
        scopes: Vec::new(),
        leeway: Duration::from_secs(30),
    }
}

fn check(requirements: &Requirements, claims: &str, now: u64) -> Result<(), Unfit> {
    requirements.check(&json(claims), Duration::from_secs(now))
}

#[test]
fn dates_are_plain_numbers_of_seconds() {
    for (written, milliseconds) in [
        ("0", Some(0)),
        ("1700000000", Some(1_700_000_000_000)),
        ("1700000000.25", Some(1_700_000_000_250)),
        ("1.9999999999", Some(1999)),
        ("253402300799", Some(253_402_300_799_000)),
        ("253402300800", None),
        ("1700000000000", None),
        ("99999999999999999999999999", None),
        ("-1", None),
        ("-0", None),
        ("1e9", None),
        ("1.5e3", None),
        ("\"1700000000\"", None),
        ("true", None),
        ("null", None),
        ("[1]", None),
    ] {
        let claims = json(&["{\"exp\":", written, "}"].concat());
        assert_eq!(date(&claims, "exp").map(|date| date.as_millis()), milliseconds, "{written}");
        assert_eq!(is_date(claims.member("exp").unwrap()), milliseconds.is_some(), "{written}");
    }
}

#[test]
fn the_clock_counts_with_its_leeway() {
    let plain = requirements();
    for (claims, now, result) in [
        (r#"{"exp":1000}"#, 1029, Ok(())),
        (r#"{"exp":1000}"#, 1030, Err(Unfit::Expired)),
        (r#"{"exp":1000.5}"#, 1030, Ok(())),
        (r#"{"nbf":1000}"#, 970, Ok(())),
        (r#"{"nbf":1000}"#, 969, Err(Unfit::Early)),
        (r#"{"exp":1000,"nbf":2000}"#, 1500, Err(Unfit::Expired)),
        ("{}", 1, Ok(())),
    ] {
        assert_eq!(check(&plain, claims, now), result, "{claims} at {now}");
    }
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    let issuer = Requirements { issuer: Some("https://a.example".into()), ..requirements() };
    assert_eq!(check(&issuer, r#"{"iss":"https://a.example"}"#, 1), Ok(()));
    for claims in
        ["{}", r#"{"iss":"https://a.example/"}"#, r#"{"iss":"HTTPS://a.example"}"#, r#"{"iss":["https://a.example"]}"#]
    {
        assert_eq!(check(&issuer, claims, 1), Err(Unfit::Issuer), "{claims}");
    }
    let audience = Requirements { audience: vec!["api".into(), "web".into()], ..requirements() };
    for claims in [r#"{"aud":"api"}"#, r#"{"aud":["x","web"]}"#] {
        assert_eq!(check(&audience, claims, 1), Ok(()), "{claims}");
    }
    for claims in ["{}", r#"{"aud":"API"}"#, r#"{"aud":[]}"#, r#"{"aud":"api web"}"#, r#"{"aud":{"api":1}}"#] {
        assert_eq!(check(&audience, claims, 1), Err(Unfit::Audience), "{claims}");
    }
}

#[test]
fn claims_must_be_there_and_have_one_of_the_values() {
    let required = |claim: &str, values: &[&str]| {
        let values = values.iter().map(ToString::to_string).collect();
        Requirements { claims: vec![Required { claim: claim.into(), values }], ..requirements() }
    };
    let lacks = |requirements: &Requirements| Err(Unfit::Claim(requirements.claims[0].clone()));
    let sub = required("sub", &[]);
    assert_eq!(check(&sub, r#"{"sub":""}"#, 1), Ok(()));
    assert_eq!(check(&sub, "{}", 1), lacks(&sub));
    let role = required("role", &["admin", "editor"]);
    for claims in [r#"{"role":"editor"}"#, r#"{"role":["x","admin"]}"#] {
        assert_eq!(check(&role, claims, 1), Ok(()), "{claims}");
    }
    for claims in [r#"{"role":"Admin"}"#, r#"{"role":[]}"#, r#"{"role":"admin editor"}"#, r#"{"role":{"admin":1}}"#] {
        assert_eq!(check(&role, claims, 1), lacks(&role), "{claims}");
    }
    let level = required("level", &["2", "true"]);
    for claims in [r#"{"level":2}"#, r#"{"level":true}"#, r#"{"level":[1,2]}"#] {
        assert_eq!(check(&level, claims, 1), Ok(()), "{claims}");
    }
    for claims in [r#"{"level":2.0}"#, r#"{"level":false}"#, r#"{"level":12}"#] {
        assert_eq!(check(&level, claims, 1), lacks(&level), "{claims}");
    }
    let scope = required("scope", &["read", "write"]);
    assert_eq!(check(&scope, r#"{"scope":"write x"}"#, 1), Ok(()));
    for claims in ["{}", r#"{"scope":"reader"}"#] {
        assert_eq!(check(&scope, claims, 1), Err(Unfit::Scopes(vec!["read".into(), "write".into()])), "{claims}");
    }
}

#[test]
fn all_scopes_must_be_there() {
    let scopes = Requirements { scopes: vec!["read".into(), "write".into()], ..requirements() };
    for claims in [r#"{"scope":"write other read"}"#, r#"{"scope":["read","write"]}"#] {
        assert_eq!(check(&scopes, claims, 1), Ok(()), "{claims}");
    }
    for claims in [
        "{}",
        r#"{"scope":"read"}"#,
        r#"{"scope":"read writes"}"#,
        r#"{"scope":"read,write"}"#,
        r#"{"scope":["read write"]}"#,
        r#"{"scope":true}"#,
    ] {
        assert_eq!(check(&scopes, claims, 1), Err(Unfit::Scopes(scopes.scopes.clone())), "{claims}");
    }
}
