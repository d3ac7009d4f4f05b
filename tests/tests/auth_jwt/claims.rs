//! What a rightly signed token says: times, issuer, audience, and JSON that two readers could read in two ways.

use serde_json::{Value, json};
use weir_tests::{Issuer, Key, base64url, until};

use crate::{JWKS, Stage, claims, claims_with, now};

/// A stage with one key, and its tokens.
struct Desk {
    stage: Stage,
    key: Key,
}

impl Desk {
    fn new(more: &str) -> Self {
        let issuer = Issuer::start();
        let key = issuer.key("a", "ES256");
        issuer.publish(&[&key]);
        Self { stage: Stage::new(issuer, more), key }
    }

    fn token(&self, claims: &Value) -> String {
        self.stage.issuer.token(&self.key, claims)
    }

    #[track_caller]
    fn accepts(&self, claims: &Value) {
        self.stage.accepts(&self.signed(claims.to_string()));
    }

    #[track_caller]
    fn refuses(&self, claims: &Value) {
        self.stage.refuses(&self.signed(claims.to_string()), &claims.to_string());
    }

    /// A token with this text as its claims.
    fn signed(&self, payload: impl AsRef<[u8]>) -> String {
        self.stage.issuer.sign(&self.key, "{\"alg\":\"ES256\",\"kid\":\"a\"}", payload)
    }
}

#[test]
fn times_count_with_their_leeway() {
    let desk = Desk::new(", leeway: 30s");
    let now = now();
    for (name, time, is_accepted) in [
        ("exp", now + 600, true),
        // There are some seconds for a slow machine; no clock goes backwards.
        ("exp", now - 15, true),
        ("exp", now - 30, false),
        ("exp", now - 31, false),
        ("exp", 0, false),
        ("nbf", now - 600, true),
        ("nbf", now + 30, true),
        ("nbf", now + 90, false),
        ("iat", now, true),
        ("iat", now + 30, true),
        ("iat", now + 90, false),
    ] {
        let claims = claims_with("ada", json!({ name: time }));
        if is_accepted { desk.accepts(&claims) } else { desk.refuses(&claims) }
    }
}

#[test]
fn a_token_that_was_accepted_before_ends_with_its_time() {
    let desk = Desk::new(", leeway: 0s");
    let end = now() + 3;
    let token = desk.token(&claims_with("ada", json!({ "exp": end })));
    desk.stage.accepts(&token);
    until("it ends", || {
        let before = now();
        let status = desk.stage.get(&token).status;
        assert!(status == 401 || before <= end, "it is still accepted");
        status == 401
    });
}

#[test]
fn a_token_without_an_end_is_refused_unless_that_is_allowed() {
    let endless = claims_with("ada", json!({ "exp": null }));
    Desk::new("").refuses(&endless);
    let desk = Desk::new(", require_exp: false, max_age: 1h");
    desk.accepts(&claims_with("ada", json!({ "exp": null, "iat": now() - 1800 })));
    desk.refuses(&claims_with("ada", json!({ "exp": null, "iat": now() - 7200 })));
    desk.refuses(&endless);
}

#[test]
fn a_time_is_a_sensible_number() {
    let desk = Desk::new("");
    let signed = |claims: &str| desk.signed(claims);
    let soon = now() + 600;
    desk.stage.accepts(&signed(&format!("{{\"exp\":{soon}.5}}")));
    for exp in [
        format!("\"{soon}\""),
        "-1".to_owned(),
        format!("-{soon}"),
        "1e400".to_owned(),
        "1e40".to_owned(),
        "99999999999999999999".to_owned(),
        "null".to_owned(),
        "true".to_owned(),
        format!("[{soon}]"),
        "{}".to_owned(),
        "NaN".to_owned(),
        "Infinity".to_owned(),
        format!("0{soon}"),
        format!("+{soon}"),
        format!("0x{soon:x}"),
        "9223372036854775808".to_owned(),
        "18446744073709551617".to_owned(),
    ] {
        desk.stage.refuses(&signed(&format!("{{\"exp\":{exp}}}")), &exp);
        desk.stage.refuses(&signed(&format!("{{\"exp\":{soon},\"nbf\":{exp}x}}")), "no JSON");
    }
    for name in ["nbf", "iat"] {
        for odd in ["\"1\"", "[1]", "1e400", "-1e400", "{}", "true"] {
            desk.stage.refuses(&signed(&format!("{{\"exp\":{soon},\"{name}\":{odd}}}")), &format!("{name}: {odd}"));
        }
    }
}

