//! `weir schema` says what Weir accepts: an independent validator, Python's jsonschema, holds it against the golden files
//! and the examples.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use weir_tests::{Golden, command, weir};

/// Bad configurations that the schema accepts, by what a schema cannot see.
const BEYOND_A_SCHEMA: [(&str, &[&str]); 11] = [
    (
        "what a name refers to",
        &[
            "add-after-unknown",
            "add-before-unknown",
            "any-of-in-a-route",
            "chain-none-and-without",
            "chain-used-nowhere",
            "listener-misspelt",
            "listener-unknown",
            "more-faults-than-are-shown",
            "override-of-what-was-dropped",
            "override-unknown",
            "plugin-misspelt",
            "plugin-named-like-a-chain",
            "plugin-not-bundled",
            "plugin-unknown",
            "umlauts-before-the-fault",
            "upstream-misspelt",
            "upstream-none",
            "upstream-none-declared",
            "upstream-unknown",
            "windows-line-ends",
            "without-unknown",
            "byte-order-mark",
            "no-newline-at-the-end",
        ],
    ),
    (
        "that two of a list are alike, or a list holds itself",
        &[
            "add-twice",
            "address-twice",
            "admin-on-a-listener",
            "any-of-names",
            "chain-entry-twice",
            "chain-holds-itself",
            "chain-named-like-a-plugin",
            "chains-hold-each-other",
            "endpoint-twice",
            "header-twice",
            "site-name-twice",
        ],
    ),
    (
        "ties",
        &[
            "routes-tie",
            "routes-tie-for-a-method",
            "routes-tie-for-any-value",
            "routes-tie-for-head",
            "routes-tie-for-two-conditions",
            "routes-tie-in-another-spelling",
            "routes-tie-with-one-priority",
            "sites-tie-for-a-host",
            "sites-tie-for-a-wildcard",
            "sites-tie-for-any-host",
            "sites-tie-on-a-listener",
        ],
    ),
    (
        "what one key means for another",
        &[
            "add-first-and-before",
            "add-to-two-places",
            "admin-open-to-all",
            "path-with-an-encoded-slash",
            "quarantine-ends-before-it-begins",
            "redirect-with-tls",
            "strip-prefix-elsewhere",
            "strip-prefix-of-an-exact-path",
            "upstream-tls-without-https",
        ],
    ),
    (
        "how large what is written with a unit is, and how much it all is together",
        &[
            "chain-too-long",
            "chain-with-too-many-instances",
            "durations-out-of-range",
            "filter-limits-out-of-range",
            "sizes-out-of-range",
            "stores-out-of-range",
        ],
    ),
    (
        "the environment, and other files",
        &[
            "directory",
            "certificate-missing",
            "environment-empty",
            "environment-name",
            "environment-unclosed",
            "environment-unset",
            "environment-value",
            "include-each-other",
            "include-fault",
            "include-itself",
            "include-names-twice",
            "include-nothing",
            "include-pattern",
            "include-relative",
            "include-sets-twice",
            "include-syntax",
            "include-ties",
            "include-twice",
            "plugin-digest-differs",
            "plugin-file-missing",
            "plugin-unused-file-missing",
            "secret-empty",
            "secret-file-large",
            "secret-file-missing",
            "secret-unset",
            "upstream-tls-ca-missing",
        ],
    ),
    (
        "what stands in the file that includes this one",
        &["missing-listeners", "missing-sites", "missing-version", "no-site"],
    ),
    (
        "the filter's own keys",
        &[
            "filter-refuses-a-type",
            "filter-refuses-an-override",
            "filter-refuses-an-unknown-key",
            "filter-refuses-its-config",
        ],
    ),
    ("control characters and names of fields", &["headers-that-cannot-be"]),
    ("what its reader of YAML made of keys that stand twice", &["key-twice", "key-twice-in-braces", "name-twice"]),
    ("tags, aliases and nesting", &["alias-inside-itself", "merge-key", "tag", "too-deep", "too-many-values"]),
];

/// Reads files named on standard input; one line for each: `accepts`, `refuses` (with why) or `no YAML`.
const VALIDATOR: &str = r"
import json, sys, yaml, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
# YAML 1.2 has no times.
for word, kinds in yaml.SafeLoader.yaml_implicit_resolvers.items():
    yaml.SafeLoader.yaml_implicit_resolvers[word] = [kind for kind in kinds if not kind[0].endswith(':timestamp')]
for name in sys.stdin.read().splitlines():
    try:
        tree = yaml.safe_load(open(name, 'rb').read().decode('utf-8-sig'))
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError):
        print('no YAML')
        continue
    faults = [' '.join(fault.message.split())[:200] for fault in validator.iter_errors(tree)]
    print('refuses ' + '; '.join(faults) if faults else 'accepts')
