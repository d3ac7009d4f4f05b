//! The files that a configuration was read from, and those that it names: what counts when they change.

use std::path::PathBuf;

use super::{ComponentSource, Config, Store};

/// Where a configuration was read from, whether that went well or not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The files, as they were named.
    pub files: Vec<PathBuf>,
    /// What they include, as patterns of paths.
    pub patterns: Vec<String>,
}

impl Config {
    /// The files that it names, but for those that only filters know of.
    pub fn named_files(&self) -> Vec<PathBuf> {
        let certificates = self.listeners.iter().filter_map(|listener| listener.tls.as_ref());
        let certificates = certificates.flat_map(|tls| &tls.certificates);
        let authorities = self.upstreams.iter().filter_map(|upstream| upstream.tls.ca.as_ref());
        let components = self.plugins.iter().map(|plugin| &plugin.component);
        let token = self.admin.as_ref().and_then(|admin| admin.token.as_ref()?.file());
        let of_stores = self.stores.iter().flat_map(Store::files);
        let mut files: Vec<PathBuf> = certificates
            .flat_map(|pair| [&pair.cert.value, &pair.key.value])
            .chain(authorities.map(|ca| &ca.value))
            .chain(components.filter_map(|component| match &component.source {
                ComponentSource::File(path) => Some(path),
                ComponentSource::Bundled(_) => None,
            }))
            .cloned()
            .chain(token.map(ToOwned::to_owned))
            .chain(of_stores.map(ToOwned::to_owned))
            .collect();
        files.sort_unstable();
        files.dedup();
        files
    }
}
