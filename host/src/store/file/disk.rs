//! The file: taking it for this process, reading it, adding records, and writing it anew when most of it is out of date.
//!
//! Beside `limits.db` stand `limits.db.lock`, which says whose it is, and for a while `limits.db.new`. The file only grows,
//! record by record, each on the disk before the next is begun. So whatever ends the process, what is not whole is at the
//! end, and everything before it is as it was committed. A file that is written anew takes the old one's place in one step,
//! when it is on the disk as a whole.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::fault::{Fault, OrFault};
use super::record::{HEAD, Head, Payload};

/// What a file begins with; the number is that of the format.
const MAGIC: &[u8; 16] = b"weir store 0001\n";

/// A file that is this process's.
#[derive(Debug)]
pub(super) struct Disk {
    path: PathBuf,
    file: File,
    /// Up to here it is whole.
    length: u64,
    /// How long it was when it had nothing that was out of date.
    base: u64,
    /// Whether something may stand behind `length`.
    has_rest: bool,
    anew: Option<Anew>,
    /// Whose it is, as long as this is open.
    _lock: File,
}

/// A file that is to take the other's place.
#[derive(Debug)]
struct Anew {
    file: File,
    length: u64,
}

impl Disk {
    /// Takes a file, and reads it: each payload in order. An incomplete record at its end is taken off, and said.
    pub(super) fn open(path: &Path, mut read: impl FnMut(Payload<'_>) -> Option<()>) -> Result<Self, Fault> {
        let folder = folder(path);
        fs::create_dir_all(folder).or_fault(folder, "made")?;
        // What is renamed is the file itself, not a link to it.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let lock = lock(&path)?;
        // Left by a process that ended in the middle.
        let _ = fs::remove_file(beside(&path, "new"));
        let file = options().create(true).open(&path).or_fault(&path, "opened")?;
        let mut disk = Self { file, length: 0, base: 0, has_rest: false, anew: None, _lock: lock, path };
        disk.read(&mut read)?;
        Ok(disk)
    }

    fn read(&mut self, read: &mut impl FnMut(Payload<'_>) -> Option<()>) -> Result<(), Fault> {
        let total = self.file.metadata().or_fault(&self.path, "read")?.len();
        if total < MAGIC.len() as u64 {
            return self.begin(total);
        }
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        let mut magic = [0; MAGIC.len()];
        reader.read_exact(&mut magic).or_fault(&self.path, "read")?;
        if &magic != MAGIC {
            return Err(Fault::Foreign { path: self.path.clone() });
        }
        let (mut at, mut payload) = (MAGIC.len() as u64, Vec::new());
        while total - at >= HEAD as u64 {
            let mut head = [0; HEAD];
            reader.read_exact(&mut head).or_fault(&self.path, "read")?;
            let Some(head) = Head::read(&head) else { break };
            let end = at + (HEAD + head.length) as u64;
            if end > total {
                break;
            }
            payload.resize(head.length, 0);
            reader.read_exact(&mut payload).or_fault(&self.path, "read")?;
            if !head.fits(&payload) {
                break;
            }
            // Whole, and yet not to be understood: another format under the same number.
            Payload::read(&payload).and_then(&mut *read).ok_or_else(|| Fault::Foreign { path: self.path.clone() })?;
            at = end;
        }
        if at < total {
            self.look_behind(at, total)?;
            tracing::warn!(
                "the last {} bytes of {} were being written when the process before ended, and are left out",
                total - at,
                self.path.display()
            );
            self.file.set_len(at).or_fault(&self.path, "cut to what is whole in it")?;
            self.file.sync_all().or_fault(&self.path, "cut to what is whole in it")?;
        }
        self.length = at;
        Ok(())
    }

    /// A file with nothing in it, or one that was just being made.
    fn begin(&mut self, total: u64) -> Result<(), Fault> {
        let mut found = Vec::new();
        (&self.file).take(total).read_to_end(&mut found).or_fault(&self.path, "read")?;
        if !MAGIC.starts_with(&found) {
            return Err(Fault::Foreign { path: self.path.clone() });
        }
        let begin = || {
            self.file.write_all_at(MAGIC, 0)?;
            self.file.sync_all()?;
            sync_folder(&self.path)
        };
        begin().or_fault(&self.path, "begun")?;
        self.length = MAGIC.len() as u64;
        Ok(())
    }

    /// A record that is not whole was the last one to be written, unless there is a whole one behind it.
    fn look_behind(&self, at: u64, total: u64) -> Result<(), Fault> {
        const PIECE: usize = 1 << 20;
        let damaged = || Err(Fault::Damaged { path: self.path.clone(), at });
        let (mut from, mut piece) = (at + 1, vec![0; PIECE + HEAD]);
        while from + HEAD as u64 <= total {
            let length = piece.len().min(usize::try_from(total - from).unwrap_or(usize::MAX));
            self.file.read_exact_at(&mut piece[..length], from).or_fault(&self.path, "read")?;
            for (place, head) in piece[..length].windows(HEAD).enumerate().take(PIECE) {
                let head = head.try_into().ok().and_then(Head::read);
                let Some(head) = head.filter(|head| head.length >= size_of::<u64>()) else { continue };
                let start = from + (place + HEAD) as u64;
                if start + head.length as u64 > total {
                    continue;
                }
                let mut payload = vec![0; head.length];
                self.file.read_exact_at(&mut payload, start).or_fault(&self.path, "read")?;
                if head.fits(&payload) {
                    return damaged();
                }
            }
            from += PIECE as u64;
        }
        Ok(())
    }

    /// Adds a record, and returns when it is on the disk. What failed can be tried again.
    pub(super) fn append(&mut self, record: &[u8]) -> io::Result<()> {
        if self.has_rest {
            self.file.set_len(self.length)?;
        }
        self.has_rest = true;
        self.file.write_all_at(record, self.length)?;
        self.file.sync_data()?;
        self.has_rest = false;
        self.length += record.len() as u64;
        // The record is kept, whatever becomes of the new file.
        let _ = self.add_anew(record);
        Ok(())
    }

    /// Whether there is a new file.
    pub(super) fn has_anew(&self) -> bool {
        self.anew.is_some()
    }

    /// Bytes of the file.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Whether more of it is out of date than not.
    pub(super) fn is_stale(&self) -> bool {
        /// Below that it is not worth it.
        const LITTLE: u64 = 4 << 20;
        self.anew.is_none() && self.length > self.base.saturating_mul(2) + LITTLE
    }

    /// How long the file would be with nothing in it that is out of date.
    pub(super) fn set_base(&mut self, base: u64) {
        self.base = base;
    }

    /// Begins a file that has every change from now on and is to get all values that are there.
    pub(super) fn begin_anew(&mut self) -> io::Result<()> {
        self.give_up_anew();
        let mut file = options().create(true).truncate(true).open(beside(&self.path, "new"))?;
        file.write_all(MAGIC)?;
        self.anew = Some(Anew { file, length: MAGIC.len() as u64 });
        Ok(())
    }

    /// Adds a record to the new file only. Should that fail, there is none any more.
    pub(super) fn add_anew(&mut self, record: &[u8]) -> io::Result<()> {
        let Some(anew) = &mut self.anew else { return Ok(()) };
        let added = anew.file.write_all_at(record, anew.length);
        anew.length += record.len() as u64;
        if added.is_err() {
            self.give_up_anew();
        }
        added
    }

    /// Puts the new file, which has all, into the old one's place.
    pub(super) fn finish_anew(&mut self) -> io::Result<()> {
        let Some(anew) = self.anew.take() else { return Ok(()) };
        let new = beside(&self.path, "new");
        let moved = anew.file.sync_all().and_then(|()| fs::rename(&new, &self.path));
        if moved.is_err() {
            let _ = fs::remove_file(&new);
            return moved;
        }
        (self.file, self.length, self.base, self.has_rest) = (anew.file, anew.length, anew.length, false);
        sync_folder(&self.path)
    }

    pub(super) fn give_up_anew(&mut self) {
        if self.anew.take().is_some() {
            let _ = fs::remove_file(beside(&self.path, "new"));
        }
    }
}

/// Values are the users' matter: sessions among them.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Whose the file is, from now on.
fn lock(path: &Path) -> Result<File, Fault> {
    let name = beside(path, "lock");
    let lock = options().create(true).truncate(false).open(&name).or_fault(&name, "opened")?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(&name).unwrap_or_default();
            let holder = holder.trim().parse::<u32>().map(|pid| format!("process {pid}"));
            let by = holder.unwrap_or_else(|_| "another process".to_owned());
            return Err(Fault::Held { path: path.to_owned(), by });
        }
        Err(TryLockError::Error(error)) => return Err(error).or_fault(&name, "locked"),
    }
    // For whoever finds it locked; nothing depends on it.
    let _ = lock.set_len(0).and_then(|()| lock.write_all_at(format!("{}\n", std::process::id()).as_bytes(), 0));
    Ok(lock)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What has come into a folder is on the disk.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}
