//! `weir plugin new`.

mod name;
mod sdk;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::say;
use crate::cli::Usage;

/// Stands for the filter's name in what is written, and for the folder of the SDK.
const NAME: &str = "@NAME@";
const SDK: &str = "@SDK@";

/// A filter that does something small, to begin with.
const FILES: [(&str, &str); 9] = [
    (".gitignore", include_str!("new/template/gitignore")),
    ("Cargo.toml", include_str!("new/template/Cargo.toml")),
    ("README.md", include_str!("new/template/README.md")),
    ("cases.yaml", include_str!("new/template/cases.yaml")),
    ("rust-toolchain.toml", include_str!("../../../../rust-toolchain.toml")),
    ("src/lib.rs", include_str!("new/template/lib.rs")),
    ("src/tests.rs", include_str!("new/template/tests.rs")),
    ("weir-plugin.toml", include_str!("new/template/weir-plugin.toml")),
    ("weir.yaml", include_str!("new/template/weir.yaml")),
];

#[derive(Args, Debug)]
pub(in crate::cli) struct Options {
    /// The filter's name, and its folder's
    name: String,
    /// Where its folder goes
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Use the SDK in this folder (`sdk/rust` of Weir's sources) instead of a copy in the project
    #[arg(long, value_name = "DIR")]
    sdk: Option<PathBuf>,
}

pub(super) fn new(options: &Options) -> anyhow::Result<()> {
    name::check(&options.name).map_err(Usage)?;
    let sdk = options.sdk.as_deref().map(sdk::find).transpose()?;
    let folder = options.dir.join(&options.name);
    let folder = folder.strip_prefix(".").unwrap_or(&folder);
    fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => anyhow::Error::new(Usage(format!(
            "{} is there already; choose another name, or another folder with `--dir`",
            folder.display()
        ))),
        _ => anyhow::Error::new(error).context(format!("cannot make {}", folder.display())),
    })?;
    if let Err(error) = write(folder, &options.name, sdk.as_deref()) {
        // Half a project is none.
        let _ = fs::remove_dir_all(folder);
        return Err(error);
    }
    let (name, folder) = (&options.name, folder.display());
    Ok(say(&format!(
        "{folder}: a filter to begin with\n\n\
         Next, in {folder}:\n\
         \x20 weir plugin build   makes the component {name}.wasm of it\n\
         \x20 weir plugin test    runs cases.yaml: the component, in the proxy\n\
         \x20 cargo test          runs src/tests.rs: the code alone\n\
         \x20 weir run            serves weir.yaml, which has it in its chain\n\n\
         README.md has these commands and what they print.\n"
    ))?)
}

fn write(folder: &Path, name: &str, sdk: Option<&Path>) -> anyhow::Result<()> {
    let place = sdk.map_or_else(|| format!("{}/sdk/rust", sdk::FOLDER), |sdk| sdk.display().to_string());
    // As TOML has it within quotes.
    let place = place.replace('\\', "\\\\").replace('"', "\\\"");
    for (file, text) in FILES {
        put(folder, file, &text.replace(NAME, name).replace(SDK, &place))?;
    }
    put(folder, "Cargo.lock", &sdk::lock(name))?;
    if sdk.is_none() {
        for (file, text) in sdk::files() {
            put(&folder.join(sdk::FOLDER), file, &text)?;
        }
    }
    Ok(())
}

fn put(folder: &Path, file: &str, text: &str) -> anyhow::Result<()> {
    let path = folder.join(file);
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&path, text));
    written.with_context(|| format!("cannot write {}", path.display()))
}
