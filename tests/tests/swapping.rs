//! Another component for a plugin of the running proxy: what new exchanges get, what old ones keep, what is refused, and
//! how a bad one goes again.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;
use tempfile::TempDir;
use weir_tests::{Client, Origin, Proxy, ProxyBuilder, Reply, Scrape, command, get, guest, weir};

/// A proxy with the plugin `banner` in a file of its own, and what is swapped in.
struct Stage {
    folder: TempDir,
    proxy: Proxy,
    admin: String,
}

impl Stage {
    /// One whose plugin begins with this guest; `more` are further keys of its declaration.
    fn new(begins_with: &str, more: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("banner.wasm");
        std::fs::copy(guest(begins_with), &file).unwrap();
        let top = format!(
            "workers: 2\nadmin: {{ address: 127.0.0.1:0 }}\nplugins:\n  banner: {{ file: \"{}\"{more} }}",
            file.display()
        );
        let proxy = build(Proxy::builder().top(&top)).start();
        let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
        let admin = format!("http://{}", line["address"].as_str().unwrap());
        Self { folder, proxy, admin }
    }

    /// The plugin's file.
    fn file(&self) -> PathBuf {
        self.folder.path().join("banner.wasm")
    }

    /// Puts another component into the place of the plugin's file, as a build does.
    fn put(&self, component: &Path) {
        let new = self.folder.path().join("new");
        std::fs::copy(component, &new).unwrap();
        std::fs::rename(new, self.file()).unwrap();
    }

    /// A guest that differs in these words, which have the same length.
    fn variant(&self, name: &str, from: &str, to: &str) -> PathBuf {
        self.write(&format!("{name}-{to}"), &replaced(&std::fs::read(guest(name)).unwrap(), from, to))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(format!("{}.wasm", name.replace([' ', '/'], "-")));
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// `weir plugin swap banner` with these arguments: its exit code and words.
    fn swap(&self, arguments: &[&str]) -> (i32, String) {
        let mut weir = weir();
        weir.args(["plugin", "swap", "banner", "--admin", &self.admin]).args(arguments).env_remove("WEIR_ADMIN_TOKEN");
        let output = weir.output().unwrap();
        let words = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&words).into_owned())
    }

    /// The same for a component that must be taken.
    fn take(&self, component: &Path, more: &[&str]) -> String {
        let (code, words) = self.swap(&[&[component.to_str().unwrap()], more].concat());
        assert_eq!(code, 0, "{words}");
        words
    }

    /// The same for one that must be refused.
    fn refuse(&self, component: &Path) -> String {
        let (code, words) = self.swap(&[component.to_str().unwrap()]);
        assert_eq!(code, 1, "{words}");
        words
    }

    /// Sends a request to the admin address with curl: status and JSON.
    fn ask(&self, path: &str, arguments: &[&str]) -> (u16, Value) {
        let mut curl = command("curl", "curl");
        curl.args(["-sS", "--max-time", "20", "-w", "\n%{http_code}"]).args(arguments);
        let output = curl.arg(format!("{}{path}", self.admin)).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// What the admin address tells of the plugin.
    fn plugin(&self) -> Value {
        let (_, plugins) = self.ask("/plugins", &[]);
        let all = plugins["plugins"].as_array().unwrap();
        all.iter().find(|plugin| plugin["name"] == "banner").unwrap().clone()
    }

    /// The number of the version that serves.
    fn serves(&self) -> u64 {
        self.plugin()["serves"]["number"].as_u64().unwrap()
    }

    /// What the status says of things that are not as the configuration has them.
    fn drift(&self) -> String {
        let output = weir().args(["status", "--admin", &self.admin]).output().unwrap();
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        words.lines().filter(|line| line.contains("plugin banner ")).collect()
    }

    fn reload(&self) -> String {
        let output = weir().args(["reload", "--admin", &self.admin]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }
}

/// Bytes with these words instead of those.
fn replaced(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, part)| *part == from.as_bytes()).map(|(at, _)| at).collect();
    assert!(!places.is_empty(), "`{from}` is not in the component");
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

