//! Compiled components on disk, so that the next start takes milliseconds.
//!
//! What is read from here is run as native code. So the folder must be ours alone, and every file carries the hash
//! of what it holds; anything doubtful is compiled anew. The folder can be deleted at any time.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

const HASH: usize = 32;

/// A folder of compiled components, or none.
#[derive(Debug)]
pub struct CompiledCache {
    directory: Option<PathBuf>,
    /// Those of this process, if it loads the same ones again and again.
    at_hand: Option<Mutex<HashMap<[u8; HASH], Component>>>,
}

impl CompiledCache {
    /// The cache in `$WEIR_CACHE_DIR`, else in the user's cache folder.
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let directory = variable("WEIR_CACHE_DIR")
            .or_else(|| variable("XDG_CACHE_HOME").map(|folder| folder.join("weir")))
            .or_else(|| variable("HOME").map(|folder| folder.join(".cache/weir")));
        let directory = directory.filter(|folder| match prepare(folder) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(
                    "compiled filters are not kept in {}: {error}; WEIR_CACHE_DIR names another folder",
                    folder.display()
                );
                false
            }
        });
        Self { directory, at_hand: None }
    }

    /// Keeps in memory, too, what is put in from here on.
    pub(super) fn keep_at_hand(&mut self) {
        self.at_hand = Some(Mutex::default());
    }

    pub(super) fn get(&self, engine: &wasmtime::Engine, digest: &[u8; HASH]) -> Option<Component> {
        if let Some(component) = self.at_hand(digest) {
            return Some(component);
        }
        let path = self.path(engine, digest)?;
        let bytes = fs::read(path).ok()?;
        let (hash, code) = bytes.split_first_chunk::<HASH>()?;
        if Sha256::digest(code).as_slice() != hash {
            return None;
        }
        #[allow(unsafe_code)]
        // SAFETY: `deserialize` trusts its bytes. They were written by `put` of the same weir and engine (the file's
        // name says so), nobody else can write in the folder (`prepare`), and they are whole (the hash). What it is
        // for: a start with 20 filters takes 0.5 s less.
        let component = unsafe { Component::deserialize(engine, code) };
        let component = component.ok()?;
        self.hold(digest, &component);
        Some(component)
    }

    fn at_hand(&self, digest: &[u8; HASH]) -> Option<Component> {
        self.at_hand.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    fn hold(&self, digest: &[u8; HASH], component: &Component) {
        if let Some(held) = &self.at_hand {
            held.lock().unwrap_or_else(PoisonError::into_inner).insert(*digest, component.clone());
        }
    }

    /// Keeps a component. Failing to is no reason to fail: the next start compiles again.
    pub(super) fn put(&self, engine: &wasmtime::Engine, digest: &[u8; HASH], component: &Component) {
        self.hold(digest, component);
        let Some(path) = self.path(engine, digest) else { return };
        let written = component.serialize().map_err(io::Error::other).and_then(|code| write(&path, &code));
        if let Err(error) = written {
            tracing::warn!("cannot keep a compiled filter in {}: {error}", path.display());
        }
    }

    fn path(&self, engine: &wasmtime::Engine, digest: &[u8; HASH]) -> Option<PathBuf> {
        let mut compatibility = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut compatibility);
        let mut name = Sha256::new();
        name.update(digest);
        name.update(compatibility.finish().to_le_bytes());
        name.update(env!("CARGO_PKG_VERSION"));
        Some(self.directory.as_ref()?.join(format!("{}.compiled", hex(&name.finalize()))))
    }
}

/// Makes the folder, and refuses one that somebody else could write in.
fn prepare(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::symlink_metadata(folder)?;
    let fault = if !metadata.is_dir() {
        "it is not a folder"
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        "it belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "other users may write in it (chmod go-w)"
    } else {
        return Ok(());
    };
    Err(io::Error::other(fault))
}

fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)?;
    drop(file);
    fs::rename(unfinished, path)
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
