//! Tokens that nobody signed, or that want to choose who says so.

use serde_json::{Value, json};
use weir_tests::{Issuer, Key, base64url, from_base64url};

use crate::{Stage, claims};

fn unsigned(header: &str, signature: &str) -> String {
    format!("{}.{}.{signature}", base64url(header), base64url(claims("admin").to_string()))
}

#[test]
fn tokens_without_a_signature_are_refused_however_they_are_spelled() {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::new(issuer, "");
    let signed = stage.issuer.token(&key, &claims("ada"));
    let signature = signed.rsplit('.').next().unwrap();
    for alg in [
        "\"none\"",
        "\"None\"",
        "\"NONE\"",
        "\"nOnE\"",
        "\"\"",
        "\"none \"",
        "\" none\"",
        "\"\\u006eone\"",
        "null",
        "0",
        "true",
        "[]",
        "[\"ES256\"]",
        "{\"ES256\":1}",
        "\"es256\"",
        "\"ES256 \"",
        "\"ES256\\u0000\"",
        "\"HS256\"",
        "\"A128KW\"",
        "\"dir\"",
        "\"ES256K\"",
    ] {
        for kid in ["", ",\"kid\":\"a\""] {
            for with in ["", signature, "AA"] {
                stage.refuses(&unsigned(&format!("{{\"alg\":{alg}{kid}}}"), with), alg);
            }
        }
    }
    stage.refuses(&unsigned("{\"kid\":\"a\"}", signature), "no algorithm");
    stage.refuses(&unsigned("{\"alg\":\"ES256\",\"kid\":\"a\"}", ""), "an empty signature");
    // The first two parts of a good one.
    let (input, _) = signed.rsplit_once('.').unwrap();
    for form in
        [input.to_owned(), format!("{input}."), format!("{input}.{signature}."), format!("{input}..{signature}")]
    {
        stage.refuses(&form, "not three parts");
    }
    assert_eq!(stage.accepts(&signed).as_deref(), Some("ada"));
}

#[test]
fn a_public_key_is_no_secret() {
    let issuer = Issuer::start();
    let (rsa, ec) = (issuer.key("rsa", "RS256"), issuer.key("ec", "ES256"));
    issuer.publish(&[&rsa, &ec]);
    let stage = Stage::new(issuer, "");
    for key in [&rsa, &ec] {
        let pem = key.public_pem.clone();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = from_base64url(body.trim_end_matches('=').replace('+', "-").replace('/', "_").as_str());
        let number = |name: &str| key.jwk[name].as_str().map(from_base64url).unwrap_or_default();
        let point = [vec![4], number("x"), number("y")].concat();
        let secrets = [
            pem.clone().into_bytes(),
            pem.trim_end().into(),
            pem.replace('\n', "\r\n").into(),
            body.into(),
            der,
            number("n"),
            point,
            key.jwk["n"].as_str().or(key.jwk["x"].as_str()).unwrap().into(),
            key.jwk.to_string().into(),
            Vec::new(),
        ];
        for secret in secrets {
            for alg in ["HS256", "HS384", "HS512"] {
                for header in [json!({ "alg": alg, "kid": key.kid }), json!({ "alg": alg })] {
                    stage.refuses(&stage.issuer.hmac(alg, &secret, &header, &claims("admin")), &key.kid);
                }
            }
        }
    }
}

#[test]
fn a_key_id_is_a_name_and_nothing_else() {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::new(issuer, "");
    let long = "k".repeat(2_000);
    for kid in [
        json!("../../../../dev/null"),
        json!("/dev/null"),
        json!("a' OR '1'='1"),
        json!("a\u{0}"),
        json!("A"),
        json!(" a"),
        json!("http://attacker.example/jwks"),
        json!("|/bin/id"),
        json!("${jndi:ldap://attacker.example}"),
        json!(long),
        json!(""),
        json!(0),
        json!(["a"]),
        json!({ "a": 1 }),
        json!(true),
    ] {
        for secret in ["", "\0"] {
            let header = json!({ "alg": "HS256", "kid": kid });
            stage
                .refuses(&stage.issuer.hmac("HS256", secret, &header, &claims("admin")), "an empty file as the secret");
        }
        let header = json!({ "alg": "ES256", "kid": kid }).to_string();
        stage.refuses(&stage.issuer.sign(&key, header, claims("admin").to_string()), "another name for a good key");
    }
}

#[test]
fn a_token_never_says_where_its_key_is() {
    let (issuer, attacker) = (Issuer::start(), Issuer::start());
    let (key, forged) = (issuer.key("a", "ES256"), attacker.key("a", "ES256"));
    issuer.publish(&[&key]);
    attacker.publish(&[&forged]);
    let stage = Stage::new(issuer, "");
    let url = format!("{}/jwks", attacker.url());
    let bare = |header: Value| attacker.sign(&forged, header.to_string(), claims("admin").to_string());
    let mut there = forged.jwk.clone();
    there["alg"] = "ES256".into();
    for kid in ["a", "b"] {
        for (name, value) in [
            ("jku", json!(url)),
            ("x5u", json!(url)),
            ("jwk", there.clone()),
            ("jwk", json!(there.to_string())),
            ("x5c", json!(["MIIB"])),
            ("jwks", json!({ "keys": [there] })),
            ("iss", json!(attacker.url())),
        ] {
            stage.refuses(&bare(json!({ "alg": "ES256", "kid": kid, name: value })), name);
            // The name of a member counts, not what the escape of its name hides.
            let escaped = format!("{{\"alg\":\"ES256\",\"\\u006bid\":\"{kid}\",\"{name}\":{value}}}");
            stage.refuses(&attacker.sign(&forged, escaped, claims("admin").to_string()), name);
        }
    }
    let mine = claims("admin");
    let mut told = mine.clone();
    told["iss"] = attacker.url().into();
    stage.refuses(&attacker.token(&forged, &told), "an issuer of its own");
    assert_eq!(attacker.count("/jwks"), 0);
    assert_eq!(attacker.count("/.well-known/openid-configuration"), 0);
    // Whoever has the right key may say such things; nobody listens.
    let header = json!({ "jku": url, "x5u": url, "jwk": there });
    assert_eq!(stage.accepts(&stage.issuer.token_with(&key, "ES256", &header, &claims("ada"))).as_deref(), Some("ada"));
    assert_eq!(attacker.count("/jwks"), 0);
}

#[test]
fn what_must_be_understood_and_is_not_is_refused() {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let stage = Stage::new(issuer, "");
    let signed = |key: &Key, more: &Value| {
        let mut header = json!({ "alg": "ES256", "kid": "a" });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        stage.issuer.sign(key, header.to_string(), claims("ada").to_string())
    };
    for more in [
        json!({ "crit": ["exp"], "exp": 1 }),
        json!({ "crit": ["b64"], "b64": true }),
        json!({ "crit": ["b64"], "b64": false }),
        json!({ "crit": [] }),
        json!({ "crit": null }),
        json!({ "crit": "alg" }),
        json!({ "crit": ["alg"] }),
        json!({ "b64": false }),
        json!({ "zip": "DEF" }),
        json!({ "enc": "A128GCM", "crit": ["enc"] }),
    ] {
        stage.refuses(&signed(&key, &more), &more.to_string());
    }
    let five = format!("{}.AA", signed(&key, &json!({})));
    stage.refuses(&format!("{five}.AA"), "five parts, as of something encrypted");
    assert_eq!(stage.accepts(&signed(&key, &json!({ "typ": "JWT", "cty": "x" }))).as_deref(), Some("ada"));
}
