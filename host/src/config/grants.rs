//! What a filter's config grants: its schema marks the fields whose values give access to something.
//!
//! A mark is `"x-weir"` beside a field's type: `upstream` and `store` are names, `document` and `secret` say where
//! something is kept, `directory` is a folder's path. What is not marked grants nothing, and neither does a config without
//! a schema. Documents, secrets and directories reach the filter as handles. What a filter does with a grant is not known here.
//!
//! A schema comes from a plugin's author, who is not trusted: it can make a config be refused, but grants only what the
//! operator wrote. Of its defaults only a store's counts, because in every store an entry has keys of its own.

mod hidden;
mod shape;
#[cfg(test)]
mod tests;
mod walk;

use std::collections::HashMap;
use std::path::PathBuf;

pub(super) use hidden::hidden;

use super::{Fault, Json, Place, Secret, Source, Upstream};

/// A filter's JSON Schema.
#[derive(Clone, Debug)]
pub struct Schema(serde_json::Value);

impl Schema {
    /// What was read before.
    pub(super) fn of(schema: serde_json::Value) -> Self {
        Self(schema)
    }

    /// Reads a schema, or says why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        match serde_json::from_str(text) {
            Ok(schema @ serde_json::Value::Object(_)) => Ok(Self(schema)),
            Ok(_) => Err("it is not an object".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What fields may refer to.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The files, which paths are relative to.
    pub(super) sources: &'a [Source],
    pub(super) names: &'a Names,
    /// Those that are sound.
    pub(super) upstreams: &'a [Upstream],
    /// Secrets that are given, by the variable or file that keeps them.
    pub(super) secrets: &'a HashMap<String, String>,
}

/// Names that are declared.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    upstreams: Vec<String>,
    stores: Vec<String>,
}

impl Names {
    /// These, and the store that is always there.
    pub(super) fn new<'a>(upstreams: impl Iterator<Item = &'a str>, stores: impl Iterator<Item = &'a str>) -> Self {
        let sorted = |names: &mut dyn Iterator<Item = &'a str>| {
            let mut names: Vec<String> = names.map(str::to_owned).collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let stores = sorted(&mut stores.chain([super::Store::LOCAL]));
        let mut upstreams = upstreams;
        Self { upstreams: sorted(&mut upstreams), stores }
    }
}

/// A config as the filter gets it, and what it grants.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// With handles where documents and secrets were: the fields' own JSON pointers.
    pub config: Json,
    /// Upstreams by name, to which requests may go.
    pub upstreams: Vec<Grant<String>>,
    /// Stores by name.
    pub stores: Vec<Grant<String>>,
    /// Documents, each under its pointer.
    pub documents: Vec<Grant<Document>>,
    /// Secrets, each under its pointer.
    pub secrets: Vec<Grant<Secret>>,
    /// Folders that are there, each under its pointer.
    pub directories: Vec<Grant<PathBuf>>,
}

/// Something that is granted.
#[derive(Clone, Debug)]
pub struct Grant<T> {
    /// The field's JSON pointer in the config.
    pub pointer: String,
    /// Where the operator wrote it; for a default, what would hold it.
    pub place: Place,
    /// What.
    pub value: T,
}

/// Where a document is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// An upstream answers with it.
    Upstream {
        /// The upstream's name.
        upstream: String,
        /// Path and query.
        path: String,
        /// If what is there only leads to it.
        follow: Option<Follow>,
    },
    /// A file holds it.
    File(PathBuf),
}

/// How a JSON text leads to a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Follow {
    /// The JSON Pointer of the document's URL in that text.
    pub pointer: String,
    /// The upstream that it may lead to.
    pub upstream: String,
    /// The endpoints of that, as URLs name them: `https://login.example.com:443`.
    pub origins: Vec<String>,
}

/// What a config grants by its filter's schema; without a schema, nothing. Reads the secrets.
pub fn resolve(config: &Json, schema: Option<&Schema>, known: &Known<'_>) -> Result<Resolved, Vec<Fault>> {
    let nothing = Resolved {
        config: config.clone(),
        upstreams: Vec::new(),
        stores: Vec::new(),
        documents: Vec::new(),
        secrets: Vec::new(),
        directories: Vec::new(),
    };
    match schema {
        None => Ok(nothing),
        Some(schema) => walk::walk(nothing, &schema.0, known),
    }
}
