//! `weir plugin build`.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use clap::Args;

use super::{digest, list, size};
use crate::plugin::Manifest;

#[derive(Args, Debug)]
pub(in crate::cli) struct Options {
    /// The project: a folder with Cargo.toml, weir-plugin.toml or both
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Where the component goes; NAME.wasm in the project if not said
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn build(options: &Options) -> anyhow::Result<()> {
    let component = weir_componentize::build_project(&options.directory)?;
    let bytes = &component.bytes;
    let manifest = Manifest::read(bytes).and_then(|manifest| manifest.check().map(|()| manifest));
    let manifest = manifest.map_err(|why| anyhow!("what was built is not a filter that this weir can run: {why}"))?;
    let file = match &options.output {
        Some(file) => file.clone(),
        None => options.directory.join(format!("{}.wasm", component.name)),
    };
    let file = file.strip_prefix(".").unwrap_or(&file);
    std::fs::write(file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    println!("{}: {}", file.display(), size(bytes));
    println!("  sha256        {}", digest(bytes));
    println!("  hooks         {}", list(manifest.hooks()));
    println!("  capabilities  {}", list(manifest.capabilities().map(|interface| interface.name.as_str())));
    let wasi = manifest.wasi().next().is_some();
    if wasi {
        println!("  WASI          it imports some, as language runtimes do, and gets stubs that do nothing");
    }
    println!("\nIn the configuration:\n\n{}", declaration(&component.name, file, &digest(bytes), wasi));
    Ok(())
}

/// What an operator writes to have the plugin.
fn declaration(name: &str, file: &Path, digest: &str, wasi: bool) -> String {
    let file = file.display().to_string();
    // A path with a space or a brace in it would end early.
    let is_plain = file.chars().all(|character| character.is_ascii_alphanumeric() || "/._-".contains(character));
    let file = if is_plain { file } else { serde_json::Value::from(file).to_string() };
    let wasi = if wasi { ", wasi: stub" } else { "" };
    format!("plugins:\n  {name}: {{ file: {file}, sha256: {digest}{wasi} }}")
}
