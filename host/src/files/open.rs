//! Finding the first of some files that is there.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::FileType;
use rustix::io::Errno;

use super::Wanted;
use super::beneath::{self, How};

/// A regular file, open for reading.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: OwnedFd,
    pub(super) facts: Facts,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) size: u64,
    /// Since 1970; none for what is older.
    pub(super) modified: Option<Duration>,
}

/// What came of looking.
pub(super) enum Found {
    /// The file of the candidate with this number.
    File(Opened, usize),
    /// None of them. Why not the first that something can be said about.
    Nothing(Trouble),
    /// The disk has to be waited for.
    NotAtHand,
}

/// Why there is no file to send.
#[derive(Debug)]
pub enum Trouble {
    /// None of that name.
    NoFile,
    /// It is something else: a folder, a device, a pipe.
    NotAFile,
    /// A link leads out of the folder, or round in a circle.
    Outside,
    /// The process may not read it.
    Unreadable(io::Error),
    /// The folder itself is not there.
    NoDirectory(io::Error),
    /// The process has too many open files.
    TooMany(io::Error),
    /// The disk failed.
    Disk(io::Error),
    /// It changes faster than it can be read.
    Changing,
}

impl Trouble {
    /// Whether the next candidate may be looked for: what is wrong with the whole folder is wrong with that, too.
    pub(super) fn is_of_one(&self) -> bool {
        matches!(self, Self::NoFile | Self::NotAFile | Self::Outside | Self::Unreadable(_))
    }

    pub(super) fn of(error: Errno) -> Self {
        match error {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Self::NoFile,
            // Of a socket.
            Errno::NXIO | Errno::NODEV | Errno::ISDIR => Self::NotAFile,
            Errno::XDEV | Errno::LOOP => Self::Outside,
            Errno::ACCESS | Errno::PERM => Self::Unreadable(error.into()),
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => Self::TooMany(error.into()),
            error => Self::Disk(error.into()),
        }
    }
}

/// Looks for them in order.
pub(super) fn find(wanted: &Wanted, how: How) -> Found {
    let folder = match beneath::folder(wanted.directory.path(), how) {
        Ok(folder) => folder,
        Err(Errno::AGAIN) => return Found::NotAtHand,
        Err(error) => {
            let trouble = match Trouble::of(error) {
                trouble @ (Trouble::TooMany(_) | Trouble::Disk(_)) => trouble,
                _ => {
                    wanted.directory.note(Some(&error.into()));
                    Trouble::NoDirectory(error.into())
                }
            };
            return Found::Nothing(trouble);
        }
    };
    wanted.directory.note(None);
    let mut first = Trouble::NoFile;
    for (number, candidate) in wanted.candidates.iter().enumerate() {
        let trouble = match open(&folder, &candidate.path, how) {
            Ok(opened) => return Found::File(opened, number),
            Err(Errno::AGAIN) if how == How::AtHand => return Found::NotAtHand,
            Err(error) => Trouble::of(error),
        };
        if !trouble.is_of_one() {
            return Found::Nothing(trouble);
        }
        if matches!(first, Trouble::NoFile) {
            first = trouble;
        }
    }
    Found::Nothing(first)
}

fn open(folder: &OwnedFd, path: &str, how: How) -> Result<Opened, Errno> {
    let file = beneath::open(folder, path, how)?;
    let stat = rustix::fs::fstat(&file)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Errno::ISDIR);
    }
    Ok(Opened { facts: Facts::of(&stat), file })
}

impl Opened {
    /// How it is now.
    pub(super) fn look(&self) -> io::Result<Facts> {
        Ok(Facts::of(&rustix::fs::fstat(&self.file)?))
    }
}

impl Facts {
    fn of(stat: &rustix::fs::Stat) -> Self {
        let seconds = u64::try_from(stat.st_mtime).ok();
        let nanoseconds = u32::try_from(stat.st_mtime_nsec).unwrap_or(0);
        Self {
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: seconds.map(|seconds| Duration::new(seconds, nanoseconds)),
        }
    }

    /// When it was changed last, if its time tells that: some systems give all files the first second of 1970,
    /// whatever is in them.
    pub(super) fn changed(&self) -> Option<SystemTime> {
        let modified = self.modified.filter(|modified| *modified > Duration::from_secs(1))?;
        UNIX_EPOCH.checked_add(modified)
    }
}
