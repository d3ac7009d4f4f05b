//! Hooks in the running proxy: which are called, in which order, with what in their hands, and how an exchange ends.

use std::io::{Read, Write};

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, command, get};

fn with(build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream\n");
    let proxy = build(Proxy::builder().top("workers: 1")).route("/*", "app", origin.address).start();
    (proxy, origin)
}

/// What filters said of their calls, in order; a sign of one kind each.
fn called(proxy: &Proxy) -> Vec<String> {
    let lines = proxy.log.so_far();
    let said = lines.iter().filter_map(|line| line.split("called ").nth(1)?.split('"').next());
    said.map(str::to_owned).collect()
}

/// One hop of curl over HTTP/2, head and trailers included.
fn over_http2(proxy: &Proxy, path: &str, arguments: &[&str]) -> String {
    let mut curl = command("curl", "curl");
    curl.args(["-sS", "--http2-prior-knowledge", "--max-time", "20", "-i"]).args(arguments);
    let output = curl.arg(format!("http://{}{path}", proxy.address)).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_hook_is_called_when_it_is_armed_and_in_order() {
    let (proxy, _) = with(|proxy| proxy.guest("every", "every", "config: { arms: true }"));
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(client.reply().text(), "from the upstream\n");
    proxy.log.wait("called on-complete");
    // What is there at once may come with its end, or the end behind it.
    let calls = called(&proxy);
    let names: Vec<&str> = calls.iter().map(|call| call.split(" 0 true").next().unwrap().trim_end()).collect();
    let mut names: Vec<String> = names.iter().map(|name| name.split(" 5").next().unwrap().to_owned()).collect();
    names.retain(|name| !name.contains("-response-chunk "));
    names.dedup();
    let order = [
        "on-request",
        // It asked to rewrite the body before it asked for all of it.
        "on-request-chunk",
        "observe-request-chunk",
        "on-resume request",
        "on-response",
        "on-resume response",
        "on-complete",
    ];
    assert_eq!(names, order, "{calls:?}");
    // Each chunk hook is told of the end once.
    let ends = calls.iter().filter(|call| call.ends_with("true")).count();
    assert_eq!(ends, 4, "{calls:?}");
}

#[test]
fn a_hook_that_is_not_armed_is_not_called() {
    let (proxy, _) = with(|proxy| proxy.guest("every", "every", "config: {}"));
    get(proxy.address, "/");
    proxy.log.wait("called on-complete");
    assert_eq!(called(&proxy), ["on-request", "on-response", "on-complete"]);
}

#[test]
fn hooks_that_a_configuration_skips_are_not_called() {
    let (proxy, _) = with(|proxy| {
        proxy.guest("every", "every", "config: { skips: true }").guest("end", "script", "config: { name: end }")
    });
    assert_eq!(get(proxy.address, "/").status, 200);
    proxy.log.wait("called end complete");
    assert_eq!(called(&proxy), ["end request /*", "end response /*", "end complete /*"]);
}

#[test]
fn ticks_come_once_for_the_entry_however_many_workers_there_are() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder()
        .top("workers: 2")
        .guest("every", "every", "config: { tick: 400 }")
        .route("/*", "app", origin.address)
        .start();
    let lines = proxy.log.wait_many("called on-tick", 3);
    let times: Vec<f64> = lines.iter().map(|line| seconds(line)).collect();
    // Two workers that tick both would do it in the same moment.
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] > 0.2, "{times:?}");
    }
    // A reload that leaves the entry alone leaves it at that.
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    let lines = proxy.log.wait_many("called on-tick", 6);
    let times: Vec<f64> = lines.iter().map(|line| seconds(line)).collect();
    for pair in times.windows(2) {
        assert!(pair[1] - pair[0] > 0.2, "{times:?}");
    }
}

/// Of the day, from the time in a line of the log.
fn seconds(line: &str) -> f64 {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let time = line["timestamp"].as_str().unwrap();
    let clock = time.split('T').nth(1).unwrap().trim_end_matches('Z');
    clock.split(':').map(|part| part.parse::<f64>().unwrap()).fold(0.0, |sum, part| sum * 60.0 + part)
}

#[test]
fn the_end_is_told_in_reverse_to_all_that_took_part_in_it() {
    let (proxy, _) = with(|proxy| {
        proxy
            .guest("outer", "script", "config: { name: outer }")
            .guest("absent", "script", "except: [/*], config: { name: absent }")
            .guest("failed", "script", "on_failure: open, config: { name: failed, request: trap }")
            .guest("door", "script", "config: { name: door, request: answer }")
            .guest("inner", "script", "config: { name: inner }")
    });
    let reply = get(proxy.address, "/");
    assert_eq!((reply.status, reply.values("x-mark")), (403, vec!["outer origin::filter"]));
    proxy.log.wait("called outer complete");
    let expected = [
        "outer request /*",
        "failed request /*",
        "door request /*",
        "outer response /*",
        "door complete /*",
        "outer complete /*",
    ];
    assert_eq!(called(&proxy), expected);
}

