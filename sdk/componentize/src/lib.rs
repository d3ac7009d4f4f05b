//! From projects to filters: runs cargo, or the project's own command, and makes a component of the Weir contract of
//! what comes out, with a manifest in it. A filter in Rust imports nothing but what it uses of `weir:filter`: no WASI.
//!
//! Build scripts and the command line share this; it must not know the host.

mod cargo;
mod contract;
mod foreign;
mod manifest;
mod project;
mod sections;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use cargo::{Crates, Module};
use manifest::Package;
use project::{FILE, Project};
use sections::Told;

pub use contract::Contract;

/// Crates of a workspace.
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
    /// The filter's name, as its manifest says it.
    pub name: String,
    /// The component's bytes.
    pub bytes: Vec<u8>,
}

/// Builds the crates' `cdylib`s and wraps them.
pub fn build(build: &Build<'_>) -> Result<Vec<Component>> {
    let crates = Crates::find(build.directory)?;
    let modules = crates.build(build.target_directory, build.packages, build.examples)?;
    ensure!(
        !modules.is_empty(),
        "cargo built no cdylib; a filter's Cargo.toml says `[lib] crate-type = [\"cdylib\", \"rlib\"]`"
    );
    modules.into_iter().map(|module| wrap(module, build.examples)).collect()
}

/// Builds the one filter of a project: a crate, or whatever its `weir-plugin.toml` says how to build.
pub fn build_project(directory: &Path) -> Result<Component> {
    let directory = foreign::absolute(directory)?;
    let mut project = Project::read(&directory)?;
    if let Some(foreign) = project.build.take() {
        ensure!(project.name.is_some(), "{FILE} does not say the filter's name: `name = \"my-filter\"`");
        let component = foreign::build(&directory, &foreign)?;
        let (name, bytes) = manifest::add(&component, &Told::default(), Package::default(), project)?;
        return Ok(Component { name, bytes });
    }
    ensure!(
        directory.join("Cargo.toml").exists(),
        "{} has neither a Cargo.toml nor a {FILE} with `build`: nothing says how to build it",
        directory.display()
    );
    let crates = Crates::find(&directory)?;
    let package = crates.filter()?;
    let modules = crates.build(&crates.target_directory, &[package], false)?;
    wrap(modules.into_iter().next().context("cargo built no module")?, false)
}

fn wrap(module: Module, is_example: bool) -> Result<Component> {
    let core = std::fs::read(&module.path).with_context(|| format!("cannot read {}", module.path.display()))?;
    let mut project = Project::read(&module.directory)?;
    if is_example {
        // The package's name is that of all its examples.
        project.name.get_or_insert_with(|| module.name.clone());
    }
    let (name, bytes) =
        manifest::wrap(&core, module.package, project).with_context(|| format!("{} is not a filter", module.name))?;
    Ok(Component { name, bytes })
}

/// For a build script: the folder beside its own build's that filters are built in, shared by all of them.
pub fn shared_target_directory(out_dir: &Path) -> Result<PathBuf> {
    // target/[triple/]<profile>/build/<package>/out
    let target = out_dir.ancestors().nth(4).context("OUT_DIR is not inside a target folder")?;
    Ok(target.join("filters"))
}
