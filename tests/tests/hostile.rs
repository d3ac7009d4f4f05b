//! Filters that misbehave, one behaviour each. Whatever one does, the proxy answers as configured, the log names the filter
//! and what it did, and the next exchange and every other route are served.

use std::net::SocketAddr;

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, get, weir};

const OPEN: &str = "on_failure: open, ";

/// In front of an origin, with a route that no filter of the chain is on.
fn builder(origin: &Origin) -> ProxyBuilder {
    let plain = Proxy::builder().top("workers: 1").route("/*", "app", origin.address);
    plain.route_to("/plain", "app", "chain: none")
}

/// The same file with more keys in the declarations of its guests.
fn declared(builder: &ProxyBuilder, keys: &str) -> Proxy {
    Proxy::of(&builder.text("127.0.0.1:0").replace(".wasm\"", &format!(".wasm\", {keys}")), &[])
}

fn validate(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// How an exchange ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    Whole(u16),
    /// The connection ended before the answer did: within the body, or before its head was sent.
    Cut,
}

/// Posts a small body.
fn post(address: SocketAddr, more: &str) -> Seen {
    let mut client = Client::connect(address);
    client.send(format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n{more}\r\nhello"));
    let bytes = client.rest().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Seen::Cut };
    let status = head[9..12].parse().expect("there is a status");
    let is_whole = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        body.ends_with("0\r\n\r\n")
    } else {
        head.to_ascii_lowercase().contains(&format!("content-length: {}", body.len()))
    };
    if is_whole { Seen::Whole(status) } else { Seen::Cut }
}

/// What everybody else gets.
fn others_are_served(proxy: &Proxy) {
    assert_eq!(get(proxy.address, "/plain").text(), "from the upstream\n");
    assert_eq!(post(proxy.address, ""), Seen::Whole(200));
}

fn failed(proxy: &Proxy, hook: &str, kind: &str) {
    let line = proxy.log.wait(&format!("failed in `{hook}`"));
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!((line["filter"].as_str(), line["kind"].as_str()), (Some("ill"), Some(kind)), "{line}");
}

/// The hooks of an exchange, and what its client sees of a failure: with `on_failure: closed`, and with `open`.
const HOOKS: [(&str, Seen, Seen); 8] = [
    ("on-request", Seen::Whole(500), Seen::Whole(200)),
    ("on-response", Seen::Whole(500), Seen::Whole(200)),
    ("on-resume", Seen::Whole(500), Seen::Whole(200)),
    // What it would have taken out must not pass, even if the filter need not run.
    ("on-request-chunk", Seen::Whole(500), Seen::Whole(500)),
    ("observe-request-chunk", Seen::Whole(500), Seen::Whole(200)),
    // The head has left: the client is shown that the body is not whole.
    ("on-response-chunk", Seen::Cut, Seen::Cut),
    ("observe-response-chunk", Seen::Cut, Seen::Whole(200)),
    // Nobody waits for it.
    ("on-complete", Seen::Whole(200), Seen::Whole(200)),
];

fn every_hook(how: &str, limits: &str, kind: &str) {
    let origin = Origin::text("from the upstream\n");
    for (hook, closed, open) in HOOKS {
        for (on_failure, expected) in [("", closed), (OPEN, open)] {
            let entry = format!("{on_failure}config: {{ hook: {hook}, how: {how} }}");
            let proxy = builder(&origin).limited_guest("ill", "fail", &entry, limits).start();
            assert_eq!(post(proxy.address, "X-Fail: 1\r\n"), expected, "{hook} {on_failure}");
            failed(&proxy, hook, kind);
            let record = proxy.record(1);
            let ended = if expected == Seen::Cut { "filter-cut" } else { "complete" };
            assert_eq!(record["ended"], ended, "{hook} {on_failure}: {record}");
            others_are_served(&proxy);
        }
    }
}

#[test]
fn a_trap_in_any_hook_harms_one_exchange() {
    every_hook("panic", "", "trap");
}

#[test]
fn an_endless_loop_in_any_hook_harms_one_exchange() {
    every_hook("spin", "cpu: 20ms", "cpu-limit");
}

#[test]
fn endless_recursion_in_any_hook_harms_one_exchange() {
    every_hook("recurse", "", "trap");
}

#[test]
fn growing_memory_in_any_hook_harms_one_exchange() {
    // Time enough to eat it, however busy the machine is.
    every_hook("eat", "memory: 4MiB, cpu: 1s", "memory-limit");
}

#[test]
fn ticks_that_fail_harm_no_exchange() {
    let origin = Origin::text("from the upstream\n");
    for (how, kind) in [("panic", "trap"), ("spin", "cpu-limit"), ("eat", "memory-limit")] {
        let entry = format!("config: {{ hook: on-tick, how: {how} }}");
        // Little memory, so that it is eaten before the time is over, however busy the machine is.
        let proxy = builder(&origin).limited_guest("ill", "fail", &entry, "memory: 4MiB").start();
        failed(&proxy, "on-tick", kind);
        others_are_served(&proxy);
    }
}

