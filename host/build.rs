//! Puts the sources of the SDK for Rust into the command: `weir plugin new` writes them beside a new filter.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// What filters are built of, and the terms under which it comes.
const PARTS: [&str; 7] =
    ["Cargo.toml", "LICENSE", "sdk/macros/Cargo.toml", "sdk/macros/src", "sdk/rust/Cargo.toml", "sdk/rust/src", "wit"];

fn main() {
    let root = Path::new(&env::var_os("CARGO_MANIFEST_DIR").expect("cargo says it")).join("..");
    let root = root.canonicalize().expect("the sources are there");
    let mut files = Vec::new();
    for part in PARTS {
        let part = root.join(part);
        println!("cargo::rerun-if-changed={}", part.display());
        collect(part, &mut files);
    }
    files.sort();
    let mut table = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(&root).expect("it was found there").to_string_lossy();
        let file = file.to_string_lossy();
        writeln!(table, "    ({name:?}, include_str!({file:?})),").expect("a text takes all");
    }
    table.push(']');
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says it"));
    fs::write(out.join("sdk.rs"), table).expect("cargo's folder can be written");
}

fn collect(path: PathBuf, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(&path).expect("the sources can be read") {
            collect(entry.expect("the sources can be read").path(), files);
        }
    } else if path.extension().is_none_or(|ending| ending != "md") {
        files.push(path);
    }
}
