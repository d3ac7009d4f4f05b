//! Components that take the place of what the configuration names.

use std::collections::HashMap;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::cache::hex;

/// SHA-256 of a component.
pub type Digest = [u8; 32];

/// A component at hand.
#[derive(Clone)]
pub struct Given {
    /// Of the bytes.
    pub digest: Digest,
    /// All of them.
    pub bytes: Bytes,
}

/// When a component takes the place of what the configuration names.
#[derive(Clone, Debug)]
pub enum Substitute {
    /// Whatever that is; it had this digest when it was last looked at.
    Always(Given, Digest),
    /// Only if that has one of these digests.
    For(Vec<Digest>, Given),
}

/// By the plugins' names.
pub type Substitutes = HashMap<String, Substitute>;

/// What runs under a plugin's name.
#[derive(Clone, Debug)]
pub struct Running {
    /// The component.
    pub given: Given,
    /// The digest of what the configuration names: another one, if something took its place.
    pub configured: Digest,
}

impl Given {
    /// These bytes.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { digest: Sha256::digest(&bytes).into(), bytes }
    }
}

impl std::fmt::Debug for Given {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&hex(&self.digest))
    }
}
