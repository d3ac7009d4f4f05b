//! The command that a process was started by, and the file that it means by now.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The command that this process was started by.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
}

impl Program {
    /// To be asked at the start: later the file may be another one, and that is the one to be found then.
    pub fn of_this_process() -> Self {
        let mut arguments = std::env::args_os();
        let name = PathBuf::from(arguments.next().unwrap_or_default());
        // A link is followed anew, because that is what an upgrade may change. But a name may be anything.
        let path = lookup(&name).filter(|found| is_this_program(found)).unwrap_or_else(|| {
            let path = std::env::current_exe().unwrap_or(name).into_os_string();
            // As Linux says it of a file that has been replaced since.
            let path =
                path.to_str().and_then(|path| path.strip_suffix(" (deleted)")).map_or(path.clone(), OsString::from);
            PathBuf::from(path)
        });
        Self { path, arguments: arguments.collect() }
    }
}

/// The file that a shell would run.
fn lookup(name: &Path) -> Option<PathBuf> {
    if name.components().count() > 1 {
        return std::path::absolute(name).ok();
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn is_this_program(path: &Path) -> bool {
    // The link leads to the file even if that has another name, or none, by now.
    let link = PathBuf::from("/proc/self/exe");
    let itself = if link.exists() { Some(link) } else { std::env::current_exe().ok() };
    let identity = |path: &Path| path.metadata().ok().map(|file| (file.dev(), file.ino()));
    identity(path).is_some() && identity(path) == itself.and_then(|itself| identity(&itself))
}