#[test]
fn one_of_the_audiences_is_meant() {
    let desk = Desk::new(", audience: [api, admin]");
    for aud in [json!("api"), json!(["api"]), json!(["other", "admin"])] {
        desk.accepts(&claims_with("ada", json!({ "aud": aud })));
    }
    for aud in [
        json!("other"),
        json!("API"),
        json!("api "),
        json!("apiadmin"),
        json!("api,admin"),
        json!([]),
        json!([["api"]]),
        json!({ "api": true }),
        json!(1),
        json!(""),
        Value::Null,
        json!(["other", 1]),
        json!("ap"),
        json!("api\u{0}"),
    ] {
        desk.refuses(&claims_with("ada", json!({ "aud": aud })));
    }
}

#[test]
fn the_issuer_is_the_one_that_is_configured() {
    let desk = Desk::new(", issuer: \"https://auth.example\"");
    desk.accepts(&claims_with("ada", json!({ "iss": "https://auth.example" })));
    for iss in [
        json!("https://auth.example/"),
        json!("https://AUTH.example"),
        json!("http://auth.example"),
        json!("https://auth.example.evil"),
        json!(["https://auth.example"]),
        json!(""),
        Value::Null,
        json!(1),
        json!("https://auth.example\u{0}"),
    ] {
        desk.refuses(&claims_with("ada", json!({ "iss": iss })));
    }
}

#[test]
fn claims_that_are_required_must_be_there() {
    let desk = Desk::new(", required_claims: [sub, { role: [admin, editor] }, { /realm_access/roles: [staff] }]");
    let with = |more: Value| {
        let mut all = claims_with("ada", json!({ "role": "admin", "realm_access": { "roles": ["staff", "x"] } }));
        for (name, value) in more.as_object().unwrap() {
            if value.is_null() { drop(all.as_object_mut().unwrap().remove(name)) } else { all[name] = value.clone() }
        }
        desk.signed(all.to_string())
    };
    for fine in [json!({}), json!({ "role": "editor" }), json!({ "role": ["other", "editor"] })] {
        desk.stage.accepts(&with(fine));
    }
    for lacking in [
        json!({ "sub": null }),
        json!({ "role": null }),
        json!({ "role": "adminx" }),
        json!({ "role": [] }),
        json!({ "role": { "admin": 1 } }),
        json!({ "realm_access": null }),
        json!({ "realm_access": { "roles": "staffx" } }),
        json!({ "realm_access": ["staff"] }),
        json!({ "realm_access": null, "/realm_access/roles": ["staff"] }),
    ] {
        let reply = desk.stage.get(&with(lacking.clone()));
        // A claim that is missing is a bad token, one with another value is a good one of somebody who may not.
        assert!(matches!(reply.status, 401 | 403), "{lacking}: {reply:?}");
        assert_eq!(desk.stage.origin.arrived().len(), 0);
    }
}

