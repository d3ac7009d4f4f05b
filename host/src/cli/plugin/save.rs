//! Writing a component to where the configuration has it, so that it serves after a restart, too.
//!
//! Two files may have to change, and whatever happens in between must leave a configuration that can be started. So a pin
//! first allows both components, then the component is replaced, and then the pin allows the new one only. Each step
//! replaces a whole file at once.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use rustix::fs::{FlockOperation, flock};

use super::super::Usage;
use super::digest;
use crate::config::{ComponentSource, Config};
use crate::plugin::hex;

/// What Windows editors put first; it is no part of the text that places count in.
const MARK: &str = "\u{feff}";

/// All that is to be written.
#[derive(Debug)]
pub(super) struct Save {
    file: PathBuf,
    component: Vec<u8>,
    pin: Option<Pin>,
}

/// A pinned digest in a file of the configuration.
#[derive(Debug)]
struct Pin {
    path: PathBuf,
    /// `file:line`
    line: String,
    /// The whole file.
    text: String,
    /// Where the digest or the list of digests stands in it.
    place: Range<usize>,
    /// Those that count now.
    known: Vec<String>,
    new: String,
}

/// One file that is replaced as a whole.
#[derive(Debug)]
struct Step<'a> {
    path: &'a Path,
    /// What must be there now, if that matters.
    before: Option<String>,
    after: Vec<u8>,
}

impl Save {
    /// What is to be written for this component to be the plugin's. Nothing has changed yet.
    pub(super) fn plan(config: &Config, name: &str, component: &[u8]) -> anyhow::Result<Self> {
        config.sound(Vec::new())?;
        let plugin = config.plugin(name).map_err(Usage)?;
        let ComponentSource::File(file) = &plugin.component.source else {
            let line = format!("plugins: {{ {name}: {{ file: plugins/{name}.wasm }} }}");
            bail!(Usage(format!(
                "`{name}` is bundled and has no file to save to; declare one, and save again:\n  {line}"
            )));
        };
        let file = resolved(file);
        for other in config.plugins.iter().map(|other| &other.component).filter(|other| other.plugin != name) {
            if matches!(&other.source, ComponentSource::File(path) if resolved(path) == file) {
                bail!(
                    "{} is the file of `{}`, too, which would change with it: give one of them a file of its own",
                    file.display(),
                    other.plugin
                );
            }
        }
        let pin = plugin.component.sha256.as_ref().map(|pinned| {
            let (source, place) = config.written(pinned.place).context("the pinned digest stands in no file")?;
            let known: Vec<String> = pinned.value.iter().map(|digest| hex(digest)).collect();
            let line = config.line_of(pinned.place);
            Pin::find((&source.path, &source.text), place, line, known, digest(component))
        });
        Ok(Self { file, component: component.to_vec(), pin: pin.transpose()? })
    }

    /// Writes it, and tells what was written.
    pub(super) fn run(&self) -> anyhow::Result<Vec<String>> {
        for step in self.steps() {
            step.run().with_context(|| format!("cannot write {}", step.path.display()))?;
        }
        let mut told = vec![format!("saved to {}", self.file.display())];
        if let Some(pin) = self.pin.as_ref().filter(|pin| !pin.is_up_to_date()) {
            told.push(format!("pinned at {}; the running proxy reads that with the next reload", pin.line));
        }
        Ok(told)
    }

    /// In this order; after each of them the configuration can be started.
    fn steps(&self) -> Vec<Step<'_>> {
        let component = Step { path: &self.file, before: None, after: self.component.clone() };
        let Some(pin) = self.pin.as_ref().filter(|pin| !pin.is_up_to_date()) else { return vec![component] };
        let (both, only) = (pin.with(&pin.both()), pin.with(&pin.only()));
        vec![
            Step { path: &pin.path, before: Some(pin.text.clone()), after: both.clone().into() },
            component,
            Step { path: &pin.path, before: Some(both), after: only.into() },
        ]
    }
}

impl Pin {
    fn find(
        (path, text): (&Path, &str),
        place: Range<usize>,
        line: String,
        known: Vec<String>,
        new: String,
    ) -> anyhow::Result<Self> {
        let written = text.get(place.clone()).unwrap_or_default();
        let is_list = written.starts_with('[') && written.ends_with(']');
        let is_digest = known.iter().any(|known| written.trim_matches(['"', '\'']).eq_ignore_ascii_case(known));
        if !is_list && !is_digest {
            bail!(
                "the digest at {line} is not written out there, so it cannot be replaced: write it as 64 digits, or several as [...]"
            );
        }
        let path = fs::canonicalize(path).with_context(|| format!("cannot find {}", path.display()))?;
        let whole = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let start = if whole.starts_with(MARK) { MARK.len() } else { 0 };
        if whole[start..] != *text {
            bail!("{} was changed just now: save again", path.display());
        }
        Ok(Self { path, line, text: whole, place: place.start + start..place.end + start, known, new })
    }

    fn is_up_to_date(&self) -> bool {
        self.known == [self.new.as_str()]
    }

