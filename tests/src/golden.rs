//! Golden files: configurations in `tests/configs`, each with what Weir says about it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::weir;

/// A configuration to try commands on.
#[derive(Clone, Debug)]
pub struct Golden {
    /// Its folder, where commands run.
    pub folder: PathBuf,
    /// Its file in there.
    pub file: String,
    /// Bytes, for some are not text.
    pub bytes: Vec<u8>,
}

impl Golden {
    /// All in `tests/configs/KIND`: files, and folders with a `weir.yaml`.
    pub fn all(kind: &str) -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(kind);
        let mut paths: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        let files = paths.into_iter().map(|path| if path.is_dir() { path.join("weir.yaml") } else { path });
        let files = files.filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
        files.map(|path| Self::of(&path)).collect()
    }

    fn of(path: &Path) -> Self {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        Self { folder: path.parent().unwrap().to_owned(), file, bytes: fs::read(path).unwrap() }
    }

    /// `bad/upstream-unknown`, or `bad/include-twice`.
    pub fn name(&self) -> String {
        let stem = if self.file == "weir.yaml" { self.folder.clone() } else { self.folder.join(&self.file) };
        let kind = stem.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
        format!("{kind}/{}", stem.file_stem().unwrap().to_string_lossy())
    }

    /// Where what is said about it stands.
    pub fn expected(&self) -> PathBuf {
        self.folder.join(&self.file).with_extension("txt")
    }

    /// The commands that are tried: `weir validate`, and those that stand in comments as `# $ weir ...`.
    pub fn commands(&self) -> Vec<String> {
        let mut commands = vec![format!("weir validate -c {}", self.file)];
        commands.extend(self.comments("# $ "));
        commands
    }

    /// What every command prints, and its exit code.
    pub fn run(&self) -> String {
        self.commands().iter().map(|command| self.run_one(command)).collect()
    }

    fn run_one(&self, line: &str) -> String {
        let program = weir();
        let mut shell = Command::new("sh");
        shell.args(["-c", &line.replacen("weir", "exec \"$WEIR\"", 1)]).current_dir(&self.folder).env_clear();
        shell.env("WEIR", program.get_program());
        shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        for setting in self.comments("# env ") {
            let (name, value) = setting.split_once('=').expect("# env NAME=value");
            shell.env(name, value);
        }
        let output = shell.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let code = output.status.code().map_or("a signal".to_owned(), |code| code.to_string());
        format!("$ {line}\n{}exit {code}\n\n", self.without_digests(&String::from_utf8_lossy(&said)))
    }

    /// A component's digest changes with the compiler that made it.
    fn without_digests(&self, said: &str) -> String {
        let written = String::from_utf8_lossy(&self.bytes);
        let is_digest = |word: &&str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        let words: Vec<&str> = said.split(|character: char| !character.is_ascii_alphanumeric()).collect();
        let found = words.into_iter().filter(is_digest).filter(|word| !written.contains(word));
        found.fold(said.to_owned(), |said, digest| said.replace(digest, "DIGEST"))
    }

    fn comments(&self, begin: &str) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.bytes);
        text.lines().filter_map(|line| line.trim_end().strip_prefix(begin).map(str::to_owned)).collect()
    }
}