#[test]
fn a_failure_in_the_middle_of_the_way_back_runs_the_filters_further_out() {
    let (proxy, _) = with(|proxy| {
        proxy
            .guest("outer", "script", "config: { name: outer }")
            .guest("broken", "script", "config: { name: broken, response: trap }")
            .guest("inner", "script", "config: { name: inner }")
    });
    for reply in [get(proxy.address, "/"), get(proxy.address, "/")] {
        assert_eq!((reply.status, reply.values("x-mark")), (500, vec!["outer origin::host"]));
    }
    proxy.log.wait_many("called outer complete", 2);
    let expected = [
        "outer request /*",
        "broken request /*",
        "inner request /*",
        "inner response /*",
        "broken response /*",
        "outer response /*",
        "inner complete /*",
        "outer complete /*",
    ];
    assert_eq!(called(&proxy), [expected, expected].concat());
}

#[test]
fn a_failure_at_the_end_harms_nobody() {
    let (proxy, _) = with(|proxy| {
        proxy.guest("outer", "script", "config: { name: outer }").guest(
            "inner",
            "script",
            "config: { name: inner, complete: trap }",
        )
    });
    assert_eq!(get(proxy.address, "/").status, 200);
    proxy.log.wait("filter `inner` failed in `on-complete`");
    proxy.log.wait("called outer complete");
}

#[test]
fn slots_and_variables_last_for_the_exchange() {
    let (proxy, origin) = with(|proxy| {
        proxy
            .plugin("writer", "vars", "grants: { vars: [user.] }")
            .plugin("reader", "vars", "")
            .filter(
                "{ plugin: writer, config: { set: { user.id: ada, writer.own: w, reader.x: no, Bad: no, writer: no }, \
                 show: [user.id] } }",
            )
            .filter("{ plugin: reader, config: { set: { user.id: eve }, show: [user.id, writer.own, reader.x] } }")
    });
    for _ in 0..2 {
        let reply = Client::connect(proxy.address).get("/", "user.id: eve\r\nx-user-id: eve\r\n");
        let received = origin.next();
        let set = ["Bad invalid-name", "reader.x denied", "user.id done", "writer denied", "writer.own done"];
        assert_eq!(received.values("x-set"), [set.as_slice(), &["user.id denied"]].concat());
        assert_eq!(received.values("x-var"), ["user.id=ada", "user.id=ada", "writer.own=w", "reader.x=-"]);
        // The way back: the reader first. Each has its own slot, of this exchange.
        assert_eq!(reply.values("x-slot"), [", asked", ", asked"]);
        assert_eq!(reply.values("x-var"), ["user.id=ada", "writer.own=w", "reader.x=-", "user.id=ada"]);
        assert_eq!(reply.values("x-removed")[0], "user.id denied");
        assert_eq!(reply.values("x-removed")[3], "user.id done");
    }
    let ends = proxy.log.wait_many("at the end:", 4);
    assert!(ends.iter().all(|end| end.contains("slot , asked, answered")), "{ends:?}");
    // Removed by who may, seen by who comes after; nobody sets one any more.
    assert!(ends[0].contains("user.id=-") && ends.iter().all(|end| !end.contains("set done")), "{ends:?}");
    assert!(ends[0].contains("set wrong-hook") && ends[1].contains("set invalid-name"), "{ends:?}");
}

