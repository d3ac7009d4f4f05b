//! Public keys, read once for many checks, and the checks.

use std::sync::OnceLock;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};

use super::der::{self, Subject};

/// Named as in JWS (RFC 7518, RFC 8037).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256 and as much salt.
    Ps256,
    /// RSASSA-PSS with SHA-384 and as much salt.
    Ps384,
    /// RSASSA-PSS with SHA-512 and as much salt.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519.
    EdDsa,
}

/// A public key as it is written down.
#[derive(Clone, Copy, Debug)]
pub enum PublicKey<'a> {
    /// A `SubjectPublicKeyInfo` in DER, of any kind below. Points in it are uncompressed too.
    Spki(&'a [u8]),
    /// Modulus and exponent, big-endian; zeros in front are no part of the number.
    Rsa(&'a [u8], &'a [u8]),
    /// A point on P-256, uncompressed (0x04, x, y).
    P256(&'a [u8]),
    /// A point on P-384.
    P384(&'a [u8]),
    /// A point on P-521.
    P521(&'a [u8]),
    /// The 32 bytes of RFC 8032.
    Ed25519(&'a [u8]),
}

/// Why a key was not taken, or not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Also keys of other kinds, and RSA keys that are for PSS only.
    #[error("not a SubjectPublicKeyInfo in DER of a key for RSA, P-256, P-384, P-521 or Ed25519")]
    Spki,
    /// What no RSA key is.
    #[error("an RSA modulus is odd and has 2048 to 8192 bits, its exponent is odd, 3 or more and below 2^33")]
    Rsa,
    /// A point of another length or form, or beside the curve.
    #[error("not an uncompressed point on the curve")]
    Point,
    /// Other than 32 bytes.
    #[error("an Ed25519 key has 32 bytes")]
    Ed25519,
    /// A key tells what it is for: a message cannot choose another check.
    #[error("the key is not one for this algorithm")]
    Algorithm,
}

/// A public key that is ready to check signatures.
#[derive(Debug)]
pub struct Key(Kind);

#[derive(Debug)]
enum Kind {
    /// One key serves six algorithms, each of which reads it when it is first used.
    Rsa {
        der: Vec<u8>,
        read: Box<[OnceLock<ParsedPublicKey>; 6]>,
    },
    Other(Algorithm, ParsedPublicKey),
}

const MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

impl Key {
    /// Reads a key.
    pub fn import(key: PublicKey<'_>) -> Result<Self, InvalidKey> {
        match key {
            PublicKey::Spki(der) => match der::subject(der).ok_or(InvalidKey::Spki)? {
                Subject::Rsa(modulus, exponent) => rsa(modulus, exponent),
                Subject::P256(point) => curve(Algorithm::Es256, point),
                Subject::P384(point) => curve(Algorithm::Es384, point),
                Subject::P521(point) => curve(Algorithm::Es512, point),
                Subject::Ed25519(key) => ed25519(key),
            },
            PublicKey::Rsa(modulus, exponent) => rsa(without_zeros(modulus), without_zeros(exponent)),
            PublicKey::P256(point) => curve(Algorithm::Es256, point),
            PublicKey::P384(point) => curve(Algorithm::Es384, point),
            PublicKey::P521(point) => curve(Algorithm::Es512, point),
            PublicKey::Ed25519(key) => ed25519(key),
        }
        .map(Self)
    }

    /// Whether the signature of the message is right. ECDSA's are raw `r || s` as in JWS, in their exact length.
    ///
    /// For each right ECDSA signature (r, s) there is a second one, (r, -s), that anybody can make: both are right, as
    /// the standard has it. So a signature is no name for a message: what must be seen once only needs its own number.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<bool, InvalidKey> {
        let key = match &self.0 {
            Kind::Rsa { der, read } => read
                .get(algorithm as usize)
                .ok_or(InvalidKey::Algorithm)?
                .get_or_init(|| parse(algorithm, der).expect("it was read when it was imported")),
            Kind::Other(own, key) if *own == algorithm => key,
            Kind::Other(..) => return Err(InvalidKey::Algorithm),
        };
        Ok(key.verify_sig(message, signature).is_ok())
    }
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Kind, InvalidKey> {
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let bits = modulus.len() * 8 - modulus.first().map_or(0, |first| first.leading_zeros() as usize);
    if !MODULUS_BITS.contains(&bits) || !is_odd(modulus) || !is_odd(exponent) || exponent == [1] {
        return Err(InvalidKey::Rsa);
    }
    let der = der::rsa(modulus, exponent);
    let read: Box<[OnceLock<ParsedPublicKey>; 6]> = Box::default();
    // Proves that it can be read; most keys are for this algorithm.
    let parsed = parse(Algorithm::Rs256, &der).ok_or(InvalidKey::Rsa)?;
    let _ = read[Algorithm::Rs256 as usize].set(parsed);
    Ok(Kind::Rsa { der, read })
}

fn curve(algorithm: Algorithm, point: &[u8]) -> Result<Kind, InvalidKey> {
    let coordinate = match algorithm {
        Algorithm::Es256 => 32,
        Algorithm::Es384 => 48,
        _ => 66,
    };
    if point.len() != 1 + 2 * coordinate || point[0] != 4 {
        return Err(InvalidKey::Point);
    }
    parse(algorithm, point).map(|key| Kind::Other(algorithm, key)).ok_or(InvalidKey::Point)
}

fn ed25519(key: &[u8]) -> Result<Kind, InvalidKey> {
    if key.len() != 32 {
        return Err(InvalidKey::Ed25519);
    }
    parse(Algorithm::EdDsa, key).map(|key| Kind::Other(Algorithm::EdDsa, key)).ok_or(InvalidKey::Ed25519)
}

fn parse(algorithm: Algorithm, key: &[u8]) -> Option<ParsedPublicKey> {
    let algorithm: &'static dyn VerificationAlgorithm = match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
        Algorithm::EdDsa => &signature::ED25519,
    };
    ParsedPublicKey::new(algorithm, key).ok()
}

fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}
