//! Digests, HMACs and signatures: against what the RFCs print, against openssl, and what must not pass.

mod openssl;
#[allow(unreachable_pub, reason = "a table")]
mod rfc;

use weir_host::crypto::{Algorithm, Hash, InvalidKey, Key, PublicKey, digest, equal, hmac};

const EXPONENT: &[u8] = &[1, 0, 1];

fn base64url(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for byte in text.bytes() {
        let digit = alphabet.iter().position(|known| *known == byte).unwrap();
        bits = bits << 6 | u32::try_from(digit).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    bytes
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn point(x: &str, y: &str) -> Vec<u8> {
    [vec![4], base64url(x), base64url(y)].concat()
}

fn rsa(modulus: &str) -> Key {
    Key::import(PublicKey::Rsa(&base64url(modulus), EXPONENT)).unwrap()
}

/// The message and the signature of a token.
fn parts(token: &str) -> (&[u8], Vec<u8>) {
    let (message, signature) = token.rsplit_once('.').unwrap();
    (message.as_bytes(), base64url(signature))
}

fn p256() -> Vec<u8> {
    point(rfc::RFC7515_P256_X, rfc::RFC7515_P256_Y)
}

/// Every token of the RFCs with its key.
fn tokens() -> Vec<(Algorithm, Key, &'static str)> {
    let p521 = |x, y| Key::import(PublicKey::P521(&point(x, y))).unwrap();
    vec![
        (Algorithm::Rs256, rsa(rfc::RFC7515_RSA), rfc::RFC7515_RS256),
        (Algorithm::Es256, Key::import(PublicKey::P256(&p256())).unwrap(), rfc::RFC7515_ES256),
        (Algorithm::Es512, p521(rfc::RFC7515_P521_X, rfc::RFC7515_P521_Y), rfc::RFC7515_ES512),
        (Algorithm::Rs256, rsa(rfc::RFC7520_RSA), rfc::RFC7520_RS256),
        (Algorithm::Ps384, rsa(rfc::RFC7520_RSA), rfc::RFC7520_PS384),
        (Algorithm::Es512, p521(rfc::RFC7520_P521_X, rfc::RFC7520_P521_Y), rfc::RFC7520_ES512),
        (
            Algorithm::EdDsa,
            Key::import(PublicKey::Ed25519(&base64url(rfc::RFC8037_ED25519))).unwrap(),
            rfc::RFC8037_EDDSA,
        ),
    ]
}

#[test]
fn tokens_of_the_rfcs_are_right() {
    for (algorithm, key, token) in tokens() {
        let (message, signature) = parts(token);
        assert_eq!(key.verify(algorithm, message, &signature), Ok(true), "{token}");
        assert_eq!(key.verify(algorithm, message, &signature), Ok(true), "a second time: {token}");
    }
}

#[test]
fn whatever_is_changed_is_wrong() {
    for (algorithm, key, token) in tokens() {
        let (message, signature) = parts(token);
        let is_right = |message: &[u8], signature: &[u8]| key.verify(algorithm, message, signature).unwrap();
        for at in [0, 1, signature.len() / 2, signature.len() - 1] {
            let mut changed = signature.clone();
            changed[at] ^= 1;
            assert!(!is_right(message, &changed), "byte {at} of {token}");
        }
        let mut other = message.to_vec();
        other[3] ^= 1;
        assert!(!is_right(&other, &signature), "{token}");
        assert!(!is_right(b"", &signature), "{token}");
        let longer = [&signature[..], &[0]].concat();
        let shifted = [&[0], &signature[..]].concat();
        let (zeros, ones) = (vec![0; signature.len()], vec![0xff; signature.len()]);
        for wrong in [&b""[..], &signature[1..], &signature[..signature.len() - 1], &longer, &shifted, &zeros, &ones] {
            assert!(!is_right(message, wrong), "{} bytes, {token}", wrong.len());
        }
    }
}

#[test]
fn an_ecdsa_signature_is_raw_and_both_of_its_halves_count() {
    let key = Key::import(PublicKey::P256(&p256())).unwrap();
    let (message, signature) = parts(rfc::RFC7515_ES256);
    let (r, s) = signature.split_at(32);
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [vec![0x30, 70], integer(r), integer(s)].concat();
    assert_eq!(key.verify(Algorithm::Es256, message, &der), Ok(false), "DER is another format");
    let zero = [0; 32];
    for halves in [[r, &zero], [&zero, s], [s, r]] {
        assert_eq!(key.verify(Algorithm::Es256, message, &halves.concat()), Ok(false));
    }
    // The order of the curve: as a half it is as good as 0.
    let order = hex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    assert_eq!(key.verify(Algorithm::Es256, message, &[r, &order].concat()), Ok(false));
    // The other signature that the standard allows. It is right, so a signature is no name for a message.
    let mut negative = [0; 32];
    let mut borrow = 0;
    for at in (0..32).rev() {
        let digit = i32::from(order[at]) - i32::from(s[at]) - borrow;
        borrow = i32::from(digit < 0);
        negative[at] = u8::try_from(digit.rem_euclid(256)).unwrap();
    }
    assert_eq!(key.verify(Algorithm::Es256, message, &[r, &negative].concat()), Ok(true));
}

#[test]
fn a_key_checks_what_it_is_for_and_nothing_else() {
    use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
    let all = [Rs256, Rs384, Rs512, Ps256, Ps384, Ps512, Es256, Es384, Es512, EdDsa];
    for (own, key, token) in tokens() {
        let (message, signature) = parts(token);
        for algorithm in all {
            let is_rsa = |algorithm| matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512);
            let expected = match algorithm {
                _ if algorithm == own => Ok(true),
                _ if is_rsa(own) && is_rsa(algorithm) => Ok(false),
                _ => Err(InvalidKey::Algorithm),
            };
            assert_eq!(key.verify(algorithm, message, &signature), expected, "{algorithm:?} of {own:?}");
        }
    }
}

#[test]
fn points_beside_the_curve_and_in_other_forms_are_refused() {
    let whole = p256();
    let import = |point: &[u8]| Key::import(PublicKey::P256(point)).map(drop);
    assert_eq!(import(&whole), Ok(()));
    let mut beside = whole.clone();
    beside[64] ^= 1;
    let mut hybrid = whole.clone();
    hybrid[0] = 7;
    let compressed = [&[3], &whole[1..33]].concat();
    let prime = hex("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    let beyond = [&[4], &prime[..], &whole[33..]].concat();
    for wrong in [&beside[..], &hybrid, &compressed, &beyond, &[0], &[], &whole[..64], &[&whole[..], &[0]].concat()] {
        assert_eq!(import(wrong), Err(InvalidKey::Point), "{wrong:02x?}");
    }
    assert_eq!(Key::import(PublicKey::P384(&whole)).map(drop), Err(InvalidKey::Point));
    assert_eq!(Key::import(PublicKey::P521(&whole)).map(drop), Err(InvalidKey::Point));
    assert_eq!(Key::import(PublicKey::Ed25519(&whole[..33])).map(drop), Err(InvalidKey::Ed25519));
}

#[test]
fn numbers_that_make_no_rsa_key_are_refused() {
    let whole = base64url(rfc::RFC7515_RSA);
    let import = |modulus: &[u8], exponent: &[u8]| Key::import(PublicKey::Rsa(modulus, exponent)).map(drop);
    assert_eq!(import(&whole, EXPONENT), Ok(()));
    assert_eq!(import(&[&[0, 0], &whole[..]].concat(), &[0, 1, 0, 1]), Ok(()), "zeros in front are no part of it");
    let mut even = whole.clone();
    *even.last_mut().unwrap() &= 0xfe;
    let mut short = whole.clone();
    short[0] = 0x7f;
    let long = [&[1], &vec![0; 1023][..], &[1]].concat();
    for modulus in [&[][..], &[0], &even, &short, &whole[1..], &long] {
        assert_eq!(import(modulus, EXPONENT), Err(InvalidKey::Rsa), "{} bytes", modulus.len());
    }
    for exponent in [&[][..], &[0], &[1], &[2], &[1, 0, 0], &[1, 0, 0, 0, 0, 0, 0, 0, 1], &whole] {
        assert_eq!(import(&whole, exponent), Err(InvalidKey::Rsa), "{exponent:?}");
    }
    let most = [&[0x80], &vec![0; 1022][..], &[1]].concat();
    assert_eq!(import(&most, EXPONENT), Ok(()), "8192 bits");
}

#[test]
fn hmacs_are_those_of_rfc_4231_and_rfc_2202() {
    let long = [0xaa; 131];
    let first = "Test Using Larger Than Block-Size Key - Hash Key First";
    let cases: [(Hash, &[u8], &str, &str); 8] = [
        (Hash::Sha256, &[0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
        (
            Hash::Sha384,
            &[0x0b; 20],
            "Hi There",
            "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6",
        ),
        (
            Hash::Sha512,
            &[0x0b; 20],
            "Hi There",
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
        ),
        (
            Hash::Sha256,
            b"Jefe",
            "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (Hash::Sha256, &long, first, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
        (
            Hash::Sha384,
            &long,
            first,
            "4ece084485813e9088d2c63a041bc5b44f9ef1012a2b588f3cd11f05033ac4c60c2ef6ab4030fe8296248df163f44952",
        ),
        (
            Hash::Sha512,
            &long,
            first,
            "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f2598bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
        ),
        (Hash::Sha1, b"Jefe", "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    ];
    for (hash, key, data, expected) in cases {
        assert_eq!(hmac(hash, key, data.as_bytes()), hex(expected), "{hash:?} {data}");
    }
}

#[test]
fn digests_are_those_of_fips_180() {
    for (hash, expected) in [
        (Hash::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (Hash::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            Hash::Sha384,
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7",
        ),
        (
            Hash::Sha512,
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        ),
    ] {
        assert_eq!(digest(hash, b"abc"), hex(expected), "{hash:?}");
    }
}

#[test]
fn equal_compares_all_bytes() {
    assert!(equal(b"", b""));
    assert!(equal(b"secret", b"secret"));
    for other in [&b"secreT"[..], b"Secret", b"secre", b"secret!", b""] {
        assert!(!equal(b"secret", other), "{other:?}");
    }
}
