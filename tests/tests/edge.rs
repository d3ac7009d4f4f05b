//! The client's side without TLS: which protocol is spoken, limits of listeners, and how connections end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weir_tests::{Client, Frames, Origin, PATIENCE, PREFACE, Proxy, ProxyBuilder, command, get};

fn with(main: &str, body: &'static str) -> (Proxy, Origin) {
    let origin = Origin::text(body);
    (Proxy::builder().main(main).route("/*", "app", origin.address).start(), origin)
}

/// A listener with the usual limits.
const USUAL: &str = "timeouts: { head: 60s }";

fn curl(arguments: &[&str]) -> String {
    let output = command("curl", "curl").args(["-sS", "--max-time", "20"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn one_port_speaks_http_1_and_http_2() {
    let (proxy, origin) = with(USUAL, "hello");
    let url = format!("http://{}/x?y", proxy.address);
    for (version, said) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")] {
        let answer = curl(&[version, &url, "-H", "Host: a.example", "-d", "abc", "-w", " %{http_version}"]);
        assert_eq!(answer, format!("hello {said}"));
        let received = origin.next();
        assert_eq!(received.line, "POST /x?y HTTP/1.1");
        assert_eq!((received.values("host"), received.body.as_slice()), (vec!["a.example"], &b"abc"[..]));
    }
    assert_eq!(proxy.record(2)["status"], 200);
}

#[test]
fn large_bodies_pass_whole_over_http_2() {
    let origin = Origin::raw(|received, stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", received.body.len());
        stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&received.body)).is_ok()
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let body: Vec<u8> = (0..3_000_000_u32).map(|index| index.to_le_bytes()[0] ^ index.to_le_bytes()[1]).collect();
    let (sent, received) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(sent.path(), &body).unwrap();
    let data = format!("@{}", sent.path().display());
    let url = format!("http://{}/", proxy.address);
    curl(&["--http2-prior-knowledge", &url, "--data-binary", &data, "-o", received.path().to_str().unwrap()]);
    // Not both whole bodies when they differ.
    let is_same = std::fs::read(received.path()).unwrap() == body;
    assert!(is_same);
}

#[test]
fn the_first_bytes_may_come_one_by_one() {
    let (proxy, origin) = with(USUAL, "x");
    for method in ["POST", "PUT", "PRIVATE", "GET", "P"] {
        let mut client = Client::connect(proxy.address);
        for byte in format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n").bytes() {
            client.send([byte]);
        }
        assert_eq!(client.reply().text(), "x");
        assert_eq!(origin.next().line, format!("{method} / HTTP/1.1"));
    }
    let mut stream = TcpStream::connect(proxy.address).unwrap();
    stream.set_nodelay(true).unwrap();
    for byte in PREFACE.iter().chain(&[0, 0, 0, 4, 0, 0, 0, 0, 0]) {
        stream.write_all(&[*byte]).unwrap();
    }
    let mut head = [0; 9];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[3], 4, "the first frame has the settings: {head:?}");
}