    /// The file's text with something else in the pin's place.
    fn with(&self, pin: &str) -> String {
        [&self.text[..self.place.start], pin, &self.text[self.place.end..]].concat()
    }

    /// What counts now, and the new one.
    fn both(&self) -> String {
        let new = Some(&self.new).filter(|new| !self.known.contains(new));
        let all: Vec<&str> = self.known.iter().chain(new).map(String::as_str).collect();
        format!("[{}]", all.join(", "))
    }

    /// The new one, with the quotes of the one before.
    fn only(&self) -> String {
        let quote = self.text[self.place.clone()].chars().next().filter(|first| ['"', '\''].contains(first));
        let quote = quote.map(String::from).unwrap_or_default();
        format!("{quote}{}{quote}", self.new)
    }
}

impl Step<'_> {
    /// Replaces the file at once: who reads it finds all of the old one or all of the new one.
    fn run(&self) -> anyhow::Result<()> {
        if let Some(before) = &self.before
            && fs::read_to_string(self.path)? != *before
        {
            bail!("somebody else has changed it meanwhile");
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = self.path.file_name().context("it has no name")?.to_string_lossy();
        // One name for all: what is left of a command that was killed is taken by the next.
        let unfinished = folder.join(format!(".{name}.weir-new"));
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&unfinished)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive).context("another command is writing it")?;
        file.set_len(0)?;
        file.write_all(&self.after)?;
        if let Ok(metadata) = fs::metadata(self.path) {
            file.set_permissions(metadata.permissions())?;
        }
        file.sync_all()?;
        fs::rename(&unfinished, self.path)?;
        // The new name must last, too.
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// The file itself, where a link leads to it.
fn resolved(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    /// A configuration that pins a plugin, with its component.
    struct Project(tempfile::TempDir);

    impl Project {
        fn new(pin: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let text = format!(
                "version: 1\nlisteners: {{ a: {{ address: \"127.0.0.1:0\" }} }}\nplugins:\n  banner:\n    \
                 file: banner.wasm   # built here\n    sha256: {pin} # as of May\nsites:\n  \
                 - {{ chain: [banner], routes: [] }}\n"
            );
            fs::write(folder.path().join("weir.yaml"), text).unwrap();
            fs::write(folder.path().join("banner.wasm"), "old").unwrap();
            Self(folder)
        }

        fn plan(&self) -> anyhow::Result<Save> {
            Save::plan(&config::load(&self.0.path().join("weir.yaml")), "banner", b"new")
        }

        fn text(&self) -> String {
            fs::read_to_string(self.0.path().join("weir.yaml")).unwrap()
        }

        fn component(&self) -> Vec<u8> {
            fs::read(self.0.path().join("banner.wasm")).unwrap()
        }

        fn is_startable(&self) -> bool {
            let config = config::load(&self.0.path().join("weir.yaml"));
            let pinned = &config.plugins[0].component.sha256.as_ref().unwrap().value;
            config.faults.is_empty() && pinned.iter().any(|pinned| hex(pinned) == digest(&self.component()))
        }
    }

    #[test]
    fn after_every_step_the_configuration_can_be_started() {
        let (old, new) = (digest(b"old"), digest(b"new"));
        let list = format!("[{}, {old}]", digest(b"other"));
        let pins = [
            (old.clone(), new.clone()),
            (format!("\"{old}\""), format!("\"{new}\"")),
            (format!("'{}'", old.to_uppercase()), format!("'{new}'")),
            (list, new.clone()),
        ];
        for (pin, wanted) in pins {
            for killed_after in 0..=3 {
                let project = Project::new(&pin);
                let before = project.text();
                for step in project.plan().unwrap().steps().iter().take(killed_after) {
                    step.run().unwrap();
                    assert!(project.is_startable(), "killed after step {killed_after}:\n{}", project.text());
                }
                // The next attempt brings it to its end. Nothing has changed but the pin; quotes may be lost on the way.
                project.plan().unwrap().run().unwrap();
                let wanted = if (1..3).contains(&killed_after) { &new } else { &wanted };
                assert_eq!(project.text(), before.replace(&pin, wanted));
                assert_eq!(project.component(), b"new");
                assert!(project.is_startable());
                assert_eq!(fs::read_dir(project.0.path()).unwrap().count(), 2, "something was left behind");
            }
        }
    }

    #[test]
    fn a_digest_that_is_not_written_out_is_not_replaced() {
        let project = Project::new(&format!("\"${{WEIR_TEST_DIGEST:-{}}}\"", digest(b"old")));
        let why = project.plan().unwrap_err().to_string();
        assert!(why.contains("weir.yaml:6 is not written out there"), "{why}");
    }

    #[test]
    fn what_somebody_else_writes_meanwhile_is_not_lost() {
        let project = Project::new(&digest(b"old"));
        let plan = project.plan().unwrap();
        fs::write(project.0.path().join("weir.yaml"), project.text() + "# more\n").unwrap();
        assert!(format!("{:#}", plan.run().unwrap_err()).contains("somebody else has changed it"));
        assert!(project.text().ends_with("# more\n") && project.is_startable());
    }
}
