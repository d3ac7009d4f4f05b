//! The keys of an issuer: a set in a document that is kept fresh, or one secret.

mod set;

use std::cell::Cell;

use weir::{Document, Ended, Level, Secret, crypto};

use crate::algorithm::{Algorithm, Check};
use crate::refusal::{Refusal, Told};
use crate::token::Header;

pub(crate) use set::Set;

/// Where an issuer's keys are.
#[derive(Debug)]
pub(crate) enum Keys {
    Set(Set),
    Secret(Shared),
}

/// What was found out about a signature.
#[derive(Debug)]
pub(crate) enum Found<'a> {
    Right,
    Refused(Refusal),
    /// The document may have the key by now.
    Ask(&'a Document),
    /// Keys that are not needed must be given back first.
    TooManyKeys,
}

impl Keys {
    /// Another number is another set of keys.
    pub(crate) fn version(&self) -> weir::Result<u64> {
        match self {
            Self::Set(set) => Ok(set.document().version()?),
            Self::Secret(_) => Ok(0),
        }
    }

    /// Checks a signature.
    pub(crate) fn check(&self, header: &Header, signed: Signed<'_>, when: When) -> weir::Result<Found<'_>> {
        match self {
            Self::Set(set) => set.check(header, signed, when),
            Self::Secret(secret) => secret.check(header.algorithm, signed),
        }
    }

    /// Takes back what the host knows of them.
    pub(crate) fn release(&self) -> weir::Result<()> {
        match self {
            Self::Set(set) => set.release(),
            Self::Secret(_) => Ok(()),
        }
    }
}

/// A message and what is to be its signature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'a> {
    pub(crate) message: &'a [u8],
    pub(crate) signature: &'a [u8],
}

/// The time, and if the document was asked for already, what came of that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct When {
    pub(crate) now: std::time::Duration,
    pub(crate) resumed: Option<Ended>,
}

/// A secret that filter and issuer share.
#[derive(Debug)]
pub(crate) struct Shared {
    secret: Secret,
    /// Once it was looked at.
    length: Cell<Option<usize>>,
    is_told: Cell<bool>,
}

impl Shared {
    pub(crate) fn of(secret: Secret) -> Self {
        Self { secret, length: Cell::default(), is_told: Cell::default() }
    }

    fn check(&self, algorithm: Algorithm, signed: Signed<'_>) -> weir::Result<Found<'static>> {
        let Check::Mac(hash) = algorithm.check() else { return Ok(wrong()) };
        let mac = self.secret.hmac(hash, signed.message)?;
        if self.length()? < mac.len() {
            return Ok(Found::Refused(self.too_short(algorithm, mac.len())));
        }
        let is_right = mac.len() == signed.signature.len() && crypto::equal(mac, signed.signature);
        Ok(if is_right { Found::Right } else { wrong() })
    }

    /// Short secrets are guessed, by everybody who has one token (RFC 7518, 3.2). The host tells the length of none, so it is
    /// revealed once.
    fn length(&self) -> weir::Result<usize> {
        if let Some(length) = self.length.get() {
            return Ok(length);
        }
        let length = self.secret.reveal()?.len();
        self.length.set(Some(length));
        Ok(length)
    }

    fn too_short(&self, algorithm: Algorithm, least: usize) -> Refusal {
        let name = algorithm.name();
        let detail = ["`secret` is shorter than the ", &least.to_string(), " bytes that ", name, " needs"].concat();
        if !self.is_told.replace(true) {
            weir::log(Level::Error, &detail);
        }
        Refusal { told: Told::Unavailable, code: "weak-secret", detail }
    }
}

pub(crate) fn wrong() -> Found<'static> {
    Found::Refused(Refusal::token("bad-signature", "its signature is wrong"))
}