#[test]
fn json_that_could_be_read_in_two_ways_is_refused() {
    let desk = Desk::new("");
    let exp = now() + 600;
    let deep = |depth: usize| format!("{{\"exp\":{exp},\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let payloads: Vec<Vec<u8>> = vec![
        format!("{{\"exp\":{exp},\"sub\":\"a\",\"sub\":\"b\"}}").into(),
        format!("{{\"exp\":{exp},\"exp\":{exp}}}").into(),
        format!("{{\"exp\":{exp},\"sub\":\"a\",\"s\\u0075b\":\"b\"}}").into(),
        format!("{{\"exp\":{exp},\"a\":{{\"b\":1,\"b\":2}}}}").into(),
        format!("{{\"exp\":{exp},\"a\":[{{\"b\":1,\"b\":2}}]}}").into(),
        format!("\u{feff}{{\"exp\":{exp}}}").into(),
        format!("{{\"exp\":{exp}}}{{}}").into(),
        format!("{{\"exp\":{exp}}}\0").into(),
        format!("{{\"exp\":{exp},}}").into(),
        format!("{{'exp':{exp}}}").into(),
        format!("{{\"exp\":{exp}/**/}}").into(),
        format!("[{{\"exp\":{exp}}}]").into(),
        format!("{exp}").into(),
        b"\"exp\"".to_vec(),
        b"null".to_vec(),
        b"".to_vec(),
        b"{".to_vec(),
        [format!("{{\"exp\":{exp},\"sub\":\"").as_bytes(), b"\xff\xfe\"}"].concat(),
        [format!("{{\"exp\":{exp},\"sub\":\"").as_bytes(), b"\xed\xa0\x80\"}"].concat(),
        [format!("{{\"exp\":{exp},\"sub\":\"").as_bytes(), b"\xc0\xae\"}"].concat(),
        format!("{{\"exp\":{exp},\"sub\":\"\\ud800\"}}").into(),
        format!("{{\"exp\":{exp},\"sub\":\"a\nb\"}}").into(),
        deep(17).into(),
        deep(3_000).into(),
        format!("{{\"exp\":{exp},\"a\":{}1{}}}", "{\"a\":".repeat(1_000), "}".repeat(1_000)).into(),
    ];
    for payload in payloads {
        let what = String::from_utf8_lossy(&payload[..payload.len().min(80)]).into_owned();
        desk.stage.refuses(&desk.signed(payload), &what);
    }
    desk.stage.accepts(&desk.signed(deep(10)));
    for header in [
        "{\"alg\":\"ES256\",\"kid\":\"a\",\"kid\":\"a\"}",
        "{\"alg\":\"none\",\"alg\":\"ES256\",\"kid\":\"a\"}",
        "{\"alg\":\"ES256\",\"alg\":\"none\",\"kid\":\"a\"}",
        "{\"alg\":\"ES256\",\"\\u0061lg\":\"ES256\",\"kid\":\"a\"}",
        "{\"alg\":\"ES256\",\"kid\":\"a\"} x",
        "[\"ES256\"]",
        "\"ES256\"",
        "",
        "{}",
    ] {
        desk.stage.refuses(&desk.stage.issuer.sign(&desk.key, header, claims("ada").to_string()), header);
    }
    let long = json!({ "alg": "ES256", "kid": "a", "x": "x".repeat(5_000) }).to_string();
    desk.stage.refuses(&desk.stage.issuer.sign(&desk.key, long, claims("ada").to_string()), "a long header");
    let nested = format!("{{\"alg\":\"ES256\",\"kid\":\"a\",\"x\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
    desk.stage.refuses(&desk.stage.issuer.sign(&desk.key, nested, claims("ada").to_string()), "a deep header");
}

#[test]
fn base64_is_that_of_tokens_and_no_other() {
    let desk = Desk::new("");
    let header = "{\"alg\":\"ES256\",\"kid\":\"a\"}";
    // Letters that stand for the same bits in the other alphabet must be among them, and bits that stand for nothing.
    let payload = format!("{{\"exp\":{},\"sub\":\"\u{3ff}?>\u{fbff}\u{ff}\"}}  ", now() + 600);
    let padding = (0..3).map(|more| format!("{payload}{}", " ".repeat(more))).find(|text| text.len() % 3 == 1).unwrap();
    let (head, body) = (base64url(header), base64url(&padding));
    assert!(body.contains(['-', '_']), "{body}");
    let (letters, last) = body.split_at(body.len() - 1);
    let value = |letter: char| "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".find(letter).unwrap();
    let other_bits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".as_bytes()
        [value(last.chars().next().unwrap()) | 1] as char;
    for form in [
        format!("{body}=="),
        format!("{body}="),
        body.replace('-', "+").replace('_', "/"),
        format!("{letters}{other_bits}"),
        format!("{body}A"),
    ] {
        // Signed as it stands, so that only its form is wrong.
        desk.stage.refuses(&desk.stage.issuer.sign_input(&desk.key, &format!("{head}.{form}")), &form);
    }
    let token = desk.stage.issuer.sign_input(&desk.key, &format!("{head}.{body}"));
    for form in [format!("{token}="), format!("{token}\t"), format!(".{token}"), format!("{token}.")] {
        let reply = desk.stage.get(&form);
        // White space behind a value is none of the value's.
        assert_eq!(reply.status, if form.ends_with('\t') { 200 } else { 401 }, "{form}");
    }
    desk.stage.accepts(&token);
}

#[test]
fn a_token_has_a_size() {
    let desk = Desk::new("");
    let sized = |length: usize| desk.token(&claims_with("ada", json!({ "x": "x".repeat(length) })));
    desk.stage.accepts(&sized(4_000));
    for length in [13_000, 20_000] {
        let reply = desk.stage.get(&sized(length));
        // Fields of the size of the second one the listener refuses.
        assert!(matches!(reply.status, 401 | 431), "{length}: {reply:?}");
        assert_eq!(desk.stage.origin.arrived().len(), 1 - 1);
    }
}

#[test]
fn the_type_of_a_token_counts_where_it_is_asked_for() {
    let desk = Desk::new(", typ: [at+jwt]");
    let typed = |typ: Value| desk.stage.issuer.token_with(&desk.key, "ES256", &json!({ "typ": typ }), &claims("ada"));
    // RFC 7515, 4.1.9: `application/` may be left out, and media types know no case.
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt"] {
        desk.stage.accepts(&typed(json!(typ)));
    }
    for typ in [json!("JWT"), json!(""), Value::Null, json!("at+jwt2")] {
        desk.stage.refuses(&typed(typ.clone()), &typ.to_string());
    }
}

