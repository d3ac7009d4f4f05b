//! Each algorithm with tokens of both libraries, and keys that are for another one.

use serde_json::json;
use weir_tests::{Issuer, Jose, Key, base64url};

use crate::{Stage, claims};

const ASYMMETRIC: &str = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA";

#[test]
fn tokens_of_python_and_node_are_accepted_by_every_algorithm() {
    let (issuer, jose) = (Issuer::start(), Jose::start());
    let keys: Vec<Key> = ASYMMETRIC.split(' ').map(|alg| issuer.key(&format!("key-{alg}"), alg)).collect();
    issuer.publish(&keys.iter().collect::<Vec<_>>());
    let stage = Stage::new(issuer, "");
    for key in &keys {
        let python = stage.issuer.token(key, &claims("ada"));
        assert_eq!(stage.accepts(&python).as_deref(), Some("ada"), "{}", key.alg);
        let node = jose.token(key, &json!({}), &claims("grace"));
        assert_eq!(stage.accepts(&node).as_deref(), Some("grace"), "{}", key.alg);
    }
}

#[test]
fn shared_secrets_count_by_the_algorithms_that_are_listed() {
    let (issuer, jose, folder) = (Issuer::start(), Jose::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("secret");
    let key = issuer.key("ours", "HS256");
    std::fs::write(&file, key.secret()).unwrap();
    let config = format!(
        "secret: {{ file: \"{}\" }}, algorithms: [HS256, HS512], headers: {{ x-user-id: sub }}",
        file.display()
    );
    let stage = Stage::built(issuer, &config, |proxy| proxy);
    for alg in ["HS256", "HS512"] {
        let python = stage.issuer.token_with(&key, alg, &json!({ "kid": null }), &claims("ada"));
        assert_eq!(stage.accepts(&python).as_deref(), Some("ada"));
        let node = jose.token(&key, &json!({ "alg": alg }), &claims("grace"));
        assert_eq!(stage.accepts(&node).as_deref(), Some("grace"));
    }
    stage.refuses(&stage.issuer.token_with(&key, "HS384", &json!({}), &claims("ada")), "not listed");
    let other = stage.issuer.key("other", "HS256");
    stage.refuses(&stage.issuer.token(&other, &claims("ada")), "another secret");
}

#[test]
fn shared_secrets_of_a_key_set_count_if_their_algorithm_is_listed() {
    let (issuer, folder) = (Issuer::start(), tempfile::tempdir().unwrap());
    let key = issuer.key("shared", "HS256");
    let token = issuer.token(&key, &claims("ada"));
    issuer.publish(&[&key, &issuer.key("public", "ES256")]);
    let file = folder.path().join("keys.json");
    std::fs::write(&file, json!({ "keys": [key.jwk] }).to_string()).unwrap();
    let local =
        format!("jwks: {{ file: \"{}\" }}, algorithms: [HS256, ES256], headers: {{ x-user-id: sub }}", file.display());
    let stage = Stage::built(issuer, &local, |proxy| proxy);
    assert_eq!(stage.accepts(&token).as_deref(), Some("ada"));
    // Who publishes a secret by mistake gives it away; nobody thought of that who lists no such algorithm.
    let mut issuer = stage.issuer;
    for more in ["", ", algorithms: [ES256, RS256]"] {
        let stage = Stage::new(issuer, more);
        stage.refuses(&token, "by a secret that everybody can read");
        issuer = stage.issuer;
    }
}

#[test]
fn algorithms_that_are_not_listed_are_refused() {
    let issuer = Issuer::start();
    let (listed, not_listed) = (issuer.key("a", "ES256"), issuer.key("b", "RS256"));
    issuer.publish(&[&listed, &not_listed]);
    let stage = Stage::new(issuer, ", algorithms: [ES256]");
    assert_eq!(stage.accepts(&stage.issuer.token(&listed, &claims("ada"))).as_deref(), Some("ada"));
    stage.refuses(&stage.issuer.token(&not_listed, &claims("ada")), "not listed");
}

#[test]
fn a_key_is_used_for_what_it_is_said_to_be_for() {
    let issuer = Issuer::start();
    let rsa = issuer.key("rsa", "RS256");
    let ec = issuer.key("ec", "ES256");
    let with = |key: &Key, kid: &str, name: &str, value: serde_json::Value| {
        let mut jwk = key.jwk.clone();
        jwk[name] = value;
        jwk["kid"] = kid.into();
        jwk
    };
    issuer.publish_jwks(&[
        with(&rsa, "only-rs256", "alg", json!("RS256")),
        with(&rsa, "encryption", "use", json!("enc")),
        with(&ec, "wraps", "key_ops", json!(["wrapKey"])),
        with(&ec, "verifies", "key_ops", json!(["verify"])),
        with(&ec, "other-alg", "alg", json!("ES384")),
        with(&ec, "other-curve", "crv", json!("P-384")),
        with(&ec, "off-the-curve", "y", ec.jwk["x"].clone()),
    ]);
    let stage = Stage::new(issuer, "");
    let token =
        |key: &Key, alg: &str, kid: &str| stage.issuer.token_with(key, alg, &json!({ "kid": kid }), &claims("ada"));
    assert_eq!(stage.accepts(&token(&rsa, "RS256", "only-rs256")).as_deref(), Some("ada"));
    assert_eq!(stage.accepts(&token(&ec, "ES256", "verifies")).as_deref(), Some("ada"));
    for (key, alg, kid) in [
        (&rsa, "RS384", "only-rs256"),
        (&rsa, "PS256", "only-rs256"),
        (&rsa, "RS256", "encryption"),
        (&ec, "ES256", "wraps"),
        (&ec, "ES256", "other-alg"),
        (&ec, "ES256", "other-curve"),
        (&ec, "ES256", "off-the-curve"),
        (&rsa, "RS256", "verifies"),
        (&ec, "ES256", "only-rs256"),
    ] {
        stage.refuses(&token(key, alg, kid), kid);
    }
    // A right signature by the right key under another algorithm's name.
    let header = json!({ "alg": "ES384", "kid": "verifies" }).to_string();
    let input = format!("{}.{}", base64url(header), base64url(claims("ada").to_string()));
    stage.refuses(&stage.issuer.sign_input(&ec, &input), "ES256 under the name of ES384");
}

#[test]
fn a_token_without_a_key_id_is_tried_with_keys_that_fit() {
    let issuer = Issuer::start();
    let keys = [issuer.key("a", "RS256"), issuer.key("b", "ES256"), issuer.key("c", "ES256")];
    issuer.publish(&keys.iter().collect::<Vec<_>>());
    let stage = Stage::new(issuer, "");
    for key in &keys {
        let token = stage.issuer.token_with(key, &key.alg, &json!({ "kid": null }), &claims("ada"));
        assert_eq!(stage.accepts(&token).as_deref(), Some("ada"), "{}", key.kid);
    }
    let stranger = stage.issuer.key("d", "ES256");
    let token = stage.issuer.token_with(&stranger, "ES256", &json!({ "kid": null }), &claims("ada"));
    stage.refuses(&token, "by none of them");
}
