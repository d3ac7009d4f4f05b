//! From filter crates to components: runs cargo for `wasm32-unknown-unknown` and wraps each core module that
//! comes out as a component of the Weir contract. No WASI: such a component imports nothing but what
//! the filter uses of `weir:filter`.
//!
//! Build scripts and the command line share this; it must not know the host.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of filters, given on the command line so that a crate outside this workspace needs none.
const PROFILE: [&str; 7] = [
    "profile.filter.inherits='release'",
    "profile.filter.opt-level='s'",
    "profile.filter.lto='fat'",
    "profile.filter.codegen-units=1",
    "profile.filter.panic='abort'",
    "profile.filter.strip=true",
    "profile.filter.debug=false",
];

/// The stack is memory that every fresh instance touches; the default of 1 MiB doubles its cost.
const STACK: &str = "-Clink-arg=-zstack-size=65536";

/// What to build.
#[derive(Debug)]
pub struct Build<'a> {
    /// The folder of the workspace or crate.
    pub directory: &'a Path,
    /// Where cargo keeps its files. Not the outer build's folder, which is locked while a build script
    /// runs.
    pub target_directory: &'a Path,
    /// Which crates, and of them the library or every example.
    pub packages: &'a [&'a str],
    /// Build the examples instead of the library.
    pub examples: bool,
}

/// One filter that came out.
#[derive(Debug)]
pub struct Component {
    /// The name of the crate or example.
    pub name: String,
    /// The component's bytes.
    pub bytes: Vec<u8>,
}

/// Builds the crates' `cdylib`s and wraps them.
pub fn build(build: &Build<'_>) -> Result<Vec<Component>> {
    let modules = compile(build)?;
    ensure!(
        !modules.is_empty(),
        "cargo built no cdylib; a filter's Cargo.toml says `[lib] crate-type = [\"cdylib\", \"rlib\"]`"
    );
    modules
        .into_iter()
        .map(|(name, path)| {
            let module = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            let bytes = componentize(&module).with_context(|| format!("{name} is not a filter"))?;
            Ok(Component { name, bytes })
        })
        .collect()
}

/// Wraps a core module that was built with the SDK.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>> {
    wit_component::ComponentEncoder::default().validate(true).module(module)?.encode()
}

fn compile(build: &Build<'_>) -> Result<Vec<(String, PathBuf)>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(build.directory)
        .args(["build", "--target", TARGET, "--profile", "filter", "--message-format", "json-render-diagnostics"])
        .args(["--target-dir".as_ref(), build.target_directory.as_os_str()])
        .args(PROFILE.iter().flat_map(|setting| ["--config", setting]))
        .args(build.packages.iter().flat_map(|package| ["--package", package]))
        .arg(if build.examples { "--examples" } else { "--lib" })
        .env("CARGO_ENCODED_RUSTFLAGS", STACK)
        // Inside a build script these belong to the outer build: its linter, its flags, its target.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env_remove("CARGO_BUILD_RUSTFLAGS")
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let output = command.spawn().context("cannot run cargo")?.wait_with_output()?;
    if !output.status.success() {
        bail!("cargo could not build the filters for {TARGET} (is it installed? `rustup target add {TARGET}`)");
    }
    let mut modules = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n') {
        let Ok(message) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let wanted = if build.examples { "example" } else { "cdylib" };
        let target = &message["target"];
        if message["reason"] != "compiler-artifact"
            || !target["kind"].as_array().is_some_and(|kinds| kinds.contains(&wanted.into()))
        {
            continue;
        }
        let module = message["filenames"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|file| file.as_str())
            .find(|file| file.ends_with(".wasm"));
        if let (Some(name), Some(module)) = (target["name"].as_str(), module) {
            modules.push((name.replace('_', "-"), PathBuf::from(module)));
        }
    }
    modules.sort();
    Ok(modules)
}

/// For a build script: the folder beside its own build's that filters are built in, shared by all of them.
pub fn shared_target_directory(out_dir: &Path) -> Result<PathBuf> {
    // target/[triple/]<profile>/build/<package>/out
    let target = out_dir.ancestors().nth(4).context("OUT_DIR is not inside a target folder")?;
    Ok(target.join("filters"))
}
