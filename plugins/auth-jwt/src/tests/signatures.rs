//! What counts as signed, and what does not.

use super::issuer::{
    ED25519, NOW, OTHER_RSA, P256, P384, P521, RSA, SECRET, Signer, encode, filter, host, lasting, set,
};
use super::outcome;
use weir::testing::Host;

/// A set with a key of each kind, under its kind's name.
fn all_kinds() -> String {
    set(&[
        RSA.jwk(r#""kid":"rsa""#),
        P256.jwk(r#""kid":"p256""#),
        P384.jwk(r#""kid":"p384""#),
        P521.jwk(r#""kid":"p521""#),
        ED25519.jwk(r#""kid":"ed""#),
        SECRET.jwk(r#""kid":"oct""#),
    ])
}

fn each() -> Vec<(&'static str, &'static str, &'static Signer)> {
    let mut each: Vec<(&str, &str, &Signer)> = Vec::new();
    each.extend(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"].map(|name| (name, "rsa", &*RSA)));
    each.extend([("ES256", "p256", &*P256), ("ES384", "p384", &*P384), ("ES512", "p521", &*P521)]);
    each.extend([("EdDSA", "ed", &*ED25519), ("Ed25519", "ed", &*ED25519)]);
    each.extend(["HS256", "HS384", "HS512"].map(|name| (name, "oct", &*SECRET)));
    each
}

const ALL: &str = r#""algorithms":["RS256","RS384","RS512","PS256","PS384","PS512","ES256","ES384","ES512","EdDSA","Ed25519","HS256","HS384","HS512"]"#;

#[test]
fn every_algorithm_is_checked_by_a_key_of_its_kind_and_by_no_other() {
    let mut host = host(Some(&all_kinds()));
    let filter = filter(&mut host, ALL);
    for (algorithm, kid, signer) in each() {
        let token = signer.token(algorithm, kid, r#""sub":"ada""#);
        assert_eq!(outcome(&mut host, &filter, &token), "next", "{algorithm}");
        assert_eq!(host.vars["user.id"], "ada");
        // The same token under another algorithm's name, or with another key's.
        for (other, other_kid, _) in each() {
            let header = format!(r#"{{"alg":"{other}","kid":"{other_kid}"}}"#);
            let token = signer.written(algorithm, &header, &lasting(""));
            // Two names of one algorithm.
            let is_same = algorithm == other || (kid, other_kid) == ("ed", "ed");
            let wanted = if is_same { "next" } else { "401 bad-signature" };
            assert_eq!(outcome(&mut host, &filter, &token), wanted, "{algorithm} as {other}");
        }
    }
}

#[test]
fn none_in_any_spelling_is_refused() {
    let mut host = host(Some(&all_kinds()));
    let filter = filter(&mut host, ALL);
    for name in ["none", "None", "NONE", "nOnE", "", "hs256", "HS256 ", "ES256K", "RSA1_5", "null"] {
        for signature in ["", "AA"] {
            let header = format!(r#"{{"alg":"{name}"}}"#);
            let token = format!("{}.{}.{signature}", encode(header.as_bytes()), encode(lasting("").as_bytes()));
            assert_eq!(outcome(&mut host, &filter, &token), "401 algorithm-not-allowed", "{name}");
        }
    }
    for header in [
        r#"{"typ":"JWT"}"#,
        r#"{"alg":null}"#,
        r#"{"alg":["RS256"]}"#,
        r#"{"alg":256}"#,
        r#"{"alg":"RS256","alg":"none"}"#,
    ] {
        let token = RSA.written("RS256", header, &lasting(""));
        assert_eq!(outcome(&mut host, &filter, &token), "401 malformed-token", "{header}");
    }
}

#[test]
fn a_public_key_is_never_the_secret_of_an_hmac() {
    // What attackers take for the secret: the key as it is published, in whatever form.
    let jwk = RSA.jwk(r#""kid":"rsa""#);
    let forms: [Vec<u8>; 4] = [
        jwk.clone().into_bytes(),
        set(std::slice::from_ref(&jwk)).into_bytes(),
        b"-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n".to_vec(),
        vec![0; 64],
    ];
    for more in ["", ALL] {
        let mut host = host(Some(&set(std::slice::from_ref(&jwk))));
        let filter = filter(&mut host, more);
        for form in &forms {
            let forger = Signer::Secret(form.clone());
            for header in [r#"{"alg":"HS256","kid":"rsa"}"#, r#"{"alg":"HS256"}"#] {
                let token = forger.written("HS256", header, &lasting(""));
                let wanted = if more.is_empty() { "401 algorithm-not-allowed" } else { "401 unknown-key" };
                assert_eq!(outcome(&mut host, &filter, &token), wanted);
            }
        }
    }
}

#[test]
fn keys_that_a_token_brings_or_names_are_not_followed() {
    let mut host = host(Some(&set(&[RSA.jwk(r#""kid":"rsa""#)])));
    let filter = filter(&mut host, "");
    let own = OTHER_RSA.jwk("");
    for member in [
        format!(r#""jwk":{own}"#),
        r#""jku":"https://evil.example/keys""#.to_owned(),
        r#""x5u":"https://evil.example/chain""#.to_owned(),
        r#""x5c":["MIIB"],"x5t":"AA""#.to_owned(),
    ] {
        let header = format!(r#"{{"alg":"RS256","kid":"rsa",{member}}}"#);
        let forged = OTHER_RSA.written("RS256", &header, &lasting(""));
        assert_eq!(outcome(&mut host, &filter, &forged), "401 bad-signature", "{member}");
        let right = RSA.written("RS256", &header, &lasting(""));
        assert_eq!(outcome(&mut host, &filter, &right), "next", "{member}");
    }
    for kid in ["../../dev/null", "rsa\\u0000", "' OR 1=1 --", "RSA", "rsa "] {
        let header = format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#);
        let token = RSA.written("RS256", &header, &lasting(""));
        assert_ne!(outcome(&mut host, &filter, &token), "next", "{kid}");
    }
    assert_eq!(
        outcome(&mut host, &filter, &RSA.written("RS256", r#"{"alg":"RS256","kid":7}"#, &lasting(""))),
        "401 malformed-token"
    );
}

#[test]
fn critical_extensions_and_what_is_no_plain_jws_are_refused() {
    let mut host = host(Some(&set(&[RSA.jwk("")])));
    let filter = filter(&mut host, "");
    for member in [
        r#""crit":["b64"],"b64":false"#,
        r#""crit":["exp"],"exp":1"#,
        r#""crit":[]"#,
        r#""crit":null"#,
        r#""b64":false"#,
        r#""zip":"DEF""#,
    ] {
        let token = RSA.written("RS256", &format!(r#"{{"alg":"RS256",{member}}}"#), &lasting(""));
        assert_eq!(outcome(&mut host, &filter, &token), "401 malformed-token", "{member}");
    }
    // A JWE has five parts; the claims of a nested JWT are a token and no object.
    let inner = RSA.token("RS256", "", "");
    for token in [
        format!("{inner}.AA.AA"),
        RSA.written("RS256", r#"{"alg":"RS256","cty":"JWT"}"#, &inner),
        inner.split('.').take(2).collect::<Vec<_>>().join("."),
        format!("{inner}."),
        format!(".{inner}"),
        "..".into(),
        "abc".into(),
    ] {
        assert_eq!(outcome(&mut host, &filter, &token), "401 malformed-token", "{token}");
    }
}

#[test]
fn a_signature_has_its_length_and_its_form() {
    let mut host = host(Some(&all_kinds()));
    let filter = filter(&mut host, ALL);
    let check =
        |host: &mut Host, header: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, signer: &Signer, algorithm: &str| {
            let message = format!("{}.{}", encode(header.as_bytes()), encode(lasting("").as_bytes()));
            let signature = change(signer.sign(algorithm, message.as_bytes()));
            outcome(host, &filter, &format!("{message}.{}", encode(&signature)))
        };
    for (algorithm, kid, signer) in each() {
        let header = format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#);
        let changes: [&dyn Fn(Vec<u8>) -> Vec<u8>; 8] = [
            &|_| Vec::new(),
            &|signature| vec![0; signature.len()],
            &|signature| signature[..signature.len() - 1].to_vec(),
            &|signature| [signature, vec![0]].concat(),
            &|signature| [vec![0], signature].concat(),
            &|signature| der(&signature),
            &|signature| [signature.clone(), signature].concat(),
            &|mut signature| {
                signature.reverse();
                signature
            },
        ];
        for (index, change) in changes.iter().enumerate() {
            assert_eq!(
                check(&mut host, &header, change, signer, algorithm),
                "401 bad-signature",
                "{algorithm}, {index}"
            );
        }
        assert_eq!(check(&mut host, &header, &|signature| signature, signer, algorithm), "next");
    }
    // Ed25519: S and S plus the group's order (RFC 8032, 5.1.7).
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let add = |mut signature: Vec<u8>| {
        let mut carry = 0;
        for (index, byte) in signature[32..].iter_mut().enumerate() {
            let sum = u16::from(*byte) + u16::from_str_radix(&order[index * 2..index * 2 + 2], 16).unwrap() + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        signature
    };
    let header = r#"{"alg":"EdDSA","kid":"ed"}"#;
    assert_eq!(check(&mut host, header, &add, &ED25519, "EdDSA"), "401 bad-signature");
}

/// r and s as they stand in certificates.
fn der(raw: &[u8]) -> Vec<u8> {
    let number = |bytes: &[u8]| [&[2, u8::try_from(bytes.len() % 128).unwrap() + 1, 0], bytes].concat();
    let (r, s) = raw.split_at(raw.len() / 2);
    let both = [number(r), number(s)].concat();
    [vec![0x30, u8::try_from(both.len() % 128).unwrap()], both].concat()
}

#[test]
fn bytes_of_a_token_can_be_written_in_one_way_only() {
    let mut host = host(Some(&set(&[P256.jwk("")])));
    let filter = filter(&mut host, "");
    let token = P256.written("ES256", r#"{"alg":"ES256"}"#, &lasting(r#""sub":"ada!""#));
    assert_eq!(outcome(&mut host, &filter, &token), "next");
    // 64 bytes are 85 letters and one of which four bits do not count.
    let (rest, last) = token.split_at(token.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    for other in [
        format!("{rest}{next}"),
        format!("{token}="),
        format!("{token}=="),
        token.replacen('.', "=.", 1),
        token.replacen('e', "e+", 1),
    ] {
        assert_eq!(outcome(&mut host, &filter, &other), "401 malformed-token", "{other}");
    }
}

#[test]
fn the_list_of_algorithms_is_each_issuers_own() {
    let both = format!(
        r#"{{"issuers":[{{"issuer":"rsa","jwks":"keys","algorithms":["RS256"]}},{{"issuer":"ec","jwks":"keys","algorithms":["ES256"]}}],
            "from":["bearer"],"leeway":"{}s"}}"#,
        NOW % 7
    );
    let mut host = host(Some(&all_kinds()));
    let filter: crate::AuthJwt = host.configure(&both).unwrap();
    for (issuer, algorithm, kid, signer, wanted) in [
        ("rsa", "RS256", "rsa", &*RSA, "next"),
        ("ec", "ES256", "p256", &*P256, "next"),
        ("rsa", "ES256", "p256", &*P256, "401 algorithm-not-allowed"),
        ("ec", "RS256", "rsa", &*RSA, "401 algorithm-not-allowed"),
        ("other", "RS256", "rsa", &*RSA, "401 wrong-issuer"),
    ] {
        let token = signer.token(algorithm, kid, &format!(r#""iss":"{issuer}""#));
        assert_eq!(outcome(&mut host, &filter, &token), wanted, "{issuer} {algorithm}");
    }
    assert_eq!(outcome(&mut host, &filter, &RSA.token("RS256", "rsa", "")), "401 wrong-issuer");
}
