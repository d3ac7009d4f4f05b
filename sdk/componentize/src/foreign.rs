//! Languages other than Rust: a command of the project makes a component, for a world that is written for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::contract::{WORLD, write_world};
use crate::project::{FILE, Foreign};
use crate::sections;

/// Where what is made on the way lies, in the project's folder.
const FOLDER: &str = "target/weir";

/// Runs the project's command and takes the component that it makes.
pub(crate) fn build(directory: &Path, foreign: &Foreign) -> Result<Vec<u8>> {
    let folder = directory.join(FOLDER);
    let wit = folder.join("wit");
    write_world(&wit, &foreign.hooks, &foreign.capabilities)?;
    let output = match &foreign.output {
        Some(path) => directory.join(path),
        None => folder.join("filter.wasm"),
    };
    // What an earlier run made must not pass for what this one did not.
    if output.exists() {
        fs::remove_file(&output).with_context(|| format!("cannot replace {}", output.display()))?;
    }
    run(directory, &command(&foreign.command, &wit, &output))?;
    let component = fs::read(&output).with_context(|| {
        format!("`build` of {FILE} went well, but there is no {}: name what it writes as `output`", output.display())
    })?;
    let (hooks, _) = sections::hooks(&component).with_context(|| format!("{} is not a filter", output.display()))?;
    for hook in &foreign.hooks {
        ensure!(hooks.contains(hook), "{FILE} lists the hook `{hook}`, but the component does not export it");
    }
    Ok(component)
}

/// The command with its places filled in, quoted for a shell.
fn command(command: &str, wit: &Path, output: &Path) -> String {
    let quoted = |path: &Path| format!("'{}'", path.display().to_string().replace('\'', r"'\''"));
    command.replace("{wit}", &quoted(wit)).replace("{world}", WORLD).replace("{output}", &quoted(output))
}

/// Runs it where the project is; all that it says goes to standard error, for standard output has the result.
fn run(directory: &Path, command: &str) -> Result<()> {
    let status = Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(std::io::stderr())
        .status()
        .context("cannot run `sh`")?;
    if !status.success() {
        bail!("`build` of {FILE} failed ({status}); what it says stands above. It was: {command}");
    }
    Ok(())
}

/// The folder as a path from the root: commands run elsewhere.
pub(crate) fn absolute(directory: &Path) -> Result<PathBuf> {
    let folder = fs::canonicalize(directory).with_context(|| format!("there is no folder {}", directory.display()))?;
    ensure!(folder.is_dir(), "{} is not a folder: name the one with Cargo.toml or {FILE}", directory.display());
    Ok(folder)
}
