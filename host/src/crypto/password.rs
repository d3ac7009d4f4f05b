//! Slow password hashes. What a hash asks for is looked at before anything is computed.
//!
//! | format | bounds |
//! | --- | --- |
//! | `$argon2id$`, `$argon2i$`, `$argon2d$` (PHC string; without `v=` it is version 1.0) | 64 MiB, 640 MiB over all passes |
//! | `$2a$`, `$2b$`, `$2y$` (bcrypt) | cost 4 to 14 |
//! | `$pbkdf2-sha256$`, `$pbkdf2-sha512$` (PHC string, or with the bare number of rounds as passlib writes it) | 2,000,000 rounds |
//!
//! Each bound is about a second of one core. A password has up to 4 KiB. Of longer ones than 72 bytes bcrypt uses the
//! first 72: `htpasswd` and its kin hashed them that way, so refusing them here would lock their users out.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Argon2, Params, Version};
use aws_lc_rs::pbkdf2;

/// Bytes of a password.
pub const MOST_PASSWORD: usize = 4 << 10;

/// Bytes of a hash: no format needs as many.
const MOST_HASH: usize = 512;
/// KiB.
const MOST_MEMORY: u32 = 64 << 10;
/// KiB over all passes.
const MOST_PASSED: u64 = 640 << 10;
const MOST_COST: u32 = 14;
const MOST_ROUNDS: u32 = 2_000_000;

/// Why a password was not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No hash, a damaged one, or one of another kind.
    #[error("not a hash of argon2, bcrypt ($2a$, $2b$, $2y$) or PBKDF2 ($pbkdf2-sha256$, $pbkdf2-sha512$)")]
    UnknownFormat,
    /// See the table above.
    #[error("the hash asks for more memory or work than one check may take, or the password is longer than 4 KiB")]
    TooCostly,
    /// The queue is full.
    #[error("too many passwords are waiting to be checked")]
    Overloaded,
}

/// Whether the password belongs to the hash. Takes up to a second: a worker calls [`super::Passwords`] instead.
pub fn verify(hash: &str, password: &[u8]) -> Result<bool, Error> {
    Check::new(hash, password)?.run(password)
}

/// A hash that was read, and is within the bounds.
pub(super) enum Check {
    Argon2(Box<Argon2<'static>>, Salt, Output),
    Bcrypt(String),
    Pbkdf2(pbkdf2::Algorithm, NonZeroU32, Salt, Output),
}

impl Check {
    pub(super) fn new(hash: &str, password: &[u8]) -> Result<Self, Error> {
        if hash.len() > MOST_HASH {
            return Err(Error::UnknownFormat);
        }
        if password.len() > MOST_PASSWORD {
            return Err(Error::TooCostly);
        }
        let kind = hash.strip_prefix('$').and_then(|hash| hash.split('$').next()).ok_or(Error::UnknownFormat)?;
        match kind {
            "argon2id" | "argon2i" | "argon2d" => argon2(hash),
            "2a" | "2b" | "2y" => bcrypt(hash),
            "pbkdf2-sha256" => pbkdf2(hash, pbkdf2::PBKDF2_HMAC_SHA256, 32),
            "pbkdf2-sha512" => pbkdf2(hash, pbkdf2::PBKDF2_HMAC_SHA512, 64),
            _ => Err(Error::UnknownFormat),
        }
    }

    /// About the time of a core that it takes: what is within one of the bounds takes that share of a second.
    pub(super) fn takes(&self) -> Duration {
        let share = |part: u64, whole: u64| Duration::from_millis(part.saturating_mul(1000) / whole);
        match self {
            Self::Argon2(argon2, ..) => {
                let params = argon2.params();
                share(u64::from(params.m_cost()) * u64::from(params.t_cost()), MOST_PASSED)
            }
            Self::Bcrypt(hash) => share(1 << bcrypt_cost(hash).unwrap_or(MOST_COST), 1 << MOST_COST),
            Self::Pbkdf2(_, rounds, ..) => share(rounds.get().into(), MOST_ROUNDS.into()),
        }
    }

