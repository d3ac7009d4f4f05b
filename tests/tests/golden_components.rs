//! Components that were built for a contract when it was released, in the proxy of today; and components of contracts that
//! it does not know. See `tests/components/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use weir_tests::{Client, Origin, Proxy, get, guest, weir};

const FIRST: [&str; 7] = ["answer", "asks", "checks", "ledger", "mark", "pass", "probe"];

/// Those of 0.1.1, with what that has more.
const NEWEST: [&str; 6] = ["advances", "conceals", "owns", "sends", "shares", "together"];

/// A component as it was built for its contract; with `WEIR_BLESS_COMPONENTS` those of the newest one are replaced by what is
/// built now.
fn golden(name: &str) -> PathBuf {
    let is_newest = NEWEST.contains(&name);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("components");
    let path = folder.join(if is_newest { "v0.1.1" } else { "v0.1.0" }).join(format!("{name}.wasm"));
    if is_newest && std::env::var_os("WEIR_BLESS_COMPONENTS").is_some() {
        fs::copy(guest(name), &path).unwrap();
    }
    path
}

/// A proxy in front of an origin with one filter: a component and its configuration.
fn text(component: &Path, config: &str, origin: &Origin) -> String {
    // The variables that it may set begin with the entry's name.
    let name = component.file_stem().unwrap().to_string_lossy().replace(|c: char| !c.is_ascii_lowercase(), "x");
    let origin = origin.address;
    format!(
        "version: 1\nworkers: 1\nlisteners: {{ main: {{ address: 127.0.0.1:0 }} }}\n\
         plugins: {{ old: {{ file: {} }} }}\n\
         upstreams:\n  app: {{ endpoints: [\"http://{origin}\"] }}\n\
         sites: [{{ chain: [{{ plugin: old, name: {name}, config: {config} }}], routes: [{{ path: /*, upstream: app }}] }}]\n",
        component.display()
    )
}

fn run(component: &Path, config: &str, files: &[(&str, &str)]) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream");
    (Proxy::of(&text(component, config, &origin), files), origin)
}

fn golden_run(name: &str, config: &str) -> (Proxy, Origin) {
    run(&golden(name), config, &[("secret", "sesame"), ("list", "a list")])
}

#[test]
fn the_components_are_there_and_small() {
    for name in FIRST.into_iter().chain(NEWEST) {
        let length = fs::metadata(golden(name)).unwrap().len();
        assert!((1 << 10..60 << 10).contains(&length), "{name} has {length} bytes");
    }
}

#[test]
fn heads() {
    let (proxy, origin) = golden_run("mark", "{ name: old }");
    assert_eq!(get(proxy.address, "/").header("x-mark"), Some("old"));
    assert_eq!(origin.next().header("x-mark"), Some("old"));
}

#[test]
fn what_a_filter_is_told_and_refused() {
    let (proxy, origin) = golden_run("probe", "{}");
    let reply = Client::connect(proxy.address).get("/p?q", "X-Two: 1\r\nx-two: 2\r\n");
    let told = reply.values("x-probe");
    for line in [
        "route /*",
        "client 127.0.0.1",
        "slot []",
        "path /p",
        "query Some(\"q\")",
        "x-two [Ok(\"1\"), Ok(\"2\")]",
        "first-two 2",
        "split invalid-value",
        "bad-name invalid-name",
        "length forbidden",
        "long too-large",
        "set done",
    ] {
        assert!(told.contains(&line), "{line:?} is missing in {told:?}");
    }
    assert_eq!((reply.header("x-source"), reply.header("x-late-edit")), (Some("Origin::Upstream"), Some("wrong-hook")));
    assert_eq!(origin.next().header("x-set"), Some("by the probe"));
    proxy.log.wait("a line");
}

#[test]
fn answers() {
    for (on_response, arrives) in [(false, 0), (true, 1)] {
        let (proxy, origin) =
            golden_run("answer", &format!("{{ status: 418, body: short, on_response: {on_response} }}"));
        let reply = get(proxy.address, "/");
        assert_eq!((reply.status, reply.text().as_str()), (418, "short"));
        assert_eq!(origin.arrived().len(), arrives);
        assert_eq!(proxy.record(1)["reason"], "configured");
    }
    let origin = Origin::text("x");
    let proxy = Proxy::of(&text(&golden("mark"), "{ name: a }", &origin), &[]);
    // What `configure` refuses has its place in the file.
    proxy.write_text(&text(&golden("answer"), "{ status: 99 }", &origin));
    proxy.signal("HUP");
    proxy.log.wait("refuses its config at /status: 99 is not a final status");
}

#[test]
fn bodies() {
    for (config, sees) in [
        ("{ request: observe }", 5),
        ("{ request: rewrite }", 5),
        ("{ request: buffer }", 5),
        ("{ response: observe }", 17),
        ("{ response: rewrite }", 17),
        ("{ document: { file: list } }", 0),
        ("{ document: { file: list }, request: buffer, response: observe }", 22),
    ] {
        let (proxy, origin) = golden_run("pass", config);
        let mut client = Client::connect(proxy.address);
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
        assert_eq!(client.reply().text(), "from the upstream", "{config}");
        proxy.log.wait(&format!("saw {sees} bytes"));
        // What was rewritten comes in chunks, which this origin does not read.
        assert!(config.contains("request: rewrite") || !config.contains("request") || origin.next().body == b"hello");
    }
}

#[test]
fn what_never_waits() {
    let (proxy, _) = golden_run("ledger", "{ store: local, secret: { file: secret } }");
    for count in 1..=2 {
        // SHA-256 of nothing begins with e3; an HMAC of it has 32 bytes.
        assert_eq!(get(proxy.address, "/").text(), format!("{count} e3 32 true true true"));
    }
    proxy.log.wait_many("complete: Some(200) Ending::Complete", 2);
    proxy.log.wait_many("\"tick\"", 2);
}

