//! What filters may do beside the messages: granted, not granted, and misused.

use std::io::{Read, Write};
use std::process::Output;

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, until, weir};

fn with(build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Proxy {
    let origin = Origin::text("from the upstream\n");
    build(Proxy::builder().top("workers: 1")).route("/*", "app", origin.address).start()
}

/// What the filter answers when it is asked to do this.
fn ask(proxy: &Proxy, what: &str) -> String {
    let reply = Client::connect(proxy.address).get("/", &format!("X-Do: {what}\r\n"));
    if reply.status == 200 { reply.text() } else { reply.status.to_string() }
}

fn validate(text: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    weir().current_dir(folder.path()).arg("validate").output().unwrap()
}

/// What `weir validate` says of a file with one filter in it that cannot be used.
fn refused(name: &str, entry: &str) -> String {
    let origin = Origin::text("x");
    let text = Proxy::builder().guest(name, name, entry).route("/*", "app", origin.address).text("127.0.0.1:0");
    let output = validate(&text);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{name}: {said}");
    assert!(said.contains("weir.yaml:"), "{said}");
    said
}

#[test]
fn what_nothing_can_grant_is_refused_when_it_is_loaded() {
    for (name, capability, kind) in [
        ("ungranted-kv", "kv", "store"),
        ("ungranted-secrets", "secrets", "secret"),
        ("ungranted-documents", "documents", "document"),
        ("ungranted-http-client", "http-client", "upstream"),
        ("ungranted-files", "files", "directory"),
    ] {
        let said = refused(name, "");
        let words =
            [format!("it imports `{capability}`, which nothing can grant"), format!("no field of the kind `{kind}`")];
        for word in words {
            assert!(said.contains(&word), "{name}: {said}");
        }
    }
}

#[test]
fn nothing_but_the_log_and_setup_can_be_called_in_configure() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "sesame").unwrap();
    let granted = format!(
        "store: local, secret: {{ file: \"{0}\" }}, document: {{ file: \"{0}\" }}, upstream: app, \
         directory: \"{1}\"",
        file.display(),
        folder.path().display()
    );
    for calls in ["clock", "random", "crypto", "kv", "secrets", "documents", "files", "http-client", "password"] {
        let said = refused("impure", &format!("config: {{ calls: {calls}, {granted} }}"));
        assert!(said.contains("in `configure` only `log` and `setup` can be called"), "{calls}: {said}");
    }
    // The others say the same of filters that were granted nothing.
    let said = refused("impure", "config: { calls: http-client }");
    assert!(said.contains("in `configure` only `log` and `setup` can be called"), "{said}");
    let said = refused("impure", "config: { calls: exchange }");
    assert!(said.contains("there is no exchange"), "{said}");
    let proxy = with(|proxy| proxy.guest("impure", "impure", &format!("config: {{ calls: none, {granted} }}")));
    proxy.log.wait("\"configured\"");
}

#[test]
fn metrics_are_those_that_were_declared() {
    let proxy = with(|proxy| proxy.guest("tools", "tools", ""));
    assert_eq!(ask(&proxy, "metrics"), "invalid-name too-large invalid-value");
    for (misused, said) in [
        ("metrics-undeclared", "no metric 7 was declared"),
        ("metrics-labels", "the metric `seen` has 1 labels, not 0"),
        ("metrics-kind", "the metric `seen` is of another kind"),
        ("metrics-late", "in `configure`"),
    ] {
        assert_eq!(ask(&proxy, misused), "500", "{misused}");
        proxy.log.wait(said);
    }
}

#[test]
fn time_and_chance_are_there_for_all() {
    let proxy = with(|proxy| proxy.guest("tools", "tools", ""));
    let said = ask(&proxy, "clock");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let (seconds, goes_on) = said.split_once(' ').unwrap();
    assert!(now - seconds.parse::<u64>().unwrap() < 60 && goes_on == "true", "{said}");
    assert_eq!(ask(&proxy, "random"), "32 true");
    assert_eq!(ask(&proxy, "random-much"), "500");
    proxy.log.wait("more than 64 KiB of random bytes");
}