#[test]
fn two_issuers_have_keys_and_algorithms_of_their_own() {
    let (ours, theirs) = (Issuer::start(), Issuer::start());
    let (our_key, their_key) = (ours.key("1", "ES256"), theirs.key("1", "RS256"));
    // A key of theirs that is for our algorithm is none of ours.
    let their_other = theirs.key("2", "ES256");
    ours.publish(&[&our_key]);
    theirs.publish(&[&their_key, &their_other]);
    let config = format!(
        "headers: {{ x-user-id: sub }}, issuers: [ \
         {{ issuer: \"https://ours.example\", {JWKS}, algorithms: [ES256] }}, \
         {{ issuer: \"https://theirs.example\", jwks: {{ upstream: theirs, path: /jwks }}, algorithms: [RS256], audience: [api] }} ]"
    );
    let upstream = theirs.upstream();
    let stage = Stage::built(ours, &config, |proxy| proxy.upstream("theirs", &upstream));
    let from = |iss: &str| claims_with("ada", json!({ "iss": format!("https://{iss}.example"), "aud": "api" }));
    for _ in 0..2 {
        stage.accepts(&stage.issuer.token(&our_key, &from("ours")));
        stage.accepts(&theirs.token(&their_key, &from("theirs")));
    }
    let names = claims_with("ada", json!({ "iss": ["https://ours.example", "https://theirs.example"], "aud": "api" }));
    for (what, token) in [
        ("their key in our name", theirs.token(&their_key, &from("ours"))),
        ("their other key in our name", theirs.token(&their_other, &from("ours"))),
        (
            "their other key by our name",
            theirs.token_with(&their_other, "ES256", &json!({ "kid": "1" }), &from("ours")),
        ),
        ("our key in their name", stage.issuer.token(&our_key, &from("theirs"))),
        ("an algorithm that is not theirs", theirs.token(&their_other, &from("theirs"))),
        ("another audience", theirs.token(&their_key, &claims_with("a", json!({ "iss": "https://theirs.example" })))),
        ("nobody's name", stage.issuer.token(&our_key, &from("others"))),
        ("no name", stage.issuer.token(&our_key, &claims("ada"))),
        ("a list of names", stage.issuer.sign(&our_key, "{\"alg\":\"ES256\",\"kid\":\"1\"}", names.to_string())),
    ] {
        stage.refuses(&token, what);
    }
}
