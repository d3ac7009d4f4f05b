//! The foreign peers of the tests of authentication keep to their standards: what they say of each other's work.

use serde_json::{Value, json};
use weir_tests::{Authority, Issuer, Jose, command, from_base64url};

/// What curl gets, with its arguments, of a path: the status and the body.
fn curl(issuer: &Issuer, arguments: &[&str], path: &str) -> (u16, String) {
    let url = format!("{}{path}", issuer.url());
    let output = command("curl", "curl")
        .args(["-sS", "--max-time", "20", "-w", "\n%{http_code}"])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (body, status) = said.rsplit_once('\n').expect("curl writes the status");
    (status.parse().unwrap(), body.to_owned())
}

#[test]
fn tokens_of_one_library_are_accepted_by_the_other() {
    let (issuer, jose) = (Issuer::start(), Jose::start());
    for alg in "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA HS256 HS384 HS512".split(' ') {
        let (key, other) = (issuer.key("a", alg), issuer.key("b", alg));
        issuer.publish(&[&key]);
        let (ours, theirs) = (json!({ "algorithms": [alg] }), json!({ "algorithms": ["none"] }));
        let claims = json!({ "sub": "ada" });
        for token in [jose.token(&key, &json!({}), &claims), issuer.token(&key, &claims)] {
            assert!(issuer.accepts(&token, &ours), "{alg}: {token}");
            assert!(!issuer.accepts(&token, &theirs), "{alg}: {token}");
            let parts: Vec<_> = token.split('.').collect();
            assert_eq!(parts.len(), 3);
            let header: Value = serde_json::from_slice(&from_base64url(parts[0])).unwrap();
            assert_eq!((&header["alg"], &header["kid"]), (&json!(alg), &json!("a")));
            // The same header and claims, signed by a key that is not published under this name.
            let forged =
                issuer.sign_input(&weir_tests::Key { kid: other.kid.clone(), ..key.clone() }, &parts[..2].join("."));
            assert!(!issuer.accepts(&forged, &ours), "{alg}: {forged}");
        }
    }
}

#[test]
fn the_issuer_serves_over_tls_and_counts_what_it_is_asked() {
    let authority = Authority::new();
    let issuer = Issuer::over_tls(&authority);
    let trusts = ["--cacert", &authority.file().display().to_string()];
    let (status, body) = curl(&issuer, &trusts, "/.well-known/openid-configuration");
    let about: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &about["jwks_uri"]), (200, &json!(format!("{}/jwks", issuer.url()))));
    issuer.publish(&[&issuer.key("a", "ES256")]);
    assert!(curl(&issuer, &trusts, "/jwks?x").1.contains("\"kid\": \"a\""));
    let requests = issuer.requests("/jwks", 1);
    assert_eq!((requests.len(), &requests[0]["target"], issuer.count("/none")), (1, &json!("/jwks?x"), 0));
}

#[test]
fn introspection_is_for_its_client_only() {
    let issuer = Issuer::start();
    issuer.introspects("good", &json!({ "active": true, "sub": "ada" }));
    let weir = "weir:an+introspection+secret";
    for (user, token, status, body) in [
        (weir, "good", 200, r#"{"active": true, "sub": "ada"}"#),
        (weir, "other", 200, r#"{"active": false}"#),
        ("weir:wrong", "good", 401, r#"{"error": "invalid_client"}"#),
    ] {
        let token = format!("token={token}");
        let said = curl(&issuer, &["-u", user, "-d", &token], "/introspect");
        assert_eq!(said, (status, body.to_owned()), "{user} {token}");
    }
    assert_eq!(issuer.requests("/introspect", 3)[0]["body"], "token=good");
}

#[test]
fn the_issuer_answers_as_it_is_told() {
    let issuer = Issuer::start();
    issuer.answer(
        "/authorize",
        &json!({ "when": "ada", "json": { "allow": true }, "fields": { "Cache-Control": "max-age=5" } }),
    );
    assert_eq!(curl(&issuer, &["-d", "{\"ada\":1}"], "/authorize").1, r#"{"allow": true}"#);
    assert_eq!(curl(&issuer, &["-d", "{}"], "/authorize").1, r#"{"allow": false}"#);
    issuer.answer("/jwks", &json!({ "status": 500, "text": "<p>broken" }));
    assert_eq!(curl(&issuer, &[], "/jwks"), (500, "<p>broken".to_owned()));
    issuer.answer("/jwks", &json!({ "huge": 1_000_000 }));
    assert_eq!(curl(&issuer, &[], "/jwks").1.len(), 1_000_002);
    issuer.answer("/jwks", &json!({ "hang_up": true }));
    assert_eq!(curl(&issuer, &[], "/jwks").0, 0);
    issuer.answer("/jwks", &json!({ "hold": true }));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| curl(&issuer, &[], "/jwks"));
        issuer.requests("/jwks", 4);
        assert!(!held.is_finished());
        issuer.mend("/jwks");
        assert_eq!(held.join().unwrap(), (200, r#"{"keys": []}"#.to_owned()));
    });
}