#[test]
fn cryptography_is_the_hosts() {
    let proxy = with(|proxy| proxy.guest("tools", "tools", ""));
    assert_eq!(ask(&proxy, "digest"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // As `openssl dgst -sha256 -hmac key` says of `data`.
    let mac = "5031fe3d989c6d1537a013fa6e739da23463fdaec3b70137d828e36ace221bd0";
    assert_eq!(ask(&proxy, "hmac"), format!("{mac} true false"));
    assert_eq!(ask(&proxy, "hmac-secret"), "denied");
    assert_eq!(ask(&proxy, "verify"), "true false invalid-value invalid-value");
    assert_eq!(ask(&proxy, "keys"), "256 too-large");
    // Those were released with it.
    assert_eq!(ask(&proxy, "keys"), "256 too-large");
    assert_eq!(ask(&proxy, "verify-without"), "500");
    proxy.log.wait("there is no key 9");
}

#[test]
fn a_store_keeps_values_for_the_entry() {
    let proxy = Proxy::builder()
        .top("workers: 2\nstores: { small: { memory: 1MiB } }")
        .plugin("keeper", "keeper", "limits: { cpu: 1s }")
        .filter("{ plugin: keeper, name: other, except: [/*], config: { store: small } }")
        .upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }")
        .route_to("/*", "app", "add: [{ plugin: keeper, name: here, config: { store: small } }]")
        .route_to("/other/*", "app", "chain: [{ plugin: keeper, name: there, config: { store: small } }]")
        .start();
    // Each on a connection of its own: which of the workers serves it does not matter.
    for (what, said) in [
        ("get a", "none"),
        ("set a one", "()"),
        ("get a", "one"),
        ("swap a two three", "false"),
        ("swap a one two", "true"),
        ("get a", "two"),
        ("add a 1", "not-a-number"),
        ("add n 5", "5"),
        ("subtract n 7", "-2"),
        ("get n", "-2"),
        ("add n 9223372036854775808", "not-a-number"),
        ("remove a", "true"),
        ("remove a", "false"),
        ("remove n", "true"),
        ("batch", "done 5 3 1 true none"),
        ("durable a", "unsupported"),
        ("long 65536", "()"),
        ("long 65537", "too-large"),
        ("other local", "denied"),
        ("other nowhere", "denied"),
        ("set mine yes", "()"),
    ] {
        assert_eq!(ask(&proxy, what), said, "{what}");
    }
    // Another entry of the same filter has keys of its own in the same store.
    let reply = Client::connect(proxy.address).get("/other/", "X-Do: get mine\r\n");
    assert_eq!(reply.text(), "none");
    // What is beyond its memory makes room.
    let kept: usize = ask(&proxy, "fill").parse().unwrap();
    assert!((1..18).contains(&kept), "{kept} values of 60 kB in 1 MiB");
    // Thirty values in one hook: time that is not what this is about.
    let large = with(|proxy| proxy.limited_guest("keeper", "keeper", "config: { store: local }", "cpu: 1s"));
    assert_eq!(ask(&large, "fill"), "30");
    assert_eq!(ask(&proxy, "set-for brief x 100"), "()");
    until("a value with a time to live goes", || ask(&proxy, "get brief") == "none");
}

#[test]
fn a_filter_without_grants_is_denied() {
    let proxy = with(|proxy| proxy.guest("keeper", "keeper", "config: {}"));
    for what in ["get a", "set a b", "remove a", "add n 1", "swap a b c", "durable a", "batch", "other local"] {
        assert_eq!(ask(&proxy, what), "denied", "{what}");
    }
    assert_eq!(ask(&proxy, "secret x"), "denied true");
    assert_eq!(ask(&proxy, "read"), "denied");
    assert_eq!(ask(&proxy, "refresh"), "denied");
}

#[test]
fn a_secret_stays_with_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("secret");
    std::fs::write(&file, "sesame\n").unwrap();
    let entry = format!("config: {{ secret: {{ file: \"{}\" }} }}", file.display());
    let proxy = with(|proxy| proxy.guest("keeper", "keeper", &entry));
    assert_eq!(ask(&proxy, "secret sesame"), "true true");
    assert_eq!(ask(&proxy, "secret sesam"), "false true");
}

