//! Tokens that were verified before.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::issuer::{NOW, P256, filter, host, set};
use super::outcome;
use weir::testing::Host;

/// A host that counts how often a signature is checked; all are right.
fn counting(keys: &str) -> (Host, Rc<Cell<u32>>) {
    let (mut host, count) = (host(Some(keys)), Rc::new(Cell::new(0)));
    let counted = Rc::clone(&count);
    host.signatures(move |_, _, _| {
        counted.set(counted.get() + 1);
        true
    });
    (host, count)
}

#[test]
fn a_token_is_verified_once_and_says_the_same_each_time() {
    let keys = set(&[P256.jwk("")]);
    for (config, wanted) in [("", 1), (r#""cache":0"#, 3)] {
        let (mut host, count) = counting(&keys);
        let mapping = r#""claims":{"user.id":"sub","user.team":"team"},"headers":{"x-user":"sub","x-team":"team"}"#;
        let filter = filter(&mut host, &[mapping, if config.is_empty() { "" } else { "," }, config].concat());
        let token = P256.token("ES256", "a", r#""sub":"ada""#);
        // It has no key of this name, but one without any serves it in this test only.
        let token =
            token.replacen(&token[..token.find('.').unwrap()], &super::issuer::encode(br#"{"alg":"ES256"}"#), 1);
        for _ in 0..3 {
            host.vars.insert("user.team".into(), "somebody else's".into());
            host.request.fields.clear();
            host.request.header("x-team", "forged");
            host.request.header("authorization", format!("Bearer {token}"));
            assert_eq!(host.on_request(&filter), weir::Flow::Next);
            let vars: Vec<_> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            assert_eq!(vars, [("auth.method", "jwt"), ("user.id", "ada")]);
            assert_eq!((host.request.get("x-user"), host.request.get("x-team")), (Some("ada"), None));
        }
        assert_eq!(count.get(), wanted, "{config}");
    }
}

#[test]
fn a_verified_token_counts_until_its_end_and_with_its_set_of_keys() {
    let keys = set(&[P256.jwk(r#""kid":"a""#)]);
    let (mut host, count) = counting(&keys);
    let filter = filter(&mut host, r#""leeway":"5s""#);
    let token = P256.token("ES256", "a", "");
    let mut at = |seconds: u64| {
        host.now = Duration::from_secs(NOW + seconds);
        outcome(&mut host, &filter, &token)
    };
    assert_eq!([0, 64, 65].map(&mut at), ["next", "next", "401 token-expired"]);
    assert_eq!(count.get(), 1);
    // The same keys in another text: it is looked at once more.
    host.now = Duration::from_secs(NOW);
    assert_eq!(outcome(&mut host, &filter, &token), "next");
    host.document("keys", Some(&format!("{keys} ")));
    assert_eq!([(); 3].map(|()| outcome(&mut host, &filter, &token)), ["next"; 3]);
    assert_eq!(count.get(), 3);
}

#[test]
fn another_signature_is_another_token() {
    let (mut host, count) = counting(&set(&[P256.jwk(r#""kid":"a""#)]));
    let filter = filter(&mut host, "");
    let token = P256.token("ES256", "a", "");
    let other = format!("{}{}", &token[..token.len() - 4], "AAAA");
    assert_eq!([&token, &other].map(|token| outcome(&mut host, &filter, token)), ["next", "next"]);
    assert_eq!(count.get(), 2);
    // What was refused is remembered by nobody.
    host.signatures(|_, _, _| false);
    let wrong = format!("{}{}", &token[..token.len() - 4], "BBBA");
    assert_eq!([(); 2].map(|()| outcome(&mut host, &filter, &wrong)), ["401 bad-signature"; 2]);
    assert_eq!(outcome(&mut host, &filter, &token), "next");
}
