//! Where lines go: a standard stream, or a file that they are appended to.
//!
//! A file is opened anew when that is asked for (whoever rotates logs has renamed it), or when it has been removed. If
//! that fails, what was open is written to for longer, and it is tried again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

/// How often what failed is tried again, and how often it is looked whether the file is still there.
pub(super) const AGAIN: Duration = Duration::from_secs(1);

/// Others may not read what clients asked for; the group may, for those who collect logs.
const MODE: u32 = 0o640;

/// A file that is open for appending.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    /// Opens the file, or makes it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(MODE);
        // A pipe that nobody reads must not stop whoever opens it.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = options.custom_flags(flags.bits().cast_signed()).open(path)?;
        let flags = rustix::fs::fcntl_getfl(&file)?;
        rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// As it was named.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn is_removed(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }
}

/// What was asked of an output, until it looks.
#[derive(Debug)]
enum Asked {
    /// Write to this file, or to the standard stream.
    To(Option<LogFile>),
    /// The file's name stands for another file now.
    Again,
}

/// The end of an [`Output`] that other threads have.
#[derive(Clone, Debug, Default)]
pub(super) struct Switch(Arc<Mutex<Option<Asked>>>);

impl Switch {
    /// From now on lines go to this file, or to the standard stream.
    pub(super) fn to(&self, file: Option<LogFile>) {
        *self.asked() = Some(Asked::To(file));
    }

    /// From now on lines go to the file that has the name now.
    pub(super) fn again(&self) {
        // A file that is about to be used was opened just now.
        self.asked().get_or_insert(Asked::Again);
    }

    fn asked(&self) -> std::sync::MutexGuard<'_, Option<Asked>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where lines go. It belongs to the thread that writes them.
#[derive(Debug)]
pub(super) struct Output {
    /// What is written, for people.
    what: &'static str,
    file: Option<LogFile>,
    switch: Switch,
    /// The next look at the file; earlier if it is asked for.
    look: Instant,
    /// Whether it could not be opened anew.
    is_stale: bool,
    /// Whether the last attempt to write failed.
    has_failed: bool,
}

impl Output {
    pub(super) fn new(what: &'static str, switch: Switch) -> Self {
        Self { what, file: None, switch, look: Instant::now() + AGAIN, is_stale: false, has_failed: false }
    }

    pub(super) fn is_file(&self) -> bool {
        self.file.is_some()
    }

    /// Writes to the file, if there is one, or else to `standard`; what was written is taken off `bytes`. The first
    /// failure is logged, and the success after it.
    pub(super) fn write(&mut self, bytes: &mut &[u8], standard: &mut dyn Write) -> io::Result<()> {
        self.follow();
        if bytes.is_empty() {
            return Ok(());
        }
        let Some(LogFile { path, file }) = &mut self.file else {
            return standard.write_all(bytes).and_then(|()| standard.flush());
        };
        while !bytes.is_empty() {
            match file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => *bytes = &bytes[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if !std::mem::replace(&mut self.has_failed, true) {
                        tracing::error!("cannot write {} to {}: {error}; trying again", self.what, path.display());
                    }
                    return Err(error);
                }
            }
        }
        if std::mem::take(&mut self.has_failed) {
            tracing::info!("{} can be written to {} again", self.what, path.display());
        }
        Ok(())
    }

    /// Does what was asked, and looks at the file now and then.
    fn follow(&mut self) {
        let asked = self.switch.asked().take();
        let is_time = Instant::now() >= self.look;
        match (asked, &self.file) {
            (Some(Asked::To(file)), _) => {
                (self.file, self.is_stale, self.has_failed) = (file, false, false);
            }
            (Some(Asked::Again), Some(_)) => self.open_again(),
            (None, Some(file)) if is_time => {
                self.look = Instant::now() + AGAIN;
                if self.is_stale || file.is_removed() {
                    self.open_again();
                }
            }
            _ => {}
        }
    }

    fn open_again(&mut self) {
        let Some(file) = &mut self.file else { return };
        match LogFile::open(&file.path) {
            Ok(opened) => {
                *file = opened;
                self.is_stale = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_stale, true) {
                    let (what, path) = (self.what, file.path.display());
                    tracing::error!(
                        "cannot open {path} again for {what}: {error}; they go to the file that was open, and it is \
                         tried again"
                    );
                }
            }
        }
    }
}
