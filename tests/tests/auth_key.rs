//! `auth-key` in the running proxy: keys that a shell made, clients that are curl, an upstream in Python.

use std::fs;
use std::path::Path;
use std::process::Output;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::Value;
use weir_tests::{
    Client, Collector, Origin, Proxy, ProxyBuilder, Reply, Running, Scrape, command, python_origin, until, weir,
};

/// Says what it got.
const ECHO: &str = "
def do_GET(self):
    import json
    fields = {}
    for name, value in self.headers.items():
        fields.setdefault(name.lower(), []).append(value)
    body = json.dumps({'path': self.path, 'headers': fields}).encode()
    self.send_response(200)
    self.send_header('Content-Length', str(len(body)))
    self.end_headers()
    self.wfile.write(body)
";

fn echo() -> Running {
    python_origin(ECHO)
}

/// A proxy with this configuration of `auth-key` before an upstream.
fn with(config: &str, upstream: std::net::SocketAddr, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Proxy {
    let proxy = Proxy::builder().top("workers: 1").filter(&format!("{{ plugin: auth-key, config: {config} }}"));
    build(proxy).route("/*", "app", upstream).start()
}

/// What a line of shell prints.
fn shell(folder: &Path, line: &str) -> String {
    command("openssl", "openssl");
    let Output { status, stdout, stderr } =
        command("sh", "dash").args(["-ec", line]).current_dir(folder).output().unwrap();
    assert!(status.success(), "{line}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap().trim().to_owned()
}

/// The line of the README that makes a key: it prints the key and appends its hash to a file.
fn make_key(folder: &Path, id: &str) -> String {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/auth-key/README.md")).unwrap();
    let line = readme.lines().find(|line| line.starts_with("key=$(openssl")).expect("the README makes a key");
    assert!(line.contains(" ada "), "{line}");
    shell(folder, &line.replace(" ada ", &format!(" {id} ")))
}

/// Status and body that curl gets.
fn curl(proxy: &Proxy, path: &str, arguments: &[&str]) -> (u16, String) {
    let url = format!("http://{}{path}", proxy.address);
    let output = command("curl", "curl")
        .args(["-sS", "-w", "\n%{http_code}", "--max-time", "20"])
        .args(arguments)
        .arg(url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (body, status) = said.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// As an editor does it: never half a file.
fn replace(file: &Path, text: &str) {
    fs::write(file.with_extension("new"), text).unwrap();
    fs::rename(file.with_extension("new"), file).unwrap();
}

fn ask(client: &mut Client, key: &str) -> Reply {
    client.get("/", &format!("X-Api-Key: {key}\r\n"))
}

#[test]
fn keys_that_a_shell_made_let_their_users_in_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let [ada, eve] = ["ada", "eve"].map(|id| make_key(folder.path(), id));
    let made = fs::read_to_string(folder.path().join("keys.txt")).unwrap();
    assert!(ada.len() >= 32 && ada != eve && !made.contains(&ada), "{ada} {made}");
    // And one by Python.
    let python = "import hashlib,base64; print(base64.urlsafe_b64encode(hashlib.sha256(b'sesame').digest()).decode())";
    let hash = shell(folder.path(), &format!("python3 -c \"{python}\""));
    replace(&folder.path().join("keys.txt"), &format!("{made}{hash} Zo\u{eb} plan=free roles=a roles=b\n"));

    let config = format!(
        "{{ file: {{ file: \"{}/keys.txt\" }}, vars: {{ user.id: id }}, headers: {{ x-user: id, x-plan: plan, x-roles: roles }} }}",
        folder.path().display()
    );
    let origin = echo();
    let proxy = with(&config, origin.address, |proxy| proxy);
    for (key, user, plan, roles) in [
        (ada.as_str(), "ada", serde_json::json!(["gold"]), Value::Null),
        (&eve, "eve", serde_json::json!(["gold"]), Value::Null),
        ("sesame", "Zo%C3%AB", serde_json::json!(["free"]), serde_json::json!([r#"["a","b"]"#])),
    ] {
        let (status, body) = curl(
            &proxy,
            "/who?x=1",
            &["-H", &format!("X-API-Key: {key}"), "-H", "X-Plan: platinum", "-H", "X_User: root"],
        );
        assert_eq!(status, 200, "{body}");
        let told: Value = serde_json::from_str(&body).unwrap();
        let fields = &told["headers"];
        assert_eq!((&told["path"], &fields["x-user"][0]), (&Value::from("/who?x=1"), &Value::from(user)));
        assert_eq!((&fields["x-plan"], &fields["x-roles"]), (&plan, &roles));
        assert_eq!((&fields["x-api-key"], &fields["x_user"]), (&Value::Null, &Value::Null), "{body}");
    }
    let (status, body) = curl(&proxy, "/", &["-i", "-H", "X-API-Key: sesam"]);
    assert_eq!(status, 401);
    assert!(
        body.to_lowercase().contains("www-authenticate: apikey realm=\"api\", error=\"invalid_token\"\r\n"),
        "{body}"
    );
    assert!(body.ends_with("\r\n\r\nUnauthorized\n"), "{body}");
}

#[test]
fn a_key_in_a_query_reaches_neither_the_upstream_nor_any_record() {
    const HASH: &str = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272";
    let (origin, collector) = (echo(), Collector::start());
    let config = format!("{{ keys: [{{ hash: {HASH}, id: ada }}], from: [\"query:api_key\"] }}");
    let proxy = with(&config, origin.address, |proxy| {
        proxy
            .top("admin: { address: \"127.0.0.1:0\" }")
            .top("why: { sample: 1 }")
            .top("log: { level: debug }")
            .upstream("collector", &format!("{{ endpoints: [\"http://{}\"] }}", collector.address()))
            .top("traces: { upstream: collector, batch: { delay: 5ms }, sample: 1 }")
    });
    let (status, body) = curl(&proxy, "/files?a=1&api_key=sesame&b=2", &[]);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, told["path"].as_str()), (200, Some("/files?a=1&b=2")), "{body}");
    // Spelt otherwise, and wrong; refused requests are those that somebody reads about.
    assert_eq!(curl(&proxy, "/files?%61pi_key=%73esame", &[]).0, 200);
    assert_eq!(curl(&proxy, "/files?api_key=hunter2", &[]).0, 401);
    assert_eq!(curl(&proxy, "/files?api_key=hunter2&api_key=sesame", &[]).0, 400);
    let targets: Vec<Value> = (1..=4).map(|count| proxy.record(count)["target"].clone()).collect();
    assert_eq!(
        targets,
        ["/files?a=1&api_key=*&b=2", "/files?%61pi_key=*", "/files?api_key=*", "/files?api_key=*&api_key=*"]
    );
    let scrape = Scrape::of(&proxy.log);
    let admin = scrape.address();
    let Output { stdout, .. } =
        weir().args(["why", "last", "10", "--admin", &format!("http://{admin}")]).output().unwrap();
    let stories = String::from_utf8(stdout).unwrap();
    assert!(stories.contains("unknown-key") && stories.contains("api_key=*"), "{stories}");
    let spans = collector.spans(8);
    let everything = [
        stories,
        scrape.text("/why?last=10", ""),
        format!("{spans:?}"),
        proxy.log.so_far().join("\n"),
        proxy.access.so_far().join("\n"),
    ];
    for told in &everything {
        for secret in ["sesame", "%73esame", "hunter2", HASH] {
            assert!(!told.contains(secret), "{told}");
        }
    }
}

#[test]
fn a_file_is_rotated_under_load_without_a_failure_of_a_valid_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.txt");
    let hash = |key: &str| shell(folder.path(), &format!("printf %s {key} | sha256sum | cut -c1-64"));
    let (stays, rotates) = (hash("stays"), ["first", "second", "third"].map(hash));
    // Enough of them that a worker reads the file in several hooks.
    let many = (0..3_000).map(|number| format!("{number:064x} user-{number}\n")).collect::<String>();
    let write = |rotated: &str| replace(&file, &format!("{many}{stays} ada\n{rotated} bob\n"));
    write(&rotates[0]);
    let origin = Origin::text("ok");
    let config = format!("{{ file: {{ file: \"{}\" }}, refresh: 1s }}", file.display());
    let proxy = Proxy::builder()
        .top("workers: 2")
        .filter(&format!("{{ plugin: auth-key, config: {config} }}"))
        .route("/*", "app", origin.address)
        .start();
    let (is_over, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut client = Client::connect(proxy.address);
                while !is_over.load(Ordering::Relaxed) {
                    let reply = ask(&mut client, "stays");
                    assert_eq!(reply.status, 200, "{reply:?}");
                    answered.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        // Whatever happens the clients are told to end.
        let turned = std::panic::catch_unwind(|| {
            let mut client = Client::connect(proxy.address);
            assert_eq!(ask(&mut client, "first").status, 200);
            for pair in [["first", "second"], ["second", "third"]] {
                let [old, new] = pair;
                assert_eq!(ask(&mut client, new).status, 401);
                write(if new == "second" { &rotates[1] } else { &rotates[2] });
                // One text has the one, the other the other.
                until("the new key counts", || ask(&mut Client::connect(proxy.address), new).status == 200);
                until("the old key is refused by each worker", || {
                    (0..4).all(|_| ask(&mut Client::connect(proxy.address), old).status == 401)
                });
                assert_eq!(ask(&mut client, old).status, 401);
                assert_eq!(ask(&mut client, new).status, 200);
            }
            let before = answered.load(Ordering::Relaxed);
            until("the others go on", || answered.load(Ordering::Relaxed) > before + 100);
        });
        is_over.store(true, Ordering::Relaxed);
        turned.unwrap();
    });
}

#[test]
fn ten_thousand_keys_are_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keys.txt");
    let program = "import hashlib\nfor n in range(10000): print(hashlib.sha256(f'key-{n}'.encode()).hexdigest(), f'user-{n}', 'plan=free')";
    let text = shell(folder.path(), &format!("python3 -c \"{program}\""));
    assert!(text.len() < 1 << 20, "a document has at most 1 MiB");
    fs::write(&file, &text).unwrap();
    let config = format!("{{ file: {{ file: \"{}\" }}, headers: {{ x-user: id }} }}", file.display());
    let origin = Origin::text("ok");
    let proxy = with(&config, origin.address, |proxy| proxy);
    let mut client = Client::connect(proxy.address);
    // The first one waits until all of them are read.
    for number in [9_999, 0, 1, 4_321, 9_998] {
        assert_eq!(ask(&mut client, &format!("key-{number}")).status, 200, "{number}");
        assert_eq!(origin.next().header("x-user"), Some(format!("user-{number}").as_str()));
    }
    assert_eq!(ask(&mut client, "key-10000").status, 401);
    assert!(!proxy.log.so_far().iter().any(|line| line.contains("cut off") || line.contains("failed")));
}

#[test]
fn what_an_upstream_believes_of_a_key_no_client_can_send_on_any_route() {
    let origin = Origin::text("ok");
    let hash = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272";
    let config = format!("{{ keys: [{{ hash: {hash}, id: ada }}], headers: {{ x-user: id }}, optional: true }}");
    let proxy = Proxy::builder()
        .filter(&format!("{{ plugin: auth-key, except: [/open], config: {config} }}"))
        .route("/*", "app", origin.address)
        .route_to("/without", "app", "without: [auth-key]")
        .start();
    for path in ["/", "/open", "/without"] {
        let reply = Client::connect(proxy.address).get(path, "X-User: root\r\nx_user: root\r\nX-Other: stays\r\n");
        assert_eq!(reply.status, 200, "{path}");
        let received = origin.next();
        let fields = ["x-user", "x_user", "x-other"].map(|name| received.header(name));
        assert_eq!(fields, [None, None, Some("stays")], "{path}");
    }
    assert_eq!(Client::connect(proxy.address).get("/", "X-User: root\r\nX-Api-Key: sesame\r\n").status, 200);
    assert_eq!(origin.next().values("x-user"), ["ada"]);
}

#[test]
fn why_a_key_was_refused_stands_in_the_record_in_why_and_in_the_metrics_and_not_in_the_answer() {
    let origin = Origin::text("ok");
    let hash = "d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272";
    let config = format!("{{ keys: [{{ hash: {hash}, id: ada, expires: \"2020-01-01T00:00:00Z\" }}] }}");
    let proxy = with(&config, origin.address, |proxy| {
        proxy.top("admin: { address: \"127.0.0.1:0\" }").top("why: { sample: 1 }")
    });
    let mut client = Client::connect(proxy.address);
    let scrape = Scrape::of(&proxy.log);
    let asks = [
        ("", 401, "no-key", None),
        ("X-Api-Key: wrong\r\n", 401, "unknown-key", None),
        ("X-Api-Key: sesame\r\n", 401, "expired-key", Some("that of `ada`")),
        ("X-Api-Key: a\r\nX-Api-Key: b\r\n", 400, "several-keys", None),
    ];
    for (count, (more, status, reason, detail)) in asks.into_iter().enumerate() {
        let reply = client.get("/", more);
        assert_eq!((reply.status, reply.header("cache-control")), (status, Some("no-store")), "{more}");
        let told = format!("{reply:?}");
        assert!(!told.contains("ada") && !told.contains("expired"), "{told}");
        let record = proxy.record(count + 1);
        assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("auth-key"), Some(reason)));
        assert_eq!(record["detail"].as_str().filter(|detail| !detail.is_empty()), detail, "{record}");
        let story = scrape.text(&format!("/why/{}", record["exchange"].as_str().unwrap()), "");
        assert!(story.contains(reason), "{story}");
        let labels = [("filter", "auth-key"), ("reason", reason)];
        scrape.until(reason, |figures| figures.sum("weir_filter_answers_total", &labels) >= 1.0);
    }
    assert_eq!(origin.arrived().len(), 0);
}
