//! What upstreams and other filters learn of who asks, and that no client can tell them something else.

use serde_json::{Value, json};
use weir_tests::{Client, Issuer, Key, Origin, Proxy, Received, command};

use crate::{JWKS, Stage, claims, claims_with, guarded};

/// Sends these lines and says what came to the upstream.
fn received(stage: &Stage, path: &str, lines: &str) -> Received {
    let reply = Client::connect(stage.proxy.address).get(path, lines);
    assert_eq!(reply.status, 200, "{path} {lines}: {reply:?}");
    stage.origin.next()
}

fn one_key() -> (Issuer, Key) {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    (issuer, key)
}

/// Every field that a server may take for one of these.
fn identities(received: &Received) -> Vec<(String, String)> {
    let is_one = |name: &str| ["x-user-id", "x-roles"].contains(&name.to_ascii_lowercase().replace('_', "-").as_str());
    received.headers.iter().filter(|(name, _)| is_one(name)).cloned().collect()
}

#[test]
fn no_client_can_say_who_it_is() {
    let (issuer, key) = one_key();
    let config = format!("{JWKS}, optional: true, headers: {{ x-user-id: sub, X-Roles: roles }}");
    let origin = Origin::text("let in\n");
    let proxy = Proxy::builder()
        .top("plugins: { auth-jwt: { limits: { cpu: 1s } } }")
        .upstream("auth", &issuer.upstream())
        .filter(&format!("{{ plugin: auth-jwt, except: [/open/*], config: {{ {config} }} }}"))
        .route("/*", "app", origin.address)
        .route_to("/none", "app", "chain: none")
        .route_to("/without", "app", "without: [auth-jwt]")
        .start();
    let stage = Stage { issuer, proxy, origin };
    let token = format!(
        "Authorization: Bearer {}\r\n",
        stage.issuer.token(&key, &claims_with("ada", json!({ "roles": ["a"] })))
    );
    let without_roles = format!("Authorization: Bearer {}\r\n", stage.issuer.token(&key, &claims("ada")));
    for forged in [
        "X-User-Id: admin\r\nX-Roles: root\r\n",
        "x-user-id: admin\r\nX-USER-ID: root\r\nx-roles: root\r\n",
        "X_User_Id: admin\r\nx-Roles: root\r\nX-User_Id: admin\r\n",
        "X-User-Id:admin\r\nX-Roles:\r\nX-User-Id:\r\n",
        // Taken at its word, this removes what the filter sets.
        "Connection: X-User-Id, keep-alive, x-roles\r\n",
        "TE: trailers\r\nConnection: te, x-user-id\r\nX-User-Id: admin\r\n",
    ] {
        for path in ["/", "/open/x", "/none", "/without", "/open"] {
            assert_eq!(identities(&received(&stage, path, forged)), [], "{path} {forged}");
        }
        let ours = |lines: &str| {
            identities(&received(&stage, "/", lines))
                .into_iter()
                .map(|(name, value)| (name.to_ascii_lowercase(), value))
                .collect::<Vec<_>>()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut told = ours(&format!("{forged}{token}"));
        told.sort();
        assert_eq!(told, [pair("x-roles", "a"), pair("x-user-id", "ada")], "{forged}");
        assert_eq!(ours(&format!("{without_roles}{forged}")), [pair("x-user-id", "ada")], "{forged}");
    }
}

#[test]
fn what_a_claim_says_never_ends_a_field() {
    let (issuer, key) = one_key();
    let stage = Stage::new(issuer, "");
    for (sub, field) in [
        (json!("ada\r\nX-Admin: 1"), Some("ada%0D%0AX-Admin:%201")),
        (json!("a\nb\rc\u{0}d\u{7f}"), Some("a%0Ab%0Dc%00d%7F")),
        (json!("Zo\u{eb} \u{1f600}"), Some("Zo%C3%AB%20%F0%9F%98%80")),
        (json!("100%0D%0A"), Some("100%250D%250A")),
        (json!(" ada "), Some("%20ada%20")),
        (json!(["a,b", "c"]), Some("a%2Cb,c")),
        (json!(7), Some("7")),
        (json!(true), Some("true")),
        (json!({ "a": "\r\n" }), Some("{\"a\":\"\\r\\n\"}")),
        (Value::Null, None),
    ] {
        let claims = claims_with("x", json!({ "sub": null, "iat": 1 }));
        let mut claims = claims.as_object().unwrap().clone();
        claims.insert("sub".into(), sub.clone());
        let header = json!({ "alg": "ES256", "kid": "a" }).to_string();
        let token = stage.issuer.sign(&key, header, Value::from(claims).to_string());
        for _ in 0..2 {
            assert_eq!(stage.accepts(&token).as_deref(), field, "{sub}");
        }
    }
    // Nobody is half known.
    let reply = stage.get(&stage.issuer.token(&key, &claims(&"x".repeat(5_000))));
    assert_eq!((reply.status, stage.origin.arrived().len()), (403, 0));
}

#[test]
fn later_filters_know_who_asks_and_nobody_else() {
    let (issuer, key) = one_key();
    let known = ["user.id", "auth.method", "auth.roles", "auth.role", "auth.scope"];
    let shown = known.map(|name| format!("\"{name}\": \"{{{name}}}\"")).join(", ");
    let stage = Stage::built(issuer, &format!("{JWKS}, optional: true"), |proxy| {
        proxy.top("workers: 1").filter(&format!("{{ plugin: respond, config: {{ json: {{ {shown} }} }} }}"))
    });
    let mut client = Client::connect(stage.proxy.address);
    let mut seen = |token: Option<&str>| {
        let lines = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let told: Value = serde_json::from_slice(&client.get("/", &lines).body).unwrap();
        known.map(|name| told[name].as_str().unwrap().to_owned())
    };
    let all = json!({ "roles": ["admin", "a b"], "role": "editor", "scope": "read write" });
    let ada = stage.issuer.token(&key, &claims_with("ada", all));
    let grace = stage.issuer.token(&key, &claims("Zo\u{eb}\r\n"));
    for _ in 0..2 {
        assert_eq!(seen(Some(&ada)), ["ada", "jwt", "[\"admin\",\"a b\"]", "editor", "read write"]);
        assert_eq!(seen(Some(&grace)), ["Zo\u{eb}\r\n", "jwt", "", "", ""]);
        assert_eq!(seen(None), ["", "", "", "", ""]);
    }
}

#[test]
fn a_token_may_stand_elsewhere_and_stays_with_the_proxy() {
    let (issuer, key) = one_key();
    let config = format!(
        "{JWKS}, headers: {{ x-user-id: sub }}, forward: false, \
         from: [bearer, \"cookie:session\", \"query:access_token\", \"header:X-Token\"]"
    );
    let stage = Stage::built(issuer, &config, |proxy| {
        proxy.top("admin: { address: \"127.0.0.1:0\" }").top("why: { sample: 1 }")
    });
    let token = stage.issuer.token(&key, &claims("ada"));
    let cases = [
        ("/".to_owned(), format!("Authorization: bEaReR   {token}\r\n")),
        ("/".to_owned(), format!("X-Token: {token}\r\n")),
        ("/".to_owned(), format!("Cookie: a=b; session={token}; c=d\r\n")),
        ("/".to_owned(), format!("Cookie: a=b\r\nCookie: session={token}\r\n")),
        (format!("/?a=b&access_token={token}&c=%64"), String::new()),
        (format!("/?%61ccess%5Ftoken={token}"), String::new()),
        (format!("/?a=b&access_token={token}&a=%20"), String::new()),
    ];
    for (index, (path, lines)) in cases.iter().enumerate() {
        let received = received(&stage, path, lines);
        assert_eq!(received.values("x-user-id"), ["ada"], "{path} {lines}");
        let whole = format!("{received:?}");
        assert!(!whole.contains(&token) && !whole.contains("session"), "{path} {lines}: {whole}");
        if lines.contains("a=b") {
            assert!(received.values("cookie").join("; ").starts_with("a=b"), "{received:?}");
        }
        let targets = ["/", "/", "/", "/", "/?a=b&c=%64", "/", "/?a=b&a=%20"];
        assert_eq!(received.line, format!("GET {} HTTP/1.1", targets[index]));
        let record = stage.proxy.record(index + 1).to_string();
        assert!(!record.contains(&token), "{record}");
    }
    let why = weir_tests::Scrape::of(&stage.proxy.log).text("/why", "");
    assert!(!why.contains(&token) && why.contains("access_token=*"), "{why}");
    // RFC 6750, 2: one way in each request.
    let twice = [
        ("/".to_owned(), format!("Authorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n")),
        ("/".to_owned(), format!("Authorization: Bearer {token}\r\nAuthorization: Basic YTpi\r\n")),
        ("/".to_owned(), format!("Authorization: Bearer {token}\r\nX-Token: {token}\r\n")),
        ("/".to_owned(), format!("Cookie: session={token}; session={token}\r\n")),
        ("/".to_owned(), format!("Cookie: session={token}\r\nCookie: session=x\r\n")),
        (format!("/?access_token={token}&access_token=x"), String::new()),
        (format!("/?access_token={token}"), format!("Authorization: Bearer {token}\r\n")),
    ];
    for (path, lines) in &twice {
        let reply = Client::connect(stage.proxy.address).get(path, lines);
        assert_eq!((reply.status, stage.origin.arrived().len()), (400, 0), "{path} {lines}");
        assert_eq!(reply.values("www-authenticate"), ["Bearer realm=\"weir\", error=\"invalid_request\""]);
    }
    let said = [stage.proxy.log.so_far(), stage.proxy.access.so_far()].concat().join("\n");
    assert!(!said.contains(&token));
}

#[test]
fn a_token_goes_on_unless_it_is_kept() {
    let (issuer, key) = one_key();
    let stage = Stage::new(issuer, "");
    let token = stage.issuer.token(&key, &claims("ada"));
    let line = format!("Bearer {token}");
    assert_eq!(received(&stage, "/", &format!("Authorization: {line}\r\n")).values("authorization"), [line]);
}

#[test]
fn tokens_count_over_http_2_too() {
    let (issuer, key) = one_key();
    let stage = Stage::new(issuer, "");
    let bearer = format!("Authorization: Bearer {}", stage.issuer.token(&key, &claims("ada")));
    let url = format!("http://{}/", stage.proxy.address);
    for (field, status) in [(bearer.as_str(), "200"), ("X-User-Id: ada", "401")] {
        let arguments =
            ["-sS", "--http2-prior-knowledge", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}", "-H"];
        let output =
            command("curl", "curl").args(arguments).args([field, "-H", "X-User-Id: root", &url]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), status, "{output:?}");
    }
    let arrived = stage.origin.arrived();
    assert_eq!(arrived.iter().map(|request| request.values("x-user-id")).collect::<Vec<_>>(), [["ada"]]);
}

#[test]
fn an_identity_that_is_taken_from_the_configuration_leaves_its_field_to_clients() {
    let (issuer, _key) = one_key();
    let config = format!("{JWKS}, optional: true, headers: {{ x-user-id: sub }}");
    let stage = Stage::built(issuer, &config, |proxy| proxy);
    assert_eq!(received(&stage, "/", "X-User-Id: admin\r\n").header("x-user-id"), None);
    let other = guarded(&stage.issuer, &format!("{JWKS}, optional: true")).route("/*", "app", stage.origin.address);
    stage.proxy.write(&other);
    stage.proxy.signal("HUP");
    stage.proxy.log.wait("reloaded");
    assert_eq!(received(&stage, "/", "X-User-Id: admin\r\n").header("x-user-id"), Some("admin"));
}