#[test]
fn a_filter_that_fails_while_it_is_configured_is_refused() {
    let origin = Origin::text("from the upstream\n");
    let good = builder(&origin).guest("ill", "mark", "config: { name: a }");
    let running = good.start();
    for (how, words) in [
        ("panic", "no instance could be made: wasm trap: wasm `unreachable` instruction executed"),
        ("spin", "it used more CPU time than its limit for reading its configuration (`limits: { configure: ... }`)"),
        ("recurse", "no instance could be made"),
        ("eat", "more memory than its limit"),
    ] {
        let entry = format!("config: {{ hook: configure, how: {how} }}");
        let bad = builder(&origin).limited_guest("ill", "fail", &entry, "configure: 50ms, memory: 4MiB");
        let (code, said) = validate(&bad.text("127.0.0.1:0"));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains("`ill` cannot be used") && said.contains(words), "{said}");
        assert!(said.contains("weir.yaml:"), "{said}");
        // Nor does a reload put it in the place of what runs.
        running.write(&bad);
        running.signal("HUP");
        running.log.wait(words);
        assert_eq!(get(running.address, "/").header("x-mark"), Some("a"));
    }
}

#[test]
fn what_a_filter_says_of_its_configuration_is_cut_and_harmless() {
    let origin = Origin::text("from the upstream\n");
    let (code, said) = validate(&builder(&origin).guest("ill", "faulty", "").text("127.0.0.1:0"));
    assert_eq!(code, Some(2));
    assert!(said.contains("`ill` refuses its config at /none") && said.contains("cleared 0 "), "{said:.500}");
    assert!(!said.contains('\u{1b}') && !said.contains('\u{7}'), "orders for a terminal");
    assert!(said.len() < 300_000, "{} bytes", said.len());
}

#[test]
fn a_pause_against_the_rules_is_a_failure() {
    let origin = Origin::text("from the upstream\n");
    for (guest, how, hook, kind, resumed) in [
        ("pauses", "unarmed", "on-request", "bad-pause", 0),
        ("pauses", "forever", "on-resume", "bad-pause", 16),
        ("deaf", "", "on-request", "no-hook", 0),
    ] {
        let config = if how.is_empty() { String::new() } else { format!("config: {{ how: {how} }}") };
        for (on_failure, expected) in [("", 500), (OPEN, 200)] {
            let proxy = builder(&origin).guest("ill", guest, &format!("{on_failure}{config}")).start();
            assert_eq!(post(proxy.address, ""), Seen::Whole(expected), "{guest} {how}");
            failed(&proxy, hook, kind);
            let lines = proxy.log.so_far();
            assert_eq!(lines.iter().filter(|line| line.contains("resumed: ")).count(), resumed, "{guest} {how}");
            assert_eq!(get(proxy.address, "/plain").status, 200);
        }
    }
}

#[test]
fn of_two_operations_that_are_armed_the_last_is_waited_for() {
    let origin = Origin::text("from the upstream\n");
    for (how, resumed) in [("twice", 1), ("goes", 0)] {
        let proxy = builder(&origin).guest("ill", "pauses", &format!("config: {{ how: {how} }}")).start();
        assert_eq!(post(proxy.address, ""), Seen::Whole(200), "{how}");
        // A body of five bytes is over the first operation's limit, and within the second's.
        if resumed > 0 {
            proxy.log.wait("resumed: ");
        }
        let lines = proxy.log.so_far();
        let lines: Vec<_> = lines.iter().filter(|line| line.contains("resumed: ")).collect();
        assert_eq!(lines.len(), resumed, "{lines:?}");
        assert!(lines.iter().all(|line| line.contains("Done")), "{lines:?}");
        assert_eq!(origin.next().body, b"hello");
    }
}

#[test]
fn nothing_that_a_filter_sets_ends_a_line() {
    let origin = Origin::text("from the upstream\n");
    let proxy = builder(&origin).guest("inject", "inject", "").start();
    let reply = get(proxy.address, "/");
    assert_eq!((reply.status, reply.header("x-evil")), (200, None));
    let text = reply.text();
    assert_eq!(text.lines().count(), 81, "{text}");
    for line in text.lines() {
        assert!(!line.ends_with(" done"), "it was taken: {line}");
    }
    let received = origin.next();
    assert_eq!((received.line.as_str(), received.header("x-evil")), ("GET / HTTP/1.1", None));
    assert_eq!(received.header("x-a"), None);
    assert_eq!(proxy.record(1)["reason"], "reason??x-evil: 1");
}

#[test]
fn nobody_is_whom_a_filter_says_unless_it_was_granted() {
    let origin = Origin::text("from the upstream\n");
    let both = builder(&origin).guest("forge", "forge", "").guest("reader", "forge", "config: { answers: true }");
    let proxy = both.start();
    assert_eq!(get(proxy.address, "/").text(), "None");
    for words in ["user.id: denied", "auth.role: denied", "other.x: denied", "forge: denied", "forge.mine: done"] {
        proxy.log.wait(words);
    }
    let proxy = declared(&both, "grants: { vars: [user.] }");
    assert_eq!(get(proxy.address, "/").text(), "Some(\"root\")");
    proxy.log.wait("auth.role: denied");
}

