//! The process: starting, reloading, ending, and what it says when something is wrong.

use std::io::{Read, Write};
use std::process::{Output, Stdio};

use weir_tests::{Client, Lines, Origin, Proxy, free_port, get, guest, weir};

fn validate(text: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    weir().current_dir(folder.path()).arg("validate").output().unwrap()
}

#[test]
fn a_reload_changes_new_exchanges_and_lets_old_ones_finish() {
    let (old, new) = (
        Origin::raw(|_, stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nold ").unwrap();
            // The rest when the test says so.
            let mut go = [0; 2];
            stream.read_exact(&mut go).is_ok() && stream.write_all(b"body").is_ok()
        }),
        Origin::text("new"),
    );
    let before = Proxy::builder().guest("mark", "mark", "config: { name: before }").route("/*", "app", old.address);
    let proxy = before.start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    let (_, headers) = client.head();
    assert!(headers.iter().any(|(name, value)| name == "x-mark" && value == "before"));

    proxy.write(&Proxy::builder().guest("mark", "mark", "config: { name: after }").route("/*", "app", new.address));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    let reply = get(proxy.address, "/");
    assert_eq!((reply.text().as_str(), reply.header("x-mark")), ("new", Some("after")));
    // The old exchange still has its upstream: two bytes of its body end the wait.
    client.send("1\r\nx\r\n0\r\n\r\n");
    assert_eq!(client.rest_of(8), b"old body");
}

#[test]
fn a_broken_file_changes_nothing_and_says_why() {
    let origin = Origin::text("still here");
    let good = Proxy::builder().route("/*", "app", origin.address);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = good.start();
    for (text, why) in [
        (good.text("127.0.0.1:0").replace("upstream: app", "upstream: ap"), "there is no upstream `ap`"),
        ("version: [".to_owned(), "not reloaded"),
        (
            good.text("127.0.0.1:0")
                .replace("routes:", "chain: [{ plugin: request-id, config: { x: 1 } }]\n    routes:"),
            "unknown key `x`",
        ),
        (good.text(&taken.local_addr().unwrap().to_string()), "another process listens there"),
    ] {
        proxy.write_text(&text);
        proxy.signal("HUP");
        proxy.log.wait(why);
        assert_eq!(get(proxy.address, "/").text(), "still here");
    }
    proxy.write(&good);
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
}

#[test]
fn warnings_are_logged_and_stop_nothing() {
    let origin = Origin::text("served");
    let idle = Proxy::builder().route("/*", "app", origin.address).listener("partners", "");
    let text = idle.text("127.0.0.1:0").replace("  - routes", "  - listeners: main\n    routes");
    let proxy = Proxy::of(&text, &[]);
    proxy.log.wait("no site is on the listener `partners`");
    assert_eq!(get(proxy.address, "/").text(), "served");
    proxy.signal("HUP");
    proxy.log.wait_many("no site is on the listener `partners`", 2);
    proxy.log.wait("is reloaded");
}

#[test]
fn what_did_not_change_survives_a_reload() {
    let origin = Origin::text("x");
    let same = Proxy::builder().top("workers: 1").filter("request-id").route("/*", "app", origin.address);
    let proxy = same.start();
    get(proxy.address, "/");
    assert_eq!(origin.next().connection, 0);
    proxy.write(&same.clone().route("/more", "more", origin.address));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    get(proxy.address, "/");
    assert_eq!(origin.next().connection, 0, "the reload closed a connection of an upstream that did not change");
}

#[test]
fn a_filter_that_did_not_change_keeps_its_instance_on_a_reload() {
    let before = Proxy::builder().top("workers: 1").guest("count", "count", "");
    let proxy = before.start();
    let mut client = Client::connect(proxy.address);
    assert_eq!((client.get("/", "").text(), client.get("/", "").text()), ("1".to_owned(), "2".to_owned()));
    proxy.write(&before.clone().filter("request-id"));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    assert_eq!(client.get("/", "").text(), "3");
    // Another failure policy makes another entry of it.
    proxy.write(&Proxy::builder().top("workers: 1").guest("count", "count", "on_failure: open"));
    proxy.signal("HUP");
    proxy.log.wait_many("is reloaded", 2);
    assert_eq!(client.get("/", "").text(), "1");
}

#[test]
fn sigterm_ends_after_the_exchange_in_progress() {
    let origin = Origin::raw(|_, stream| {
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok()
            && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").is_ok()
    });
    let mut proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    origin.next();
    proxy.signal("TERM");
    proxy.log.wait("draining");
    client.send("1\r\nx\r\n0\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.text().as_str(), reply.header("connection")), ("done", Some("close")));
    assert!(proxy.exit().success());
    assert_eq!(proxy.record(1)["ended"], "complete");
}

#[test]
fn sigterm_closes_idle_connections_and_accepts_no_more() {
    let origin = Origin::text("x");
    let mut proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.get("/", "");
    proxy.signal("TERM");
    assert_eq!(client.rest().unwrap(), b"");
    assert!(proxy.exit().success());
    assert!(std::net::TcpStream::connect(proxy.address).is_err());
}

#[test]
fn a_second_signal_ends_at_once() {
    let origin = Origin::raw(|_, stream| {
        let _ = stream.read(&mut [0]);
        false
    });
    let mut proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    origin.next();
    proxy.signal("TERM");
    proxy.log.wait("draining");
    proxy.signal("TERM");
    proxy.log.wait("second signal");
    proxy.exit();
}

#[test]
fn validate_accepts_what_run_accepts() {
    let text =
        Proxy::builder().filter("request-id").route("/*", "app", ([127, 0, 0, 1], 1).into()).text("127.0.0.1:8080");
    let output = validate(&text);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "weir.yaml is sound: 1 site, 1 route, 1 filter\n");
    assert_eq!(output.status.code(), Some(0));
}

