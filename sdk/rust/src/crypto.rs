//! Cryptography at the host's speed.
//!
//! ```
//! use weir::crypto::{self, Hash};
//!
//! # weir::testing::Host::new().enter(|| -> weir::Result<()> {
//! let expected = crypto::hmac(Hash::Sha256, b"key", b"message")?;
//! assert!(crypto::equal(&expected, crypto::hmac(Hash::Sha256, b"key", b"message")?));
//! assert_eq!(crypto::digest(Hash::Sha256, b"").len(), 32);
//! # Ok(()) }).unwrap();
//! ```

use std::hint::black_box;

use crate::Refusal;
use crate::bindings::crypto::{MacKey, PublicKey as Key, RsaKey};
use crate::host::crypto;

pub use crate::bindings::crypto::{Hash, Signature};

/// The hash of the bytes.
pub fn digest(hash: Hash, data: &[u8]) -> Vec<u8> {
    crypto::digest(hash, data)
}

/// The HMAC of the bytes. With a secret of the operator's: [`Secret::hmac`](crate::Secret::hmac).
pub fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> Result<Vec<u8>, Refusal> {
    crypto::hmac(hash, &MacKey::Bytes(key.to_vec()), data)
}

/// Whether both are the same, in a time that depends on their lengths only.
pub fn equal(one: impl AsRef<[u8]>, other: impl AsRef<[u8]>) -> bool {
    let (one, other) = (one.as_ref(), other.as_ref());
    // For a hash the way to the host is longer than the work.
    if one.len().max(other.len()) > 64 {
        return crypto::equal(one, other);
    }
    let differ = one.iter().zip(other).fold(0, |differ, (one, other)| black_box(differ | (one ^ other)));
    one.len() == other.len() && differ == 0
}

/// A public key that was read once, for many checks. Keep it in the filter beside what it was made of, not in a
/// slot; dropping it releases it. An instance holds at most 256.
///
/// ```
/// use weir::crypto::{PublicKey, Signature};
///
/// let mut host = weir::testing::Host::new();
/// host.signatures(|_, message, signature| message == b"m" && signature == b"right");
/// host.enter(|| -> weir::Result<()> {
///     let key = PublicKey::ed25519([7; 32])?;
///     assert!(key.verify(Signature::Eddsa, b"m", b"right")?);
///     assert!(!key.verify(Signature::Eddsa, b"m", b"wrong")?);
///     Ok(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct PublicKey(u32);

impl PublicKey {
    /// From a `SubjectPublicKeyInfo` in DER, of any kind below.
    pub fn spki(der: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        Self::import(&Key::Spki(der.into()))
    }

    /// From modulus and exponent, big-endian. 2048 to 8192 bits.
    pub fn rsa(modulus: impl Into<Vec<u8>>, exponent: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        Self::import(&Key::Rsa(RsaKey { modulus: modulus.into(), exponent: exponent.into() }))
    }

    /// From a point on P-256, uncompressed: 0x04, x, y.
    pub fn p256(point: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        Self::import(&Key::P256(point.into()))
    }

    /// From a point on P-384, uncompressed.
    pub fn p384(point: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        Self::import(&Key::P384(point.into()))
    }

    /// From a point on P-521, uncompressed.
    pub fn p521(point: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        Self::import(&Key::P521(point.into()))
    }

    /// From the 32 bytes of RFC 8032.
    pub fn ed25519(bytes: impl Into<Vec<u8>>) -> Result<Self, Refusal> {
        Self::import(&Key::Ed25519(bytes.into()))
    }

    fn import(key: &Key) -> Result<Self, Refusal> {
        crypto::import_key(key).map(Self)
    }

    /// Whether the signature of the message is right: raw `r || s` for ECDSA, as in JWS. Refused if the key is not one
    /// for this algorithm.
    pub fn verify(&self, algorithm: Signature, message: &[u8], signature: &[u8]) -> Result<bool, Refusal> {
        crypto::verify(self.0, algorithm, message, signature)
    }
}

impl Drop for PublicKey {
    fn drop(&mut self) {
        crypto::release_key(self.0);
    }
}