/// A component whose manifest asks for this.
fn asking_for(component: &[u8], grants: &Value) -> Vec<u8> {
    const NAME: &[u8] = b"\x0dweir:manifest";
    let name = component.windows(NAME.len()).position(|part| part == NAME).unwrap();
    let number = |bytes: &[u8]| {
        bytes.iter().enumerate().map(|(place, byte)| usize::from(byte & 0x7f) << (7 * place)).sum::<usize>()
    };
    // A section's kind and its length, in as many bytes as it takes, stand before its name.
    let length = (1..=5).find(|length| {
        let end = number(&component[name - length..name]) + name;
        component[name - length - 1] == 0 && (name..=component.len()).contains(&end)
    });
    let start = name - length.unwrap();
    let end = name + number(&component[start..name]);
    let mut manifest: Value = serde_json::from_slice(&component[name + NAME.len()..end]).unwrap();
    manifest["grants"] = grants.clone();
    let section = [NAME, manifest.to_string().as_bytes()].concat();
    let mut size = section.len();
    let mut leb = Vec::new();
    while size >= 0x80 {
        leb.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    leb.push(u8::try_from(size).unwrap());
    [&component[..start], &leb, &section, &component[end..]].concat()
}

fn sha256(path: &Path) -> String {
    let output = command("sha256sum", "coreutils").arg(path).output().unwrap();
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap().to_owned()
}

fn failing(client: &mut Client, times: usize) {
    for _ in 0..times {
        assert_eq!(client.get("/", "x-trap: request\r\n").status, 500);
    }
}

#[test]
fn a_swap_under_requests_fails_none_and_changes_all_that_follow() {
    /// Ends the clients, however the test ends.
    struct Over<'a>(&'a AtomicBool);
    impl Drop for Over<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let origin = Origin::text("x");
    let stage = Stage::new("headers", "", |proxy| {
        let proxy = proxy.filter("banner").route("/*", "app", origin.address);
        proxy.route_to("/own", "app", "override: { banner: { on_failure: open } }")
    });
    let is_over = AtomicBool::new(false);
    let second = stage.variant("headers", "by the filter", "by the second");
    std::thread::scope(|scope| {
        let clients: Vec<_> = ["/", "/own"]
            .map(|path| {
                let (address, is_over) = (stage.proxy.address, &is_over);
                scope.spawn(move || {
                    let mut client = Client::connect(address);
                    let mut added = Vec::new();
                    while !is_over.load(Ordering::Relaxed) {
                        let reply = client.get(path, "");
                        assert_eq!(reply.status, 200);
                        added.push(reply.header("x-added").unwrap().to_owned());
                    }
                    added.dedup();
                    added
                })
            })
            .into();
        let over = Over(&is_over);
        get(stage.proxy.address, "/");
        let words = stage.take(&second, &[]);
        assert!(words.contains("banner: version 2 (") && words.contains("uploaded) serves in 2 filters"), "{words}");
        for path in ["/", "/own"] {
            assert_eq!(get(stage.proxy.address, path).header("x-added"), Some("by the second"));
        }
        drop(over);
        for client in clients {
            // Never back again, nor anything else in between.
            let added = client.join().unwrap().concat();
            assert!("by the filterby the second".contains(&added), "{added}");
        }
    });
}

