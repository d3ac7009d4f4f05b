//! Files of folders: finding one below its folder and nowhere else, and answering with it as RFC 9110 says.
//!
//! What is served, and with which fields, comes from outside; here is what must hold whoever asks. Nothing leads out of a
//! folder, whatever lies in it and whoever changes it meanwhile (`beneath`); only regular files are opened, and none is
//! waited for on a worker: what the system does not have at hand is read elsewhere. An answer is as long as it says, or it
//! is cut off (`pieces`).
//!
//! This room knows neither filters nor exchanges.

mod answer;
mod beneath;
mod conditions;
mod open;
mod pieces;
mod ranges;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use http::{HeaderMap, HeaderValue, StatusCode};

pub use answer::{Asked, Sent, Served, serve};
pub use beneath::How;
pub use open::Trouble;
pub use pieces::{Piece, Pieces};

/// Candidates for one answer.
pub const MOST_CANDIDATES: usize = 64;

/// Bytes of a candidate's path.
pub const LONGEST_PATH: usize = 4096;

/// A folder whose files may be sent.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// That it is not there was said already.
    is_gone: AtomicBool,
}

/// A file that may be there, and what is answered if it is.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Below the folder, as [`is_path`] has it.
    pub path: String,
    /// The answer's status: only with 200 do conditions and ranges count.
    pub status: StatusCode,
    /// Fields of the answer.
    pub fields: HeaderMap,
    /// Where the client is led instead, if the file is there.
    pub location: Option<HeaderValue>,
}

/// Of which files the first that is there is to be sent.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where they are.
    pub directory: std::sync::Arc<Directory>,
    /// In order.
    pub candidates: Vec<Candidate>,
    /// Whether the request goes on if none is there; else the answer is 404.
    pub goes_on: bool,
}

impl Directory {
    /// The folder at this path.
    pub fn new(path: PathBuf) -> Self {
        Self { path, is_gone: AtomicBool::new(false) }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Notes whether it is there, for the log: once when it has gone, once when it is back.
    fn note(&self, gone: Option<&std::io::Error>) {
        if self.is_gone.load(Ordering::Relaxed) == gone.is_some()
            || self.is_gone.swap(gone.is_some(), Ordering::Relaxed) == gone.is_some()
        {
            return;
        }
        let path = self.path.display();
        match gone {
            Some(error) => {
                tracing::error!("the directory {path} cannot be opened: {error}; its files are answered with 503");
            }
            None => tracing::info!("the directory {path} is back"),
        }
    }
}

/// Whether this is the path of something below a folder: names with slashes between them, of which none is empty, leads
/// elsewhere or could be read as several.
pub fn is_path(path: &str) -> bool {
    let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', '\0']);
    path.len() <= LONGEST_PATH && path.split('/').all(is_name)
}

#[cfg(test)]
mod tests {
    use super::is_path;

    #[test]
    fn a_path_stays_below() {
        for path in ["a", "a/b.html", ".well-known/x", "a b/ü", "...", "a..b", "%2e%2e/a"] {
            assert!(is_path(path), "{path}");
        }
        for path in ["", "/a", "a/", "a//b", "..", "../a", "a/../b", "a/..", ".", "./a", "a\\..\\b", "a\0", "a/\0/b"] {
            assert!(!is_path(path), "{path:?}");
        }
        assert!(!is_path(&"a/".repeat(3000)));
    }
}
