//! Keys and signatures that openssl makes: every algorithm, and a `SubjectPublicKeyInfo` of every kind.

use std::path::Path;
use std::process::Command;

use weir_host::crypto::{Algorithm, InvalidKey, Key, PublicKey};

const MESSAGE: &[u8] = b"header.payload";

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output();
    let output = output.expect("the tests need openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A key's `SubjectPublicKeyInfo`; the private key stays in the folder.
fn key(folder: &Path, kind: &str) -> Vec<u8> {
    openssl(folder, &format!("genpkey -algorithm {kind} -out key.pem"));
    openssl(folder, "pkey -in key.pem -pubout -outform DER -out public.der");
    std::fs::read(folder.join("public.der")).unwrap()
}

fn sign(folder: &Path, arguments: &str) -> Vec<u8> {
    std::fs::write(folder.join("message"), MESSAGE).unwrap();
    openssl(folder, &arguments.replacen("-sign", "-out signature -sign", 1));
    std::fs::read(folder.join("signature")).unwrap()
}

/// From the DER that openssl writes to raw halves.
fn raw(der: &[u8], half: usize) -> Vec<u8> {
    let mut rest = if der[1] == 0x81 { &der[3..] } else { &der[2..] };
    let mut halves = Vec::new();
    for _ in 0..2 {
        let (number, after) = rest[2..].split_at(usize::from(rest[1]));
        let number = number.strip_prefix(&[0]).unwrap_or(number);
        halves.extend(vec![0; half - number.len()]);
        halves.extend_from_slice(number);
        rest = after;
    }
    halves
}

#[track_caller]
fn assert_right(spki: &[u8], algorithm: Algorithm, signature: &[u8]) {
    let key = Key::import(PublicKey::Spki(spki)).unwrap();
    assert_eq!(key.verify(algorithm, MESSAGE, signature), Ok(true), "{algorithm:?}");
    assert_eq!(key.verify(algorithm, b"another message", signature), Ok(false), "{algorithm:?}");
    for end in 0..spki.len() {
        let cut = Key::import(PublicKey::Spki(&spki[..end])).map(drop);
        assert_eq!(cut, Err(InvalidKey::Spki), "{end} bytes of {}", spki.len());
    }
    let longer = [spki, &[0]].concat();
    assert_eq!(Key::import(PublicKey::Spki(&longer)).map(drop), Err(InvalidKey::Spki), "a byte follows");
    for at in 0..spki.len() {
        for bit in 0..8 {
            let mut changed = spki.to_vec();
            changed[at] ^= 1 << bit;
            // Many are keys, but none of them is this one.
            if let Ok(key) = Key::import(PublicKey::Spki(&changed)) {
                assert_ne!(key.verify(algorithm, MESSAGE, signature), Ok(true), "bit {bit} of byte {at}");
            }
        }
    }
}

#[test]
fn rsa_signatures_of_openssl_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let spki = key(folder, "RSA -pkeyopt rsa_keygen_bits:2048");
    for (hash, pkcs1, pss) in [
        ("sha256", Algorithm::Rs256, Algorithm::Ps256),
        ("sha384", Algorithm::Rs384, Algorithm::Ps384),
        ("sha512", Algorithm::Rs512, Algorithm::Ps512),
    ] {
        let key = Key::import(PublicKey::Spki(&spki)).unwrap();
        let pkcs1_signature = sign(folder, &format!("dgst -{hash} -sign key.pem message"));
        let padded = "-sigopt rsa_padding_mode:pss -sigopt";
        let pss_signature =
            sign(folder, &format!("dgst -{hash} -sign key.pem {padded} rsa_pss_saltlen:digest message"));
        let other_salt = sign(folder, &format!("dgst -{hash} -sign key.pem {padded} rsa_pss_saltlen:20 message"));
        assert_eq!(key.verify(pkcs1, MESSAGE, &pkcs1_signature), Ok(true), "{pkcs1:?}");
        assert_eq!(key.verify(pss, MESSAGE, &pss_signature), Ok(true), "{pss:?}");
        assert_eq!(key.verify(pss, MESSAGE, &other_salt), Ok(false), "{pss:?} has as much salt as hash");
        assert_eq!(key.verify(pss, MESSAGE, &pkcs1_signature), Ok(false), "{pss:?}");
        assert_eq!(key.verify(pkcs1, MESSAGE, &pss_signature), Ok(false), "{pkcs1:?}");
    }
    let signature = sign(folder, "dgst -sha256 -sign key.pem message");
    assert_right(&spki, Algorithm::Rs256, &signature);
}

#[test]
fn ecdsa_signatures_of_openssl_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (curve, hash, half, algorithm) in [
        ("P-256", "sha256", 32, Algorithm::Es256),
        ("P-384", "sha384", 48, Algorithm::Es384),
        ("P-521", "sha512", 66, Algorithm::Es512),
    ] {
        let spki = key(folder, &format!("EC -pkeyopt ec_paramgen_curve:{curve}"));
        let signature = raw(&sign(folder, &format!("dgst -{hash} -sign key.pem message")), half);
        assert_right(&spki, algorithm, &signature);
    }
}

#[test]
fn ed25519_signatures_of_openssl_are_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let spki = key(folder, "ED25519");
    let signature = sign(folder, "pkeyutl -sign -inkey key.pem -rawin -in message");
    assert_right(&spki, Algorithm::EdDsa, &signature);
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for kind in ["X25519", "ED448", "EC -pkeyopt ec_paramgen_curve:secp256k1", "RSA-PSS -pkeyopt rsa_keygen_bits:2048"]
    {
        let spki = key(folder.path(), kind);
        assert_eq!(Key::import(PublicKey::Spki(&spki)).map(drop), Err(InvalidKey::Spki), "{kind}");
    }
    let spki = key(folder.path(), "RSA -pkeyopt rsa_keygen_bits:1024");
    assert_eq!(Key::import(PublicKey::Spki(&spki)).map(drop), Err(InvalidKey::Rsa), "1024 bits");
}