#[test]
fn an_exchange_ends_on_the_version_that_it_began_with() {
    let origin = Origin::raw(|_, stream| {
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok() && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let stage = Stage::new("script", "", |proxy| {
        proxy.filter("{ plugin: banner, config: { name: a } }").route("/*", "app", origin.address)
    });
    let second = stage.variant("script", "x-mark", "y-mark");
    let mut old = Client::connect(stage.proxy.address);
    old.send("POST /old HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    origin.next();
    stage.take(&second, &[]);
    let mut new = Client::connect(stage.proxy.address);
    new.send("POST /new HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (mut client, mark) in [(new, "y-mark"), (old, "x-mark")] {
        client.send("1\r\nx\r\n0\r\n\r\n");
        let reply = client.reply();
        let marks: Vec<&str> = ["x-mark", "y-mark"].into_iter().filter(|mark| reply.header(mark).is_some()).collect();
        assert_eq!(marks, [mark]);
    }
}

#[test]
fn an_exchange_that_is_paused_goes_on_with_the_version_that_paused_it() {
    let origin = Origin::text("x");
    let stage = Stage::new("script", "", |proxy| {
        proxy.filter("{ plugin: banner, config: { name: a, request: pause } }").route("/*", "app", origin.address)
    });
    let mut client = Client::connect(stage.proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo");
    stage.proxy.log.wait("called a request ");
    stage.take(&stage.variant("script", "x-mark", "y-mark"), &[]);
    client.send("dy");
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("x-mark"), reply.header("y-mark")), (200, Some("a origin::upstream"), None));
    assert!(origin.next().values("x-mark") == ["a"], "it was resumed by another version");
    assert_eq!(get(stage.proxy.address, "/").header("y-mark"), Some("a origin::upstream"));
}

#[test]
fn a_body_keeps_its_pinned_instance() {
    let origin = Origin::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok() && stream.write_all(b"two").is_ok()
    });
    let stage = Stage::new("pieces", "", |proxy| {
        proxy.filter("{ plugin: banner, config: { on: response, pins: true, act: count } }").route(
            "/*",
            "app",
            origin.address,
        )
    });
    let mut client = Client::connect(stage.proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let (_, headers) = client.head();
    assert!(headers.iter().any(|(name, value)| name == "x-pin" && value == "done"));
    assert_eq!(client.chunk().unwrap(), b"one<1>");
    stage.take(&stage.variant("pieces", "x-pin", "y-pin"), &[]);
    client.send("1\r\nx\r\n0\r\n\r\n");
    assert_eq!(client.chunk().unwrap(), b"two<2>");
}

#[test]
fn what_cannot_serve_is_refused_with_its_reason_and_what_ran_goes_on() {
    let stage = Stage::new("mark", "", |proxy| {
        let chain = proxy.filter("{ plugin: banner, config: { name: first } }");
        chain.filter("{ plugin: banner, name: again, config: { name: second } }")
    });
    let text = stage.write("text", b"not a component");
    let words = stage.refuse(&text);
    assert!(
        words.contains("not swapped, what was running goes on") && words.contains("it is not a WebAssembly component"),
        "{words}"
    );
    // It takes another configuration, and every filter that would be of it says so at its line.
    let words = stage.refuse(&guest("answer"));
    assert!(words.matches("unknown key `name`").count() == 2 && words.contains("weir.yaml:"), "{words}");
    assert!(words.contains("name: first") && words.contains("name: second"), "{words}");
    let words = stage.refuse(&guest("wasi"));
    assert!(words.contains("write `wasi: stub` beside its `file`"), "{words}");

    let body = ["-X", "PUT", "-H", "Content-Type: application/wasm", "--data-binary"];
    let put = |path: &str, more: &[&str], file: &Path| {
        let file = format!("@{}", file.display());
        stage.ask(path, &[&body[..], &[&file], more].concat())
    };
    let (meant, is) = (sha256(&text), sha256(&guest("mark")));
    let (status, answer) = put(&format!("/plugins/banner?sha256={meant}"), &[], &guest("mark"));
    let error = answer["error"].as_str().unwrap();
    assert!(status == 422 && error.contains(&meant) && error.contains(&is), "{status} {error}");
    let wrong = "Content-Digest: sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let (status, answer) = put("/plugins/banner", &["-H", wrong], &guest("mark"));
    assert!(
        status == 422 && answer["error"].as_str().unwrap().contains("X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=")
    );
    let (status, answer) = put("/plugins/banners", &[], &guest("mark"));
    assert!(status == 404 && answer["error"].as_str().unwrap().contains("did you mean `banner`?"), "{answer}");
    let large = stage.folder.path().join("large");
    std::fs::File::create(&large).unwrap().set_len((64 << 20) + 1).unwrap();
    let (status, answer) = put("/plugins/banner", &[], &large);
    assert!(status == 413 && answer["error"].as_str().unwrap().contains("67108864"), "{status} {answer}");
    let (status, _) = put("/plugins/banner?sha256=abc", &[], &guest("mark"));
    assert_eq!(status, 400);
    assert_eq!(stage.serves(), 1);
    assert_eq!(get(stage.proxy.address, "/").values("x-mark"), ["second", "first"]);
}

#[test]
fn a_component_that_is_sent_with_its_digest_is_taken() {
    let stage = Stage::new("noop", "", |proxy| proxy.filter("banner"));
    let digest =
        command("openssl", "openssl").args(["dgst", "-sha256", "-binary"]).arg(guest("headers")).output().unwrap();
    let mut base64 = command("base64", "coreutils").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    base64.stdin.take().unwrap().write_all(&digest.stdout).unwrap();
    let base64 = String::from_utf8(base64.wait_with_output().unwrap().stdout).unwrap();
    let field = format!("Repr-Digest: sha-512=:abc=:, sha-256=:{}:", base64.trim());
    let file = format!("@{}", guest("headers").display());
    let arguments = ["-X", "PUT", "-H", "Content-Type: application/wasm", "-H", &field, "--data-binary", &file];
    let (status, answer) = stage.ask("/plugins/banner", &arguments);
    assert_eq!(
        (status, &answer["swapped"], &answer["to"]["digest"]),
        (200, &true.into(), &sha256(&guest("headers")).into())
    );
}

#[test]
fn a_component_that_wants_more_is_refused_with_the_line_to_add() {
    let stage = Stage::new("noop", ", grants: { vars: [tenant.] }", |proxy| proxy.filter("banner"));
    let noop = std::fs::read(guest("noop")).unwrap();
    let asks = serde_json::json!({ "vars": ["tenant.name.", "user."] });
    let words = stage.refuse(&stage.write("asks", &asking_for(&noop, &asks)));
    for part in [
        "`banner` wants to write variables that begin with `user.`, which the version that runs does not",
        "write `grants: { vars: [tenant., user.] }` into its declaration",
        "weir.yaml:5:",
    ] {
        assert!(words.contains(part), "{part:?} is missing in:\n{words}");
    }
    let granted = serde_json::json!({ "vars": ["tenant.name."] });
    stage.take(&stage.write("granted", &asking_for(&noop, &granted)), &[]);

    let words = stage.refuse(&guest("undeclared"));
    for (capability, field) in
        [("kv", "store"), ("http-client", "upstream"), ("documents", "document"), ("secrets", "secret")]
    {
        let wants = format!("`banner` wants to use `{capability}`, which the version that runs does not");
        let write =
            format!("write `{field}` into the `config` of its entry; or swap it with --force: then it is denied");
        assert!(words.contains(&wants) && words.contains(&write), "{capability} is missing in:\n{words}");
    }
    assert_eq!(stage.serves(), 2);
    // Forced, it serves, and is denied.
    stage.take(&guest("undeclared"), &["--force"]);
    assert!(get(stage.proxy.address, "/").text().contains("store denied"));
}

#[test]
fn the_same_component_changes_nothing() {
    let stage = Stage::new("count", "", |proxy| proxy.filter("banner"));
    let words = stage.take(&guest("count"), &[]);
    assert!(words.contains("version 1 (") && words.contains("serves already; nothing has changed"), "{words}");
    assert_eq!(stage.serves(), 1);
}

#[test]
fn a_version_that_traps_goes_by_itself_and_is_refused_until_it_is_forced() {
    let origin = Origin::text("x");
    let stage =
        Stage::new("headers", ", quarantine: off", |proxy| proxy.filter("banner").route("/*", "app", origin.address));
    let words = stage.take(&guest("trap"), &[]);
    assert!(words.contains("watched for 60 s"), "{words}");
    failing(&mut Client::connect(stage.proxy.address), 20);
    let line = stage.proxy.log.wait("is taken back");
    for part in ["version 2 (", "because 20 of 20 calls failed", "version 1 (", "serves again", "--force"] {
        assert!(line.contains(part), "{part:?} is missing in {line}");
    }
    let reply = Client::connect(stage.proxy.address).get("/", "x-trap: request\r\n");
    assert_eq!((reply.status, reply.header("x-added")), (200, Some("by the filter")));
    let plugin = stage.plugin();
    assert_eq!(plugin["refused"][0]["digest"], sha256(&guest("trap")));
    assert!(plugin["refused"][0]["why"].as_str().unwrap().contains("20 of 20 calls failed"), "{plugin}");

    let words = stage.refuse(&guest("trap"));
    assert!(words.contains("this component is refused, because 20 of 20 calls failed"), "{words}");
    let figures = Scrape::of(&stage.proxy.log).now();
    let counted = ["good", "taken_back", "failed"].map(|result| figures.sum("weir_swaps_total", &[("result", result)]));
    assert_eq!(counted, [1.0; 3]);
    // Nor is it taken from the file, at once or with a reload.
    stage.put(&guest("trap"));
    stage.proxy.log.wait("this file's component is refused, because 20 of 20 calls failed");
    let words = stage.reload();
    assert!(words.contains("goes on, because what the configuration names is refused"), "{words}");
    assert_eq!(get(stage.proxy.address, "/").header("x-added"), Some("by the filter"));
    assert!(stage.drift().contains("what the configuration names is refused"), "{}", stage.drift());

    stage.take(&guest("trap"), &["--force"]);
    assert_eq!((stage.plugin()["refused"].clone(), stage.drift()), (serde_json::json!([]), String::new()));
    failing(&mut Client::connect(stage.proxy.address), 1);
}

#[test]
fn a_version_that_loops_goes_by_itself_too() {
    let origin = Origin::text("x");
    let stage = Stage::new("headers", ", quarantine: off, probation: { calls: 5 }", |proxy| {
        proxy.filter("banner").route("/*", "app", origin.address)
    });
    stage.take(&guest("spin"), &[]);
    let mut client = Client::connect(stage.proxy.address);
    for _ in 0..5 {
        assert_eq!(client.get("/", "x-spin: yes\r\n").status, 500);
    }
    assert!(stage.proxy.log.wait("is taken back").contains("because 5 of 5 calls failed"));
    assert_eq!(get(stage.proxy.address, "/").header("x-added"), Some("by the filter"));
}

#[test]
fn a_version_in_quarantine_goes_too() {
    let origin = Origin::text("x");
    let stage = Stage::new("headers", ", quarantine: { calls: 4 }, probation: { calls: 1000 }", |proxy| {
        proxy.filter("banner").route("/*", "app", origin.address)
    });
    stage.take(&guest("trap"), &[]);
    failing(&mut Client::connect(stage.proxy.address), 4);
    assert!(stage.proxy.log.wait("is taken back").contains("it was put in quarantine"));
    assert_eq!(get(stage.proxy.address, "/").header("x-added"), Some("by the filter"));
}

/// 40 % of the calls fail, which is more than probation allows where nothing is said.
#[test]
fn a_version_may_fail_as_often_as_its_probation_says() {
    let origin = Origin::text("x");
    for rule in ["{ share: 50%, time: 1s }", "{ calls: 21, time: 1s }", "off"] {
        let stage = Stage::new("headers", &format!(", quarantine: off, probation: {rule}"), |proxy| {
            proxy.filter("banner").route("/*", "app", origin.address)
        });
        stage.take(&guest("trap"), &[]);
        let mut client = Client::connect(stage.proxy.address);
        failing(&mut client, 8);
        for _ in 0..6 {
            assert_eq!(client.get("/", "").status, 200);
        }
        if rule == "off" {
            assert_eq!(stage.plugin()["probation_ms"], Value::Null);
        } else {
            stage.proxy.log.wait("has passed its probation: 8 of 20 calls failed");
        }
        assert_eq!(stage.serves(), 2, "{rule}");
    }
}

#[test]
fn a_rollback_goes_back_one_version_after_the_other() {
    let stage = Stage::new("headers", "", |proxy| proxy.filter("banner"));
    stage.take(&stage.variant("headers", "by the filter", "by the second"), &[]);
    stage.take(&stage.variant("headers", "by the filter", "by the others"), &[]);
    for (number, added) in [(2, "by the second"), (1, "by the filter")] {
        let (code, words) = stage.swap(&["--rollback"]);
        assert!(code == 0 && words.contains(&format!("banner: version {number} (")), "{words}");
        assert_eq!(get(stage.proxy.address, "/").header("x-added"), Some(added));
    }
    let (code, words) = stage.swap(&["--rollback"]);
    assert!(code == 1 && words.contains("there is no version of `banner` before this one"), "{words}");
}

#[test]
fn a_reload_reverts_what_was_not_saved_and_says_so() {
    let stage = Stage::new("headers", "", |proxy| proxy.filter("banner"));
    stage.take(&stage.variant("headers", "by the filter", "by the second"), &[]);
    let drift = stage.drift();
    assert!(
        drift.contains("version 2 (") && drift.contains("serves until a reload") && drift.contains("--save"),
        "{drift}"
    );
    let words = stage.reload();
    assert!(
        words.contains("`banner`: version 3 (")
            && words.contains("version 2 (")
            && words.contains("which was not saved"),
        "{words}"
    );
    stage.proxy.log.wait("which was not saved");
    assert_eq!((get(stage.proxy.address, "/").header("x-added"), stage.drift().as_str()), (Some("by the filter"), ""));
}

#[test]
fn what_is_saved_is_in_the_file_and_its_pin_and_survives_a_reload() {
    let (old, new) = (sha256(&guest("headers")), guest("noop"));
    let stage = Stage::new("headers", &format!(", sha256: '{old}' }} # as of May\n  x-end: {{"), |proxy| {
        proxy.filter("banner")
    });
    let config = stage.proxy.file().to_owned();
    let before = std::fs::read_to_string(&config).unwrap();
    let words = stage.take(&new, &["--save", "-c", config.to_str().unwrap()]);
    assert!(words.contains("saved to") && words.contains("pinned at") && words.contains("weir.yaml:5"), "{words}");
    assert_eq!(std::fs::read(stage.file()).unwrap(), std::fs::read(&new).unwrap());
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before.replace(&old, &sha256(&new)));
    assert_eq!(stage.reload(), "reloaded\n");
    assert_eq!((stage.serves(), stage.drift().as_str()), (2, ""));
    assert_eq!(get(stage.proxy.address, "/").header("x-added"), None);
}

