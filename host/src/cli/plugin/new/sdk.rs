//! The SDK for Rust, which comes inside of this command: a project with a copy of it needs nothing else of Weir's to be
//! built, and keeps being built of the same sources.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::cli::Usage;

/// Where a project has its copy.
pub(super) const FOLDER: &str = "weir";

/// Names as they are in Weir's sources, and texts.
const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/sdk.rs"));

/// Versions of all crates, as the example was tested with them.
const LOCK: &str = include_str!("../../../../../examples/hello-filter/Cargo.lock");
const LOCKED: &str = "name = \"weir-plugin-hello\"";

const WORKSPACE: &str = "Cargo.toml";
const MEMBERS: &str = "[workspace]\nresolver = \"3\"\nmembers = [\"sdk/macros\", \"sdk/rust\"]\n";

const README: &str = concat!(
    "# The SDK of Weir ",
    env!("CARGO_PKG_VERSION"),
    "\n\nWritten by `weir plugin new`, as the filter beside it is built with it: `sdk/rust` is the crate, `sdk/macros` its\n\
     macros, `wit` the contract between filters and their host. Its documentation: `cargo doc -p weir-sdk --open` in the\n\
     filter's folder. For another version, put what that version's `weir plugin new` writes in its place.\n"
);

/// The copy's files.
pub(super) fn files() -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
    let sources = SOURCES.iter().map(|(name, text)| match *name {
        WORKSPACE => (WORKSPACE, Cow::Owned(workspace(text))),
        name => (name, Cow::Borrowed(*text)),
    });
    sources.chain([("README.md", Cow::Borrowed(README))])
}

/// The lock file of a new filter, as cargo would write it: sorted by name.
pub(super) fn lock(name: &str) -> String {
    let own = LOCK.replace(LOCKED, &format!("name = \"{name}\""));
    let mut blocks: Vec<&str> = own.trim_end().split("\n\n").collect();
    // The first tells the format.
    blocks[1..]
        .sort_by_key(|block| block.lines().nth(1).map(|line| line.trim_start_matches("name = ").trim_matches('"')));
    blocks.join("\n\n") + "\n"
}

/// The SDK in a folder of the author's, by its whole path.
pub(super) fn find(folder: &Path) -> anyhow::Result<PathBuf> {
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    if !manifest.lines().any(|line| line.trim() == "name = \"weir-sdk\"") {
        let help = "name `sdk/rust` of Weir's sources, or leave `--sdk` out for a copy in the project";
        return Err(Usage(format!("{} is not the SDK: {help}", folder.display())).into());
    }
    Ok(folder.canonicalize()?)
}

/// What the crates of the SDK take over from the workspace that they are part of here.
fn workspace(whole: &str) -> String {
    let is_used = |line: &str| {
        let dependency = line.split(' ').next().unwrap_or_default();
        SOURCES.iter().any(|(name, text)| {
            name.ends_with("/Cargo.toml") && text.lines().any(|line| line == format!("{dependency}.workspace = true"))
        })
    };
    let mut text = MEMBERS.to_owned();
    let mut section = "";
    for line in whole.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let is_wanted = match section {
            "[workspace.dependencies]" => line.starts_with('[') || is_used(line),
            "[workspace.package]" => !line.is_empty(),
            section => section.starts_with("[workspace.lints") && !line.is_empty(),
        };
        if is_wanted {
            text += if line.starts_with('[') { "\n" } else { "" };
            text += line;
            text.push('\n');
        }
    }
    text
}
