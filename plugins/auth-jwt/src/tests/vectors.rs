//! The examples of the RFCs.

use std::time::Duration;

use super::issuer::{filter, host, set};
use super::outcome;
use crate::jwks::{self, Checked};
use crate::token::{Header, Parts};

/// Blocks of three lines: which one, the key, the token.
const VECTORS: &str = include_str!("vectors.txt");

fn vectors() -> impl Iterator<Item = [&'static str; 3]> {
    VECTORS.split("\n\n").filter(|block| !block.trim().is_empty()).map(|block| {
        let lines: Vec<&str> = block.trim().lines().collect();
        lines.try_into().unwrap()
    })
}

#[test]
fn the_signatures_of_the_rfcs_examples_are_right_and_no_others() {
    let mut count = 0;
    for [name, key, token] in vectors() {
        count += 1;
        host(None).enter(|| {
            let keys = jwks::read(set(&[key.to_owned()]).as_bytes()).unwrap();
            let parts = Parts::of(token.as_bytes()).unwrap();
            let header = Header::read(parts.header).unwrap();
            let check = |message: &[u8], signature: &[u8]| keys[0].check(header.algorithm, message, signature).unwrap();
            assert!(keys[0].fits(header.algorithm), "{name}");
            assert_eq!(check(parts.message, &parts.signature), Checked::Right, "{name}");
            assert_eq!(check(b"another message", &parts.signature), Checked::Wrong, "{name}");
            for place in [0, parts.signature.len() / 2, parts.signature.len() - 1] {
                let mut other = parts.signature.clone();
                other[place] ^= 1;
                assert_eq!(check(parts.message, &other), Checked::Wrong, "{name}");
            }
        });
    }
    assert_eq!(count, 9);
}

#[test]
fn the_rfcs_tokens_with_claims_are_let_in_in_their_time() {
    // RFC 7515, A.1 to A.3: the claims of RFC 7519, 3.1.
    for [name, key, token] in vectors().take(3) {
        for (now, wanted) in [(1_300_819_379, "next"), (1_300_819_380, "401 token-expired")] {
            let mut host = host(Some(&set(&[key.to_owned()])));
            host.now = Duration::from_secs(now);
            let algorithms = r#""algorithms":["HS256","RS256","ES256"],"leeway":"0s","issuer":"joe""#;
            let filter =
                filter(&mut host, &format!(r#"{algorithms},"claims":{{"auth.root":"http://example.com/is_root"}}"#));
            assert_eq!(outcome(&mut host, &filter, token), wanted, "{name}");
            assert_eq!(host.vars.get("auth.root").map(String::as_str), (wanted == "next").then_some("true"));
        }
    }
    // RFC 7519, 6.1: not signed at all.
    let mut host = host(Some(r#"{"keys":[]}"#));
    let filter = filter(&mut host, "");
    let unsigned = "eyJhbGciOiJub25lIn0.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt\
                    cGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
    assert_eq!(outcome(&mut host, &filter, unsigned), "401 algorithm-not-allowed");
}

#[test]
fn the_set_of_rfc_7517_is_read() {
    // A.1: one key is for encryption.
    let set = r#"{"keys":[
        {"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
         "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"enc","kid":"1"},
        {"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
         "e":"AQAB","alg":"RS256","kid":"2011-04-29"}]}"#;
    host(None).enter(|| {
        let keys = jwks::read(set.as_bytes()).unwrap();
        let kids: Vec<_> = keys.iter().map(|key| key.kid.as_deref().unwrap()).collect();
        assert_eq!(kids, ["2011-04-29"]);
    });
}