#[test]
fn what_cannot_be_saved_is_not_swapped_either() {
    let stage = Stage::new("headers", "", |proxy| proxy.filter("banner").filter("request-id"));
    let config = stage.proxy.file().to_str().unwrap().to_owned();
    let component = guest("noop");
    let mut weir = weir();
    weir.args([
        "plugin",
        "swap",
        "request-id",
        component.to_str().unwrap(),
        "--save",
        "--admin",
        &stage.admin,
        "-c",
        &config,
    ]);
    let output = weir.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("plugins: { request-id: { file: plugins/request-id.wasm } }"), "{words}");
    let (_, plugins) = stage.ask("/plugins", &[]);
    let bundled = plugins["plugins"].as_array().unwrap().iter().find(|plugin| plugin["name"] == "request-id").unwrap();
    assert_eq!(bundled["serves"]["number"], 1);
}

/// Whenever the command that saves is killed, the configuration can be started.
#[test]
fn a_command_that_is_killed_while_it_saves_leaves_what_can_be_started() {
    let digest = sha256(&guest("headers"));
    let stage = Stage::new("headers", &format!(", sha256: {digest}"), |proxy| proxy.filter("banner"));
    let config = stage.proxy.file().to_owned();
    let components = [guest("noop"), guest("headers")];
    let began = Instant::now();
    stage.take(&components[0], &["--save", "-c", config.to_str().unwrap()]);
    let whole = began.elapsed();
    let attempts: u32 = 24;
    for attempt in 0..attempts {
        let component = &components[usize::from(attempt % 2 == 0)];
        let mut child = weir()
            .args(["plugin", "swap", "banner", component.to_str().unwrap(), "--save", "--admin", &stage.admin, "-c"])
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moment = Instant::now() + whole * attempt / attempts;
        // What is to happen is that time passes: the command is killed wherever it is then.
        while Instant::now() < moment && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        let _ = child.kill();
        child.wait().unwrap();
        let output = weir().args(["validate", "-c"]).arg(&config).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    stage.take(&components[0], &["--save", "--force", "-c", config.to_str().unwrap()]);
    assert_eq!(std::fs::read(stage.file()).unwrap(), std::fs::read(&components[0]).unwrap());
}

#[test]
fn a_proxy_that_is_killed_while_it_swaps_starts_again() {
    let stage = Stage::new("headers", "", |proxy| proxy.filter("banner"));
    let second = stage.variant("headers", "by the filter", "by the second");
    let mut swapping = weir();
    swapping.args(["plugin", "swap", "banner", second.to_str().unwrap(), "--admin", &stage.admin]);
    let mut swapping = swapping.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    stage.proxy.log.wait("asked for PUT /plugins/banner");
    stage.proxy.signal("KILL");
    swapping.wait().unwrap();
    let again = stage.proxy.again();
    assert_eq!(get(again.address, "/").header("x-added"), Some("by the filter"));
}

#[test]
fn two_swaps_at_once_come_one_after_the_other() {
    let stage = Stage::new("headers", "", |proxy| proxy.filter("banner"));
    let components = [
        stage.variant("headers", "by the filter", "by the second"),
        stage.variant("headers", "by the filter", "by the others"),
    ];
    let mut said: Vec<String> = std::thread::scope(|scope| {
        let swaps = components.each_ref().map(|component| scope.spawn(|| stage.take(component, &[])));
        swaps.map(|swap| swap.join().unwrap()).into()
    });
    said.sort();
    assert!(said[0].contains("banner: version 2 (") && said[0].contains("in the place of version 1 ("), "{said:?}");
    assert!(said[1].contains("banner: version 3 (") && said[1].contains("in the place of version 2 ("), "{said:?}");
}

#[test]
fn values_and_documents_are_there_for_the_new_version() {
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), "kept").unwrap();
    let stage = Stage::new("keeper", "", |proxy| {
        let document = text.path().display();
        proxy.filter(&format!("{{ plugin: banner, config: {{ store: local, document: {{ file: \"{document}\" }} }} }}"))
    });
    let ask = |what: &str| -> Reply { Client::connect(stage.proxy.address).get("/", &format!("x-do: {what}\r\n")) };
    assert_eq!(ask("set key value").text(), "()");
    let document = ask("refresh").text();
    assert!(document.contains("kept"), "{document}");
    let version = ask("read").text();
    stage.take(&stage.variant("keeper", "what?", "who??"), &[]);
    assert_eq!(ask("").text(), "who??");
    assert_eq!((ask("get key").text(), ask("read").text()), ("value".into(), version));
}