#[test]
fn a_document_of_a_file_is_kept_fresh() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    std::fs::write(&file, "one").unwrap();
    // Every second, and every minute but for those who ask.
    for more in ["every: 1", "every: 60"] {
        std::fs::write(&file, "one").unwrap();
        let entry = format!("config: {{ document: {{ file: \"{}\" }}, {more} }}", file.display());
        let proxy = with(|proxy| proxy.guest("keeper", "keeper", &entry));
        until("it is read at first", || ask(&proxy, "read").ends_with(" true true one"));
        let before = ask(&proxy, "read");
        let read = || if more == "every: 1" { ask(&proxy, "read") } else { ask(&proxy, "refresh") };
        std::fs::write(&file, "two").unwrap();
        until("it is read again", || read().ends_with(" true true two"));
        let after = ask(&proxy, "read");
        assert_ne!(before.split(' ').next(), after.split(' ').next(), "another text has another version");
        // What cannot be read leaves the last good copy.
        std::fs::remove_file(&file).unwrap();
        if more == "every: 60" {
            until("its loss is noticed", || read().starts_with("Ended::Failed"));
        }
        proxy.log.wait("what was there before is kept");
        assert_eq!(ask(&proxy, "read").split(' ').next(), after.split(' ').next());
        assert!(ask(&proxy, "read").ends_with("two"));
        proxy.log.wait("refresh at the end: wrong-hook");
    }
}

#[test]
fn a_document_of_an_upstream_is_fetched_once_for_all() {
    let origin = Origin::raw(|received, stream| {
        let (status, body) = match received.line.split(' ').nth(1).unwrap() {
            "/keys?a=b" => ("200 OK", "these keys"),
            "/large" => ("200 OK", ""),
            _ => ("404 Not Found", "none here"),
        };
        let length = if received.line.contains("large") { (1 << 20) + 1 } else { body.len() };
        stream.write_all(format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes()).is_ok()
    });
    let start = |path: &str| {
        Proxy::builder()
            .top("workers: 2")
            .guest("keeper", "keeper", &format!("config: {{ document: {{ upstream: keys, path: \"{path}\" }} }}"))
            .route("/*", "keys", origin.address)
            .start()
    };
    let proxy = start("/keys?a=b");
    until("it is fetched at first", || ask(&proxy, "read").ends_with(" these keys"));
    let arrived = origin.arrived();
    assert_eq!(arrived.len(), 1, "{arrived:?}");
    assert_eq!(arrived[0].line, "GET /keys?a=b HTTP/1.1");
    // Not again within a second, whoever asks.
    for _ in 0..5 {
        assert!(ask(&proxy, "refresh").starts_with("Ended::Done "));
    }
    assert!(origin.arrived().len() <= 5);
    drop(proxy);
    for path in ["/missing", "/large"] {
        let proxy = start(path);
        proxy.log.wait("a document cannot be fetched");
        assert_eq!(ask(&proxy, "read"), "0 none", "{path}");
        assert_eq!(ask(&proxy, "refresh"), "Ended::Failed 0 none", "{path}");
    }
}

