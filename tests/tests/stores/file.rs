//! Stores in files.

use crate::backend::Backend;

struct File;

impl Backend for File {
    const IS_KEPT: bool = true;

    fn start() -> Self {
        Self
    }

    /// Beside the configuration, in a folder that is not there.
    fn declaration(&self) -> String {
        "{ file: var/kept.db, size: 4MiB }".to_owned()
    }
}

crate::conforms!(conformance, File);