#[test]
fn a_bundled_plugin_is_swapped_too() {
    let origin = Origin::text("x");
    let stage =
        Stage::new("noop", "", |proxy| proxy.filter("banner").filter("request-id").route("/*", "app", origin.address));
    let component = guest("headers");
    let put = |path: &str| {
        let file = format!("@{}", component.display());
        stage.ask(path, &["-X", "PUT", "-H", "Content-Type: application/wasm", "--data-binary", &file])
    };
    let (status, answer) = put("/plugins/request-id");
    assert_eq!((status, &answer["from"]["from"], &answer["to"]["from"]), (200, &"bundled".into(), &"uploaded".into()));
    let reply = get(stage.proxy.address, "/");
    assert_eq!(reply.header("x-added"), Some("by the filter"));
    let (status, answer) =
        stage.ask("/plugins/request-id/rollback", &["-X", "POST", "-H", "Content-Type: application/json", "-d", "{}"]);
    assert_eq!((status, &answer["to"]["from"], &answer["to"]["number"]), (200, &"bundled".into(), &1.into()));
    assert!(get(stage.proxy.address, "/").header("x-request-id").is_some());
}

#[test]
fn a_file_that_changes_is_swapped_with_versions_and_probation() {
    let origin = Origin::text("x");
    let stage =
        Stage::new("headers", ", quarantine: off", |proxy| proxy.filter("banner").route("/*", "app", origin.address));
    stage.put(&stage.variant("headers", "by the filter", "by the second"));
    stage.proxy.log.wait("the file of `banner` changed, and what is there now is used: version 2 (");
    assert_eq!(get(stage.proxy.address, "/").header("x-added"), Some("by the second"));
    let plugin = stage.plugin();
    assert_eq!((&plugin["serves"]["from"], stage.drift().as_str()), (&stage.file().to_str().unwrap().into(), ""));
    assert!(plugin["probation_ms"].as_u64().is_some());

    stage.put(&guest("trap"));
    stage.proxy.log.wait("what is there now is used: version 3 (");
    failing(&mut Client::connect(stage.proxy.address), 20);
    stage.proxy.log.wait("is taken back, because 20 of 20 calls failed");
    assert_eq!(get(stage.proxy.address, "/").header("x-added"), Some("by the second"));
    assert!(stage.drift().contains("what the configuration names is refused"), "{}", stage.drift());

    // Something else in the file is taken again.
    stage.put(&guest("noop"));
    stage.proxy.log.wait("what is there now is used: version 4 (");
    assert_eq!((get(stage.proxy.address, "/").header("x-added"), stage.drift().as_str()), (None, ""));
}

