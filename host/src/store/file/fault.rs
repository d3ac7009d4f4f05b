//! What is wrong with a store's file: what, where, and what to do next.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error(
        "{} is in use by {by}: a file is one process's; give this one a file of its own, or end the other: then it is \
         taken over",
        path.display()
    )]
    Held {
        path: PathBuf,
        /// `process 17`.
        by: String,
    },
    #[error(
        "{} is damaged at byte {at}, with whole records behind it: what it says cannot be trusted to be the newest. It is \
         left as it is: put a copy from before in its place, or move it away to begin with an empty one",
        path.display()
    )]
    Damaged { path: PathBuf, at: u64 },
    #[error(
        "{} is not a store of weir, or of one that is newer: name another file, or move this one away; it is left as it is",
        path.display()
    )]
    Foreign { path: PathBuf },
    #[error("{} cannot be {what}: {error}; look at who may write there, and at the room on the disk", path.display())]
    Io { path: PathBuf, what: &'static str, error: io::Error },
}

/// Makes a fault of what the system says.
pub(super) trait OrFault<T> {
    fn or_fault(self, path: &std::path::Path, what: &'static str) -> Result<T, Fault>;
}

impl<T> OrFault<T> for io::Result<T> {
    fn or_fault(self, path: &std::path::Path, what: &'static str) -> Result<T, Fault> {
        self.map_err(|error| Fault::Io { path: path.to_owned(), what, error })
    }
}
