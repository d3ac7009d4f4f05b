//! From files to one `File`: reading, including, merging.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::File;
use super::read::{Named, Read, Reader};
use super::{Fault, Located, Origin, Place, Source, tree};

/// Enough for any configuration; a pattern that catches more catches something else.
const MOST_FILES: usize = 10_000;

/// A configuration is text for people.
const LARGEST_FILE: u64 = 64 << 20;

/// What was read.
pub(super) struct Loaded {
    pub(super) file: Option<File>,
    pub(super) sources: Arc<Vec<Source>>,
    pub(super) origin: Origin,
    /// What was wrong with it.
    pub(super) faults: Vec<Fault>,
}

/// Reads a file and what it includes.
pub(super) fn load(path: &Path) -> Loaded {
    let mut loader = Loader::default();
    loader.origin.files.push(path.to_owned());
    let file = match read(path) {
        Ok(text) => loader.add(Source { path: path.to_owned(), text }),
        Err(error) => {
            let help = match error.kind() {
                std::io::ErrorKind::NotFound => "name the file with `-c FILE`, or try `weir demo`, which needs none",
                std::io::ErrorKind::PermissionDenied => "let the user that runs weir read it",
                std::io::ErrorKind::InvalidData => "save it as UTF-8",
                std::io::ErrorKind::IsADirectory => "name the file in it: `-c FILE`",
                _ => "look at the path, and at the disk",
            };
            loader.reader.faults.push(Fault::nowhere(format!("cannot read {}: {error}", path.display())).help(help));
            None
        }
    };
    loader.done(file)
}

/// Reads a text; includes are relative to the path that it is given.
pub(super) fn parse(source: Source) -> Loaded {
    let mut loader = Loader::default();
    let file = loader.add(source);
    loader.done(file)
}

fn read(path: &Path) -> std::io::Result<String> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_file() && metadata.len() > LARGEST_FILE {
        return Err(std::io::Error::other(format!("it is larger than {} MiB", LARGEST_FILE >> 20)));
    }
    let text = String::from_utf8(std::fs::read(path)?).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        std::io::Error::new(std::io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })?;
    // What Windows editors put first.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The folder that paths of a file are relative to.
pub(super) fn folder(source: &Source) -> PathBuf {
    source.path.parent().unwrap_or(Path::new("")).to_owned()
}

#[derive(Default)]
struct Loader {
    sources: Vec<Source>,
    read: HashSet<PathBuf>,
    origin: Origin,
    reader: Reader,
}

/// One name for one file.
fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

impl Loader {
    fn done(self, file: Option<File>) -> Loaded {
        let Self { sources, origin, reader, .. } = self;
        Loaded { file, sources: Arc::new(sources), origin, faults: reader.faults }
    }

    /// Reads a text, and the files that it includes.
    fn add(&mut self, source: Source) -> Option<File> {
        let number = u32::try_from(self.sources.len()).unwrap_or(u32::MAX);
        let environment = |name: &str| std::env::var(name).ok();
        let tree = tree::parse(&source.text, number, &environment, &mut self.reader.faults);
        let folder = folder(&source);
        self.read.insert(canonical(&source.path));
        self.sources.push(source);
        let mut file = File::read(&tree?, &mut self.reader)?;
        for pattern in file.include.take().unwrap_or_default() {
            for path in self.matching(&folder, &pattern) {
                if let Some(included) = self.include(&path, &pattern) {
                    self.merge(&mut file, included);
                }
            }
        }
        Some(file)
    }

    /// The files that a pattern names, in the order of their names.
    fn matching(&mut self, folder: &Path, pattern: &Located<String>) -> Vec<PathBuf> {
        let escaped = glob::Pattern::escape(&folder.to_string_lossy());
        let whole = Path::new(&escaped).join(&pattern.value).to_string_lossy().into_owned();
        let found = match glob::glob(&whole) {
            Ok(found) => found.filter_map(Result::ok).filter(|path| path.is_file()).collect::<Vec<_>>(),
            Err(error) => {
                self.reader.fault(pattern.place, format!("`{}` is not a pattern: {}", pattern.value, error.msg)).help =
                    Some("`*` stands for any part of a name, `[ab]` for one of these characters".into());
                return Vec::new();
            }
        };
        self.origin.patterns.push(whole);
        if found.is_empty() {
            self.reader.fault(pattern.place, format!("no file matches `{}`", pattern.value)).help =
                Some("paths are relative to the file that names them".into());
        }
        found
    }

    fn include(&mut self, path: &Path, pattern: &Located<String>) -> Option<File> {
        if !self.read.insert(canonical(path)) {
            self.reader.fault(pattern.place, format!("{} is read already", path.display())).help =
                Some("a file is part of a configuration once: narrow the pattern, or remove one of them".into());
            return None;
        }
        if self.sources.len() >= MOST_FILES {
            self.reader.fault(pattern.place, format!("a configuration has at most {MOST_FILES} files"));
            return None;
        }
        self.origin.files.push(path.to_owned());
        match read(path) {
            // Whoever comments a file out means that it is not there.
            Ok(text) if text.lines().map(str::trim).all(|line| line.is_empty() || line.starts_with('#')) => None,
            Ok(text) => self.add(Source { path: path.to_owned(), text }),
            Err(error) => {
                self.reader.fault(pattern.place, format!("cannot read {}: {error}", path.display()));
                None
            }
        }
    }

    fn merge(&mut self, file: &mut File, more: File) {
        self.one(&mut file.workers, more.workers, "workers", |workers| workers.place);
        self.one(&mut file.access_log, more.access_log, "access_log", |access_log| access_log.place);
        self.one(&mut file.log, more.log, "log", |log| log.place);
        self.one(&mut file.drain, more.drain, "drain", |drain| drain.place);
        self.one(&mut file.upgrade, more.upgrade, "upgrade", |upgrade| upgrade.place);
        self.one(&mut file.admin, more.admin, "admin", |admin| admin.place);
        self.one(&mut file.why, more.why, "why", |why| why.place);
        self.one(&mut file.traces, more.traces, "traces", |traces| traces.place);
        self.one(&mut file.defaults, more.defaults, "defaults", |defaults| defaults.place);
        self.names(&mut file.listeners, more.listeners, "listener");
        self.names(&mut file.upstreams, more.upstreams, "upstream");
        self.names(&mut file.stores, more.stores, "store");
        self.names(&mut file.plugins, more.plugins, "plugin");
        self.names(&mut file.chains, more.chains, "chain");
        if let Some(sites) = more.sites {
            file.sites.get_or_insert_default().extend(sites);
        }
    }

    fn one<T>(&mut self, slot: &mut Option<T>, more: Option<T>, key: &str, place: impl Fn(&T) -> Place) {
        match (&*slot, more) {
            (Some(first), Some(second)) => {
                let fault = Fault::new(place(&second), format!("`{key}` is set in two files"))
                    .also(place(first), "here before");
                self.reader.faults.push(fault.help("remove one of them"));
            }
            (None, Some(second)) => *slot = Some(second),
            (_, None) => {}
        }
    }

    fn names<T>(&mut self, known: &mut Named<T>, more: Named<T>, what: &str) {
        let index: HashMap<String, Place> = known.0.iter().map(|(name, _)| (name.value.clone(), name.place)).collect();
        for (name, value) in more.0 {
            match index.get(&name.value) {
                Some(first) => {
                    let fault =
                        Fault::new(name.place, format!("there are two definitions of the {what} `{}`", name.value));
                    self.reader.faults.push(fault.also(*first, "here before").help("rename one of them"));
                }
                None => known.0.push((name, value)),
            }
        }
    }
}
