//! A token or a key: two filters of which one is enough (`any_of`), each with its own upstream fields.

use serde_json::{Value, json};
use weir_tests::{Client, Issuer, Key, Origin, Proxy, Reply, Scrape};

use crate::{JWKS, Stage, claims, claims_with};

const API_KEY: &str = "4f1c0d6a9be27358a0c4d1e2f3958677";
/// As `printf %s KEY | sha256sum` prints it.
const ITS_HASH: &str = "0d95e7879f7b969f96196507308a6a9af9a28b39c57aae97ab09761b173a59e1";

/// Who the filters say that it is, and who the upstream is told.
const WHO: &str = "{ plugin: respond, config: { json: { id: \"{user.id}\", by: \"{auth.method}\", roles: \"{auth.roles}\", \
                   token: \"{header:x-user-id}\", key: \"{header:x-robot}\" } } }";

fn token_or_key() -> (Stage, Key) {
    let issuer = Issuer::start();
    let key = issuer.key("a", "ES256");
    issuer.publish(&[&key]);
    let origin = Origin::text("let in\n");
    let keys = format!("keys: [{{ hash: {ITS_HASH}, id: robot }}], headers: {{ x-robot: id }}");
    let proxy = Proxy::builder()
        .top("workers: 1")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("plugins: { auth-jwt: { limits: { cpu: 1s } }, auth-key: { limits: { cpu: 1s } } }")
        .upstream("auth", &issuer.upstream())
        .filter(&format!(
            "{{ name: login, any_of: [{{ plugin: auth-jwt, config: {{ {JWKS}, headers: {{ x-user-id: sub }} }} }}, \
             {{ plugin: auth-key, config: {{ {keys} }} }}] }}"
        ))
        .route("/*", "app", origin.address)
        .route_to("/who", "app", &format!("add: [{WHO}]"))
        .route_to("/open", "app", "without: [login]")
        .start();
    (Stage { issuer, proxy, origin }, key)
}

fn ask(stage: &Stage, path: &str, lines: &str) -> Reply {
    Client::connect(stage.proxy.address).get(path, lines)
}

#[test]
fn a_token_or_a_key_is_enough_and_their_identities_never_mix() {
    let (stage, key) = token_or_key();
    let bearer =
        |sub: &str, more| format!("Authorization: Bearer {}\r\n", stage.issuer.token(&key, &claims_with(sub, more)));
    let good = bearer("ada", json!({ "roles": ["admin"] }));
    // A good signature, and roles that would be worth something.
    let ended = bearer("mallory", json!({ "roles": ["admin"], "exp": 1 }));
    let api_key = format!("X-Api-Key: {API_KEY}\r\n");
    let forged = "X-User-Id: root\r\nX-Robot: root\r\nx_user_id: root\r\n";
    let ada = json!({ "id": "ada", "by": "jwt", "roles": "[\"admin\"]", "token": "ada", "key": "" });
    let robot = json!({ "id": "robot", "by": "key", "roles": "", "token": "", "key": "robot" });
    for (lines, who) in [
        (good.clone(), &ada),
        (api_key.clone(), &robot),
        (format!("{good}{api_key}"), &ada),
        (format!("{good}X-Api-Key: wrong\r\n"), &ada),
        (format!("{ended}{api_key}"), &robot),
    ] {
        let reply = ask(&stage, "/who", &format!("{lines}{forged}"));
        assert_eq!((reply.status, &serde_json::from_slice::<Value>(&reply.body).unwrap()), (200, who), "{lines}");
        assert_eq!(ask(&stage, "/", &format!("{lines}{forged}")).status, 200);
        let received = stage.origin.next();
        for (field, name) in [("x-user-id", "token"), ("x-robot", "key")] {
            let told = who[name].as_str().filter(|told| !told.is_empty());
            assert_eq!(received.values(field), Vec::from_iter(told), "{lines}");
        }
        assert_eq!(received.header("x_user_id"), None);
        // Who is not asked takes nothing out: a key beside a good token is the client's own mistake.
        let has_key = received.header("x-api-key").is_some();
        assert_eq!(has_key, who["by"] == "jwt" && lines.contains("X-Api-Key"), "{lines}");
    }
    assert_eq!(ask(&stage, "/open", forged).status, 200);
    let received = stage.origin.next();
    assert_eq!((received.header("x-user-id"), received.header("x-robot")), (None, None));
}

#[test]
fn who_has_neither_is_told_of_both() {
    let (stage, _key) = token_or_key();
    let stranger = stage.issuer.key("a", "ES256");
    let forged = format!("Authorization: Bearer {}\r\n", stage.issuer.token(&stranger, &claims("ada")));
    let token = ", error=\"invalid_token\"";
    for (lines, error) in
        [("", ""), (forged.as_str(), token), ("Authorization: Bearer x\r\nX-Api-Key: wrong\r\n", token)]
    {
        let reply = ask(&stage, "/", lines);
        assert_eq!((reply.status, reply.text().as_str()), (401, "Unauthorized\n"), "{lines}");
        let challenges = reply.values("www-authenticate");
        assert_eq!(challenges.len(), 2, "{challenges:?}");
        assert_eq!(challenges[0], format!("Bearer realm=\"weir\"{error}"));
        assert!(challenges[1].starts_with("ApiKey realm=\"api\""), "{challenges:?}");
    }
    assert_eq!(stage.origin.arrived().len(), 0);
    assert_eq!(stage.proxy.record(1)["reason"].as_str(), Some("no-token"));
    let figures = Scrape::of(&stage.proxy.log).until("both were asked", |figures| {
        figures.sum("weir_filter_set_aside_total", &[("filter", "auth-key")]) >= 3.0
    });
    assert_eq!(figures.sum("weir_filter_answers_total", &[("filter", "auth-jwt")]), 3.0);
}

#[test]
fn a_key_is_enough_while_the_issuer_is_down() {
    let (stage, key) = token_or_key();
    stage.issuer.answer("/jwks", &json!({ "status": 500 }));
    // The keys were fetched at the start, so another proxy is what never had any.
    let proxy = stage.proxy.again();
    let token = stage.issuer.token(&key, &claims("ada"));
    let reply = crate::get_with(proxy.address, &token);
    assert_eq!((reply.status, reply.values("www-authenticate").len()), (503, 0), "{reply:?}");
    let lines = format!("Authorization: Bearer {token}\r\nX-Api-Key: {API_KEY}\r\n");
    assert_eq!(Client::connect(proxy.address).get("/", &lines).status, 200);
}
