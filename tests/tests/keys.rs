//! Every key of the configuration is described in docs/configuration.md as `weir schema` describes it, and has a test that
//! fails when the key is ignored.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use weir_tests::weir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schema() -> Value {
    let output = weir().arg("schema").output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("the schema is JSON")
}

/// Section and key, in the schema's order.
fn keys(schema: &Value) -> Vec<(String, String)> {
    let sections = schema["$defs"].as_object().unwrap();
    let keys = sections.iter().flat_map(|(section, definition)| {
        let keys = definition["properties"].as_object().unwrap().keys();
        keys.map(move |key| (section.clone(), key.clone()))
    });
    keys.collect()
}

/// What a value looks like, in a word or a link.
fn kind(schema: &Value) -> String {
    if let Some(section) = schema["$ref"].as_str() {
        let section = section.rsplit('/').next().unwrap();
        return format!("[{section}](#{})", section.to_lowercase());
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let mut kinds: Vec<String> = any.iter().filter(|one| one["pattern"] != "\\$\\{").map(kind).collect();
        kinds.dedup();
        return kinds.join(" or ");
    }
    if let Some(words) = schema["enum"].as_array() {
        let mut words: Vec<String> =
            words.iter().map(|word| format!("`{}`", word.to_string().trim_matches('"'))).collect();
        words.dedup();
        return words.join(" or ");
    }
    if let Some(word) = schema["const"].as_str() {
        return format!("`{word}`");
    }
    match schema["type"].as_str() {
        Some("array") => format!("list of {}", kind(&schema["items"])),
        Some("object")
            if schema["additionalProperties"].get("$ref").is_some() || schema["propertyNames"].is_object() =>
        {
            format!("names, each {}", kind(&schema["additionalProperties"]))
        }
        Some("object") => "map".into(),
        Some("boolean") => "`true` or `false`".into(),
        Some("integer") => match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            _ => "number".into(),
        },
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("KiB")) => "size".into(),
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("ms|s")) => "duration".into(),
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains("100)%")) => "share, as in 50%".into(),
        _ if schema["pattern"].as_str().is_some_and(|pattern| pattern.contains(")?%")) => {
            "share, as in 1% or 0.01".into()
        }
        _ => "text".into(),
    }
}

fn reference(schema: &Value) -> String {
    let mut text = String::new();
    let sections = schema["$defs"].as_object().unwrap();
    let first = ["File", "Listener", "Upstream", "Site", "Route", "LongEntry"];
    let rest = sections.keys().map(String::as_str).filter(|name| !first.contains(name));
    for name in first.into_iter().chain(rest) {
        let section = &sections[name];
        text += &format!(
            "\n### {name}\n\n{}\n\n| key | value | |\n| --- | --- | --- |\n",
            section["description"].as_str().unwrap()
        );
        let required: Vec<&str> =
            section["required"].as_array().unwrap().iter().map(|key| key.as_str().unwrap()).collect();
        for (key, value) in section["properties"].as_object().unwrap() {
            let must = if required.contains(&key.as_str()) { "Required. " } else { "" };
            text += &format!("| `{key}` | {} | {must}{} |\n", kind(value), value["description"].as_str().unwrap());
        }
    }
    text
}

#[test]
fn the_reference_says_what_the_schema_says() {
    let path = root().join("docs/configuration.md");
    let text = fs::read_to_string(&path).unwrap();
    let mark = "<!-- from here on written by the test: WEIR_BLESS=1 cargo test -p weir-tests --test keys -->\n";
    let (own, written) = text.split_once(mark).expect("the mark stands in the document");
    let wanted = reference(&schema());
    if std::env::var_os("WEIR_BLESS").is_some() {
        fs::write(&path, format!("{own}{mark}{wanted}")).unwrap();
    } else {
        assert!(written == wanted, "docs/configuration.md is not what `weir schema` says; WEIR_BLESS=1 writes it anew");
    }
}

/// All that is written in a folder and below.
fn sources(folder: &Path) -> String {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        if path.is_dir() { sources(&path) } else { fs::read_to_string(path).unwrap_or_default() }
    };
    paths.map(read).collect()
}

/// Rows of tests/KEYS.md: section, key, tests.
#[test]
fn every_key_has_a_test_that_fails_when_it_is_ignored() {
    let text = fs::read_to_string(root().join("tests/KEYS.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let mut shown = BTreeMap::new();
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [section, key, tests] = cells[..] else { panic!("a row has three cells: {row}") };
        let tests: Vec<String> = tests.split(", ").map(|test| test.trim_matches('`').to_owned()).collect();
        assert!(shown.insert((section.to_owned(), key.trim_matches('`').to_owned()), tests).is_none(), "twice: {row}");
    }
    let mut code = String::new();
    for folder in ["tests/tests", "host/tests"] {
        code += &sources(&root().join(folder));
    }
    let keys = keys(&schema());
    for key in &keys {
        let tests = shown.get(key).unwrap_or_else(|| panic!("tests/KEYS.md has no row for {key:?}"));
        for test in tests {
            let is_there = match test.strip_suffix(".yaml") {
                Some(golden) => ["good", "bad"].iter().any(|kind| {
                    let path = root().join(format!("tests/configs/{kind}/{golden}"));
                    path.with_extension("yaml").exists() || path.is_dir()
                }),
                None => code.contains(&format!("fn {test}(")),
            };
            assert!(is_there, "{key:?} is shown by `{test}`, which does not exist");
        }
    }
    for key in shown.keys() {
        assert!(keys.contains(key), "tests/KEYS.md has a row for {key:?}, which the schema has not");
    }
}
