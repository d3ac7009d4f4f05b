//! Builds the guests to components, for the harness to name.

use std::path::{Path, PathBuf};

use weir_componentize::{Build, build, shared_target_directory};

fn main() -> anyhow::Result<()> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    for path in ["tests/guests", "sdk", "wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    let target = shared_target_directory(&out)?;
    for component in
        build(&Build { directory: &root, target_directory: &target, packages: &["weir-guests"], examples: true })?
    {
        std::fs::write(out.join(format!("{}.wasm", component.name)), component.bytes)?;
    }
    println!("cargo::rustc-env=GUESTS={}", out.display());
    Ok(())
}
