//! The table: every row of it answers as its document says, and nothing else does.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use weir_tests::{Client, Origin, Proxy, ProxyBuilder, guest};

use super::{Administered, administered, curl};

fn usual() -> ProxyBuilder {
    Proxy::builder().filter("request-id").route("/*", "app", Origin::text("x").address)
}

/// Method and path of each row, with a path that there is.
fn rows(door: &Administered) -> Vec<(String, String, Value)> {
    let document = door.view("/openapi.json");
    // Something was refused, so that there is a story.
    let story = Client::connect(door.proxy.address).get("/a%2fb", "");
    let story = story.header("x-request-id").expect("the answer names its exchange").to_owned();
    door.proxy.access.wait(&story);
    let endpoint = door.view("/upstreams")["upstreams"][0]["endpoints"][0]["name"].as_str().unwrap().to_owned();
    let mut rows = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let path = path.replace("{upstream}", "app").replace("{endpoint}", &endpoint).replace("{id}", &story);
            let mut path = path.replace("{plugin}", "request-id");
            if path == "/explain" {
                path += "?host=a.example&path=/";
            }
            rows.push((method.to_uppercase(), path, operation.clone()));
        }
    }
    rows
}

#[test]
fn every_row_of_the_table_answers() {
    let mut door = administered(&usual(), "");
    let mut rows = rows(&door);
    // It leads to another process: `weir upgrade` has tests of its own.
    rows.retain(|(_, path, _)| path != "/upgrade");
    // The end comes last.
    rows.sort_by_key(|(_, path, _)| path == "/drain");
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for (method, path, operation) in rows {
        assert!(operation["summary"].as_str().is_some_and(|words| words.ends_with('.')), "{path}");
        let (status, view) = match method.as_str() {
            "POST" => door.order(&path),
            "PUT" => {
                let component = format!("@{}", guest("headers").display());
                let wasm = "Content-Type: application/wasm";
                curl(&["-X", "PUT", "-H", wasm, "--data-binary", &component, &door.url(&path)])
            }
            _ => curl(&[&door.url(&path)]),
        };
        assert_eq!(status, 200, "{method} {path}: {view}");
        if let Some(json) = operation["responses"]["200"]["content"].get("application/json") {
            assert!(view.is_object(), "{method} {path}: {view}");
            assert!(json["schema"]["$ref"].is_string() || path == "/openapi.json", "{path}");
        }
    }
    assert!(door.proxy.exit().success());
}

#[test]
fn the_guide_names_every_row_of_the_table() {
    let door = administered(&usual(), "");
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/admin.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let document = door.view("/openapi.json");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let row = format!("| `{} {path}", method.to_uppercase());
            assert!(guide.contains(&row), "docs/admin.md has no row that begins with {row}");
        }
    }
    let rows = guide
        .lines()
        .filter(|line| ["GET", "POST", "PUT"].iter().any(|method| line.starts_with(&format!("| `{method} /"))))
        .count();
    let all: usize =
        document["paths"].as_object().unwrap().values().map(|methods| methods.as_object().unwrap().len()).sum();
    assert_eq!(rows, all, "docs/admin.md has rows of what there is not");
}

