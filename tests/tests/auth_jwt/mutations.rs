//! Signatures that are nearly right: other forms of the same numbers, and one bit that is another.

use serde_json::json;
use weir_tests::{Client, Issuer, Key, base64url, from_base64url};

use crate::{Stage, claims};

/// The order of the group of Ed25519, little-endian (RFC 8032, 5.1).
const ED25519_ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
/// The order of P-256, P-384 and P-521 (FIPS 186-4, D.1.2).
const P256_ORDER: &str = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
const P384_ORDER: &str =
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
const P521_ORDER: &str = "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
                          51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// The sum of two big-endian numbers of the same length, unless it needs one more byte.
fn sum(one: &[u8], other: &[u8]) -> Option<Vec<u8>> {
    assert_eq!(one.len(), other.len());
    let (mut sum, mut carry) = (one.to_vec(), 0);
    for (at, byte) in sum.iter_mut().enumerate().rev() {
        let whole = u16::from(*byte) + u16::from(other[at]) + carry;
        (*byte, carry) = (whole.to_be_bytes()[1], whole >> 8);
    }
    (carry == 0).then_some(sum)
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// A number in DER, as it would stand in an ECDSA signature of certificates.
fn der_number(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
    let sign = if bytes[start] & 0x80 == 0 { &[][..] } else { &[0] };
    let whole = [sign, &bytes[start..]].concat();
    [&[2, u8::try_from(whole.len()).unwrap()], &whole[..]].concat()
}

fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let both = [der_number(r), der_number(s)].concat();
    let length = u8::try_from(both.len()).unwrap();
    let head = if length < 128 { vec![0x30, length] } else { vec![0x30, 0x81, length] };
    [head, both].concat()
}

/// A token of the key, its first two parts, and its signature.
fn signed(stage: &Stage, key: &Key, sub: &str) -> (String, Vec<u8>) {
    let token = stage.issuer.token(key, &claims(sub));
    let (input, signature) = token.rsplit_once('.').unwrap();
    (input.to_owned(), from_base64url(signature))
}

/// A stage with a key for this algorithm.
fn stage_for(alg: &str) -> (Stage, Key) {
    let issuer = Issuer::start();
    let key = issuer.key("a", alg);
    issuer.publish(&[&key]);
    (Stage::new(issuer, ""), key)
}

#[test]
fn an_ecdsa_signature_has_one_form() {
    for (alg, order) in [("ES256", P256_ORDER), ("ES384", P384_ORDER), ("ES512", P521_ORDER)] {
        let (stage, key) = stage_for(alg);
        let order = hex(order);
        let (input, signature) = signed(&stage, &key, "ada");
        let (r, s) = signature.split_at(order.len());
        let zero = vec![0; order.len()];
        let padded = |number: &[u8]| [&[0], number].concat();
        let mut forms = vec![
            ("DER", der(r, s)),
            ("swapped", [s, r].concat()),
            ("zeroed", [&zero[..], &zero].concat()),
            ("r zeroed", [&zero, s].concat()),
            ("s zeroed", [r, &zero].concat()),
            ("the order", [&order[..], &order].concat()),
            ("s is the order", [r, &order].concat()),
            ("one short", signature[..signature.len() - 1].to_vec()),
            ("one more", [&signature[..], &[0]].concat()),
            ("one more before", padded(&signature)),
            ("both numbers longer", [padded(r), padded(s)].concat()),
            ("r only", r.to_vec()),
            ("twice", [&signature[..], &signature].concat()),
            ("all ones", vec![0xff; signature.len()]),
        ];
        // With the order added a number is the same to whoever does not look at its size.
        if let Some(more) = sum(s, &order) {
            forms.push(("s plus the order", [r, &more].concat()));
        }
        if let Some(more) = sum(r, &order) {
            forms.push(("r plus the order", [&more, s].concat()));
        }
        assert!(alg != "ES512" || forms.len() == 16, "both fit into its length");
        for (what, form) in forms {
            stage.refuses(&format!("{input}.{}", base64url(form)), &format!("{alg}: {what}"));
        }
        assert_eq!(stage.accepts(&format!("{input}.{}", base64url(&signature))).as_deref(), Some("ada"));
    }
}

