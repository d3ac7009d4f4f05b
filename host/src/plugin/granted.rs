//! What one entry may touch: what the operator wrote into its configuration, and what its plugin's declaration grants.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::capability::Away;
use super::documents::{Document, Follow, Source};
use crate::config::Secret;
use crate::config::grants;
use crate::files::Directory;
use crate::store::Store;
use crate::store::redis::Redis;

/// How often a document is fetched unless the filter says other.
const INTERVAL: Duration = Duration::from_secs(60);

/// The stores of the configuration that are in this process, by name.
pub type Stores = HashMap<String, Arc<dyn Store>>;

/// Those that are not, and have to be waited for.
pub type Remotes = HashMap<String, Arc<Redis>>;

/// Grants of one entry.
#[derive(Default)]
pub(super) struct Granted {
    /// Prefixes of variables besides its own.
    pub(super) vars: Vec<String>,
    pub(super) upstreams: HashSet<String>,
    pub(super) stores: Stores,
    pub(super) remotes: Remotes,
    /// By handle, as the following.
    pub(super) secrets: HashMap<String, Secret>,
    pub(super) documents: HashMap<String, Arc<Document>>,
    pub(super) directories: HashMap<String, Arc<Directory>>,
}

impl Granted {
    /// What the configuration grants, and these prefixes.
    pub(super) fn new(resolved: grants::Resolved, vars: Vec<String>, stores: &Stores, remotes: &Remotes) -> Self {
        let grants::Resolved { upstreams, stores: named, documents, secrets, directories, .. } = resolved;
        let directory = |grant: grants::Grant<PathBuf>| (grant.pointer, Arc::new(Directory::new(grant.value)));
        let named: Vec<String> = named.into_iter().map(|grant| grant.value).collect();
        let here = named.iter().filter_map(|name| stores.get_key_value(name));
        let away = named.iter().filter_map(|name| remotes.get_key_value(name));
        let document = |grant: grants::Grant<grants::Document>| {
            let source = match grant.value {
                grants::Document::File(path) => Source::File(path),
                grants::Document::Upstream { upstream, path, follow } => {
                    let follow = follow.map(|grants::Follow { pointer, upstream, origins }| Follow {
                        pointer,
                        upstream,
                        origins,
                    });
                    Source::Upstream { upstream, path, follow }
                }
            };
            (grant.pointer, Arc::new(Document::new(source, INTERVAL)))
        };
        Self {
            vars,
            upstreams: upstreams.into_iter().map(|grant| grant.value).collect(),
            stores: here.map(|(name, store)| (name.clone(), Arc::clone(store))).collect(),
            remotes: away.map(|(name, store)| (name.clone(), Arc::clone(store))).collect(),
            secrets: secrets.into_iter().map(|grant| (grant.pointer, grant.value)).collect(),
            documents: documents.into_iter().map(document).collect(),
            directories: directories.into_iter().map(directory).collect(),
        }
    }

    /// Fetches this document at another interval.
    pub(super) fn keep_fresh(&mut self, handle: &str, interval: Duration) {
        if let Some(document) = self.documents.get_mut(handle) {
            *document = Arc::new(document.every(interval));
        }
    }

    /// What of it has to be waited for.
    pub(super) fn away(&self) -> Away {
        Away { upstreams: !self.upstreams.is_empty(), stores: !self.remotes.is_empty() }
    }

    /// Whether something of this kind is granted, by the mark of a field.
    pub(super) fn has(&self, kind: &str) -> bool {
        match kind {
            "upstream" => !self.upstreams.is_empty(),
            "store" => !self.stores.is_empty() || !self.remotes.is_empty(),
            "document" => !self.documents.is_empty(),
            "secret" => !self.secrets.is_empty(),
            "directory" => !self.directories.is_empty(),
            _ => false,
        }
    }

    /// Whether it grants the same things.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let same_store = |(name, store): (&String, &Arc<dyn Store>)| {
            other.stores.get(name).is_some_and(|other| Arc::ptr_eq(store, other))
        };
        let same_remote = |(name, store): (&String, &Arc<Redis>)| {
            other.remotes.get(name).is_some_and(|other| Arc::ptr_eq(store, other))
        };
        let same_document = |(handle, document): (&String, &Arc<Document>)| {
            other.documents.get(handle).is_some_and(|other| document.is_of_same_source(other))
        };
        let same_directory = |(handle, directory): (&String, &Arc<Directory>)| {
            other.directories.get(handle).is_some_and(|other| directory.path() == other.path())
        };
        self.vars == other.vars
            && self.upstreams == other.upstreams
            && self.secrets == other.secrets
            && self.stores.len() == other.stores.len()
            && self.stores.iter().all(same_store)
            && self.remotes.len() == other.remotes.len()
            && self.remotes.iter().all(same_remote)
            && self.documents.len() == other.documents.len()
            && self.documents.iter().all(same_document)
            && self.directories.len() == other.directories.len()
            && self.directories.iter().all(same_directory)
    }
}

impl std::fmt::Debug for Granted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Granted")
            .field("vars", &self.vars)
            .field("upstreams", &self.upstreams)
            .field("stores", &self.stores.keys())
            .field("remotes", &self.remotes.keys())
            .field("secrets", &self.secrets.keys())
            .field("documents", &self.documents.keys())
            .field("directories", &self.directories.keys())
            .finish()
    }
}
