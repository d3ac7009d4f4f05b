//! The algorithms of signatures (RFC 7518, RFC 8037, RFC 9864), and sets of them.

use serde::Deserialize;
use weir::crypto::{Hash, Signature};

/// An algorithm. `none` is not among them, and neither is anything that is not exactly one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    Es512,
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "Ed25519")]
    Ed25519,
    Hs256,
    Hs384,
    Hs512,
}

use Algorithm::{Ed25519, EdDsa, Es256, Es384, Es512, Hs256, Hs384, Hs512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};

const ALL: [(Algorithm, &str); 14] = [
    (Rs256, "RS256"),
    (Rs384, "RS384"),
    (Rs512, "RS512"),
    (Ps256, "PS256"),
    (Ps384, "PS384"),
    (Ps512, "PS512"),
    (Es256, "ES256"),
    (Es384, "ES384"),
    (Es512, "ES512"),
    (EdDsa, "EdDSA"),
    (Ed25519, "Ed25519"),
    (Hs256, "HS256"),
    (Hs384, "HS384"),
    (Hs512, "HS512"),
];

/// How a signature is checked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    /// By an HMAC with this hash.
    Mac(Hash),
    /// By a public key.
    Key(Signature),
}

impl Algorithm {
    /// By its name, in just this spelling.
    pub(crate) fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|(_, known)| *known == name).map(|(algorithm, _)| *algorithm)
    }

    /// As it is written.
    pub(crate) fn name(self) -> &'static str {
        ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }

    pub(crate) fn check(self) -> Check {
        match self {
            Rs256 => Check::Key(Signature::Rs256),
            Rs384 => Check::Key(Signature::Rs384),
            Rs512 => Check::Key(Signature::Rs512),
            Ps256 => Check::Key(Signature::Ps256),
            Ps384 => Check::Key(Signature::Ps384),
            Ps512 => Check::Key(Signature::Ps512),
            Es256 => Check::Key(Signature::Es256),
            Es384 => Check::Key(Signature::Es384),
            Es512 => Check::Key(Signature::Es512),
            EdDsa | Ed25519 => Check::Key(Signature::Eddsa),
            Hs256 => Check::Mac(Hash::Sha256),
            Hs384 => Check::Mac(Hash::Sha384),
            Hs512 => Check::Mac(Hash::Sha512),
        }
    }
}

/// Some algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithms(u16);

impl Algorithms {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const RSA: Self = Self::of(&[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512]);
    pub(crate) const P256: Self = Self::of(&[Es256]);
    pub(crate) const P384: Self = Self::of(&[Es384]);
    pub(crate) const P521: Self = Self::of(&[Es512]);
    pub(crate) const ED25519: Self = Self::of(&[EdDsa, Ed25519]);
    /// Those with a secret.
    pub(crate) const MACS: Self = Self::of(&[Hs256, Hs384, Hs512]);
    /// Those with a public key.
    pub(crate) const PUBLIC: Self = Self(Self::RSA.0 | Self::P256.0 | Self::P384.0 | Self::P521.0 | Self::ED25519.0);

    pub(crate) const fn of(algorithms: &[Algorithm]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < algorithms.len() {
            bits |= 1 << algorithms[index] as u16;
            index += 1;
        }
        Self(bits)
    }

    pub(crate) fn has(self, algorithm: Algorithm) -> bool {
        self.0 & 1 << algorithm as u16 != 0
    }

    /// Those that are in both.
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::{ALL, Algorithm, Algorithms};

    #[test]
    fn only_the_exact_name_is_an_algorithm() {
        for (algorithm, name) in ALL {
            assert_eq!((Algorithm::named(name), algorithm.name()), (Some(algorithm), name));
            assert_ne!(Algorithms::PUBLIC.has(algorithm), Algorithms::MACS.has(algorithm));
        }
        for name in ["none", "None", "NONE", "nOnE", "", "hs256", "Rs256", "RS256 ", "ES256K", "Ed448", "EDDSA", "RS1"]
        {
            assert_eq!(Algorithm::named(name), None, "{name}");
        }
    }
}
