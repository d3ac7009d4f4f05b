//! An issuer of tokens for tests: keys, sets of keys, tokens; and the cryptography that the host of tests does not have.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use weir::crypto::Signature;
use weir::testing::{Host, PublicKey};

use crate::AuthJwt;

/// The time of all tests: seconds since 1970.
pub(super) const NOW: u64 = 1_800_000_000;

/// What signs.
pub(super) enum Signer {
    Rsa(RsaKeyPair),
    /// With the curve's name.
    Ec(&'static str, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Secret(Vec<u8>),
}

/// RSA keys take long to make.
pub(super) static RSA: LazyLock<Signer> =
    LazyLock::new(|| Signer::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
pub(super) static OTHER_RSA: LazyLock<Signer> =
    LazyLock::new(|| Signer::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()));
pub(super) static P256: LazyLock<Signer> = LazyLock::new(Signer::p256);
pub(super) static P384: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ec("P-384", EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING).unwrap()));
pub(super) static P521: LazyLock<Signer> =
    LazyLock::new(|| Signer::Ec("P-521", EcdsaKeyPair::generate(&signature::ECDSA_P521_SHA512_FIXED_SIGNING).unwrap()));
pub(super) static ED25519: LazyLock<Signer> = LazyLock::new(|| Signer::Ed25519(Ed25519KeyPair::generate().unwrap()));
pub(super) static SECRET: LazyLock<Signer> = LazyLock::new(|| Signer::Secret(vec![7; 64]));

impl Signer {
    pub(super) fn p256() -> Self {
        Self::Ec("P-256", EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// The public key as a JWK, with more members.
    pub(super) fn jwk(&self, more: &str) -> String {
        let members = match self {
            Self::Rsa(key) => {
                // Of 2048 bits, in DER: a list of two numbers, the first one with a zero in front.
                let der = key.public_key().as_ref();
                format!(r#""kty":"RSA","n":"{}","e":"{}""#, encode(&der[9..265]), encode(&der[267..]))
            }
            Self::Ec(curve, key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                format!(r#""kty":"EC","crv":"{curve}","x":"{}","y":"{}""#, encode(x), encode(y))
            }
            Self::Ed25519(key) => {
                format!(r#""kty":"OKP","crv":"Ed25519","x":"{}""#, encode(key.public_key().as_ref()))
            }
            Self::Secret(secret) => format!(r#""kty":"oct","k":"{}""#, encode(secret)),
        };
        let comma = if more.is_empty() { "" } else { "," };
        format!("{{{members}{comma}{more}}}")
    }

    pub(super) fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let padding: &'static dyn RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Self::Ec(_, key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(message).as_ref().to_vec(),
            Self::Secret(secret) => {
                let hash = match algorithm {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), message).as_ref().to_vec()
            }
        }
    }

    /// A token with this header and these claims, as they are.
    pub(super) fn written(&self, algorithm: &str, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        format!("{message}.{}", encode(&self.sign(algorithm, message.as_bytes())))
    }

    /// A token with these claims and an `exp` in a minute.
    pub(super) fn token(&self, algorithm: &str, kid: &str, claims: &str) -> String {
        self.written(algorithm, &format!(r#"{{"alg":"{algorithm}","kid":"{kid}"}}"#), &lasting(claims))
    }
}

/// These claims with an `exp` in a minute: `"sub":"ada"`.
pub(super) fn lasting(claims: &str) -> String {
    let comma = if claims.is_empty() { "" } else { "," };
    format!(r#"{{"exp":{}{comma}{claims}}}"#, NOW + 60)
}

/// A set of these keys.
pub(super) fn set(keys: &[String]) -> String {
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

pub(super) fn encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().chain(&[0, 0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..=group.len() {
            text.push(char::from(ALPHABET[bits >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// A host that checks signatures for real, with a document `keys` and a secret `secret`.
pub(super) fn host(keys: Option<&str>) -> Host {
    let mut host = Host::new();
    host.now = Duration::from_secs(NOW);
    host.signatures_of(check);
    host.document("keys", keys);
    host.secret("secret", vec![7; 64]);
    host
}

/// The filter, with keys in the document `keys`.
pub(super) fn filter(host: &mut Host, more: &str) -> AuthJwt {
    let comma = if more.is_empty() { "" } else { "," };
    host.configure(&format!(r#"{{"jwks":"keys"{comma}{more}}}"#)).unwrap()
}

fn check(key: &PublicKey, algorithm: Signature, message: &[u8], signature: &[u8]) -> bool {
    let by = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
        UnparsedPublicKey::new(algorithm, key).verify(message, signature).is_ok()
    };
    match (key, algorithm) {
        (PublicKey::Rsa(key), algorithm) => {
            let by = |parameters| {
                let key = RsaPublicKeyComponents { n: &key.modulus, e: &key.exponent };
                key.verify(parameters, message, signature).is_ok()
            };
            match algorithm {
                Signature::Rs256 => by(&signature::RSA_PKCS1_2048_8192_SHA256),
                Signature::Rs384 => by(&signature::RSA_PKCS1_2048_8192_SHA384),
                Signature::Rs512 => by(&signature::RSA_PKCS1_2048_8192_SHA512),
                Signature::Ps256 => by(&signature::RSA_PSS_2048_8192_SHA256),
                Signature::Ps384 => by(&signature::RSA_PSS_2048_8192_SHA384),
                Signature::Ps512 => by(&signature::RSA_PSS_2048_8192_SHA512),
                _ => false,
            }
        }
        (PublicKey::P256(point), Signature::Es256) => by(&signature::ECDSA_P256_SHA256_FIXED, point),
        (PublicKey::P384(point), Signature::Es384) => by(&signature::ECDSA_P384_SHA384_FIXED, point),
        (PublicKey::P521(point), Signature::Es512) => by(&signature::ECDSA_P521_SHA512_FIXED, point),
        (PublicKey::Ed25519(key), Signature::Eddsa) => by(&signature::ED25519, key),
        _ => false,
    }
}