#[test]
fn a_preface_that_breaks_off_is_http_1() {
    let (proxy, _origin) = with(USUAL, "x");
    let mut client = Client::connect(proxy.address);
    client.send("PRI * HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.reply().status, 400);
}

type Fields<'a> = &'a [(&'a str, &'a str)];

/// The fields of a request, with these instead of or after the usual ones.
fn fields(more: Fields<'_>) -> Vec<(&str, &str)> {
    let mut fields = vec![(":method", "GET"), (":scheme", "http"), (":path", "/x")];
    fields.extend(more);
    fields
}

#[test]
fn http_2_names_its_host_once() {
    let (proxy, origin) = with(USUAL, "x");
    let cases: [(Fields, Option<&str>); 6] = [
        (&[(":authority", "a.example")], Some("a.example")),
        (&[(":authority", "a.example"), ("host", "A.example")], Some("a.example")),
        (&[("host", "a.example")], Some("a.example")),
        (&[(":authority", "a.example"), ("host", "b.example")], None),
        (&[(":authority", "a.example"), ("host", "a.example"), ("host", "b.example")], None),
        (&[("x", "y")], None),
    ];
    for (count, (more, host)) in cases.into_iter().enumerate() {
        let mut client = Frames::connect(proxy.address, 1 << 20);
        client.request(1, &fields(more));
        while client.next().is_some_and(|frame| frame.flags & 1 == 0) {}
        let record = proxy.record(count + 1);
        match host {
            Some(host) => assert_eq!(origin.next().values("host"), [host]),
            None => assert_eq!((record["status"].as_u64(), &record["reason"]), (Some(400), &"bad-host".into())),
        }
    }
}

#[test]
fn http_2_becomes_http_1_as_it_should() {
    let origin = Origin::raw(|_, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nConnection: x-hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nX-End: 2\r\nContent-Length: 1\r\n\r\nx")
            .is_ok()
    });
    let proxy = Proxy::builder().route("/app", "app", origin.address).start();
    let url = format!("http://{}", proxy.address);
    let said = curl(&["--http2-prior-knowledge", "-i", &format!("{url}/app"), "-H", "TE: trailers"]);
    assert!(said.starts_with("HTTP/2 200") && said.contains("x-end: 2"), "{said}");
    for gone in ["x-hop", "keep-alive", "connection"] {
        assert!(!said.contains(gone), "{said}");
    }
    assert_eq!(origin.next().header("te"), None);

    let mut client = Frames::connect(proxy.address, 1 << 20);
    let mut request = fields(&[(":authority", "a.example"), ("cookie", "a=1"), ("cookie", "b=2")]);
    request[2] = (":path", "/app");
    client.request(1, &request);
    while client.next().is_some_and(|frame| frame.flags & 1 == 0) {}
    assert_eq!(origin.next().values("cookie"), ["a=1; b=2"]);

    // The host's own answer to HEAD has no body there either.
    request[0] = (":method", "HEAD");
    request[2] = (":path", "/nowhere");
    client.request(3, &request);
    let answer = client.next().unwrap();
    assert_eq!((answer.kind, answer.flags), (1, 5), "headers that end the stream");
}

#[test]
fn an_exchange_of_http_2_that_breaks_harms_no_other() {
    let origin = Origin::raw(|received, stream| {
        let begun = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf").is_ok();
        // Until the proxy closes the connection, or at once.
        begun && received.line.contains("/waits") && stream.read(&mut [0; 1]).is_ok_and(|length| length > 0)
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Frames::connect(proxy.address, 1 << 20);
    let mut request = fields(&[(":authority", "x")]);
    // The upstream breaks off: never a clean end.
    client.request(1, &request);
    let last = client.by_ref().find(|frame| frame.kind == 3 || frame.flags & 1 == 1).unwrap();
    assert_eq!((last.kind, last.stream), (3, 1));
    assert_eq!(proxy.record(1)["ended"], "upstream-broke");
    // The client gives one up: the upstream's connection is closed.
    request[2] = (":path", "/waits");
    client.request(3, &request);
    while client.next().unwrap().kind != 0 {}
    client.send(3, 0, 3, &8_u32.to_be_bytes());
    assert_eq!(proxy.record(2)["ended"], "client-gone");
    request[2] = (":path", "/x");
    client.request(5, &request);
    assert!(client.any(|frame| frame.stream == 5), "the connection goes on");
}

#[test]
fn a_head_has_a_limit() {
    let (proxy, origin) = with("limits: { header: 16KiB }", "x");
    let long = format!("X-Long: {}", "x".repeat(20 << 10));
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let url = format!("http://{}/", proxy.address);
        let status = |more: &[&str]| curl(&[&[version, &url, "-o", "/dev/null", "-w", "%{http_code}"], more].concat());
        assert_eq!(status(&["-H", &long]), "431", "{version}");
        assert_eq!(status(&["-H", &long[..8000]]), "200", "{version}");
    }
    assert_eq!(origin.arrived().len(), 2);
}

#[test]
fn a_client_that_does_not_ask_is_left() {
    let (proxy, _origin) = with("timeouts: { head: 200ms }", "x");
    for begun in ["", "P", "PRI * HTTP/2.0\r\n\r\n"] {
        let mut client = Client::connect(proxy.address);
        client.send(begun);
        assert_eq!(client.rest().unwrap(), b"", "{begun:?}");
    }
    // Between two requests, and in the middle of a head.
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "").status, 200);
    assert_eq!(client.rest().unwrap(), b"");
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\n");
    client.rest().unwrap();
    // In HTTP/2 with a word of farewell.
    let mut client = Frames::connect(proxy.address, 1 << 20);
    client.request(1, &fields(&[(":authority", "x")]));
    let kinds: Vec<u8> = client.by_ref().map(|frame| frame.kind).collect();
    assert!(kinds.contains(&1) && kinds.last() == Some(&7), "{kinds:?}");
}

