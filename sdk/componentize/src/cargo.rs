//! Rust: cargo makes core modules of crates, the same bytes wherever they lie.
//!
//! Two things would tell the folder: paths in messages of panics, and the hash in the names of symbols, which cargo makes of
//! the path of a crate outside the workspace, and which the order of functions follows.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

use crate::manifest::Package;

const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of filters, given on the command line so that a crate outside this workspace needs none.
const PROFILE: [&str; 7] = [
    "profile.filter.inherits='release'",
    "profile.filter.opt-level=2",
    "profile.filter.lto='fat'",
    "profile.filter.codegen-units=1",
    "profile.filter.panic='abort'",
    "profile.filter.strip=true",
    "profile.filter.debug=false",
];

/// The stack is memory that every fresh instance touches; the default of 1 MiB doubles its cost.
const STACK: &str = "-Clink-arg=-zstack-size=65536";

/// Stands before the compiler, and hashes local crates by name and version.
const WRAPPER: &str = r#"#!/bin/sh
# Written by `weir plugin build`.
case "$WEIR_LOCAL_CRATES" in
*":$CARGO_MANIFEST_DIR:"*)
    for argument do
        shift
        case $argument in
        metadata=*) argument=metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION ;;
        esac
        set -- "$@" "$argument"
    done
    ;;
esac
exec "$@"
"#;

/// Inside a build script these belong to the outer build: its linter, its flags, its target.
const OUTER: [&str; 4] = ["RUSTC_WORKSPACE_WRAPPER", "RUSTFLAGS", "CARGO_BUILD_TARGET", "CARGO_BUILD_RUSTFLAGS"];

/// Crates as cargo sees them.
#[derive(Debug)]
pub(crate) struct Crates {
    directory: PathBuf,
    workspace: PathBuf,
    /// Where cargo keeps its files, unless told otherwise.
    pub(crate) target_directory: PathBuf,
    packages: Vec<Value>,
}

/// A core module that cargo built.
#[derive(Debug)]
pub(crate) struct Module {
    /// The name of the library or example.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) package: Package,
    /// The folder of its package.
    pub(crate) directory: PathBuf,
}

impl Crates {
    /// Asks cargo about the crate or workspace in `directory`.
    pub(crate) fn find(directory: &Path) -> Result<Self> {
        let mut command = cargo(directory);
        command.args(["metadata", "--format-version", "1", "--filter-platform", TARGET]);
        let output = run(command)?;
        if !output.status.success() {
            bail!("cargo cannot read {}", directory.join("Cargo.toml").display());
        }
        let mut told: Value = serde_json::from_slice(&output.stdout).context("cargo metadata says no JSON")?;
        let path = |value: &Value| value.as_str().map(PathBuf::from).context("cargo metadata names no folder");
        Ok(Self {
            directory: directory.to_owned(),
            workspace: path(&told["workspace_root"])?,
            target_directory: path(&told["target_directory"])?,
            packages: match told["packages"].take() {
                Value::Array(packages) => packages,
                _ => Vec::new(),
            },
        })
    }

    /// The name of the one package of this folder, which must make a core module.
    pub(crate) fn filter(&self) -> Result<&str> {
        let file = self.directory.join("Cargo.toml");
        let here = self.packages.iter().find(|package| package["manifest_path"].as_str().map(Path::new) == Some(&file));
        let Some(package) = here else {
            bail!("{} is a workspace; name the folder of the one crate that is the filter", file.display());
        };
        let makes_module =
            |target: &Value| target["crate_types"].as_array().is_some_and(|kinds| kinds.contains(&"cdylib".into()));
        if !package["targets"].as_array().is_some_and(|targets| targets.iter().any(makes_module)) {
            bail!(
                "{} makes no module: a filter's Cargo.toml says\n\n[lib]\ncrate-type = [\"cdylib\", \"rlib\"]\n",
                file.display()
            );
        }
        package["name"].as_str().context("cargo metadata names no package")
    }