#[test]
fn an_eddsa_signature_has_one_form() {
    let (stage, key) = stage_for("EdDSA");
    let (input, signature) = signed(&stage, &key, "ada");
    let (r, s) = signature.split_at(32);
    let order = reversed(&hex(ED25519_ORDER));
    let more = reversed(&sum(&reversed(s), &order).expect("it fits into 32 bytes"));
    let identity = [&[1][..], &[0; 31]].concat();
    for (what, form) in [
        ("S plus the order", [r, &more].concat()),
        ("zeroed", vec![0; 64]),
        ("of small order", [&identity[..], &[0; 32]].concat()),
        ("swapped", [s, r].concat()),
        ("one short", signature[..63].to_vec()),
        ("one more", [&signature[..], &[0]].concat()),
        ("S only", s.to_vec()),
    ] {
        stage.refuses(&format!("{input}.{}", base64url(form)), what);
    }
    assert_eq!(stage.accepts(&format!("{input}.{}", base64url(&signature))).as_deref(), Some("ada"));
}

#[test]
fn an_rsa_signature_has_one_form() {
    for alg in ["RS256", "PS256"] {
        let (stage, key) = stage_for(alg);
        let modulus = from_base64url(key.jwk["n"].as_str().unwrap());
        // A signature that has room for the modulus in its length.
        let (input, signature, more) = (0..200)
            .find_map(|number| {
                let (input, signature) = signed(&stage, &key, &number.to_string());
                let more = sum(&signature, &modulus)?;
                Some((input, signature, more))
            })
            .expect("some signature is small enough");
        for (what, form) in [
            ("plus the modulus", more),
            ("zeroed", vec![0; 256]),
            ("one", [&[0; 255][..], &[1]].concat()),
            ("the modulus", modulus),
            ("one more before", [&[0], &signature[..]].concat()),
            ("one more", [&signature[..], &[0]].concat()),
            ("one short", signature[1..].to_vec()),
            ("a short one", vec![1]),
            ("too long a one", vec![7; 2_000]),
        ] {
            stage.refuses(&format!("{input}.{}", base64url(form)), &format!("{alg}: {what}"));
        }
        assert!(stage.accepts(&format!("{input}.{}", base64url(&signature))).is_some());
    }
}

#[test]
fn a_signature_is_for_its_own_header_and_claims() {
    let (stage, key) = stage_for("ES256");
    let tokens = ["ada", "grace"].map(|sub| stage.issuer.token_with(&key, "ES256", &json!({ "x": sub }), &claims(sub)));
    let [ada, grace] = tokens.each_ref().map(|token| token.split('.').collect::<Vec<_>>());
    for parts in
        [[ada[0], grace[1], ada[2]], [grace[0], ada[1], ada[2]], [ada[0], ada[1], grace[2]], [ada[1], ada[0], ada[2]]]
    {
        stage.refuses(&parts.join("."), "parts of two tokens");
    }
    // The same JSON, written otherwise.
    let bytes = from_base64url(ada[1]);
    let spaced = [&bytes[..], b" "].concat();
    stage.refuses(&[ada[0], &base64url(spaced), ada[2]].join("."), "a space more");
    for token in &tokens {
        assert!(stage.accepts(token).is_some());
    }
}

#[test]
fn a_token_with_any_one_bit_changed_is_refused() {
    for alg in ["ES256", "EdDSA"] {
        let (stage, key) = stage_for(alg);
        let header = json!({ "alg": alg }).to_string();
        let token = stage.issuer.sign(&key, header, claims("a").to_string());
        assert!(stage.accepts(&token).is_some());
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut bytes = token.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let mut client = Client::connect(stage.proxy.address);
                let head = b"GET / HTTP/1.1\r\nHost: test.example\r\nAuthorization: Bearer ";
                client.send([&head[..], &bytes, b"\r\n\r\n"].concat());
                let reply = client.reply();
                // What no field may hold, or an end of the line, the proxy itself refuses.
                assert!(matches!(reply.status, 400 | 401), "byte {at}, bit {bit}: {reply:?}");
            }
        }
        assert_eq!(stage.origin.arrived().len(), 0);
        assert!(stage.accepts(&token).is_some());
    }
}
