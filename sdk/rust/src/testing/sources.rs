//! What a filter gets from beyond the exchange: documents, secrets, directories, upstreams, passwords, signatures.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::Host;
use crate::bindings::crypto::{PublicKey, Signature};
use crate::password;
use crate::upstream::{Answer, Error};

/// A request that the filter sent to an upstream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Asked {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// All fields in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The first value of the field, if it is text.
    pub fn get(&self, name: &str) -> Option<&str> {
        super::message::first(&self.headers, name)
    }
}

/// What an upstream answers; add fields to it as needed.
pub fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer { status, headers: Vec::new(), body: body.into() }
}

pub(super) type Upstream = Box<dyn FnMut(&Asked) -> Result<Answer, Error>>;
pub(super) type Signatures = Box<dyn FnMut(&PublicKey, Signature, &[u8], &[u8]) -> bool>;

#[derive(Default)]
pub(super) struct Sources {
    pub(super) documents: BTreeMap<String, Document>,
    pub(super) secrets: BTreeMap<String, Vec<u8>>,
    pub(super) directories: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    pub(super) upstreams: BTreeMap<String, Upstream>,
    pub(super) passwords: BTreeMap<String, Vec<u8>>,
    pub(super) unchecked: Option<password::Error>,
    pub(super) keys: Vec<PublicKey>,
    pub(super) signatures: Option<Signatures>,
}

#[derive(Default)]
pub(super) struct Document {
    pub(super) version: u64,
    pub(super) text: Option<Vec<u8>>,
    pub(super) fetched: Duration,
    next: Option<Vec<u8>>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").finish_non_exhaustive()
    }
}

impl Sources {
    /// Fetches a document anew.
    pub(super) fn refresh(&mut self, handle: &str, now: Duration) {
        let Some(document) = self.documents.get_mut(handle) else { return };
        document.fetched = now;
        if let Some(text) = document.next.take() {
            document.text = Some(text);
            document.version += 1;
        }
    }
}

impl Host {
    /// A document with this handle and text; `None` is one of which there is no good copy yet.
    pub fn document(&mut self, handle: &str, text: Option<&str>) {
        let document = self.sources.documents.entry(handle.to_owned()).or_default();
        document.text = text.map(|text| text.as_bytes().to_vec());
        document.fetched = self.now;
        document.version = if text.is_some() { document.version + 1 } else { 0 };
    }

    /// What the document is when the filter has refreshed it.
    pub fn document_becomes(&mut self, handle: &str, text: &str) {
        self.sources.documents.entry(handle.to_owned()).or_default().next = Some(text.as_bytes().to_vec());
    }

    /// A secret with this handle.
    pub fn secret(&mut self, handle: &str, secret: impl AsRef<[u8]>) {
        self.sources.secrets.insert(handle.to_owned(), secret.as_ref().to_vec());
    }

    /// A directory with this handle, and its files by their paths below it. Conditions and ranges are not answered here.
    pub fn directory(&mut self, handle: &str, files: &[(&str, &str)]) {
        let file = |(path, text): &(&str, &str)| ((*path).to_owned(), text.as_bytes().to_vec());
        self.sources.directories.insert(handle.to_owned(), files.iter().map(file).collect());
    }

    /// An upstream that the configuration names, and what it answers.
    pub fn upstream(&mut self, name: &str, answers: impl FnMut(&Asked) -> Result<Answer, Error> + 'static) {
        self.sources.upstreams.insert(name.to_owned(), Box::new(answers));
    }

    /// A hash, and the password that belongs to it: hashing for real would make tests slow.
    pub fn password(&mut self, hash: &str, password: impl AsRef<[u8]>) {
        self.sources.passwords.insert(hash.to_owned(), password.as_ref().to_vec());
    }

    /// From here on no password is checked, for this reason; `None` ends that.
    pub fn passwords_fail(&mut self, how: Option<password::Error>) {
        self.sources.unchecked = how;
    }

    /// Which signatures are right: of an algorithm, a message and a signature.
    pub fn signatures(&mut self, mut are_right: impl FnMut(Signature, &[u8], &[u8]) -> bool + 'static) {
        self.signatures_of(move |_, algorithm, message, signature| are_right(algorithm, message, signature));
    }

    /// The same, of the key as the filter imported it: for a test that brings cryptography of its own.
    pub fn signatures_of(&mut self, are_right: impl FnMut(&PublicKey, Signature, &[u8], &[u8]) -> bool + 'static) {
        self.sources.signatures = Some(Box::new(are_right));
    }
}
