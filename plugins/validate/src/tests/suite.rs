//! The public JSON-Schema-Test-Suite against the engine, and what the README says of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::check::{Verdict, check};
use crate::json::{At, Bounds, Json, Kind, ROOT, read};
use crate::schema::{Draft, Options, Source, compile};

const BOUNDS: Bounds = Bounds { depth: 64, steps: 1_000_000, duplicates: false };

/// Where it is.
pub(super) fn suite() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/json-schema-suite");
    assert!(
        folder.join("json/tests").is_dir(),
        "the JSON-Schema-Test-Suite is missing; it comes with the source of Python's `jsonschema`: \
         python3 -m venv target/json-schema-suite && \
         target/json-schema-suite/bin/pip install jsonschema==4.26.0 && \
         target/json-schema-suite/bin/pip download --no-deps --no-binary :all: --dest target/json-schema-suite jsonschema==4.26.0 && \
         tar -C target/json-schema-suite --strip-components=1 -xzf target/json-schema-suite/jsonschema-4.26.0.tar.gz"
    );
    folder
}

/// A value as JSON again, its numbers as they were.
fn written(json: &Json, at: At, into: &mut String) {
    let text = |text: &str, into: &mut String| into.push_str(&serde_json::to_string(text).unwrap());
    match json.kind(at) {
        Kind::Null => into.push_str("null"),
        Kind::True => into.push_str("true"),
        Kind::False => into.push_str("false"),
        Kind::Number => into.push_str(json.text(at)),
        Kind::Text | Kind::Escaped => text(json.text(at), into),
        Kind::Array => {
            into.push('[');
            for (index, item) in json.items(at).enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                written(json, item, into);
            }
            into.push(']');
        }
        Kind::Object => {
            into.push('{');
            for (index, (name, value)) in json.members(at).enumerate() {
                into.push_str(if index > 0 { "," } else { "" });
                text(name, into);
                into.push(':');
                written(json, value, into);
            }
            into.push('}');
        }
    }
}

fn part(json: &Json, at: At) -> Json {
    let mut text = String::new();
    written(json, at, &mut text);
    read(text.into_bytes(), &BOUNDS).unwrap()
}

fn document(file: &Path) -> Json {
    read(fs::read(file).unwrap(), &BOUNDS).unwrap_or_else(|why| panic!("{}: {why:?}", file.display()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What tests of this draft may refer to: the suite's own documents, and the draft's metaschemas.
fn remotes(draft: &str) -> Vec<(String, PathBuf)> {
    let root = suite().join("json/remotes");
    let mut remotes: Vec<(String, PathBuf)> = files(&root)
        .into_iter()
        .filter(|file| {
            let first = file.strip_prefix(&root).unwrap().components().next().unwrap();
            let first = first.as_os_str().to_string_lossy();
            !first.starts_with("draft") || first == draft
        })
        .map(|file| (format!("http://localhost:1234/{}", file.strip_prefix(&root).unwrap().display()), file))
        .collect();
    let packages = fs::read_dir(suite().join("lib")).unwrap().next().unwrap().unwrap().path();
    let metaschemas = packages.join("site-packages/jsonschema_specifications/schemas");
    let of_draft = match draft {
        "draft7" => vec![metaschemas.join("draft7/metaschema.json")],
        _ => fs::read_dir(metaschemas.join("draft202012/vocabularies"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .chain([metaschemas.join("draft202012/metaschema.json")])
            .collect(),
    };
    for file in of_draft {
        let json = document(&file);
        let id = json.string(json.member(ROOT, "$id").unwrap()).unwrap().trim_end_matches('#').to_owned();
        remotes.push((id, file));
    }
    remotes
}

#[derive(Default, Debug)]
struct Results {
    passed: usize,
    all: usize,
    failed: Vec<String>,
}

/// Runs the files; optional formats are asserted.
fn run(draft: &str, folder: &str, only_files: bool, formats: Option<bool>) -> Results {
    let remotes = remotes(draft);
    let mut results = Results::default();
    let folder = suite().join("json/tests").join(draft).join(folder);
    let default = if draft == "draft7" { Draft::Seven } else { Draft::TwentyTwenty };
    for file in files(&folder) {
        if only_files && file.parent() != Some(&folder) {
            continue;
        }
        let name = file.strip_prefix(&folder).unwrap().display().to_string();
        let json = document(&file);
        for group in json.items(ROOT) {
            let text = |at, name| json.string(json.member(at, name).unwrap()).unwrap().to_owned();
            let schema = json.member(group, "schema").unwrap();
            let mut sources = vec![Source { uri: "schema:///".into(), json: part(&json, schema) }];
            sources.extend(remotes.iter().map(|(uri, file)| Source { uri: uri.clone(), json: document(file) }));
            let compiled = compile(sources, Options { draft: default, formats });
            for test in json.items(json.member(group, "tests").unwrap()) {
                results.all += 1;
                let data = part(&json, json.member(test, "data").unwrap());
                let is_valid = json.kind(json.member(test, "valid").unwrap()) == Kind::True;
                let said = match &compiled {
                    Ok(schemas) => check(schemas, &data, 1_000_000, 10)
                        .map(|verdict| verdict == Verdict::Fits)
                        .map_err(|_| "too complex".to_owned()),
                    Err(faults) => Err(format!("{faults:?}")),
                };
                if said == Ok(is_valid) {
                    results.passed += 1;
                } else {
                    results.failed.push(format!(
                        "{name}: {}: {}: {said:?}",
                        text(group, "description"),
                        text(test, "description")
                    ));
                }
            }
        }
    }
    results
}

#[test]
fn the_public_suite() {
    let mut all = BTreeMap::new();
    for draft in ["draft2020-12", "draft7"] {
        all.insert((draft, "required"), run(draft, "", true, None));
        all.insert((draft, "optional"), run(draft, "optional", true, None));
        all.insert((draft, "formats"), run(draft, "optional/format", true, Some(true)));
    }
    for (which, results) in &all {
        println!("{which:?}: {} of {}", results.passed, results.all);
        for failed in &results.failed {
            println!("    {}", failed.chars().take(400).collect::<String>());
        }
    }
}