#[test]
fn a_note_stands_in_the_log_that_tells_all() {
    let folder = tempfile::tempdir().unwrap();
    let origin = Origin::text("x");
    let text =
        Proxy::builder().guest("vars", "vars", "config: {}").route("/*", "app", origin.address).text("127.0.0.1:0");
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    let mut child = weir_tests::weir()
        .args(["--log", "debug", "run"])
        .current_dir(folder.path())
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let log = weir_tests::Lines::of(child.stderr.take().unwrap());
    let line: serde_json::Value = serde_json::from_str(&log.wait("(main)")).unwrap();
    get(line["address"].as_str().unwrap().parse().unwrap(), "/");
    let note: serde_json::Value = serde_json::from_str(&log.wait("variables-are-set")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!((note["filter"].as_str(), note["hook"].as_str()), (Some("vars"), Some("on-request")));
    assert_eq!(note["exchange"].as_str().map(str::len), Some(32));
}

#[test]
fn a_filter_changes_what_goes_upstream_and_not_what_was_asked() {
    let origin = Origin::text("x");
    let entries = [
        ("/whole/*", "", "{ path: /new/place, query: \"a=1\" }"),
        ("/stripped/*", "strip_prefix: true, ", "{ query: b=2 }"),
        ("/moved/*", "strip_prefix: true, ", "{ path: /moved/away }"),
        ("/bare/*", "strip_prefix: true, ", "{ no_query: true }"),
        ("/refused/*", "", "{ path: relative, query: \"a b\" }"),
        ("/split/*", "", "{ path: \"/a?b\", query: \"c#d\" }"),
    ];
    let mut proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("paths", "paths", "")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address));
    for (path, strip, config) in entries {
        proxy = proxy.route_to(path, "app", &format!("{strip} chain: [{{ plugin: paths, config: {config} }}]"));
    }
    let proxy = proxy.start();
    let expected = [
        ("/whole/x?q", "/new/place?a=1", "/whole/x q /whole/x q", ""),
        ("/stripped/x?q", "/x?b=2", "/stripped/x q /x q", ""),
        ("/moved/x?q", "/moved/away?q", "/moved/x q /x q", ""),
        ("/bare/x?q", "/x", "/bare/x q /x q", ""),
        ("/refused/x?q", "/refused/x?q", "/refused/x q /refused/x q", "invalid-value invalid-value"),
        ("/split/x", "/split/x", "/split/x - /split/x -", "invalid-value invalid-value"),
    ];
    for (asked, sent, before, refused) in expected {
        let reply = get(proxy.address, asked);
        let received = origin.next();
        assert_eq!(received.line, format!("GET {sent} HTTP/1.1"), "{asked}");
        assert_eq!(received.header("x-before"), Some(before), "{asked}");
        assert_eq!(received.header("x-refused"), Some(refused), "{asked}");
        // Its own view agrees with what was sent, and what was asked is as it was.
        let (path, query) = asked.split_once('?').unwrap_or((asked, "-"));
        let (sent_path, sent_query) = sent.split_once('?').unwrap_or((sent, "-"));
        let after = format!("{path} {query} {sent_path} {sent_query}");
        assert_eq!((received.header("x-after"), reply.header("x-sent")), (Some(after.as_str()), Some(after.as_str())));
        assert!(over_http2(&proxy, asked, &[]).contains(&after), "{asked}");
        assert_eq!(origin.next().line, format!("GET {sent} HTTP/1.1"), "{asked}");
    }
}

#[test]
fn fields_and_answers_can_be_text() {
    let origin = Origin::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nX-Made: \xff by hand\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let proxy = Proxy::builder().guest("texts", "texts", "").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send(b"GET / HTTP/1.1\r\nHost: x\r\nX-Name: \xff\r\n\r\n".as_slice());
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(client.rest_of(1));
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.contains("x-made: \u{fffd} by hand!"), "{head}");
    let received = origin.next();
    assert_eq!(received.header("x-greeting"), Some("grüß dich, \u{fffd}; invalid-value"));
    let reply = client.get("/", "X-Name: ada\r\nX-Answer: yes\r\n");
    assert_eq!(
        (reply.text().as_str(), reply.header("content-type")),
        ("hello ada\n", Some("text/plain; charset=utf-8"))
    );
    assert_eq!((reply.header("x-split"), reply.header("x-evil")), (Some("invalid-value"), None));
}

#[test]
fn answers_have_trailers() {
    let (proxy, _) = with(|proxy| proxy.guest("trailers", "trailers", ""));
    for more in ["", "X-Late: yes\r\n"] {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET / HTTP/1.1\r\nHost: x\r\nTE: trailers\r\n{more}Connection: close, te\r\n\r\n"));
        let (status, head) = client.head();
        assert_eq!((status, value(&head, "transfer-encoding"), value(&head, "content-length")), (200, "chunked", ""));
        assert_eq!((client.chunk().unwrap().as_slice(), value(&head, "x-early")), (&b"message"[..], "wrong-hook"));
        let rest = String::from_utf8(client.rest().unwrap()).unwrap();
        let names = ["0\r\n", "grpc-status: 0\r\n", "grpc-message: fine\r\n", "x-forbidden: forbidden\r\n"];
        assert!(names.iter().all(|name| rest.contains(name)) && !rest.contains("content-length"), "{rest:?}");
    }
    let reply = over_http2(&proxy, "/", &["-H", "TE: trailers"]);
    let (head, rest) = reply.split_once("message").expect("there is a body");
    assert!(head.contains("HTTP/2 200") && !head.contains("grpc-status"), "{reply}");
    assert!(rest.contains("grpc-status: 0") && rest.contains("grpc-message: fine"), "{reply}");
    // An answer to HEAD has neither.
    let mut client = Client::connect(proxy.address);
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let said = String::from_utf8(client.rest().unwrap()).unwrap();
    assert!(said.ends_with("\r\n\r\n") && !said.contains("grpc-status"), "{said}");
}

