//! Filters in other languages: the examples in JavaScript and Python, built as their READMEs say, in the running proxy.
//!
//! A build takes half a minute, so its component is kept in the target folder until a source, a lock file or the
//! contract changes.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use weir_tests::{Client, Origin, Proxy, Reply, command, follow_readme, weir};

/// A language that an example is written in.
struct Language {
    example: &'static str,
    /// Its main file.
    source: &'static str,
    /// What must be installed: the program and its package.
    needs: &'static [(&'static str, &'static str)],
    /// Built once; a build that fails is not tried again.
    component: Mutex<Option<PathBuf>>,
}

static JAVASCRIPT: Language = Language {
    example: "filter-javascript",
    source: "filter.js",
    needs: &[("node", "nodejs"), ("npm", "npm")],
    component: Mutex::new(None),
};

static PYTHON: Language = Language {
    example: "filter-python",
    source: "guard.py",
    needs: &[("python3", "python3 python3-venv")],
    component: Mutex::new(None),
};

impl Language {
    fn folder(&self) -> PathBuf {
        root().join("examples").join(self.example)
    }

    /// The filter, built and in the cache of compiled filters: a proxy that runs it starts at once.
    fn component(&self) -> PathBuf {
        let mut component =
            self.component.lock().expect("it was built: the first test that failed says why it was not");
        let built = component.get_or_insert_with(|| {
            let component = self.build();
            let folder = tempfile::tempdir().unwrap();
            let output = validate(folder.path(), &text(&component, "limit: 1"));
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            component
        });
        built.clone()
    }

    fn build(&self) -> PathBuf {
        let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(self.example);
        let mut sources = files(&self.folder());
        sources.extend(files(&root().join("wit")));
        let component = kept.join(format!("{:016x}.wasm", digest(&sources)));
        if component.exists() {
            return component;
        }
        for (program, package) in self.needs {
            let _ = command(program, package);
        }
        // A copy, so that the toolchains leave nothing among the sources.
        let project = self.copy(&kept.join("project"));
        let readme = fs::read_to_string(project.join("README.md")).unwrap();
        let commands = readme.split("```sh\n").nth(1).and_then(|block| block.split("```").next());
        shell(&project, commands.expect("the README says how to build it"));
        fs::rename(project.join("filter.wasm"), &component).unwrap();
        component
    }