#[test]
fn calls() {
    let (proxy, origin) = golden_run("asks", "{ upstream: app }");
    assert_eq!(get(proxy.address, "/").status, 200);
    let (call, request) = (origin.next(), origin.next());
    assert_eq!(call.line, "GET /asked HTTP/1.1");
    assert_eq!(request.header("x-asked"), Some("from the upstream"));
}

#[test]
fn passwords() {
    // As Python's `hashlib.pbkdf2_hmac` computes it for `passwd` and `salt-salt-salt`.
    let hash = "$pbkdf2-sha256$i=1000,l=32$c2FsdC1zYWx0LXNhbHQ$gNtys1j+lLRRI6nudFvR3hjRVQZTqZjSCg5/4Xds4Gg";
    let (proxy, _) = golden_run("checks", &format!("{{ hash: \"{hash}\" }}"));
    let mut client = Client::connect(proxy.address);
    for (password, status) in [("passwd", 200), ("password", 401), ("passwd", 200)] {
        assert_eq!(client.get("/", &format!("X-Password: {password}\r\n")).status, status, "{password}");
    }
}

#[test]
fn what_came_with_0_1_1() {
    let (proxy, origin) = golden_run("owns", "{ own: [x-user-id], value: ada }");
    assert_eq!(Client::connect(proxy.address).get("/", "X-User-Id: root\r\n").status, 200);
    assert_eq!(origin.next().values("x-user-id"), ["ada"]);

    let (proxy, origin) = golden_run("conceals", "{ names: [key] }");
    assert_eq!(get(proxy.address, "/a?key=s3cret&b=c").status, 200);
    assert_eq!(
        (origin.next().line.as_str(), &proxy.record(1)["target"]),
        ("GET /a?b=c HTTP/1.1", &"/a?key=*&b=c".into())
    );

    let (proxy, _origin) = golden_run("sends", "{ directory: . }");
    let reply = Client::connect(proxy.address).get("/", "X-Do: look\r\nX-Path: none,list\r\n");
    assert_eq!((reply.text().as_str(), reply.header("x-file")), ("a list", Some("list")));

    let (proxy, origin) = golden_run("shares", "{ upstream: app }");
    assert_eq!(Client::connect(proxy.address).get("/", "X-Key: k\r\n").text(), "200 from the upstream");
    assert_eq!(origin.next().line, "GET /shared HTTP/1.1");

    let (proxy, _) = golden_run("advances", "{ store: local }");
    for (steps, said) in
        [("a 0 3 5 60000", "3 true"), ("a 0 2 5 60000, a 0 1 5 60000, b 7 1 9 60000", "5 true, 5 false")]
    {
        assert_eq!(Client::connect(proxy.address).get("/", &format!("X-Steps: {steps}\r\n")).text(), said);
    }

    let (proxy, origin) = golden_run("together", "{ vars: [together.a=b, together.c], show: [together.a] }");
    assert_eq!(Client::connect(proxy.address).get("/", "X-Once: one\r\n").status, 200);
    let received = origin.next();
    let shown = ["x-set", "x-var", "x-sole"].map(|name| received.header(name).unwrap());
    assert_eq!(shown, ["done", "together.a=b", "one"]);
}

/// A released component as one of another contract: some of its bytes are replaced by as many others.
fn changed(name: &str, changes: &[(&str, &str)]) -> tempfile::NamedTempFile {
    let mut bytes = fs::read(golden(name)).unwrap();
    for (from, to) in changes {
        assert_eq!(from.len(), to.len());
        let places: Vec<usize> =
            (0..bytes.len()).filter(|place| bytes[*place..].starts_with(from.as_bytes())).collect();
        assert!(!places.is_empty(), "{from} is not in {name}");
        for place in places {
            bytes[place..place + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), bytes).unwrap();
    file
}

#[test]
fn a_component_of_a_newer_contract_runs_if_it_asks_for_nothing_new() {
    let file = changed("mark", &[("@0.1.0", "@0.1.9")]);
    let (proxy, origin) = run(file.path(), "{ name: newer }", &[]);
    assert_eq!(get(proxy.address, "/").header("x-mark"), Some("newer"));
    assert_eq!(origin.next().header("x-mark"), Some("newer"));
}

#[test]
fn a_component_of_a_contract_that_does_not_fit_is_refused_with_both_versions() {
    for (changes, words) in [
        (&[("@0.1.0", "@0.1.9"), ("append-header", "oppend-header")][..], ["contract 0.1.9", "this weir speaks 0.1.1"]),
        (&[("@0.1.0", "@0.1.9"), ("on-response", "on-rispense")], ["lacks the hook `on-rispense`", "0.1.1"]),
        (&[("@0.1.0", "@0.2.0")], ["it speaks weir:filter@0.2.0", "this weir speaks 0.1"]),
        (&[("@0.1.0", "@0.0.9")], ["it speaks weir:filter@0.0.9", "this weir speaks 0.1"]),
    ] {
        let origin = Origin::text("still here");
        let file = changed("mark", changes);
        let bad = text(file.path(), "{ name: other }", &origin);
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("weir.yaml"), &bad).unwrap();
        let output = weir().current_dir(folder.path()).arg("run").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(words.iter().all(|word| said.contains(word)) && said.contains("weir.yaml:"), "{words:?}:\n{said}");
        // Nor does a reload take it.
        let proxy = Proxy::of(&text(&golden("mark"), "{ name: old }", &origin), &[]);
        proxy.write_text(&bad);
        proxy.signal("HUP");
        proxy.log.wait(words[0]);
        assert_eq!(get(proxy.address, "/").header("x-mark"), Some("old"));
    }
}