/// Each broken file with the words that must stand in what is said about it, place included.
#[test]
fn faults_are_shown_where_they_are() {
    let base = "version: 1\nlisteners:\n  a: { address: 127.0.0.1:0 }\nupstreams:\n  app: { endpoints: [http://127.0.0.1:1] }\nsites:\n  - routes:\n      - { path: /*, upstream: app }\n";
    let chain = |entry: &str| base.replace("  - routes:", &format!("  - chain:\n      - {entry}\n    routes:"));
    let answer = guest("answer");
    let plugin = format!("plugins:\n  door: {{ file: {} }}\n", answer.display());
    let core = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(core.path(), b"\0asm\x01\0\0\0").unwrap();
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), b"not a component").unwrap();
    let own = |path: &std::path::Path| format!("plugins:\n  door: {{ file: {} }}\n{}", path.display(), chain("door"));
    let cases: [(String, &[&str]); 23] = [
        (base.replace("version: 1", "version: 2"), &["weir.yaml:1:10", "version 2 is not known", "write `version: 1`"]),
        (base.replace("version: 1\n", ""), &["the key `version` is missing"]),
        (
            base.replace("upstreams:", "upstream:"),
            &["weir.yaml:4:1", "unknown key `upstream`", "did you mean `upstreams`?"],
        ),
        (
            base.replace("127.0.0.1:0", "localhost"),
            &["weir.yaml:3:17", "`localhost` is not an address to listen on", "0.0.0.0:80"],
        ),
        (base.replace("address:", "adress:"), &["weir.yaml:3:8", "unknown key `adress`", "did you mean `address`?"]),
        (
            base.replace("http://127.0.0.1:1", "ftp://x"),
            &["weir.yaml:5:22", "is not an http://, https:// or h2c:// URL"],
        ),
        (base.replace("http://127.0.0.1:1", "http://u:p@x"), &["user information"]),
        (base.replace("[http://127.0.0.1:1]", "[]"), &["weir.yaml:5:", "has no endpoint"]),
        (
            base.replace("upstream: app", "upstream: ap"),
            &["weir.yaml:8:31", "there is no upstream `ap`", "did you mean `app`?"],
        ),
        (base.replace("path: /*", "path: api/*"), &["weir.yaml:8:17", "does not begin with a slash"]),
        (base.replace("path: /*", "path: /a*"), &["is not a whole last segment"]),
        (
            format!("{base}      - {{ path: /*, upstream: app }}\n"),
            &["weir.yaml:9:17", "there is a route `/*` with the same conditions already"],
        ),
        (format!("{base}  - routes: []\n"), &["two sites serve any host"]),
        (format!("workers: 0\n{base}"), &["weir.yaml:1:10", "from 1 to 1024"]),
        (format!("access_log: yes\n{base}"), &["weir.yaml:1:13"]),
        (format!("version: 1\n{base}"), &["weir.yaml:2:1", "stands twice"]),
        (chain("request-di"), &["weir.yaml:8:9", "there is no plugin `request-di`", "did you mean `request-id`?"]),
        (
            chain("request-id\n      - request-id"),
            &["weir.yaml:9:9", "there is an entry `request-id` in this chain already"],
        ),
        (
            chain("{ plugin: request-id, config: { request_header: a b } }"),
            &["weir.yaml:8:", "`request-id` refuses its config at /request_header", "is not a header name"],
        ),
        (
            plugin.clone() + &chain("{ plugin: door, config: { status: 99 } }"),
            &["`door` refuses its config at /status: 99 is not a final status"],
        ),
        (own("missing.wasm".as_ref()), &["weir.yaml:2:17", "cannot read missing.wasm", "relative to the file"]),
        (own(core.path()), &["it is a core WebAssembly module, not a component"]),
        (own(text.path()), &["this is not a filter that this weir can run"]),
    ];
    for (text, expected) in cases {
        let output = validate(&text);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        for words in expected {
            assert!(said.contains(words), "{words:?} is missing in:\n{said}\nof\n{text}");
        }
    }
}

#[test]
fn all_faults_of_the_meaning_are_shown_at_once() {
    let output = validate(
        "version: 3\nlisteners: { a: { address: nowhere } }\nsites: [{ routes: [{ path: x, upstream: y }] }]\n",
    );
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("error:").count(), 4, "{said}");
}