    /// Builds the libraries of these packages, or their examples.
    pub(crate) fn build(&self, target_directory: &Path, packages: &[&str], examples: bool) -> Result<Vec<Module>> {
        let sysroot = sysroot(&self.directory)?;
        let wrapper = wrapper(target_directory)?;
        let mut command = cargo(&self.directory);
        command
            .args(["build", "--target", TARGET, "--profile", "filter", "--message-format", "json-render-diagnostics"])
            .args(["--target-dir".as_ref(), target_directory.as_os_str()])
            .args(PROFILE.iter().flat_map(|setting| ["--config", setting]))
            .args(packages.iter().flat_map(|package| ["--package", package]))
            .arg(if examples { "--examples" } else { "--lib" })
            .env("RUSTC_WRAPPER", wrapper)
            .env("WEIR_LOCAL_CRATES", self.local_crates())
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(&sysroot, target_directory));
        if !std::io::stderr().is_terminal() {
            // Progress is for those who watch; warnings and errors are shown all the same.
            command.arg("--quiet");
        }
        let output = run(command)?;
        if !output.status.success() {
            if !sysroot.join("lib/rustlib").join(TARGET).exists() {
                bail!("Rust's target {TARGET} is not installed: run `rustup target add {TARGET}`");
            }
            bail!("cargo could not build the filter; its messages stand above");
        }
        let mut modules: Vec<Module> =
            output.stdout.split(|byte| *byte == b'\n').filter_map(|line| self.module(line, examples)).collect();
        modules.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(modules)
    }

    /// The module that a line of cargo's messages tells of.
    fn module(&self, line: &[u8], examples: bool) -> Option<Module> {
        let message: Value = serde_json::from_slice(line).ok()?;
        let (target, wanted) = (&message["target"], if examples { "example" } else { "cdylib" });
        if message["reason"] != "compiler-artifact" || !target["kind"].as_array()?.contains(&wanted.into()) {
            return None;
        }
        let mut files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        let package = self.packages.iter().find(|package| package["id"] == message["package_id"])?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Some(Module {
            name: target["name"].as_str()?.replace('_', "-"),
            path: files.find(|file| file.ends_with(".wasm"))?.into(),
            package: Package {
                name: text(&package["name"]),
                version: text(&package["version"]),
                description: text(&package["description"]),
            },
            directory: Path::new(package["manifest_path"].as_str()?).parent()?.to_owned(),
        })
    }

    /// The folders of crates that come from no registry, each between colons.
    fn local_crates(&self) -> OsString {
        let mut folders = OsString::from(":");
        let local = self.packages.iter().filter(|package| package["source"].is_null());
        for folder in local.filter_map(|package| Path::new(package["manifest_path"].as_str()?).parent()) {
            folders.push(folder);
            folders.push(":");
        }
        folders
    }

    /// The compiler's flags: places of source files, which stand in messages of panics, are told as if everybody had
    /// the same folders.
    fn flags(&self, sysroot: &Path, target_directory: &Path) -> OsString {
        let mut folders = BTreeMap::from([
            (sysroot.to_owned(), "/rust".to_owned()),
            (target_directory.to_owned(), "/target".to_owned()),
            (self.workspace.clone(), "/source".to_owned()),
        ]);
        for package in &self.packages {
            let folder = package["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
            let (Some(folder), Some(name)) = (folder, package["name"].as_str()) else { continue };
            if package["source"].is_null() && !folder.starts_with(&self.workspace) {
                folders.insert(folder.to_owned(), format!("/{name}"));
            } else if let Some(home) = folder.ancestors().find(|folder| folder.ends_with("registry/src")) {
                folders.insert(home.to_owned(), "/registry".into());
            } else if let Some(home) = folder.ancestors().find(|folder| folder.ends_with("git/checkouts")) {
                folders.insert(home.to_owned(), "/git".into());
            }
        }
        let mut flags = OsString::from(STACK);
        // The compiler takes the last that fits, and a longer one sorts behind its own beginning.
        for (folder, name) in folders {
            flags.push("\x1f--remap-path-prefix=");
            flags.push(folder);
            flags.push("=");
            flags.push(name);
        }
        flags
    }
}

/// Puts the wrapper where cargo may run programs that it made. Whole at once: another build may be running it.
fn wrapper(target_directory: &Path) -> Result<PathBuf> {
    let path = target_directory.join("weir-rustc");
    if std::fs::read(&path).is_ok_and(|written| written == WRAPPER.as_bytes()) {
        return Ok(path);
    }
    let new = target_directory.join(format!("weir-rustc-{}", std::process::id()));
    let write = || {
        std::fs::create_dir_all(target_directory)?;
        std::fs::write(&new, WRAPPER)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755))?;
        std::fs::rename(&new, &path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn cargo(directory: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(directory);
    for variable in OUTER {
        command.env_remove(variable);
    }
    command
}

fn sysroot(directory: &Path) -> Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.current_dir(directory).args(["--print", "sysroot"]);
    let output = run(command)?;
    let sysroot = String::from_utf8(output.stdout).context("the folder of Rust's toolchain is not UTF-8")?;
    Ok(PathBuf::from(sysroot.trim_end()))
}

/// Runs to the end; what it says for people is shown, what it prints is kept.
fn run(mut command: Command) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().and_then(Child::wait_with_output);
    output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => {
            anyhow!("there is no `{program}` here: building a filter in Rust needs Rust, with rustup")
        }
        _ => anyhow!("cannot run `{program}`: {error}"),
    })
}
