//! Where keys come from, and how they change.

use std::time::Duration;

use super::issuer::{ED25519, NOW, OTHER_RSA, P256, P521, RSA, SECRET, Signer, filter, host, lasting, set};
use super::{outcome, said};
use crate::AuthJwt;
use weir::{Ended, Flow, Level};

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn a_key_that_is_new_is_fetched_at_first_sight_and_one_that_is_gone_counts_no_more() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"old""#)])));
    let filter = filter(&mut host, r#""refresh":"10m""#);
    assert_eq!(host.kept_fresh["keys"], seconds(600));
    let new = Signer::p256();
    let (old_token, new_token) = (P256.token("ES256", "old", ""), new.token("ES256", "new", ""));
    assert_eq!(outcome(&mut host, &filter, &old_token), "next");
    // Both are published for a while.
    host.document_becomes("keys", &set(&[P256.jwk(r#""kid":"old""#), new.jwk(r#""kid":"new""#)]));
    assert_eq!(outcome(&mut host, &filter, &new_token), "pause");
    assert_eq!(host.on_resume(&filter), Flow::Next);
    assert_eq!([&new_token, &old_token].map(|token| outcome(&mut host, &filter, token)), ["next", "next"]);
    // The old one is withdrawn, and with it what was verified before.
    host.document("keys", Some(&set(&[new.jwk(r#""kid":"new""#)])));
    assert_eq!(outcome(&mut host, &filter, &new_token), "next");
    assert_ne!(outcome(&mut host, &filter, &old_token), "next");
}

#[test]
fn invented_keys_make_one_fetch_in_an_interval() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"known""#)])));
    let filter = filter(&mut host, r#""refetch":"10s""#);
    let mut fetches = 0;
    for attempt in 0..300 {
        let token = P256.token("ES256", &format!("invented-{attempt}"), "");
        match outcome(&mut host, &filter, &token).as_str() {
            "pause" => {
                fetches += 1;
                let flow = host.on_resume(&filter);
                assert_eq!(said(&mut host, flow), "401 unknown-key");
            }
            other => assert_eq!(other, "401 unknown-key"),
        }
        host.advance(Duration::from_millis(100));
    }
    // In 30 seconds.
    assert_eq!(fetches, 3);
}

#[test]
fn those_who_come_while_a_key_is_fetched_wait_for_it_too() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"old""#)])));
    let filter = filter(&mut host, "");
    let new = Signer::p256();
    let token = new.token("ES256", "new", "");
    host.document_becomes("keys", &set(&[new.jwk(r#""kid":"new""#)]));
    assert_eq!([(); 3].map(|()| outcome(&mut host, &filter, &token)), ["pause", "pause", "pause"]);
    assert_eq!(host.on_resume(&filter), Flow::Next);
    assert_eq!(outcome(&mut host, &filter, &token), "next");
    // Once it has come, unknown ones are refused at once, until it is time to ask again.
    let newer = new.token("ES256", "newer", "");
    assert_eq!(outcome(&mut host, &filter, &newer), "401 unknown-key");
    host.advance(seconds(10));
    assert_eq!([(); 2].map(|()| outcome(&mut host, &filter, &newer)), ["pause", "pause"]);
    host.pause_ends(Ended::Failed);
    let flow = host.on_resume(&filter);
    assert_eq!(said(&mut host, flow), "401 unknown-key");
    assert_eq!(outcome(&mut host, &filter, &newer), "401 unknown-key");
    assert_eq!(outcome(&mut host, &filter, &token), "next");
}

#[test]
fn a_fetch_that_was_not_made_is_made_a_moment_later() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"old""#)])));
    let filter = filter(&mut host, r#""refetch":"1m""#);
    let token = Signer::p256().token("ES256", "new", "");
    assert_eq!(outcome(&mut host, &filter, &token), "pause");
    // As if the host had fetched it just before, and so not again.
    host.now -= Duration::from_millis(500);
    let flow = host.on_resume(&filter);
    assert_eq!(said(&mut host, flow), "401 unknown-key");
    host.advance(Duration::from_millis(900));
    assert_eq!(outcome(&mut host, &filter, &token), "401 unknown-key");
    host.advance(Duration::from_millis(100));
    assert_eq!(outcome(&mut host, &filter, &token), "pause");
    // This one was made, and counts.
    let flow = host.on_resume(&filter);
    assert_eq!(said(&mut host, flow), "401 unknown-key");
    host.advance(seconds(59));
    assert_eq!(outcome(&mut host, &filter, &token), "401 unknown-key");
}

#[test]
fn what_a_token_names_otherwise_is_no_reason_to_fetch() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"ec""#), P521.jwk("")])));
    let filter = filter(&mut host, r#""issuer":"us""#);
    let claims = r#""iss":"us""#;
    for (token, wanted) in [
        // Nothing of what is not signed counts but the key's name, and only of tokens that would be let in.
        (RSA.written("RS256", r#"{"alg":"RS256"}"#, &lasting(claims)), "401 unknown-key"),
        (RSA.token("RS256", "ec", claims), "401 unknown-key"),
        (RSA.token("RS256", "new", r#""iss":"them""#), "401 wrong-issuer"),
        (RSA.written("RS256", r#"{"alg":"RS256","kid":"new"}"#, r#"{"iss":"us","exp":1}"#), "401 token-expired"),
        (SECRET.token("HS256", "new", claims), "401 algorithm-not-allowed"),
    ] {
        assert_eq!(outcome(&mut host, &filter, &token), wanted);
    }
    assert_eq!(outcome(&mut host, &filter, &RSA.token("RS256", "new", claims)), "pause");
}

#[test]
fn without_keys_requests_wait_for_them_and_are_then_told_to_come_again() {
    for text in [None, Some("<html>"), Some("")] {
        let mut host = host(text);
        let filter = filter(&mut host, "");
        let token = P256.token("ES256", "a", "");
        assert_eq!(outcome(&mut host, &filter, &token), "pause");
        host.pause_ends(Ended::Failed);
        assert_eq!(host.on_resume(&filter), Flow::Stop);
        let reply = host.reply.take().unwrap();
        assert_eq!((reply.status, reply.code.as_str(), reply.get("retry-after")), (503, "no-keys", Some("5")));
        // And when they come, they count.
        assert_eq!(outcome(&mut host, &filter, &token), "pause");
        host.document("keys", Some(&set(&[P256.jwk(r#""kid":"a""#)])));
        assert_eq!(host.on_resume(&filter), Flow::Next);
    }
}

#[test]
fn what_is_no_set_of_keys_changes_nothing_and_is_told_once() {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"a""#)])));
    let filter = filter(&mut host, "");
    let token = |number: u32| P256.token("ES256", "a", &format!(r#""jti":"{number}""#));
    let good = P256.jwk("");
    let many = set(&vec![good.clone(); 101]);
    let twice = format!(r#"{{"keys":[],"keys":[{good}]}}"#);
    let large = format!(r#"{{"keys":[],"pad":"{}"}}"#, "a".repeat(600 << 10));
    let broken = [
        "",
        "<html>not found</html>",
        "{}",
        "[]",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        "{\"keys\":[}",
        &good,
        &many,
        &twice,
        &large,
    ];
    assert_eq!(outcome(&mut host, &filter, &token(0)), "next");
    for (index, text) in broken.iter().enumerate() {
        host.document("keys", Some(text));
        for repeated in 0..3 {
            assert_eq!(outcome(&mut host, &filter, &token(repeated)), "next", "{text}");
        }
        assert_eq!(host.log.len(), index + 1, "{text}");
        let (level, line) = &host.log[index];
        assert!(*level == Level::Error && line.starts_with("`jwks` cannot be read: "), "{line}");
    }
}

#[test]
fn keys_that_are_for_something_else_are_passed_over_and_broken_ones_are_told() {
    let x = "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4";
    let silent = [
        r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#.to_owned(),
        r#"{"kty":"OKP","crv":"Ed448","x":"AA"}"#.to_owned(),
        r#"{"kty":"OKP","crv":"X25519","x":"AA"}"#.to_owned(),
        r#"{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}"#.to_owned(),
        P256.jwk(r#""use":"enc""#),
        P256.jwk(r#""key_ops":["sign","deriveKey"]"#),
        P256.jwk(r#""alg":"ECDH-ES""#),
        P256.jwk(r#""alg":"ES384""#),
        P256.jwk(r#""alg":"none""#),
        P256.jwk(r#""alg":7"#),
        RSA.jwk(r#""alg":"RSA-OAEP-256""#),
    ];
    let broken = [
        r#"{"kid":"b"}"#.to_owned(),
        r#"{"kty":"RSA","e":"AQAB"}"#.to_owned(),
        r#"{"kty":"RSA","n":"not base64","e":"AQAB"}"#.to_owned(),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}","y":"AA"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-384","x":"{x}","y":"{x}"}}"#),
        r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#.to_owned(),
        P256.jwk(r#""key_ops":"verify""#),
        P256.jwk(r#""kid":1"#),
        "7".to_owned(),
    ];
    let good =
        [P256.jwk(r#""kid":"good","use":"sig","key_ops":["verify"],"alg":"ES256","d":"private","x5c":["MIIB"]"#)];
    let mut host = host(Some(&set(&[&silent[..], &broken, &good].concat())));
    let filter = filter(&mut host, "");
    for _ in 0..2 {
        assert_eq!(outcome(&mut host, &filter, &P256.token("ES256", "good", "")), "next");
    }
    // Without a name there is one key of each kind that fits, or none.
    assert_eq!(outcome(&mut host, &filter, &P256.written("ES256", r#"{"alg":"ES256"}"#, &lasting(""))), "next");
    assert_eq!(
        outcome(&mut host, &filter, &RSA.written("RS256", r#"{"alg":"RS256"}"#, &lasting(""))),
        "401 unknown-key"
    );
    assert_eq!(host.log.len(), broken.len(), "{:?}", host.log);
    for (index, (_, line)) in host.log.iter().enumerate() {
        assert!(line.starts_with(&format!("key {} of `jwks`", silent.len() + index)), "{line}");
    }
}

#[test]
fn a_token_without_a_kid_is_tried_with_up_to_four_keys_that_fit() {
    let others: Vec<Signer> = (0..4).map(|_| Signer::p256()).collect();
    let behind = |count: usize| {
        let mut keys: Vec<String> = others[..count].iter().map(|key| key.jwk("")).collect();
        keys.extend([RSA.jwk(""), ED25519.jwk(""), P256.jwk(r#""kid":"last""#)]);
        set(&keys)
    };
    for (count, wanted) in [(0, "next"), (3, "next"), (4, "401 bad-signature")] {
        let mut host = host(Some(&behind(count)));
        let filter = filter(&mut host, "");
        let nameless = P256.written("ES256", r#"{"alg":"ES256"}"#, &lasting(""));
        assert_eq!(outcome(&mut host, &filter, &nameless), wanted, "{count}");
        assert_eq!(outcome(&mut host, &filter, &P256.token("ES256", "last", "")), "next");
    }
}

#[test]
fn keys_of_one_name_are_all_tried() {
    let keys = [OTHER_RSA.jwk(r#""kid":"a""#), P256.jwk(r#""kid":"a""#), RSA.jwk(r#""kid":"a""#)];
    let mut host = host(Some(&set(&keys)));
    let filter = filter(&mut host, "");
    for (signer, algorithm) in [(&*RSA, "RS256"), (&*OTHER_RSA, "PS384"), (&*P256, "ES256")] {
        assert_eq!(outcome(&mut host, &filter, &signer.token(algorithm, "a", "")), "next");
    }
    assert_eq!(outcome(&mut host, &filter, &Signer::p256().token("ES256", "a", "")), "401 bad-signature");
}

#[test]
fn each_of_several_issuers_has_its_own_keys() {
    let mut host = host(None);
    host.document("one", Some(&set(&[P256.jwk(r#""kid":"k""#)])));
    host.document("two", Some(&set(&[RSA.jwk(r#""kid":"k""#)])));
    let config = r#"{"leeway":"0s","audience":["api"],"issuers":[
        {"issuer":"one","jwks":"one"},
        {"issuer":"two","jwks":"two","audience":["web"],"leeway":"1m"},
        {"issuer":"three","secret":"secret","algorithms":["HS512"]}]}"#;
    let filter: AuthJwt = host.configure(config).unwrap();
    for (signer, algorithm, claims, wanted) in [
        (&*P256, "ES256", r#""iss":"one","aud":"api""#, "next"),
        (&*RSA, "RS256", r#""iss":"two","aud":"web""#, "next"),
        (&*SECRET, "HS512", r#""iss":"three","aud":"api""#, "next"),
        // Whose name stands there, whose keys count.
        (&*P256, "ES256", r#""iss":"two","aud":"web""#, "401 unknown-key"),
        (&*RSA, "RS256", r#""iss":"one","aud":"api""#, "401 unknown-key"),
        (&*RSA, "RS256", r#""iss":"three","aud":"api""#, "401 algorithm-not-allowed"),
        (&*SECRET, "HS256", r#""iss":"three","aud":"api""#, "401 algorithm-not-allowed"),
        (&*RSA, "RS256", r#""iss":"two","aud":"api""#, "401 wrong-audience"),
        (&*P256, "ES256", r#""aud":"api""#, "401 wrong-issuer"),
    ] {
        assert_eq!(outcome(&mut host, &filter, &signer.token(algorithm, "k", claims)), wanted, "{algorithm} {claims}");
    }
    let expired =
        |issuer: &str, audience: &str| format!(r#"{{"exp":{},"iss":"{issuer}","aud":"{audience}"}}"#, NOW - 1);
    let of_two = RSA.written("RS256", r#"{"alg":"RS256"}"#, &expired("two", "web"));
    let of_one = P256.written("ES256", r#"{"alg":"ES256"}"#, &expired("one", "api"));
    assert_eq!(outcome(&mut host, &filter, &of_two), "next");
    assert_eq!(outcome(&mut host, &filter, &of_one), "401 token-expired");
}

#[test]
fn a_secret_is_as_long_as_its_hash_or_serves_nobody() {
    for (length, wanted) in [(64, "next"), (32, "next"), (31, "503 weak-secret"), (0, "503 weak-secret")] {
        let mut host = host(None);
        host.secret("secret", vec![1; length]);
        let filter: AuthJwt = host.configure(r#"{"secret":"secret"}"#).unwrap();
        let token = Signer::Secret(vec![1; length]).token("HS256", "any", "");
        for _ in 0..2 {
            assert_eq!(outcome(&mut host, &filter, &token), wanted, "{length}");
        }
        assert_eq!(host.log.len(), usize::from(length < 32));
    }
    // Secrets in a set count if the operator named their algorithms, and if they are long enough.
    let keys =
        set(&[Signer::Secret(vec![1; 31]).jwk(r#""kid":"short""#), Signer::Secret(vec![1; 32]).jwk(r#""kid":"long""#)]);
    let mut host = host(Some(&keys));
    let filter = filter(&mut host, r#""algorithms":["HS256"]"#);
    assert_eq!(outcome(&mut host, &filter, &Signer::Secret(vec![1; 32]).token("HS256", "long", "")), "next");
    assert_eq!(
        outcome(&mut host, &filter, &Signer::Secret(vec![1; 31]).token("HS256", "short", "")),
        "401 bad-signature"
    );
    assert_eq!(host.log.len(), 1);
}