    pub(super) fn run(&self, password: &[u8]) -> Result<bool, Error> {
        match self {
            Self::Argon2(argon2, salt, expected) => {
                let mut made = [0; Output::MAX_LENGTH];
                let made = &mut made[..expected.len()];
                // All else was checked when it was read: what is left is memory that the system does not have.
                argon2.hash_password_into(password, salt, made).map_err(|_| Error::TooCostly)?;
                Ok(super::equal(made, expected.as_bytes()))
            }
            Self::Bcrypt(hash) => bcrypt::verify(password, hash).map_err(|_| Error::UnknownFormat),
            Self::Pbkdf2(algorithm, rounds, salt, expected) => {
                Ok(pbkdf2::verify(*algorithm, *rounds, salt, password, expected.as_bytes()).is_ok())
            }
        }
    }
}

fn argon2(hash: &str) -> Result<Check, Error> {
    let hash = PasswordHash::new(hash).map_err(|_| Error::UnknownFormat)?;
    let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
        return Err(Error::UnknownFormat);
    };
    let params = Params::try_from(&hash).map_err(|_| Error::UnknownFormat)?;
    // A crate's defaults are not what the hash was made with, and nothing in use has the other parameters.
    let is_whole = ["m", "t", "p"].iter().all(|name| hash.params.get_decimal(*name).is_some());
    if !is_whole || !params.keyid().is_empty() || !params.data().is_empty() {
        return Err(Error::UnknownFormat);
    }
    let passed = u64::from(params.m_cost()) * u64::from(params.t_cost());
    if params.m_cost() > MOST_MEMORY || passed > MOST_PASSED {
        return Err(Error::TooCostly);
    }
    let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from).map_err(|_| Error::UnknownFormat)?;
    let algorithm = argon2::Algorithm::new(hash.algorithm.as_str()).map_err(|_| Error::UnknownFormat)?;
    Ok(Check::Argon2(Box::new(Argon2::new(algorithm, version, params)), salt, expected))
}

fn bcrypt(hash: &str) -> Result<Check, Error> {
    let parts = bcrypt::HashParts::from_str(hash);
    match (bcrypt_cost(hash), parts) {
        (Some(cost @ 4..=31), Ok(_)) if cost > MOST_COST => Err(Error::TooCostly),
        (Some(4..=31), Ok(_)) => Ok(Check::Bcrypt(hash.to_owned())),
        _ => Err(Error::UnknownFormat),
    }
}

fn bcrypt_cost(hash: &str) -> Option<u32> {
    hash.get(4..6).filter(|cost| cost.bytes().all(|digit| digit.is_ascii_digit()))?.parse().ok()
}

fn pbkdf2(hash: &str, algorithm: pbkdf2::Algorithm, block: usize) -> Result<Check, Error> {
    let fields: Vec<&str> = hash.split('$').skip(2).collect();
    let [rounds, salt, expected] = fields[..] else {
        return Err(Error::UnknownFormat);
    };
    let salt = Salt::from_b64(&plain(salt)).map_err(|_| Error::UnknownFormat)?;
    let expected = Output::decode(&plain(expected)).map_err(|_| Error::UnknownFormat)?;
    let (rounds, length) = match rounds.strip_prefix("i=") {
        Some(rounds) => match rounds.split_once(",l=") {
            Some((rounds, length)) => (rounds, Some(length)),
            None => (rounds, None),
        },
        None => (rounds, None),
    };
    if length.is_some_and(|length| length != expected.len().to_string()) {
        return Err(Error::UnknownFormat);
    }
    if rounds.is_empty() || !rounds.bytes().all(|digit| digit.is_ascii_digit()) || rounds.starts_with('0') {
        return Err(Error::UnknownFormat);
    }
    // A number that is too large for its type is too large.
    let rounds: NonZeroU32 = rounds.parse().map_err(|_| Error::TooCostly)?;
    // Every block of the output takes all the rounds.
    let blocks = u32::try_from(expected.len().div_ceil(block)).unwrap_or(u32::MAX);
    if rounds.get().saturating_mul(blocks) > MOST_ROUNDS {
        return Err(Error::TooCostly);
    }
    Ok(Check::Pbkdf2(algorithm, rounds, salt, expected))
}

/// passlib's base64 has `.` where others have `+`.
fn plain(base64: &str) -> String {
    base64.replace('.', "+")
}
