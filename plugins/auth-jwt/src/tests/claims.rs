//! What a token must say.

use std::time::Duration;

use super::issuer::{NOW, P256, filter, host, lasting, set};
use super::outcome;

/// What comes of a token with just these claims.
fn with(config: &str, claims: &str) -> String {
    let mut host = host(Some(&set(&[P256.jwk("")])));
    let filter = filter(&mut host, config);
    outcome(&mut host, &filter, &P256.written("ES256", r#"{"alg":"ES256","typ":"JWT"}"#, claims))
}

fn at(name: &str, time: i64) -> String {
    format!(r#"{{"{name}":{}}}"#, i64::try_from(NOW).unwrap() + time)
}

#[test]
fn times_count_to_the_second_and_clocks_may_differ() {
    let timeless = r#""require_exp":false"#;
    for (config, name, time, wanted) in [
        ("", "exp", 1, "next"),
        ("", "exp", -29, "next"),
        ("", "exp", -30, "401 token-expired"),
        (r#""leeway":"0s""#, "exp", 1, "next"),
        (r#""leeway":"0s""#, "exp", 0, "401 token-expired"),
        (r#""leeway":"5m""#, "exp", -299, "next"),
        (r#""leeway":"5m""#, "exp", -300, "401 token-expired"),
        (timeless, "nbf", 0, "next"),
        (timeless, "nbf", 30, "next"),
        (timeless, "nbf", 31, "401 token-not-yet-valid"),
        (timeless, "iat", 30, "next"),
        (timeless, "iat", 31, "401 token-not-yet-valid"),
        (r#""require_exp":false,"max_age":"1h""#, "iat", -3629, "next"),
        (r#""require_exp":false,"max_age":"1h""#, "iat", -3630, "401 token-expired"),
    ] {
        assert_eq!(with(config, &at(name, time)), wanted, "{config} {name} {time}");
    }
    // The earliest end and the latest beginning count.
    let both = |exp: i64, iat: i64| {
        let now = i64::try_from(NOW).unwrap();
        with(r#""max_age":"1m","leeway":"0s""#, &format!(r#"{{"exp":{},"iat":{}}}"#, now + exp, now + iat))
    };
    assert_eq!(both(10, -59), "next");
    assert_eq!(both(10, -60), "401 token-expired");
    assert_eq!(both(0, -1), "401 token-expired");
    assert_eq!(both(10, 1), "401 token-not-yet-valid");
}

#[test]
fn a_token_without_a_time_that_is_wanted_is_refused() {
    assert_eq!(with("", "{}"), "401 token-expired");
    assert_eq!(with("", r#"{"exp":null}"#), "401 token-expired");
    assert_eq!(with(r#""require_exp":false"#, "{}"), "next");
    assert_eq!(with(r#""max_age":"1h""#, &lasting("")), "401 token-expired");
}

#[test]
fn fractions_are_times_and_nothing_else_is() {
    let leeway = r#""leeway":"0s""#;
    assert_eq!(with(leeway, &format!(r#"{{"exp":{NOW}.5}}"#)), "next");
    assert_eq!(with(leeway, &format!(r#"{{"exp":{NOW}.0000000001}}"#)), "401 token-expired");
    assert_eq!(with(leeway, &format!(r#"{{"exp":{NOW}.000000001}}"#)), "next");
    assert_eq!(with(leeway, r#"{"exp":253402300799}"#), "next");
    for time in [
        "\"1900000000\"",
        "-1",
        "1.9e9",
        "1900000000e0",
        "1E12",
        "1000000000000",
        "18446744073709551616",
        "99999999999999999999999999999999",
        "true",
        "[1900000000]",
        "{}",
        "-0",
    ] {
        for name in ["exp", "nbf", "iat"] {
            let claims =
                if name == "exp" { format!(r#"{{"exp":{time}}}"#) } else { lasting(&format!(r#""{name}":{time}"#)) };
            assert_eq!(with("", &claims), "401 malformed-token", "{name} {time}");
        }
    }
}

#[test]
fn issuer_and_audience_are_those_that_are_configured() {
    let issuer = r#""issuer":"https://auth.example""#;
    for (claims, wanted) in [
        (r#""iss":"https://auth.example""#, "next"),
        (r#""iss":"https://auth.example/""#, "401 wrong-issuer"),
        (r#""iss":"https://AUTH.example""#, "401 wrong-issuer"),
        (r#""iss":["https://auth.example"]"#, "401 wrong-issuer"),
        (r#""iss":null"#, "401 wrong-issuer"),
        ("", "401 wrong-issuer"),
    ] {
        assert_eq!(with(issuer, &lasting(claims)), wanted, "{claims}");
    }
    for (claims, wanted) in [
        (r#""aud":"api""#, "next"),
        (r#""aud":"web""#, "next"),
        (r#""aud":["other","api"]"#, "next"),
        (r#""aud":"\u0061pi""#, "next"),
        (r#""aud":["other"]"#, "401 wrong-audience"),
        (r#""aud":[]"#, "401 wrong-audience"),
        (r#""aud":"API""#, "401 wrong-audience"),
        (r#""aud":"api web""#, "401 wrong-audience"),
        (r#""aud":["api",1]"#, "401 malformed-token"),
        (r#""aud":{"api":true}"#, "401 malformed-token"),
        (r#""aud":null"#, "401 wrong-audience"),
        ("", "401 wrong-audience"),
    ] {
        assert_eq!(with(r#""audience":["api","web"]"#, &lasting(claims)), wanted, "{claims}");
    }
    assert_eq!(with("", &lasting(r#""aud":[1]"#)), "next");
}

#[test]
fn the_type_in_the_header_is_checked_if_one_is_configured() {
    for (config, header, wanted) in [
        (r#""typ":["at+jwt"]"#, r#""typ":"at+jwt""#, "next"),
        (r#""typ":["at+jwt"]"#, r#""typ":"application/AT+JWT""#, "next"),
        (r#""typ":["application/at+jwt"]"#, r#""typ":"at+jwt""#, "next"),
        (r#""typ":["at+jwt"]"#, r#""typ":"JWT""#, "401 wrong-type"),
        (r#""typ":["at+jwt"]"#, r#""x":1"#, "401 wrong-type"),
        (r#""typ":["at+jwt","JWT"]"#, r#""typ":"jwt""#, "next"),
        ("", r#""typ":"anything""#, "next"),
        ("", r#""typ":7"#, "401 malformed-token"),
    ] {
        let mut host = host(Some(&set(&[P256.jwk("")])));
        let filter = filter(&mut host, config);
        let token = P256.written("ES256", &format!(r#"{{"alg":"ES256",{header}}}"#), &lasting(""));
        assert_eq!(outcome(&mut host, &filter, &token), wanted, "{config} {header}");
    }
}

#[test]
fn required_claims_must_be_there_with_one_of_their_values() {
    let required = |claims: &str| format!(r#""required_claims":[{claims}]"#);
    for (config, claims, wanted) in [
        (r#""sub""#, r#""sub":"ada""#, "next"),
        (r#""sub""#, r#""sub":"""#, "next"),
        (r#""sub""#, r#""sub":null"#, "403 claim-missing"),
        (r#""sub""#, "", "403 claim-missing"),
        (r#"{"role":["admin","editor"]}"#, r#""role":"editor""#, "next"),
        (r#"{"role":["admin","editor"]}"#, r#""role":["reader","admin"]"#, "next"),
        (r#"{"role":["admin","editor"]}"#, r#""role":"reader""#, "403 claim-missing"),
        (r#"{"role":["admin","editor"]}"#, r#""role":"admin editor""#, "403 claim-missing"),
        (r#"{"role":["admin","editor"]}"#, r#""role":[["admin"]]"#, "403 claim-missing"),
        (r#"{"role":"admin"}"#, r#""role":["Admin"]"#, "403 claim-missing"),
        (r#"{"email_verified":true}"#, r#""email_verified":true"#, "next"),
        (r#"{"email_verified":true}"#, r#""email_verified":"true""#, "next"),
        (r#"{"email_verified":true}"#, r#""email_verified":false"#, "403 claim-missing"),
        (r#"{"level":[2,3]}"#, r#""level":3"#, "next"),
        (r#"{"level":[2,3]}"#, r#""level":33"#, "403 claim-missing"),
        (r#"{"/realm_access/roles":"admin"}"#, r#""realm_access":{"roles":["admin"]}"#, "next"),
        (r#"{"/realm_access/roles":"admin"}"#, r#""realm_access":{"roles":["user"]}"#, "403 claim-missing"),
        (r#"{"/realm_access/roles":"admin"}"#, r#""/realm_access/roles":"admin""#, "403 claim-missing"),
        (r#""sub",{"role":"admin"}"#, r#""sub":"ada""#, "403 claim-missing"),
        (r#"{"scope":["read","write"]}"#, r#""scope":"openid write""#, "next"),
        (r#"{"scope":["read","write"]}"#, r#""scope":["write"]"#, "next"),
        (r#"{"scp":"read"}"#, r#""scp":"read""#, "next"),
        (r#"{"scope":["read","write"]}"#, r#""scope":"openid readwrite""#, "403 insufficient-scope"),
        (r#"{"scope":"read"}"#, "", "403 insufficient-scope"),
        (r#"{"scope":"read"},{"scope":"write"}"#, r#""scope":"read""#, "403 insufficient-scope"),
        (r#"{"scope":"read"},{"scope":"write"}"#, r#""scope":"write read""#, "next"),
    ] {
        assert_eq!(with(&required(config), &lasting(claims)), wanted, "{config} {claims}");
    }
}

#[test]
fn claims_that_no_issuer_makes_are_refused() {
    let deep = format!(r#"{{"exp":{},"a":{}1{}}}"#, NOW + 60, "[".repeat(16), "]".repeat(16));
    for claims in [
        r#"{"exp":1900000000,"sub":"ada","sub":"eve"}"#,
        r#"{"exp":1900000000,"exp":1}"#,
        r#"{"exp":1900000000,"sub":"ada","s\u0075b":"eve"}"#,
        r#"{"exp":1900000000,"a":[{"b":1,"b":2}]}"#,
        r#"["exp",1900000000]"#,
        "\"ada\"",
        "",
        "{\"exp\":1900000000,}",
        r#"{"exp":1900000000} {}"#,
        r#"{"exp":1900000000,"sub":"\ud83d"}"#,
        &deep,
    ] {
        assert_eq!(with("", claims), "401 malformed-token", "{claims}");
    }
    assert_eq!(with("", &deep.replacen('[', "", 1).replacen(']', "", 1)), "next");
}

#[test]
fn a_token_has_a_greatest_length() {
    let padded = |length: usize| lasting(&format!(r#""pad":"{}""#, "a".repeat(length)));
    assert_eq!(with("", &padded(10_000)), "next");
    assert_eq!(with("", &padded(10_800)), "401 malformed-token");
    assert_eq!(with("", &padded(100_000)), "401 malformed-token");
}

#[test]
fn a_token_that_is_too_early_is_let_in_when_its_time_has_come() {
    let mut host = host(Some(&set(&[P256.jwk("")])));
    let filter = filter(&mut host, r#""leeway":"0s""#);
    let claims = format!(r#"{{"nbf":{},"exp":{}}}"#, NOW + 10, NOW + 20);
    let token = P256.written("ES256", r#"{"alg":"ES256"}"#, &claims);
    let mut at = |after: u64| {
        host.now = Duration::from_secs(NOW + after);
        outcome(&mut host, &filter, &token)
    };
    assert_eq!([0, 10, 19, 20].map(&mut at), ["401 token-not-yet-valid", "next", "next", "401 token-expired"]);
    // A clock that is set back.
    assert_eq!([10, 5].map(at), ["next", "401 token-not-yet-valid"]);
}