#[test]
fn an_exchange_that_takes_long_is_not_idle() {
    let origin = Origin::raw(|_, stream| {
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok()
            && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").is_ok()
    });
    let proxy = Proxy::builder().main("timeouts: { head: 200ms }").route("/*", "app", origin.address).start();
    let mut client = Frames::connect(proxy.address, 1 << 20);
    let started = Instant::now();
    let block: Vec<u8> = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "x")]
        .iter()
        .flat_map(|(name, value)| {
            let mut field = vec![0];
            for text in [name, value] {
                field.push(u8::try_from(text.len()).unwrap());
                field.extend(text.as_bytes());
            }
            field
        })
        .collect();
    client.send(1, 4, 1, &block);
    origin.next();
    // Another connection that is idle for as long tells when the time has passed.
    assert_eq!(Client::connect(proxy.address).rest().unwrap(), b"");
    assert!(started.elapsed() >= Duration::from_millis(200));
    client.send(0, 1, 1, b"x");
    let data: Vec<u8> = client
        .by_ref()
        .take_while(|frame| frame.kind != 7)
        .filter(|frame| frame.kind == 0)
        .flat_map(|frame| frame.payload)
        .collect();
    assert_eq!(data, b"done");
}

#[test]
fn a_listener_has_so_many_connections_and_no_more() {
    let origin = Origin::text("x");
    let proxy =
        Proxy::builder().main("limits: { connections: 2 }").top("workers: 2").route("/*", "app", origin.address);
    let proxy = proxy.start();
    let (mut first, mut second) = (Client::connect(proxy.address), Client::connect(proxy.address));
    assert_eq!((first.get("/", "").status, second.get("/", "").status), (200, 200));
    assert_eq!(Client::connect(proxy.address).rest().unwrap_or_default(), b"");
    assert!(proxy.log.wait("closed at once").contains("has its limit of 2"));
    // Those that are there are not touched, and room is given back.
    assert_eq!(second.get("/", "").status, 200);
    drop(first);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut client = TcpStream::connect(proxy.address).unwrap();
        let sent = client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut answer = [0; 12];
        if sent.and_then(|()| client.read_exact(&mut answer)).is_ok() {
            assert_eq!(&answer, b"HTTP/1.1 200");
            break;
        }
        assert!(Instant::now() < deadline, "the place is not given back");
    }
}

#[test]
fn a_limit_can_change_while_weir_runs() {
    let origin = Origin::text("x");
    let builder = |most: u32| {
        Proxy::builder().main(&format!("limits: {{ connections: {most} }}")).route("/*", "app", origin.address)
    };
    let proxy = builder(1).start();
    let mut first = Client::connect(proxy.address);
    assert_eq!(first.get("/", "").status, 200);
    assert_eq!(Client::connect(proxy.address).rest().unwrap_or_default(), b"");
    proxy.write(&builder(2));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    assert_eq!(get(proxy.address, "/").status, 200);
}

#[test]
fn a_drain_closes_what_has_not_asked() {
    let (mut proxy, _origin) = with(USUAL, "x");
    let (silent, mut begun) = (Client::connect(proxy.address), Client::connect(proxy.address));
    begun.send("P");
    // It answers, so those before it have reached their workers.
    let mut idle = Frames::connect(proxy.address, 1 << 20);
    idle.request(1, &fields(&[(":authority", "x")]));
    while idle.next().unwrap().flags & 1 == 0 {}
    proxy.signal("TERM");
    assert_eq!(silent.rest().unwrap(), b"");
    assert_eq!(begun.rest().unwrap_or_default(), b"");
    let kinds: Vec<u8> = idle.by_ref().map(|frame| frame.kind).collect();
    assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == 7), "{kinds:?}");
    assert!(proxy.exit().success());
}

