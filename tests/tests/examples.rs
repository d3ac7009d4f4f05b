//! The examples, as they are written. Those in other languages are built first, by the tests in languages.rs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use weir_tests::{command, follow_readme};

/// An empty folder for copies of examples, with what examples may build on where they expect it. Always the same one, so
/// that what was built for the last run need not be built for this one.
fn workshop(root: &Path) -> PathBuf {
    let workshop = Path::new(env!("CARGO_TARGET_TMPDIR")).join("workshop");
    let _ = fs::remove_dir_all(&workshop);
    fs::create_dir_all(workshop.join("examples")).unwrap();
    for name in ["Cargo.toml", "sdk", "wit"] {
        symlink(root.join(name), workshop.join(name)).unwrap();
    }
    workshop.join("examples")
}

#[test]
fn every_example_prints_what_its_readme_says() {
    let _ = command("curl", "curl");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    let workshop = workshop(&root);
    let mut count = 0;
    for example in fs::read_dir(root.join("examples")).unwrap().map(|entry| entry.unwrap().path()) {
        let name = example.file_name().unwrap();
        if !example.is_dir() || name.to_string_lossy().starts_with("filter-") {
            continue;
        }
        let folder = workshop.join(name);
        fs::create_dir(&folder).unwrap();
        // What somebody built in there by hand is none of it.
        let parts = fs::read_dir(&example).unwrap().map(|entry| entry.unwrap().path());
        let parts: Vec<PathBuf> = parts.filter(|part| !part.ends_with("target")).collect();
        assert!(Command::new("cp").arg("-a").args(&parts).arg(&folder).status().unwrap().success());
        follow_readme(&folder, &Path::new(env!("CARGO_TARGET_TMPDIR")).join("workshop-target"));
        count += 1;
    }
    assert!(count > 0);
}