#[test]
fn a_filter_sends_requests_of_its_own() {
    let origin = Origin::raw(|received, stream| {
        let path = received.line.split(' ').nth(1).unwrap().to_owned();
        let body = format!("{path} {}", String::from_utf8_lossy(&received.body));
        let status = if path == "/missing" { "404 Not Found" } else { "200 OK" };
        match path.as_str() {
            "/broken" => false,
            "/silent" => stream.read(&mut [0]).is_ok_and(|length| length > 0),
            _ => {
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).is_ok()
            }
        }
    });
    let start = |config: &str, limits: &str| {
        Proxy::builder()
            .top("workers: 1")
            .limited_guest("caller", "caller", &format!("config: {{ upstream: app, {config} }}"), limits)
            .route("/*", "app", origin.address)
            .start()
    };
    let get = |proxy: &Proxy, targets: &str, more: &str| {
        Client::connect(proxy.address).get("/", &format!("X-Get: {targets}\r\n{more}")).text()
    };
    let proxy = start("", "calls: 3");
    assert_eq!(get(&proxy, "/a?b", ""), "200 /a?b asked");
    let received = origin.next();
    assert_eq!((received.header("x-own"), received.header("x-get")), (Some("yes"), None));
    assert_eq!(get(&proxy, "/a /missing POST:/c", ""), "200 /a asked, 404 /missing asked, 200 /c asked");
    assert_eq!(get(&proxy, "/a /b /c /d", ""), "200 /a asked, 200 /b asked, 200 /c asked, too-many");
    assert_eq!(get(&proxy, "relative", ""), "invalid-request");
    assert_eq!(get(&proxy, "G(T:/a", ""), "invalid-request");
    assert_eq!(get(&proxy, "/a", "X-Field: content-length\r\n"), "invalid-request");
    assert_eq!(get(&proxy, "/broken", ""), "failed");
    // Each filter has a number of its own.
    let proxy = Proxy::builder()
        .plugin("caller", "caller", "limits: { calls: 1 }")
        .filter("{ plugin: caller, name: one, config: { upstream: app, passes: true } }")
        .filter("{ plugin: caller, name: two, config: { upstream: app } }")
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(get(&proxy, "/a", ""), "200 /a asked");
    let proxy = start("timeout: 100", "");
    assert_eq!(get(&proxy, "/silent /a", ""), "timed-out, 200 /a asked");
    let proxy = start("max_body: 10", "");
    assert_eq!(get(&proxy, "/abcd /abc", ""), "too-large, 200 /abc asked");
    // Nobody there.
    let proxy = Proxy::builder()
        .guest("caller", "caller", "config: { upstream: gone }")
        .upstream("gone", "{ endpoints: [\"http://127.0.0.1:1\"] }")
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(get(&proxy, "/a", ""), "failed");
    let proxy = Proxy::builder().guest("caller", "caller", "config: {}").route("/*", "app", origin.address).start();
    assert_eq!(get(&proxy, "/a /b", ""), "denied, denied");
}

#[test]
fn requests_of_a_filter_run_at_the_same_time() {
    // Neither is answered before both are there.
    let both = std::sync::Arc::new(std::sync::Barrier::new(2));
    let origin = Origin::raw(move |_, stream| {
        both.wait();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_ok()
    });
    let proxy = Proxy::builder()
        .guest("caller", "caller", "config: { upstream: app }")
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(Client::connect(proxy.address).get("/", "X-Get: /a /b\r\n").text(), "200 ok, 200 ok");
}

#[test]
fn passwords_are_checked_beside_the_workers() {
    let proxy = with(|proxy| proxy.guest("doorman", "doorman", ""));
    let check = |hash: &str, password: &str| {
        Client::connect(proxy.address).get("/", &format!("X-Hash: {hash}\r\nX-Password: {password}\r\n")).text()
    };
    let argon2 = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHRzb21lc2FsdA$+j6fpp969JWgSLHyZRDuFMvgabplCo/vJO3PVDSbjOo";
    assert_eq!((check(argon2, "correct horse"), check(argon2, "wrong horse")), ("true".into(), "false".into()));
    assert_eq!(check("plain", "plain"), "unknown-format");
    let costly = argon2.replace("m=256", "m=1048576");
    assert_eq!(check(&costly, "x"), "too-costly");
}

#[test]
fn a_password_that_takes_too_long_is_told_before_the_hooks_time_is_over() {
    let proxy = with(|proxy| proxy.limited_guest("doorman", "doorman", "", "wait: 250ms"));
    // About a second of a core.
    let hash = "$2b$14$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2";
    let reply = Client::connect(proxy.address).get("/", &format!("X-Hash: {hash}\r\nX-Password: correct horse\r\n"));
    assert_eq!((reply.status, reply.text().as_str()), (200, "overloaded"));
}

#[test]
fn wasi_is_refused_unless_it_is_a_stub() {
    let said = refused("worldly", "");
    assert!(said.contains("it imports `wasi:clocks/wall-clock@0.2.0`") && said.contains("`wasi: stub`"), "{said}");
    let proxy = with(|proxy| proxy.plugin("worldly", "worldly", "wasi: stub").filter("worldly"));
    let mut client = Client::connect(proxy.address);
    assert_eq!((client.get("/", "").status, client.get("/", "X-World: yes\r\n").status), (200, 500));
    assert_eq!(client.get("/", "").status, 200);
}