#[test]
fn a_drain_lets_exchanges_of_http_2_end() {
    let (go, wait) = std::sync::mpsc::channel();
    let wait = Arc::new(Mutex::new(wait));
    let origin = Origin::raw(move |_, stream| {
        let begun = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n").is_ok();
        begun && wait.lock().unwrap().recv().is_ok_and(|text: &str| stream.write_all(text.as_bytes()).is_ok())
    });
    let mut proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let url = format!("http://{}/", proxy.address);
    let curl = command("curl", "curl")
        .args(["-sS", "--max-time", "20", "--http2-prior-knowledge", &url])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    origin.next();
    proxy.signal("TERM");
    proxy.log.wait("draining");
    go.send("done").unwrap();
    let output = curl.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b"done"[..]));
    assert!(proxy.exit().success());
    assert_eq!(proxy.record(1)["ended"], "complete");
}

#[test]
fn a_redirect_leads_to_https() {
    let origin = Origin::text("x");
    let start = |redirect: &str| -> (Proxy, ProxyBuilder) {
        let builder = Proxy::builder().main(redirect).guest("door", "answer", "config: { status: 418 }").route(
            "/*",
            "app",
            origin.address,
        );
        (builder.start(), builder)
    };
    let (proxy, _) = start("redirect: https");
    let mut client = Client::connect(proxy.address);
    client.send("POST /a?b=c HTTP/1.1\r\nHost: shop.example:8080\r\nContent-Length: 0\r\n\r\n");
    let reply = client.reply();
    assert_eq!((reply.status, reply.header("location")), (308, Some("https://shop.example/a?b=c")));
    let record = proxy.record(1);
    assert_eq!((&record["by"], &record["reason"]), (&"host".into(), &"redirect".into()));
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.reply().status, 400);
    assert_eq!(proxy.record(2)["reason"], "bad-host");

    let (proxy, _) = start("redirect: { https: 8443 }");
    let location = curl(&[
        "--http2-prior-knowledge",
        "-o",
        "/dev/null",
        "-w",
        "%{redirect_url}",
        &format!("http://{}/x", proxy.address),
    ]);
    assert_eq!(location, "https://127.0.0.1:8443/x");
    assert!(origin.arrived().is_empty());
}

/// Each event is there before the upstream makes the next: nothing waits for company, with filters and without.
#[test]
fn events_pass_as_they_are_made() {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = Arc::new(Mutex::new(wait));
    let origin = Origin::raw(move |_, stream| {
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        for _ in 0..3 {
            wait.lock().unwrap().recv_timeout(PATIENCE).unwrap();
            stream.write_all(b"9\r\ndata: x\n\n\r\n").unwrap();
        }
        stream.write_all(b"0\r\n\r\n").is_ok()
    });
    let proxy = Proxy::builder().filter("request-id").route("/*", "app", origin.address).start();

    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().0, 200);
    for _ in 0..3 {
        go.send(()).unwrap();
        assert_eq!(client.chunk().as_deref(), Some(b"data: x\n\n".as_slice()));
    }
    assert_eq!(client.chunk(), None);

    let mut client = Frames::connect(proxy.address, 1 << 20);
    client.request(1, &fields(&[(":authority", "x")]));
    assert_eq!(client.next().unwrap().kind, 1);
    for _ in 0..3 {
        go.send(()).unwrap();
        let event = client.next().unwrap();
        assert_eq!((event.kind, event.payload.as_slice()), (0, b"data: x\n\n".as_slice()));
    }
    assert_eq!(client.next().unwrap().flags & 1, 1);
}

/// An answer that comes before the request is whole reaches the client, also over HTTP/2.
#[test]
fn an_early_answer_reaches_a_client_that_is_still_sending() {
    let origin = Origin::text("x");
    let upstream = format!("{{ endpoints: [\"http://{}\"] }}", origin.address);
    let proxy =
        Proxy::builder().upstream("app", &upstream).route_to("/limited", "app", "limits: { body: 1KiB }").start();
    let sent = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(sent.path(), vec![b'x'; 17 << 20]).unwrap();
    for (path, status) in [("/limited", "413"), ("/nowhere", "404")] {
        let (data, url) = (format!("@{}", sent.path().display()), format!("http://{}{path}", proxy.address));
        for _ in 0..3 {
            let said = curl(&[
                "--http2-prior-knowledge",
                "--data-binary",
                &data,
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
                &url,
            ]);
            assert_eq!(said, status, "{path}");
        }
    }
}