    /// Its files in another folder.
    fn copy(&self, folder: &Path) -> PathBuf {
        for source in files(&self.folder()) {
            let copy = folder.join(source.strip_prefix(self.folder()).unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(source, copy).unwrap();
        }
        folder.to_owned()
    }

    /// A proxy whose one filter is this one, and what is behind it.
    fn proxy(&self, config: &str) -> (Proxy, Origin) {
        let origin = Origin::text("served");
        let builder = Proxy::builder()
            .top(&format!("plugins: {{ guard: {{ file: \"{}\" }} }}", self.component().display()))
            .filter(&format!("{{ plugin: guard, config: {{ store: local, {config} }} }}"))
            .route("/*", "origin", origin.address);
        (builder.start(), origin)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The files of a folder, in order, without what toolchains put there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_file() {
            found.push(path);
        } else if !["node_modules", ".venv", "__pycache__", "target"].contains(&name.as_str()) {
            found.extend(files(&path));
        }
    }
    found.sort();
    found
}

fn digest(files: &[PathBuf]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.file_name().hash(&mut hasher);
        fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

/// Runs commands with `weir` on the path.
fn shell(folder: &Path, script: &str) {
    let tools = tempfile::tempdir().unwrap();
    symlink(weir().get_program(), tools.path().join("weir")).unwrap();
    let path = format!("{}:{}", tools.path().display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh").args(["-ec", script]).env("PATH", path).current_dir(folder).output().unwrap();
    assert!(
        output.status.success(),
        "this failed in {}; what it fetches needs a network:\n{script}\n{}{}",
        folder.display(),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A configuration with the filter and nothing behind it; the filter's own is at line 8.
fn text(component: &Path, config: &str) -> String {
    format!(
        "version: 1\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\n\
         plugins: {{ guard: {{ file: \"{}\" }} }}\nsites:\n  - chain:\n      - plugin: guard\n        \
         config: {{\n          {config}\n        }}\n    routes: []\n",
        component.display()
    )
}

fn validate(folder: &Path, text: &str) -> Output {
    fs::write(folder.join("weir.yaml"), text).unwrap();
    weir().current_dir(folder).arg("validate").output().unwrap()
}

fn post(proxy: &Proxy, kind: &str, body: &str) -> Reply {
    let mut client = Client::connect(proxy.address);
    let length = body.len();
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: test.example\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
    ));
    client.reply()
}

/// Every behaviour is that of both.
macro_rules! in_both_languages {
    ($($behaviour:ident)*) => {
        mod javascript {
            $(#[test] fn $behaviour() { super::$behaviour(&super::JAVASCRIPT); })*
        }
        mod python {
            $(#[test] fn $behaviour() { super::$behaviour(&super::PYTHON); })*
        }
    };
}

in_both_languages! {
    fields_are_read_and_set
    clients_are_counted_until_they_are_refused
    a_body_with_a_forbidden_word_is_refused
    a_forbidden_word_is_replaced
    bodies_that_it_cannot_read_are_refused
    an_exception_is_logged_with_its_place
    faults_of_its_config_are_shown_where_they_are
    its_readme_prints_what_it_says
}

fn fields_are_read_and_set(language: &Language) {
    let (proxy, origin) = language.proxy("limit: 10");
    let mut client = Client::connect(proxy.address);
    let reply = client.get("/", "Accept-Language: de-CH, en;q=0.8\r\nX-Language: forged\r\n");
    assert_eq!((reply.status, reply.values("x-requests-left")), (200, vec!["9"]));
    assert_eq!(origin.next().values("x-language"), ["de-ch"]);
    client.get("/", "X-Language: forged\r\n");
    assert_eq!(origin.next().header("x-language"), None);
}

fn clients_are_counted_until_they_are_refused(language: &Language) {
    let (proxy, origin) = language.proxy("limit: 2, window: 3600");
    for left in ["1", "0"] {
        // Each on a connection of its own: workers count together.
        let reply = Client::connect(proxy.address).get("/", "");
        assert_eq!((reply.status, reply.header("x-requests-left")), (200, Some(left)));
    }
    let reply = Client::connect(proxy.address).get("/", "");
    assert_eq!((reply.status, reply.header("retry-after")), (429, Some("3600")));
    assert_eq!(reply.text(), "Too many requests.\n");
    assert_eq!(origin.arrived().len(), 2);
    // Each worker writes its own records: they stand in no order.
    let record = proxy.access.wait("\"over-limit\"");
    assert!(record.contains("request 3 of 127.0.0.1 in 3600 s"), "{record}");
}

fn a_body_with_a_forbidden_word_is_refused(language: &Language) {
    let (proxy, origin) = language.proxy("limit: 10, forbidden: [secret]");
    let reply = post(&proxy, "application/json", r#"{"a": ["a Secr\u0065t"]}"#);
    assert_eq!((reply.status, reply.text().as_str()), (422, "The body has a word that is not allowed.\n"));
    assert!(origin.arrived().is_empty());
    assert_eq!(proxy.record(1)["reason"], "forbidden-word");
    // What is let through is let through as it came.
    let harmless = "{ \"a\":\t[1.10, \"known\"] }";
    assert_eq!(post(&proxy, "application/problem+json; charset=utf-8", harmless).status, 200);
    assert_eq!(origin.next().body, harmless.as_bytes());
    assert_eq!(post(&proxy, "text/plain", "secret").status, 200);
    assert_eq!(origin.next().body, b"secret");
}

fn a_forbidden_word_is_replaced(language: &Language) {
    let (proxy, origin) = language.proxy("limit: 10, forbidden: [secret, plan], replacement: \"***\"");
    assert_eq!(post(&proxy, "application/json", r#"{"a": ["our Secret", 1], "plan": "Plänchen"}"#).status, 200);
    let body: serde_json::Value = serde_json::from_slice(&origin.next().body).unwrap();
    assert_eq!(body, serde_json::json!({ "a": ["our ***", 1], "plan": "Plänchen" }));
}

fn bodies_that_it_cannot_read_are_refused(language: &Language) {
    let (proxy, origin) = language.proxy("limit: 10, forbidden: [secret]");
    let long = format!("\"{}\"", "a".repeat(16 << 10));
    for (body, status) in [("{\"a\":", 400), (&*"[".repeat(2000), 400), (&*long, 413)] {
        assert_eq!(post(&proxy, "application/json", body).status, status);
    }
    assert!(origin.arrived().is_empty());
    assert_eq!(post(&proxy, "application/json", "").status, 200);
}

fn an_exception_is_logged_with_its_place(language: &Language) {
    let origin = Origin::text("served");
    let file = language.component();
    let proxy = Proxy::builder()
        .top(&format!("plugins: {{ guard: {{ file: \"{}\", limits: {{ body: 1KiB }} }} }}", file.display()))
        .filter("{ plugin: guard, config: { store: local, limit: 10, forbidden: [secret] } }")
        .route("/*", "origin", origin.address)
        .start();
    // The filter wants to buffer more than the operator allows.
    assert_eq!(post(&proxy, "application/json", "{}").status, 500);
    let line = proxy.log.wait(language.source).to_lowercase();
    assert!(line.contains("too-large") || line.contains("too_large"), "{line}");
}

fn faults_of_its_config_are_shown_where_they_are(language: &Language) {
    let folder = tempfile::tempdir().unwrap();
    let config = "limit: 3,\n          forbidden: [plan, secret],\n          replacement: a secret";
    let output = validate(folder.path(), &text(&language.component(), config));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("weir.yaml:10:") && said.contains("it has a forbidden word itself"), "{said}");
}

fn its_readme_prints_what_it_says(language: &Language) {
    let _ = command("curl", "curl");
    let folder = tempfile::tempdir().unwrap();
    let project = language.copy(folder.path());
    fs::copy(language.component(), project.join("filter.wasm")).unwrap();
    follow_readme(&project, &folder.path().join("target"));
}