#[test]
fn what_was_not_granted_is_denied() {
    let origin = Origin::text("from the upstream\n");
    let proxy = builder(&origin).guest("ill", "undeclared", "").start();
    let told = "upstream denied\nstore denied\ndocument denied\nsecret denied\nequals denied";
    assert_eq!(get(proxy.address, "/").text(), told);
    assert!(origin.arrived().is_empty());
    assert_eq!(Client::connect(proxy.address).get("/", "X-Metric: 1\r\n").status, 500);
    failed(&proxy, "on-request", "trap");
    assert_eq!(get(proxy.address, "/").text(), told);
}

#[test]
fn wasi_is_refused_or_a_stub_that_traps() {
    let origin = Origin::text("from the upstream\n");
    let builder = builder(&origin).guest("ill", "wasi", "");
    let (code, said) = validate(&builder.text("127.0.0.1:0"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("wasi:clocks/monotonic-clock@0.2.0") && said.contains("write `wasi: stub`"), "{said}");
    let proxy = declared(&builder, "wasi: stub");
    others_are_served(&proxy);
    assert_eq!(Client::connect(proxy.address).get("/", "X-Clock: 1\r\n").status, 500);
    failed(&proxy, "on-request", "trap");
    others_are_served(&proxy);
}

#[test]
fn what_an_instance_remembers_is_gone_where_each_call_has_its_own() {
    let origin = Origin::text("from the upstream\n");
    let builder = builder(&origin).guest("count", "count", "");
    for (keys, counts) in [("isolation: pooled", ["1", "2", "3"]), ("isolation: fresh", ["1", "1", "1"])] {
        let proxy = declared(&builder, keys);
        assert_eq!([(); 3].map(|()| get(proxy.address, "/").text()), counts, "{keys}");
    }
}

#[test]
fn traps_of_some_exchanges_fail_no_others() {
    let origin = Origin::text("from the upstream\n");
    let proxy = builder(&origin).guest("ill", "fail", "config: { hook: on-request, how: panic }").start();
    let address = proxy.address;
    let clients = (0..4).map(|_| {
        std::thread::spawn(move || {
            let mut client = Client::connect(address);
            let statuses = (0..500_u32).map(|number| {
                let fails = number % 100 == 50;
                (fails, client.get("/", if fails { "X-Fail: 1\r\n" } else { "" }).status)
            });
            statuses.collect::<Vec<_>>()
        })
    });
    let clients: Vec<_> = clients.collect();
    for (fails, status) in clients.into_iter().flat_map(|client| client.join().unwrap()) {
        assert_eq!(status, if fails { 500 } else { 200 });
    }
    assert!(
        !proxy.log.so_far().iter().any(|line| line.contains("fails too often")),
        "one in a hundred is not too often"
    );
}

#[test]
fn a_filter_that_loops_now_and_then_is_put_aside_for_the_time_that_it_takes() {
    let origin = Origin::text("from the upstream\n");
    for (on_failure, status) in [("", 503), (OPEN, 200)] {
        let entry = format!("{on_failure}config: {{ hook: on-request, how: spin }}");
        let builder = builder(&origin).guest("ill", "fail", &entry);
        let proxy = declared(&builder, "limits: { cpu: 20ms }, quarantine: { window: 1h, first: 1h, longest: 1h }");
        let mut client = Client::connect(proxy.address);
        assert_eq!((0..200).filter(|_| client.get("/", "").status == 200).count(), 200);
        // Two in two hundred: a share that counts for nothing. In an hour 72 s may be lost, so these two are fine.
        (0..2).for_each(|_| _ = client.get("/", "X-Fail: 1\r\n"));
        assert_eq!(client.get("/", "").status, 200);
        assert!(!proxy.log.so_far().iter().any(|line| line.contains("fails too often")));
        // In a second, 20 ms.
        let proxy = declared(&builder, "limits: { cpu: 20ms }, quarantine: { window: 1s, first: 1h, longest: 1h }");
        let mut client = Client::connect(proxy.address);
        (0..2).for_each(|_| _ = client.get("/", "X-Fail: 1\r\n"));
        proxy.log.wait("filter `ill` fails too often and is not called for 3600s");
        assert_eq!(client.get("/", "").status, status);
        assert_eq!(client.get("/plain", "").status, 200);
    }
}

#[test]
fn a_filter_that_never_waits_needs_no_place_among_those_that_wait() {
    let origin = Origin::text("from the upstream\n");
    let config = "config: { request: observe, response: observe }";
    let proxy = builder(&origin).limited_guest("pass", "pass", config, "waiting: 0, queue: 0ms, instances: 1").start();
    assert_eq!(post(proxy.address, ""), Seen::Whole(200));
    proxy.log.wait("saw 23 bytes");
}