#[test]
fn what_is_not_in_the_table_is_refused_in_words() {
    let door = administered(&usual(), "");
    let refused = |options: &[&str], path: &str| {
        let url = door.url(path);
        let (status, said) = curl(&[options, &[url.as_str()]].concat());
        (status, said["error"].as_str().unwrap_or_default().to_owned())
    };
    for (options, path, status, words) in [
        (&[][..], "/", 404, "GET /openapi.json"),
        (&[], "/Status", 404, "no such path"),
        (&[], "/status/", 404, "no such path"),
        (&[], "//status", 404, "no such path"),
        (&[], "/upstreams//endpoints", 404, "no such path"),
        (&["-X", "POST"], "/status", 405, "takes GET, HEAD"),
        (&["-X", "DELETE"], "/reload", 405, "takes POST"),
        (&["-X", "PUT"], "/upstreams/app", 405, "takes GET, HEAD"),
        (&[], "/reload", 405, "takes POST"),
        (&["--json", "{\"force\":true}"], "/reload", 400, "the body is `{}`"),
        (&["--json", "[]"], "/reload", 400, "the body is `{}`"),
        (&["--json", ""], "/reload", 400, "the body is `{}`"),
        (&["-d", "{}"], "/reload", 415, "curl --json"),
        (&[], "/routes?limit=0", 400, "`limit` is a whole number from 1 to 1000"),
        (&[], "/routes?limit=1001", 400, "from 1 to 1000"),
        (&[], "/routes?offset=-1", 400, "`offset` is a whole number"),
        (&[], "/routes?offset=%2b1", 400, "`offset` is a whole number"),
        (&[], "/routes?page=1", 400, "there are: site, upstream, offset, limit"),
        (&[], "/routes?limit=1&limit=2", 400, "stands twice"),
        (&[], "/routes?site=%ff", 400, "not UTF-8"),
        (&[], "/routes?site=%zz", 400, "percent-encoding"),
        (&[], "/status?x=1", 400, "there is none here"),
        (&[], "/explain?host=a", 400, "the query must have `path`"),
        (&[], "/explain?host=a&path=x", 400, "`path` begins with a slash"),
        (&[], "/explain?host=a&path=/&method=get", 400, "`method` is made of capital letters"),
        (&[], "/upstreams/none", 404, "GET /upstreams names all"),
    ] {
        let (found, said) = refused(options, path);
        assert!(found == status && said.contains(words), "{options:?} {path}: {found} {said}");
    }
    let mut client = Client::connect(door.admin);
    client.send("HEAD /status HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.head().0, 200);
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")));
}

/// The tool that reads the document and tries what it says, and what it does not.
fn schemathesis() -> Command {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/schemathesis/bin/schemathesis");
    let on_path =
        std::env::var_os("PATH").into_iter().flat_map(|path| std::env::split_paths(&path).collect::<Vec<_>>());
    let found = on_path.map(|folder| folder.join("schemathesis")).chain([kept]).find(|path| path.is_file());
    Command::new(found.expect(
        "this test needs schemathesis: python3 -m venv target/schemathesis && \
         target/schemathesis/bin/pip install schemathesis",
    ))
}

/// What it says of a proxy that is asked as this document has it.
fn tried(door: &Administered, document: &Path, more: &[&str]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    // Any bytes are a body there; that they are a component, no schema can say.
    let component = "[[operations]]\ninclude-name = \"PUT /plugins/{plugin}\"\n\
        checks.positive_data_acceptance.expected-statuses = [\"2xx\", \"404\", \"409\", \"422\"]\n";
    std::fs::write(folder.path().join("schemathesis.toml"), component).unwrap();
    let Output { status, stdout, stderr } = schemathesis()
        .current_dir(folder.path())
        .arg("run")
        .arg(document)
        .args(["--url", &door.url(""), "--checks", "all", "--exclude-path", "/drain", "--exclude-path", "/upgrade"])
        .arg("--continue-on-failure")
        .args(["--max-examples", "40", "--generation-database", "none", "--seed", "1", "--no-color"])
        .args(more)
        .output()
        .unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

/// The document, changed.
fn written(folder: &Path, mut document: Value, change: impl Fn(&mut Value)) -> PathBuf {
    change(&mut document);
    let file = folder.join("openapi.json");
    std::fs::write(&file, document.to_string()).unwrap();
    file
}

#[test]
fn what_the_document_says_is_so() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "sesame").unwrap();
    let door = administered(&usual(), &format!(", token: {{ file: \"{}\" }}", token.display()));
    let bearer = "Authorization: Bearer sesame";
    let (_, document) = curl(&["-H", bearer, &door.url("/openapi.json")]);
    let file = written(folder.path(), document, |_| {});
    let (is_so, said) = tried(&door, &file, &["-H", bearer]);
    assert!(is_so, "{said}");
    for phase in ["Coverage", "Fuzzing", "Stateful"] {
        assert!(said.contains(&format!("✅ {phase}")), "the phase {phase} did not run: {said}");
    }
}

type Change = fn(&mut Value);

/// Whether the tool would notice: with a document that is wrong, and with a proxy that lets everybody in.
#[test]
fn a_document_that_is_wrong_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let door = administered(&usual(), "");
    let document = door.view("/openapi.json");
    let changes: [(&str, Change); 4] = [
        ("a field that is not there", |document| {
            let status = &mut document["components"]["schemas"]["Status"];
            status["properties"]["colour"] = json!({ "type": "string" });
            status["required"] = json!(["colour"]);
        }),
        ("a limit that is refused", |document| {
            for parameter in document["paths"]["/routes"]["get"]["parameters"].as_array_mut().unwrap() {
                parameter["schema"].as_object_mut().unwrap().remove("maximum");
            }
        }),
        ("a method that is not there", |document| {
            document["paths"]["/status"]["put"] = document["paths"]["/status"]["get"].clone();
        }),
        ("a token that is not asked for", |document| document["security"] = json!([{ "token": [] }])),
    ];
    for (what, change) in changes {
        let file = written(folder.path(), document.clone(), change);
        let mut more = vec!["--phases", "coverage,fuzzing", "--include-path-regex", "^/(status|routes)$"];
        if what.contains("token") {
            more.extend(["-H", "Authorization: Bearer x"]);
        }
        let (is_so, said) = tried(&door, &file, &more);
        assert!(!is_so, "{what}: {said}");
    }
}