#[test]
fn limits_have_bounds() {
    let text =
        format!("plugins: {{ unused: {{ limits: {{ memory: 1B }} }} }}\n{}", Proxy::builder().text("127.0.0.1:0"));
    assert!(String::from_utf8(validate(&text).stderr).unwrap().contains("from 64KiB to 1GiB"));
    let mut text = Proxy::builder().top("workers: 1024");
    for name in ["a", "b", "c", "d", "e"] {
        text = text.filter(&format!("{{ plugin: request-id, name: {name} }}"));
    }
    assert!(String::from_utf8(validate(&text.text("127.0.0.1:0")).stderr).unwrap().contains("need 5120 instances"));
    for (limit, words) in [
        ("memory: 1GB", "is not a size"),
        ("memory: 2GiB", "from 64KiB to 1GiB"),
        ("cpu: 0ms", "from 1ms to 60s"),
        ("cpu: 10", "is not a duration"),
    ] {
        let text = Proxy::builder().limited_guest("a", "noop", "", limit).text("127.0.0.1:0");
        let said = String::from_utf8(validate(&text).stderr).unwrap();
        assert!(said.contains(words), "{limit}: {said}");
    }
}

#[test]
fn a_port_in_use_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    std::fs::write(&file, Proxy::builder().text(&taken.local_addr().unwrap().to_string())).unwrap();
    let output = weir().args(["run", "-c"]).arg(&file).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("cannot listen on")
            && said.contains("another process listens there")
            && said.contains("weir.yaml:"),
        "{said}"
    );
}

#[test]
fn a_log_and_records_that_nobody_reads_stop_nothing() {
    let origin = Origin::text("still served");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    let text = Proxy::builder().top("workers: 1").guest("flood", "flood", "").route("/*", "app", origin.address);
    std::fs::write(&file, text.text(&format!("127.0.0.1:{}", free_port()))).unwrap();
    let mut child = weir()
        .args(["run", "-c"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line says where it listens; after it nobody reads.
    let mut line = String::new();
    let mut stderr = std::io::BufReader::with_capacity(512, child.stderr.take().unwrap());
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let mut client = Client::connect(line["address"].as_str().unwrap().parse().unwrap());
    // Far more than a pipe holds: 33 lines of the log and a record for each.
    for _ in 0..1000 {
        assert_eq!(client.get("/", "").text(), "still served");
    }
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn a_missing_file_says_what_to_do() {
    let output = weir().args(["run", "-c", "/nowhere/weir.yaml"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("cannot read /nowhere/weir.yaml") && said.contains("-c FILE") && said.contains("weir demo"),
        "{said}"
    );
}

#[test]
fn wrong_usage_is_2_and_help_has_examples() {
    assert_eq!(weir().arg("rum").output().unwrap().status.code(), Some(2));
    for command in ["run", "validate", "demo"] {
        let output = weir().args([command, "--help"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert!(String::from_utf8_lossy(&output.stdout).contains("Example: weir"), "{command}");
    }
}

#[test]
fn the_demo_answers_as_it_says() {
    let mut child = weir()
        .args(["demo", "--listen", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let out = Lines::of(child.stdout.take().unwrap());
    let line = out.wait("weir serves http://");
    out.wait("Ctrl-C ends it");
    let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let reply = get(address, "/hello");
    let id = reply.header("x-request-id").unwrap();
    assert!(reply.status == 200 && reply.text().contains(&format!("x-request-id: {id}")), "{reply:?}");
    let mut client = Client::connect(address);
    client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nsome text");
    assert_eq!(client.reply().text(), "some text");
    assert_eq!(client.get("/clock", "").text(), "tick 1\ntick 2\ntick 3\ntick 4\ntick 5\n");
    let down = client.get("/down/", "");
    assert!(down.status == 502 && down.header("x-request-id").is_some(), "{down:?}");
    client.send("GET /hello HTTP/1.1\r\n\r\n");
    assert_eq!(client.reply().status, 400);
    out.wait_many("\"exchange\"", 5);
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn compiled_filters_are_kept_in_a_folder_of_our_own_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    std::fs::write(folder.path().join("weir.yaml"), Proxy::builder().filter("request-id").text("127.0.0.1:0")).unwrap();
    let run = || weir().env("WEIR_CACHE_DIR", &cache).current_dir(folder.path()).arg("validate").output().unwrap();
    let files = || std::fs::read_dir(&cache).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();

    assert!(run().status.success());
    let [file] = files().try_into().unwrap();
    assert_eq!(std::fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    // A file that was tampered with is not run: it is replaced.
    let whole = std::fs::read(&file).unwrap();
    let mut spoilt = whole.clone();
    *spoilt.last_mut().unwrap() ^= 1;
    std::fs::write(&file, &spoilt).unwrap();
    assert!(run().status.success());
    assert_eq!(std::fs::read(&file).unwrap(), whole);
    // A folder in which others can write is not used at all.
    std::fs::remove_file(&file).unwrap();
    std::fs::set_permissions(&cache, std::fs::Permissions::from_mode(0o777)).unwrap();
    let output = run();
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("other users may write in it"));
    assert_eq!(files(), Vec::<std::path::PathBuf>::new());
}
