//! Opening what is below a folder, so that nothing leads out of it: no `..`, no link, and nobody who puts a link in a
//! folder's place between two steps.
//!
//! On Linux the kernel resolves the whole path under that rule (`openat2`); links that stay below the folder are followed.
//! Elsewhere, and where that call is forbidden, the path is walked folder by folder and every link is refused.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

/// Opening waits for nobody, gives no terminal, and is not for programs that are started.
const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::DIRECTORY);

/// A path that others move meanwhile is tried again; who moves it all the time gets nothing.
const MOST_TRIES: usize = 16;

/// Whether the disk may be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Only what the system has at hand; else [`Errno::AGAIN`].
    AtHand,
    /// As long as it takes.
    Waiting,
}

/// The folder itself. Its own path is the operator's, links in it are followed.
pub(super) fn folder(path: &Path, how: How) -> Result<OwnedFd, Errno> {
    #[cfg(target_os = "linux")]
    if how == How::AtHand {
        use rustix::fs::{ResolveFlags, openat2};
        return unless_forbidden(openat2(CWD, path, FOLDER | OFlags::PATH, Mode::empty(), ResolveFlags::CACHED));
    }
    let _ = how;
    #[cfg(target_os = "linux")]
    return openat(CWD, path, FOLDER | OFlags::PATH, Mode::empty());
    #[cfg(not(target_os = "linux"))]
    if how == How::AtHand { Err(Errno::AGAIN) } else { openat(CWD, path, FOLDER, Mode::empty()) }
}

/// What is at this path below the folder, whatever it is: who gets it looks.
pub(super) fn open(folder: &OwnedFd, path: &str, how: How) -> Result<OwnedFd, Errno> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};
        let rule = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        if how == How::AtHand {
            return unless_forbidden(openat2(folder, path, FLAGS, Mode::empty(), rule | ResolveFlags::CACHED));
        }
        for _ in 0..MOST_TRIES {
            match openat2(folder, path, FLAGS, Mode::empty(), rule) {
                Err(Errno::AGAIN) => {}
                Err(error) if is_forbidden(error) => return walk(folder, path),
                opened => return opened,
            }
        }
        Err(Errno::AGAIN)
    }
    #[cfg(not(target_os = "linux"))]
    if how == How::AtHand { Err(Errno::AGAIN) } else { walk(folder, path) }
}

/// An old kernel does not know the call, or how it is asked; a container may have it forbidden.
#[cfg(target_os = "linux")]
fn is_forbidden(error: Errno) -> bool {
    matches!(error, Errno::NOSYS | Errno::INVAL | Errno::PERM)
}

#[cfg(target_os = "linux")]
fn unless_forbidden(opened: Result<OwnedFd, Errno>) -> Result<OwnedFd, Errno> {
    opened.map_err(|error| if is_forbidden(error) { Errno::AGAIN } else { error })
}

/// One step after the other; a link is an error.
fn walk(folder: impl AsFd, path: &str) -> Result<OwnedFd, Errno> {
    let mut at: Option<OwnedFd> = None;
    let mut rest = path;
    while let Some((name, below)) = rest.split_once('/') {
        let from = at.as_ref().map_or(folder.as_fd(), AsFd::as_fd);
        at = Some(openat(from, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?);
        rest = below;
    }
    let from = at.as_ref().map_or(folder.as_fd(), AsFd::as_fd);
    openat(from, rest, FLAGS | OFlags::NOFOLLOW, Mode::empty())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::{How, folder, open, walk};

    #[test]
    fn both_ways_stay_below_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::write(root.join("a/b/file"), "inside").unwrap();
        std::fs::write(place.path().join("secret"), "outside").unwrap();
        for (target, link) in [
            ("a/b/file", "inward"),
            ("a", "folder"),
            ("../secret", "outward"),
            ("..", "up"),
            ("/etc/passwd", "absolute"),
            ("loop", "loop"),
        ] {
            symlink(target, root.join(link)).unwrap();
        }
        let root = folder(&root, How::Waiting).unwrap();
        for path in ["a/b/file", "a/../a/b/file"] {
            assert!(open(&root, path, How::Waiting).is_ok(), "{path}");
        }
        for path in ["outward", "up/secret", "../secret", "a/../../secret", "absolute", "/etc/passwd", "loop", "none"] {
            assert!(open(&root, path, How::Waiting).is_err(), "{path}");
            assert!(open(&root, path, How::AtHand).is_err(), "{path}");
        }
        assert!(walk(&root, "a/b/file").is_ok());
        for path in ["outward", "up/secret", "absolute", "loop", "none", "inward", "folder/b/file"] {
            assert!(walk(&root, path).is_err(), "{path}");
        }
        #[cfg(target_os = "linux")]
        for path in ["inward", "folder/b/file"] {
            assert!(open(&root, path, How::Waiting).is_ok(), "{path}");
        }
    }
}