";

fn schema() -> Value {
    schema_of(&["schema"])
}

fn schema_of(command: &[&str]) -> Value {
    let output = weir().args(command).output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).expect("the schema is JSON")
}

/// A Python that has the validator: the system's, or one under target/ that gets it on demand.
fn python() -> PathBuf {
    let has_it = |python: &Path| {
        let import = Command::new(python).args(["-c", "import jsonschema, yaml"]).stderr(Stdio::null()).status();
        import.is_ok_and(|status| status.success())
    };
    let system = PathBuf::from(command("python3", "python3").get_program());
    if has_it(&system) {
        return system;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("jsonschema");
    let own = folder.join("bin/python3");
    if !has_it(&own) {
        let made = Command::new(&system).args(["-m", "venv"]).arg(&folder).status();
        let got = Command::new(&own).args(["-m", "pip", "install", "-q", "jsonschema", "pyyaml"]).status();
        assert!(
            made.is_ok() && got.is_ok() && has_it(&own),
            "this test needs Python's jsonschema: apt-get install python3-jsonschema python3-yaml"
        );
    }
    own
}

/// What the validator says about each file.
fn verdicts(files: &[PathBuf]) -> Vec<String> {
    verdicts_by(&schema(), files)
}

fn verdicts_by(schema: &Value, files: &[PathBuf]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weir.schema.json");
    std::fs::write(&path, schema.to_string()).unwrap();
    let mut child = Command::new(python())
        .args(["-W", "ignore", "-c", VALIDATOR])
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let names: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    child.stdin.take().unwrap().write_all(names.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let verdicts: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    assert_eq!(verdicts.len(), files.len());
    verdicts
}

fn files_under(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            files_under(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn the_schema_accepts_what_weir_accepts() {
    let (root, mut files) = (Path::new(env!("CARGO_MANIFEST_DIR")), Vec::new());
    files_under(&root.join("configs/good"), &mut files);
    files_under(&root.join("../examples"), &mut files);
    files.retain(|file| !file.ends_with("cases.yaml"));
    for (file, verdict) in files.iter().zip(verdicts(&files)) {
        assert_eq!(verdict, "accepts", "{}", file.display());
    }
}

#[test]
fn the_schema_of_cases_accepts_those_that_are_run_and_refuses_others() {
    let (root, mut files) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), Vec::new());
    for folder in ["plugins", "examples", "host/src/cli/plugin/new/template"] {
        files_under(&root.join(folder), &mut files);
    }
    files.retain(|file| file.ends_with("cases.yaml"));
    assert!(files.len() >= 6, "{files:?}");
    let odd = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("key", "cases: [{ name: x, requst: {} }]"),
        ("below", "cases: [{ name: x, expect: { staus: 200 } }]"),
        ("nameless", "cases: [{ request: {} }]"),
        ("step", "cases: [{ name: x, steps: [{ config: {} }] }]"),
    ] {
        files.push(odd.path().join(name));
        std::fs::write(odd.path().join(name), text).unwrap();
    }
    for (file, verdict) in files.iter().zip(verdicts_by(&schema_of(&["plugin", "test", "--schema"]), &files)) {
        let is_odd = file.starts_with(odd.path());
        assert!(verdict.starts_with(if is_odd { "refuses" } else { "accepts" }), "{}: {verdict}", file.display());
    }
}

#[test]
fn the_schema_refuses_what_a_schema_can() {
    let all = Golden::all("bad");
    let files: Vec<PathBuf> = all.iter().map(|golden| golden.folder.join(&golden.file)).collect();
    let beyond: BTreeSet<&str> = BEYOND_A_SCHEMA.iter().flat_map(|(_, names)| names.iter().copied()).collect();
    let mut accepted = BTreeSet::new();
    for (golden, verdict) in all.iter().zip(verdicts(&files)) {
        if verdict == "accepts" {
            accepted.insert(golden.name().trim_start_matches("bad/").to_owned());
        }
    }
    let accepted: BTreeSet<&str> = accepted.iter().map(String::as_str).collect();
    assert_eq!(
        accepted.difference(&beyond).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "accepted, and no reason is known"
    );
    assert_eq!(beyond.difference(&accepted).collect::<Vec<_>>(), Vec::<&&str>::new(), "refused by now: strike it out");
}

#[test]
fn every_key_has_a_description() {
    let schema = schema();
    let sections = schema["$defs"].as_object().unwrap();
    assert!(sections.len() > 15);
    for (name, section) in sections {
        assert!(section["description"].as_str().is_some_and(|text| text.len() > 5), "{name}");
        for (key, property) in section["properties"].as_object().unwrap() {
            assert!(property["description"].as_str().is_some_and(|text| text.len() > 5), "{name}.{key}");
        }
    }
}
