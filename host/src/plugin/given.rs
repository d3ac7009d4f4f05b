//! Components at hand: read from where the configuration has them, or handed over to take their place.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::cache::hex;
use crate::config::{Component, ComponentSource, Fault};

/// No component in sight of a request is larger; language runtimes are 12-18 MB.
const LARGEST_COMPONENT: u64 = 64 << 20;

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

/// What the configuration names.
pub fn read(wanted: &Component) -> Result<Given, Fault> {
    Ok(match &wanted.source {
        ComponentSource::Bundled(name) => Given::new(weir_bundle::find(name).unwrap_or_default()),
        ComponentSource::File(path) => Given::new(read_component(path).map_err(|why| {
            Fault::new(wanted.place, format!("cannot read {}: {why}", path.display()))
                .help("paths are relative to the file that names them")
        })?),
    })
}

/// Whether it is what was pinned, if something was.
pub fn check_pin(wanted: &Component, digest: &Digest) -> Result<(), Fault> {
    match &wanted.sha256 {
        Some(pinned) if !pinned.value.contains(digest) => {
            Err(Fault::new(pinned.place, format!("the component's digest is {}", hex(digest)))
                .help("write that one, if this is the component that you want"))
        }
        _ => Ok(()),
    }
}

/// A component's file, if it is not too large.
pub fn read_component(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > LARGEST_COMPONENT {
        return Err(format!("it has {} MiB; a component may have {} MiB", length >> 20, LARGEST_COMPONENT >> 20));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}
