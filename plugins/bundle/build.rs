//! Builds every bundled filter to a component and writes the table that `src/lib.rs` includes.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use weir_componentize::{Build, build, shared_target_directory};

/// The crates beside this one, without the prefix `weir-plugin-`.
const PLUGINS: [&str; 14] = [
    "auth-basic",
    "auth-introspect",
    "auth-jwt",
    "auth-key",
    "authz",
    "compress",
    "cors",
    "headers-secure",
    "ip-filter",
    "rate-limit",
    "request-id",
    "respond",
    "transform",
    "validate",
];

fn main() -> anyhow::Result<()> {
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
    for path in ["plugins", "sdk", "wit", "Cargo.lock"] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    let packages = PLUGINS.map(|name| format!("weir-plugin-{name}"));
    let components = build(&Build {
        directory: &root,
        target_directory: &shared_target_directory(&out)?,
        packages: &packages.each_ref().map(String::as_str),
        examples: false,
    })?;
    let mut table = String::from("&[\n");
    for component in &components {
        let name = &component.name;
        let file = out.join(format!("{name}.wasm"));
        std::fs::write(&file, &component.bytes)?;
        writeln!(table, "    ({name:?}, include_bytes!({:?})),", file.to_string_lossy())?;
    }
    table.push_str("]\n");
    std::fs::write(out.join("table.rs"), table)?;
    Ok(())
}
