//! What authors of filters have: `weir plugin new`, the cases of bundled plugins, a schema for editors.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use weir_tests::{follow_readme, free_port, weir};

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

fn bundled() -> Vec<(String, PathBuf)> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let folders = fs::read_dir(plugins).unwrap().map(|entry| entry.unwrap().path());
    let filters = folders.filter(|folder| folder.join("weir-plugin.toml").exists());
    let named = |folder: PathBuf| (folder.file_name().unwrap().to_str().unwrap().to_owned(), folder.join("cases.yaml"));
    let mut all: Vec<_> = filters.map(named).collect();
    all.sort();
    assert!(all.len() >= 4, "{all:?}");
    all
}

#[test]
fn cases_of_bundled_plugins_hold() {
    for (name, cases) in bundled() {
        let (code, said, error) = run(weir().args(["plugin", "test", &name, "--cases"]).arg(&cases));
        assert_eq!(code, 0, "{name}\n{said}{error}");
    }
}

/// Names of keys, those of maps in maps too, as the schema of a plugin has them. What is granted has the same forms for all.
fn keys(schema: &Value, root: &Value, found: &mut Vec<String>) {
    if schema["x-weir"].is_string() {
        return;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        return keys(root.pointer(reference.trim_start_matches('#')).unwrap(), root, found);
    }
    for list in ["anyOf", "oneOf", "allOf"] {
        schema[list].as_array().into_iter().flatten().for_each(|part| keys(part, root, found));
    }
    for (name, below) in schema["properties"].as_object().into_iter().flatten() {
        found.push(name.clone());
        keys(below, root, found);
    }
}

#[test]
fn every_option_of_bundled_plugins_stands_in_a_case_and_each_readme_shows_one() {
    for (name, cases) in bundled() {
        let (_, said, _) = run(weir().args(["plugin", "inspect", &name, "--json"]));
        let told: Value = serde_json::from_str(&said).unwrap();
        let mut options = Vec::new();
        keys(&told["schema"], &told["schema"], &mut options);
        assert!(options.len() > 2, "{name}: {told:#}");
        let written = fs::read_to_string(&cases).unwrap();
        for option in options {
            assert!(written.contains(&format!("{option}:")), "no case of {name} has `{option}`");
        }
        let readme = fs::read_to_string(cases.with_file_name("README.md")).unwrap();
        let shown = readme.split("```yaml\n").skip(1).filter_map(|block| block.split("```").next());
        let shown: Vec<&str> = shown.filter(|block| block.starts_with("  - name: ")).collect();
        assert!(!shown.is_empty(), "the README of {name} shows no case");
        for case in shown {
            assert!(written.contains(case), "{name} has no case as its README shows it:\n{case}");
        }
    }
}

/// What cargo made of the same sources before is used again.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("authoring")
}

#[test]
fn a_new_filter_is_built_tested_and_served_as_its_readme_says() {
    // The same place each time: cargo knows crates by their paths.
    let place = kept();
    let folder = place.join("my-filter");
    fs::create_dir_all(&place).unwrap();
    let _ = fs::remove_dir_all(&folder);
    let (code, said, error) = run(weir().args(["plugin", "new", "my-filter", "--dir"]).arg(&place));
    assert_eq!(code, 0, "{error}");
    assert!(said.contains("weir plugin test") && said.contains(&*folder.to_string_lossy()), "{said}");
    let lock = fs::read_to_string(folder.join("Cargo.lock")).unwrap();
    let port = free_port();
    for file in ["README.md", "weir.yaml"] {
        let text = fs::read_to_string(folder.join(file)).unwrap();
        assert!(text.contains("127.0.0.1:8080"));
        fs::write(folder.join(file), text.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"))).unwrap();
    }
    follow_readme(&folder, &place.join("target"));
    assert_eq!(fs::read_to_string(folder.join("Cargo.lock")).unwrap(), lock, "cargo changed the versions");
    let all = fs::read_to_string(folder.join("src/lib.rs")).unwrap();
    assert!(!all.contains('@'), "{all}");
    // It is there now.
    let (code, _, error) = run(weir().args(["plugin", "new", "my-filter", "--dir"]).arg(&place));
    assert_eq!((code, error.contains("is there already")), (2, true), "{error}");
}

#[test]
fn a_new_filter_can_use_the_sdk_of_a_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/rust");
    let mut new = weir();
    let (code, _, error) = run(new.args(["plugin", "new", "own", "--sdk"]).arg(&sdk).current_dir(folder.path()));
    assert_eq!(code, 0, "{error}");
    let project = folder.path().join("own");
    assert!(!project.join("weir").exists());
    let mut cargo = Command::new("cargo");
    let (code, told, error) = run(cargo.args(["metadata", "--locked", "--format-version", "1"]).current_dir(&project));
    assert_eq!(code, 0, "{error}");
    assert!(told.contains(&*sdk.canonicalize().unwrap().to_string_lossy()), "{told}");
    let (code, _, error) = run(weir().args(["plugin", "new", "other", "--sdk", "/nowhere"]).current_dir(folder.path()));
    assert_eq!((code, error.contains("/nowhere is not the SDK")), (2, true), "{error}");
    assert!(!folder.path().join("other").exists());
}

#[test]
fn names_that_no_filter_can_have_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, why) in [
        ("My_Filter", "write words of a-z and 0-9"),
        ("7up", "write words of a-z and 0-9"),
        ("a--b", "write words of a-z and 0-9"),
        ("../up", "write words of a-z and 0-9"),
        ("match", "means something to Rust"),
        ("weir-sdk", "means something to Rust"),
        ("ip-filter", "is bundled with weir"),
    ] {
        let (code, _, error) = run(weir().args(["plugin", "new", name]).current_dir(folder.path()));
        assert_eq!((code, error.contains(why)), (2, true), "{name}: {error}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_schema_for_editors_knows_every_key() {
    let (code, said, error) = run(weir().args(["plugin", "test", "--schema"]));
    assert_eq!(code, 0, "{error}");
    let schema: Value = serde_json::from_str(&said).unwrap();
    let case = &schema["$defs"]["Case"]["properties"];
    for key in ["name", "config", "request", "steps", "expect", "documents", "kv"] {
        assert!(case[key].is_object(), "{key} is not in {case:#}");
    }
    assert!(schema["$defs"]["Step"]["properties"]["advance"].is_object());
}
