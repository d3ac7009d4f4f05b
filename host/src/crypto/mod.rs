//! Cryptography at native speed: digests, HMACs, signatures and password hashes, as `wit/crypto.wit` and the interface
//! `password` of `wit/waiting.wit` promise them. Pure functions over bytes, and the threads that compute passwords.
//!
//! This room knows nothing of filters, secrets' handles or exchanges. It makes no keys and signs nothing.

mod der;
mod key;
mod password;
mod passwords;

pub use key::{Algorithm, InvalidKey, Key, PublicKey};
pub use password::{Error as PasswordError, MOST_PASSWORD, verify};
pub use passwords::Passwords;

use aws_lc_rs::{constant_time, digest as digests, hmac as hmacs, rand};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// For old formats only.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// The hash of the bytes.
pub fn digest(hash: Hash, data: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha1 => &digests::SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &digests::SHA256,
        Hash::Sha384 => &digests::SHA384,
        Hash::Sha512 => &digests::SHA512,
    };
    digests::digest(algorithm, data).as_ref().to_vec()
}

/// The HMAC of the bytes, with a key of any length.
pub fn hmac(hash: Hash, key: &[u8], data: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha1 => hmacs::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmacs::HMAC_SHA256,
        Hash::Sha384 => hmacs::HMAC_SHA384,
        Hash::Sha512 => hmacs::HMAC_SHA512,
    };
    hmacs::sign(&hmacs::Key::new(algorithm, key), data).as_ref().to_vec()
}

/// Whether both are the same, in a time that depends on their lengths only.
pub fn equal(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Random bytes that nobody can guess; an error if the system has none.
pub fn fill(bytes: &mut [u8]) -> std::io::Result<()> {
    rand::fill(bytes).map_err(|_| std::io::Error::other("the system has no random bytes"))
}
