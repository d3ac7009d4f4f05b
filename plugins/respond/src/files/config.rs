//! The keys that are about files, and what becomes of them.

use serde::Deserialize;
use weir::{Directory, Faults};

use super::Files;
use super::cache::CacheControl;
use super::path::Below;
use super::types::Types;
use crate::answer::Field;
use crate::written::Pairs;

/// Names that stand for a folder.
const MOST_INDEXES: usize = 8;

/// What becomes of a request for what is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Missing {
    /// It is answered with 404.
    #[default]
    NotFound,
    /// It goes on.
    Next,
}

/// How a file beside another is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Coding {
    /// Brotli.
    Br,
    /// Zstandard.
    Zstd,
    /// Gzip.
    Gzip,
}

impl Coding {
    /// As HTTP calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Br => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// As names of files have it.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::Br => ".br",
            Self::Zstd => ".zst",
            Self::Gzip => ".gz",
        }
    }
}

/// What is written about files.
pub(crate) struct Written {
    pub(crate) directory: Option<Directory>,
    pub(crate) index: Option<Vec<String>>,
    pub(crate) fallback: Option<String>,
    pub(crate) not_found: Option<String>,
    pub(crate) missing: Option<Missing>,
    pub(crate) hidden: Option<bool>,
    pub(crate) precompressed: Option<Vec<Coding>>,
    pub(crate) types: Option<Pairs<String>>,
    pub(crate) cache_control: Option<Pairs<String>>,
}

impl Written {
    /// What is served, if a directory is written; what is wrong is noted.
    pub(crate) fn into_files(self, headers: Vec<Field>, faults: &mut Faults) -> Option<Files> {
        let Some(directory) = self.directory else {
            for (key, is_there) in [
                ("/index", self.index.is_some()),
                ("/fallback", self.fallback.is_some()),
                ("/not_found", self.not_found.is_some()),
                ("/missing", self.missing.is_some()),
                ("/hidden", self.hidden.is_some()),
                ("/precompressed", self.precompressed.is_some()),
                ("/types", self.types.is_some()),
                ("/cache_control", self.cache_control.is_some()),
            ] {
                if is_there {
                    faults.at(key, "this is about files, and there is no `directory`");
                }
            }
            return None;
        };
        let index = self.index.unwrap_or_else(|| vec!["index.html".to_owned()]);
        if index.len() > MOST_INDEXES {
            faults.at("/index", "there are more than 8 names here");
        }
        for (place, name) in index.iter().enumerate() {
            if name.contains('/') || file(&["/", name].concat()).is_none() {
                let pointer = ["/index/", &place.to_string()].concat();
                faults.at(&pointer, "this is the name of a file in any of the folders, as in `index.html`");
            }
        }
        let goes_on = self.missing == Some(Missing::Next);
        let mut instead = Vec::new();
        for (key, written, status) in [("/fallback", self.fallback, 200), ("/not_found", self.not_found, 404)] {
            let Some(written) = written else { continue };
            match file(&written) {
                Some(path) => instead.push((path, status)),
                None => faults.at(key, "this is the path of a file below the directory, as in `/index.html`"),
            }
            if goes_on {
                faults.at(key, "with `missing: next` a request for what is not there goes on, and this is never sent");
            }
        }
        if instead.len() > 1 {
            faults.at("/not_found", "where there is a `fallback`, nothing is not found; leave one of them out");
        }
        Some(Files {
            directory,
            index,
            instead: instead.into_iter().next(),
            goes_on,
            shows_hidden: self.hidden.unwrap_or(false),
            precompressed: self.precompressed.unwrap_or_default(),
            types: Types::new(self.types.unwrap_or_default(), faults),
            cache: CacheControl::new(self.cache_control.unwrap_or_default(), faults),
            headers,
        })
    }
}

/// The path of a file, as it is written: with a slash first, and not escaped.
fn file(written: &str) -> Option<String> {
    if written.contains('%') {
        return None;
    }
    Below::of(written, true).filter(|below| !below.is_folder).map(|below| below.path)
}