#[test]
fn a_file_that_cannot_serve_changes_nothing_until_it_can() {
    let stage = Stage::new("headers", "", |proxy| proxy.filter("banner"));
    stage.put(&guest("undeclared"));
    stage.proxy.log.wait("the file of `banner` changed and cannot be used, what was running goes on");
    assert!(stage.drift().contains("its file has changed and is not taken"), "{}", stage.drift());
    let output = weir().args(["status", "--admin", &stage.admin]).output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(words.contains("`banner` wants to use `kv`, which the version that runs does not"), "{words}");
    stage.put(&guest("noop"));
    stage.proxy.log.wait("what is there now is used: version 2 (");
    assert_eq!((stage.plugin()["failure"].clone(), stage.drift().as_str()), (Value::Null, ""));
}

#[test]
fn a_file_that_changes_away_from_its_pin_is_not_taken() {
    let pinned = format!(", sha256: [{}, {}]", sha256(&guest("noop")), sha256(&guest("headers")));
    let stage = Stage::new("headers", &pinned, |proxy| proxy.filter("banner"));
    stage.put(&guest("noop"));
    stage.proxy.log.wait("what is there now is used: version 2 (");
    stage.put(&guest("trap"));
    let line = stage.proxy.log.wait("changed and cannot be used, what was running goes on");
    assert!(line.contains(&format!("the component's digest is {}", sha256(&guest("trap")))), "{line}");
    assert_eq!(stage.serves(), 2);
}