fn value<'a>(head: &'a [(String, String)], name: &str) -> &'a str {
    head.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
}

#[test]
fn the_summary_tells_how_it_ended() {
    let (broken, may_break) = std::sync::mpsc::channel::<()>();
    let may_break = std::sync::Arc::new(std::sync::Mutex::new(may_break));
    let origin = Origin::raw(move |received, stream| match received.line.split(' ').nth(1).unwrap() {
        "/whole" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n1234567").is_ok(),
        "/broken" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n123");
            // Not before the client has what came.
            let _ = may_break.lock().unwrap().recv();
            false
        }
        "/endless" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n123");
            stream.read(&mut [0]).is_ok_and(|length| length > 0)
        }
        // Says nothing, until the proxy goes.
        _ => stream.read(&mut [0]).is_ok_and(|length| length > 0),
    });
    let proxy = Proxy::builder()
        .top("workers: 1")
        .guest("summary", "summary", "")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/*", "app", "limits: { body: 100B }")
        .route_to("/slow", "app", "timeouts: { idle: 1s, response: 1s }")
        .start();
    let summary = |count| proxy.log.wait_many("summary:", count).pop().unwrap();
    let ends = |line: &str, what: &str| assert!(line.contains(what), "{line}\nis not {what}");

    let mut client = Client::connect(proxy.address);
    client.send("POST /whole HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    client.reply();
    ends(&summary(1), "status 200 Ending::Complete received 3 sent 7 head true timed true");

    let mut client = Client::connect(proxy.address);
    client.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
    client.head();
    assert_eq!(client.rest_of(3), b"123");
    broken.send(()).unwrap();
    assert_eq!(client.rest().unwrap_or_default(), b"");
    ends(&summary(2), "status 200 Ending::UpstreamFailed received 0 sent 3 head true timed true");

    let mut client = Client::connect(proxy.address);
    client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    client.head();
    client.rest_of(3);
    drop(client);
    ends(&summary(3), "status 200 Ending::ClientGone received 0 sent 3 head true timed true");

    // Its head never came; the filter is told all the same.
    let mut client = Client::connect(proxy.address);
    client.send("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n");
    origin.next();
    while origin.next().line != "GET /silent HTTP/1.1" {}
    drop(client);
    ends(&summary(4), "status 0 Ending::ClientGone received 0 sent 0 head false timed true");

    assert_eq!(get(proxy.address, "/slow").status, 504);
    ends(&summary(5), "status 504 Ending::Complete received 0");

    let mut client = Client::connect(proxy.address);
    client.send("POST /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n");
    assert_eq!(client.reply().status, 413);
    ends(&summary(6), "status 413 Ending::Complete received 0");

    assert!(over_http2(&proxy, "/whole", &["-d", "abcd"]).ends_with("1234567"));
    ends(&summary(7), "status 200 Ending::Complete received 4 sent 7 head true timed true");
}

#[test]
fn a_switch_of_protocols_passes_the_way_back_and_can_be_replaced() {
    let origin = Origin::raw(|received, stream| {
        if received.header("upgrade").is_none() {
            return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok();
        }
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
        let mut bytes = [0; 100];
        while let Ok(length) = stream.read(&mut bytes) {
            if length == 0 || stream.write_all(&bytes[..length]).is_err() {
                break;
            }
        }
        false
    });
    let upstream = format!("{{ endpoints: [\"http://{}\"] }}", origin.address);
    let proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("script", "script", "")
        .plugin("pieces", "pieces", "")
        .upstream("app", &upstream)
        .route_to(
            "/open",
            "app",
            "chain: [{ plugin: script, config: { name: one } }, { plugin: pieces, config: { on: response } }]",
        )
        .route_to("/shut", "app", "chain: [{ plugin: script, config: { name: one, response: answer } }]")
        .route_to("/broken", "app", "chain: [{ plugin: script, config: { name: one, response: trap } }]")
        .start();
    let ask = |path: &str| {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"));
        client
    };
    let mut client = ask("/open");
    let (status, head) = client.head();
    assert_eq!((status, value(&head, "x-mark"), value(&head, "upgrade")), (101, "one origin::upstream", "echo"));
    client.send("small");
    // No chunk hook has made it large.
    assert_eq!(client.rest_of(5), b"small");
    drop(client);
    proxy.log.wait("called one complete /open");
    for (path, status) in [("/shut", 403), ("/broken", 500)] {
        let mut client = ask(path);
        assert_eq!(client.reply().status, status, "{path}");
        // The connection goes on as HTTP.
        assert_eq!(client.get("/open", "").status, 200, "{path}");
    }
}
