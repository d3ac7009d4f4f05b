//! Who is let in and as whom, under the host of a test.

mod faults;
mod file;
mod places;

use std::fmt::Write;

use super::AuthKey;
use weir::crypto::{Hash, digest};
use weir::testing::Host;
use weir::{Flow, Level};

/// What `printf %s KEY | sha256sum` prints.
fn hash(key: &str) -> String {
    let bytes = Host::new().enter(|| digest(Hash::Sha256, key.as_bytes()));
    bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// A filter with the keys `sesame` of ada and `simsim` of bob, and these keys of its configuration.
fn filter(host: &mut Host, more: &str) -> AuthKey {
    let config = format!(
        r#"{{"keys": [
            {{"hash": "sha256:{}", "id": "ada", "metadata": {{"plan": "gold", "roles": ["admin", "staff"], "seats": 3}}}},
            {{"hash": "{}", "id": "bob", "expires": "2027-01-01T00:00:00Z"}}
        ]{more}}}"#,
        hash("sesame"),
        hash("simsim")
    );
    host.configure(&config).unwrap()
}

/// What comes of a request with this key, on a host of its own with this filter.
fn shows(host: &mut Host, filter: &AuthKey, key: &str) -> Flow {
    host.request.fields.clear();
    host.request.header("x-api-key", key);
    host.on_request(filter)
}

/// Status, reason, detail and challenges of the last answer; nothing in it helps who has no key.
fn refused(host: &mut Host) -> (u16, String, String, Vec<String>) {
    let reply = host.reply.take().expect("it answers");
    assert_eq!(reply.get("cache-control"), Some("no-store"));
    let texts = ["Unauthorized\n", "Bad request\n", "Not available now\n"];
    assert!(texts.contains(&reply.text().unwrap()), "{reply:?}");
    let challenges = reply.headers.iter().filter(|(name, _)| name == "www-authenticate");
    let challenges = challenges.map(|(_, value)| String::from_utf8(value.clone()).unwrap()).collect();
    (reply.status, reply.code, reply.detail, challenges)
}

#[test]
fn a_key_says_whose_it_is_and_goes_no_further() {
    let mut host = Host::new();
    let filter = filter(
        &mut host,
        r#", "vars": {"user.id": "id", "auth.roles": "roles", "user.seats": "seats"},
        "headers": {"x-user": "id", "x-plan": "plan"}"#,
    );
    host.request.header("x-user", "root").header("X_User", "root").header("x-plan", "free").header("x-other", "stays");
    host.request.header("X-Api-Key", "sesame");
    assert_eq!(host.on_request(&filter), Flow::Next);
    let vars: Vec<_> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        vars,
        [("auth.method", "key"), ("auth.roles", r#"["admin","staff"]"#), ("user.id", "ada"), ("user.seats", "3")]
    );
    let fields: Vec<_> = host.request.fields.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    assert_eq!(fields, [("x-other", &b"stays"[..]), ("x-plan", b"gold"), ("x-user", b"ada")]);
}

#[test]
fn what_a_key_does_not_have_is_removed_so_that_identities_never_mix() {
    let mut host = Host::new();
    let filter = filter(&mut host, r#", "headers": {"x-plan": "plan"}"#);
    host.vars.extend([("auth.roles".into(), "admin".into()), ("auth.scope".into(), "all".into())]);
    host.request.header("x-api-key", "simsim");
    host.now = std::time::Duration::from_secs(1_798_761_599);
    assert_eq!(host.on_request(&filter), Flow::Next);
    assert_eq!((host.vars.get("auth.roles"), host.vars["user.id"].as_str()), (None, "bob"));
    assert_eq!(host.vars["auth.scope"], "all");
    assert_eq!(host.request.get("x-plan"), None);
}

#[test]
fn without_a_key_or_with_an_unknown_one_nobody_is_let_in() {
    let mut host = Host::new();
    let usual = filter(&mut host, "");
    assert_eq!(host.on_request(&usual), Flow::Stop);
    assert_eq!(refused(&mut host), (401, "no-key".into(), String::new(), vec![r#"ApiKey realm="api""#.into()]));
    let long = "x".repeat(513);
    for key in ["sesam", "sesame ", "Sesame", "", &hash("sesame"), &long] {
        assert_eq!(shows(&mut host, &usual, key), Flow::Stop, "{key}");
        let (status, code, detail, challenges) = refused(&mut host);
        assert_eq!((status, code.as_str()), (401, "unknown-key"), "{key}");
        assert_eq!(challenges, [r#"ApiKey realm="api", error="invalid_token""#], "{key}");
        assert_eq!(detail, if key.len() > 512 { "it has more than 512 bytes" } else { "" });
    }
    assert!(host.vars.is_empty());
}

#[test]
fn keys_that_end_are_refused_from_then_on() {
    let mut host = Host::new();
    let usual = filter(&mut host, r#", "realm": "the vault""#);
    host.now = std::time::Duration::from_millis(1_798_761_599_999);
    assert_eq!(shows(&mut host, &usual, "simsim"), Flow::Next);
    host.advance(std::time::Duration::from_millis(1));
    assert_eq!(shows(&mut host, &usual, "simsim"), Flow::Stop);
    // The client reads the same as with an unknown key.
    let challenge = r#"ApiKey realm="the vault", error="invalid_token""#;
    assert_eq!(refused(&mut host), (401, "expired-key".into(), "that of `bob`".into(), vec![challenge.into()]));
    assert_eq!(shows(&mut host, &usual, "sesame"), Flow::Next);
}

#[test]
fn an_optional_key_may_be_missing_and_never_wrong() {
    let mut host = Host::new();
    let optional = filter(&mut host, r#", "optional": true, "headers": {"x-user": "id"}"#);
    host.vars.insert("user.id".into(), "who a filter before found out".into());
    host.request.header("x-user", "root");
    assert_eq!(host.on_request(&optional), Flow::Next);
    assert_eq!(host.vars["user.id"], "who a filter before found out");
    assert_eq!(host.request.get("x-user"), None);
    assert_eq!(shows(&mut host, &optional, "wrong"), Flow::Stop);
    assert_eq!(refused(&mut host).1, "unknown-key");
    assert_eq!(shows(&mut host, &optional, "sesame"), Flow::Next);
}

#[test]
fn no_key_and_no_hash_is_ever_logged() {
    let mut host = Host::new();
    host.document("/file", Some(&format!("{} ada\n{} eve oops\n", hash("one"), hash("two"))));
    let filter: AuthKey = host.configure(r#"{"file": "/file"}"#).unwrap();
    assert_eq!(shows(&mut host, &filter, "hunter2"), Flow::Pause);
    assert_eq!(host.on_resume(&filter), Flow::Stop);
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.code.as_str()), (503, "no-keys"));
    assert_eq!((host.log.len(), host.log[0].0), (1, Level::Error));
    let said = format!("{:?} {reply:?}", host.log);
    for secret in ["hunter2", &hash("one")[..8], &hash("two")[..8], &hash("hunter2")[..8]] {
        assert!(!said.contains(secret), "{said}");
    }
}
