//! Upstreams: which endpoint is asked, in which protocol, and for how long.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use weir_tests::{Authority, Client, Http2Origin, Origin, Proxy, ProxyBuilder, command, free_port, get, nginx};

fn app(endpoints: &str, more: &str) -> ProxyBuilder {
    Proxy::builder()
        .top("workers: 1")
        .upstream("app", &format!("{{ endpoints: [{endpoints}]{more} }}"))
        .route_to("/*", "app", "")
}

fn url(address: SocketAddr) -> String {
    format!("\"http://{address}\"")
}

/// What so many requests are answered, and how often.
fn answers(proxy: &Proxy, count: usize) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for _ in 0..count {
        *answers.entry(get(proxy.address, "/").text()).or_default() += 1;
    }
    answers
}

fn counted(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(text, count)| ((*text).to_owned(), *count)).collect()
}

#[test]
fn endpoints_take_turns_by_weight() {
    let (one, two) = (Origin::text("one"), Origin::text("two"));
    let endpoints = format!("{{ url: {}, weight: 3 }}, {}", url(one.address), url(two.address));
    let proxy = app(&endpoints, "").start();
    assert_eq!(answers(&proxy, 12), counted(&[("one", 9), ("two", 3)]));
    // The turns of the heavy one are spread.
    let turns: Vec<String> = (0..4).map(|_| get(proxy.address, "/").text()).collect();
    assert_eq!(turns, ["one", "one", "two", "one"]);
}

#[test]
fn workers_begin_with_different_endpoints() {
    let (one, two) = (Origin::text("one"), Origin::text("two"));
    let upstream = format!("{{ endpoints: [{}, {}] }}", url(one.address), url(two.address));
    let proxy = Proxy::builder().top("workers: 2").upstream("app", &upstream).route_to("/*", "app", "").start();
    // Both are kept open, so they are on different workers.
    let mut clients = [Client::connect(proxy.address), Client::connect(proxy.address)];
    let mut first: Vec<String> = clients.iter_mut().map(|client| client.get("/", "").text()).collect();
    first.sort();
    assert_eq!(first, ["one", "two"]);
}

#[test]
fn the_endpoint_with_the_fewest_exchanges_is_asked_whichever_worker_asks() {
    let origin = |name: &'static str| {
        Origin::raw(move |received, stream| {
            if received.line.starts_with("GET /hold") {
                // Ends when the proxy closes the connection.
                return stream.read(&mut [0]).is_ok_and(|length| length > 0);
            }
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{name}").as_bytes()).is_ok()
        })
    };
    let (one, two) = (origin("one"), origin("two"));
    let upstream = format!("{{ endpoints: [{}, {}], balance: least-connections }}", url(one.address), url(two.address));
    let proxy = Proxy::builder().top("workers: 2").upstream("app", &upstream).route_to("/*", "app", "").start();
    let mut holding = Client::connect(proxy.address);
    holding.send("GET /hold HTTP/1.1\r\nHost: x\r\n\r\n");
    let held = loop {
        match (one.arrived().len(), two.arrived().len()) {
            (0, 0) => std::thread::yield_now(),
            (1, _) => break "one",
            _ => break "two",
        }
    };
    let other = if held == "one" { "two" } else { "one" };
    assert_eq!(answers(&proxy, 6), counted(&[(other, 6)]));
    // When it is over both are equal again.
    drop(holding);
    proxy.record(7);
    assert_eq!(answers(&proxy, 6).len(), 2);
}

#[test]
fn a_client_keeps_its_endpoint_and_only_those_of_a_removed_one_move() {
    let origins: Vec<Origin> = ["a", "b", "c"].map(Origin::text).into();
    let config = |count: usize| {
        let endpoints: Vec<String> = origins[..count].iter().map(|origin| url(origin.address)).collect();
        app(&endpoints.join(", "), ", balance: ip-hash")
    };
    let proxy = config(3).start();
    let served = || -> Vec<String> {
        let ask = |client| {
            let output = command("curl", "curl")
                .args(["-sS", "--max-time", "20", "--interface", &format!("127.0.0.{client}")])
                .arg(format!("http://{}/", proxy.address))
                .output();
            String::from_utf8(output.unwrap().stdout).unwrap()
        };
        (1..=24).map(ask).collect()
    };
    let before = served();
    for name in ["a", "b", "c"] {
        assert!(before.iter().any(|served| served == name), "{name} serves nobody: {before:?}");
    }
    assert_eq!(served(), before);
    proxy.write(&config(2));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    for (now, before) in served().iter().zip(&before) {
        assert!(now == before || before == "c", "a client moved from {before} to {now}");
        assert_ne!(now, "c");
    }
}

#[test]
fn an_endpoint_that_fails_is_passed_over_at_once_and_avoided() {
    // Takes connections and closes them, so that TLS fails.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counter = Arc::clone(&connections);
    std::thread::spawn(move || {
        for _ in listener.incoming() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (live, authority) = (Origin::text("live"), Authority::new());
    let endpoints = format!("\"https://{address}\", {}", url(live.address));
    let proxy = app(&endpoints, &format!(", tls: {{ ca: \"{}\" }}", authority.file().display())).start();
    assert_eq!(answers(&proxy, 10), counted(&[("live", 10)]));
    assert_eq!(connections.load(Ordering::SeqCst), 1);
    let warning = proxy.log.wait("avoided");
    assert!(warning.contains(&address.to_string()), "{warning}");
    assert_eq!(proxy.log.so_far().iter().filter(|line| line.contains("avoided")).count(), 1);
}

#[test]
fn endpoints_that_all_fail_are_tried_once_each_and_again_by_the_next_request() {
    let (first, second) = (free_port(), free_port());
    let endpoints = format!("\"http://127.0.0.1:{first}\", \"http://127.0.0.1:{second}\"");
    let proxy = app(&endpoints, "").start();
    for count in 1..=2 {
        assert_eq!(get(proxy.address, "/").status, 502);
        let record = proxy.record(count);
        let detail = record["detail"].as_str().unwrap();
        assert!(detail.contains("2 endpoints") && detail.contains("127.0.0.1:"), "{detail}");
    }
    let listener = TcpListener::bind(("127.0.0.1", second)).expect("nobody else takes the port meanwhile");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1000]);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nback").unwrap();
    });
    assert_eq!(get(proxy.address, "/").text(), "back");
}

/// An nginx with TLS; `listen` says more, such as `http2`.
fn tls_nginx(authority: &Authority, name: &str, listen: &str) -> weir_tests::Running {
    let (certificate, key) = authority.certify(name);
    nginx(&format!(
        "server {{ listen 127.0.0.1:PORT ssl {listen}; ssl_certificate {}; ssl_certificate_key {}; \
         location / {{ return 200 \"$server_protocol $scheme $http_host $ssl_server_name $http_te $request_uri\"; }} \
         location /body {{ client_max_body_size 10m; proxy_pass https://127.0.0.1:PORT/sink; }} \
         location /sink {{ return 204; }} }}",
        certificate.display(),
        key.display()
    ))
}

#[test]
fn over_tls_the_server_chooses_the_protocol() {
    let authority = Authority::new();
    for (listen, protocol) in [("", "HTTP/1.1"), ("http2", "HTTP/2.0")] {
        let upstream = tls_nginx(&authority, "127.0.0.1", listen);
        let more = format!(", tls: {{ ca: \"{}\" }}", authority.file().display());
        let proxy = app(&format!("\"https://{}\"", upstream.address), &more).start();
        let mut client = Client::connect(proxy.address);
        for _ in 0..3 {
            let reply = client.get("/a?b", "");
            assert_eq!((reply.status, reply.text()), (200, format!("{protocol} https test.example   /a?b")));
        }
        let body = "x".repeat(1_000_000);
        client.send(format!("POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len()));
        assert_eq!(client.head().0, 204, "{protocol}");
    }
}

#[test]
fn a_certificate_must_be_for_the_name_and_by_an_authority_that_counts() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let upstream = tls_nginx(&ours, "inside.example", "");
    let endpoint = format!("\"https://{}\"", upstream.address);
    for (authority, name, expected) in [
        (&ours, ", server_name: inside.example", None),
        (&ours, "", Some("its certificate is not for")),
        (&ours, ", server_name: other.example", Some("its certificate is not for")),
        (&theirs, ", server_name: inside.example", Some("by no authority that counts")),
    ] {
        let proxy = app(&endpoint, &format!(", tls: {{ ca: \"{}\"{name} }}", authority.file().display())).start();
        let reply = get(proxy.address, "/");
        let Some(expected) = expected else {
            assert_eq!((reply.status, reply.text().as_str()), (200, "HTTP/1.1 https test.example inside.example  /"));
            continue;
        };
        let record = proxy.record(1);
        assert_eq!((reply.status, record["reason"].as_str()), (502, Some("connect-failed")));
        assert!(record["detail"].as_str().unwrap().contains(expected), "{}", record["detail"]);
    }
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_a_fault_where_it_is_named() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("empty", Some("")),
        ("broken", Some("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")),
        ("missing", None),
    ] {
        let ca = folder.path().join(name);
        if let Some(text) = text {
            std::fs::write(&ca, text).unwrap();
        }
        let config = folder.path().join("weir.yaml");
        let text = app("\"https://127.0.0.1:1\"", &format!(", tls: {{ ca: \"{}\" }}", ca.display()));
        std::fs::write(&config, text.text("127.0.0.1:0")).unwrap();
        let output = weir_tests::weir().args(["validate", "-c"]).arg(&config).output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains("weir.yaml:6:57"), "{words}");
    }
}

#[test]
fn http2_without_tls_reaches_nginx() {
    let upstream = nginx(
        "server { listen 127.0.0.1:PORT http2; location / { return 200 \"$server_protocol $http_host $http_te $http_x_a $request_uri\"; } location /204 { return 204; } }",
    );
    let proxy = app(&format!("\"h2c://{}\"", upstream.address), "").start();
    let mut client = Client::connect(proxy.address);
    for (more, te) in [("", ""), ("TE: trailers\r\nConnection: TE\r\n", "trailers")] {
        let reply = client.get("/a?b", &format!("X-A: y\r\n{more}"));
        assert_eq!((reply.status, reply.text()), (200, format!("HTTP/2.0 test.example {te} y /a?b")));
    }
    assert_eq!(client.get("/204", "").status, 204);
    client.send("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().0, 200);
    assert_eq!(client.get("/a", "").status, 200);
}

#[test]
fn exchanges_share_one_http2_connection_and_messages_pass_while_both_sides_talk() {
    // Echoes, and ends as gRPC does: with trailers.
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.kind == 1 {
            peer.head(frame.stream, &[(":status", "200"), ("content-type", "application/grpc")], false);
        } else if frame.kind == 0 && !frame.payload.is_empty() {
            peer.data(frame.stream, &frame.payload, false);
        }
        if frame.is_last() {
            peer.head(frame.stream, &[("grpc-status", "0")], true);
        }
    });
    let upstream = h2c(&origin);
    let mut clients = [Client::connect(upstream.address), Client::connect(upstream.address)];
    for client in &mut clients {
        client.send(
            "POST /s HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nConnection: TE\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        assert_eq!(client.head().0, 200);
    }
    for client in &mut clients {
        client.send("4\r\nping\r\n");
        assert_eq!(client.chunk().unwrap(), b"ping");
        client.send("0\r\n\r\n");
        assert_eq!(client.chunk(), None);
    }
    let (first, second) = (origin.next(1), origin.next(1));
    assert_eq!((first.connection, second.connection), (0, 0));
    assert_ne!(first.stream, second.stream);
    assert_eq!(upstream.record(2)["ended"], "complete");
}

/// What still comes on streams that were given up must not add up to the end of the connection that others are on.
#[test]
fn clients_that_give_up_end_no_other_exchange() {
    let origin = Http2Origin::raw(|frame, peer| match frame.kind {
        1 => peer.head(frame.stream, &[(":status", "200")], false),
        3 => peer.data(frame.stream, b"late", false),
        _ => {}
    });
    let proxy = h2c(&origin);
    let mut waits = Client::connect(proxy.address);
    waits.send("GET /waits HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(waits.head().0, 200);
    for _ in 0..1100 {
        let mut client = Client::connect(proxy.address);
        client.send("GET /gives-up HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!(client.head().0, 200);
        drop(client);
        assert_eq!(origin.next(3).connection, 0);
    }
}

#[test]
fn a_large_head_risks_no_other_exchange() {
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.is_last() {
            peer.head(frame.stream, &[(":status", "200")], true);
        }
    });
    let proxy = h2c(&origin);
    let mut client = Client::connect(proxy.address);
    let large = format!("X-Large: {}\r\n", "x".repeat(5000));
    for (more, connection) in [("", 0), (large.as_str(), 1), ("", 0), (large.as_str(), 2)] {
        assert_eq!(client.get("/", more).status, 200);
        assert_eq!(origin.next(1).connection, connection);
    }
}

fn h2c(origin: &Http2Origin) -> Proxy {
    app(&format!("\"h2c://{}\"", origin.address), "").start()
}

#[test]
fn an_http2_connection_that_the_server_closed_is_no_failure() {
    // Serves one exchange and answers the next with the connection's end.
    let origin = Http2Origin::raw(|frame, peer| match frame {
        frame if frame.kind == 1 && frame.stream == 1 => {
            peer.head(1, &[(":status", "200")], false);
            peer.data(1, b"ok", true);
        }
        frame if frame.kind == 1 => {
            // The last stream that counts is the first: this one may be repeated.
            peer.frame(7, 0, 0, &[0, 0, 0, 1, 0, 0, 0, 0]);
            peer.close();
        }
        _ => {}
    });
    let proxy = h2c(&origin);
    let mut client = Client::connect(proxy.address);
    for _ in 0..5 {
        assert_eq!(client.get("/", "").text(), "ok");
    }
}

#[test]
fn a_client_that_leaves_resets_its_http2_stream_and_no_other() {
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.kind == 1 && frame.is_last() && frame.stream > 1 {
            peer.head(frame.stream, &[(":status", "200"), ("content-length", "0")], true);
        }
    });
    let proxy = h2c(&origin);
    let mut client = Client::connect(proxy.address);
    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    let slow = origin.next(1);
    drop(client);
    let reset = origin.next(3);
    assert_eq!((reset.stream, reset.payload.as_slice()), (slow.stream, &[0, 0, 0, 8][..]));
    assert_eq!(proxy.record(1)["ended"], "client-gone");
    assert_eq!(get(proxy.address, "/").status, 200);
    assert_eq!(origin.next(1).connection, 0);
}

#[test]
fn an_upstream_that_is_silent_is_left_in_time() {
    let silent = || {
        Origin::raw(|received, stream| {
            if received.line.starts_with("GET /half") {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").unwrap();
            }
            stream.read(&mut [0]).is_ok_and(|length| length > 0)
        })
    };
    for (timeouts, detail) in
        [("response: 100ms", "did not answer within 100ms"), ("total: 100ms", "took longer than 100ms")]
    {
        let origin = silent();
        let proxy = Proxy::builder()
            .upstream("app", &format!("{{ endpoints: [{}] }}", url(origin.address)))
            .route_to("/*", "app", &format!("timeouts: {{ {timeouts} }}"))
            .start();
        assert_eq!(get(proxy.address, "/").status, 504);
        let record = proxy.record(1);
        assert_eq!(record["reason"], "upstream-timeout");
        assert!(record["detail"].as_str().unwrap().contains(detail), "{}", record["detail"]);
    }
    for timeouts in ["idle: 100ms", "total: 100ms"] {
        let origin = silent();
        let proxy = Proxy::builder()
            .upstream("app", &format!("{{ endpoints: [{}] }}", url(origin.address)))
            .route_to("/*", "app", &format!("timeouts: {{ {timeouts} }}"))
            .start();
        let mut client = Client::connect(proxy.address);
        client.send("GET /half HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_eq!((client.head().0, client.rest_of(4)), (200, b"half".to_vec()));
        assert_eq!(client.rest().unwrap_or_default(), b"");
        assert_eq!(proxy.record(1)["ended"], "upstream-timeout", "{timeouts}");
    }
}

#[test]
fn an_endpoint_that_does_not_shake_hands_is_left_in_time() {
    let authority = Authority::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let tls = format!("tls: {{ ca: {} }}", authority.file().display());
    let proxy = Proxy::builder()
        .upstream("app", &format!("{{ endpoints: [\"https://{}\"], {tls} }}", listener.local_addr().unwrap()))
        .route_to("/*", "app", "timeouts: { connect: 100ms }")
        .start();
    assert_eq!(get(proxy.address, "/").status, 502);
    let record = proxy.record(1);
    assert_eq!(record["reason"], "connect-failed");
    assert!(record["ms"].as_f64().unwrap() < 5000.0, "{record}");
}

#[test]
fn a_silent_http2_stream_is_left_in_time() {
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.kind == 1 && frame.stream > 1 {
            peer.head(frame.stream, &[(":status", "200")], false);
        }
    });
    let proxy = Proxy::builder()
        .top("workers: 1")
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address))
        .route_to("/*", "app", "timeouts: { response: 100ms, idle: 100ms }")
        .start();
    assert_eq!(get(proxy.address, "/").status, 504);
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().0, 200);
    assert_eq!(client.rest().unwrap_or_default(), b"");
    assert_eq!(proxy.record(2)["ended"], "upstream-timeout");
}

#[test]
fn a_body_over_its_limit_is_refused_at_once_or_when_it_is() {
    let (closed, ends) = channel();
    let origin = Origin::raw(move |received, stream| {
        if received.line.starts_with("POST /chunks") {
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            closed.send(rest).unwrap();
            return false;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let proxy = Proxy::builder()
        .upstream("app", &format!("{{ endpoints: [{}] }}", url(origin.address)))
        .route_to("/*", "app", "limits: { body: 10B }")
        .start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n01234567890");
    assert_eq!(client.head().0, 413);
    assert!(origin.arrived().is_empty());
    assert_eq!(proxy.record(1)["reason"], "body-too-large");
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789");
    assert_eq!(client.head().0, 200);
    let mut client = Client::connect(proxy.address);
    client.send("POST /chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n");
    origin.next();
    origin.next();
    client.send("6\r\n012345\r\n0\r\n\r\n");
    assert_eq!(client.head().0, 413);
    let rest = ends.recv_timeout(weir_tests::PATIENCE).unwrap();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "the upstream was told that the body is whole");
}

#[test]
fn a_body_over_its_limit_resets_the_http2_stream() {
    let origin = Http2Origin::raw(|_, _| {});
    let proxy = Proxy::builder()
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address))
        .route_to("/*", "app", "limits: { body: 10B }")
        .start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n6\r\n012345\r\n");
    origin.next(0);
    client.send("6\r\n012345\r\n");
    assert_eq!(client.head().0, 413);
    assert_eq!(proxy.record(1)["reason"], "body-too-large");
    origin.next(3);
}

/// A short text as a WebSocket frame (RFC 6455, 5.2); a client's is masked.
fn websocket_frame(text: &str, is_masked: bool) -> Vec<u8> {
    let mask = [7, 42, 199, 3];
    let mut frame = vec![0x81, u8::try_from(text.len()).unwrap() | if is_masked { 0x80 } else { 0 }];
    if is_masked {
        frame.extend(mask);
    }
    let masked = text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| if is_masked { byte ^ mask } else { byte });
    frame.extend(masked);
    frame
}

/// Greets right behind its head, and sends each text back.
fn websocket_origin() -> Origin {
    Origin::raw(|received, stream| {
        assert_eq!(received.header("upgrade"), Some("websocket"));
        assert_eq!(received.header("connection"), Some("upgrade"));
        let mut answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n".to_vec();
        answer.extend(websocket_frame("welcome", false));
        stream.write_all(&answer).unwrap();
        let mut head = [0; 6];
        while stream.read_exact(&mut head).is_ok() {
            let mut payload = vec![0; usize::from(head[1] & 0x7f)];
            stream.read_exact(&mut payload).unwrap();
            for (byte, mask) in payload.iter_mut().zip(head[2..].iter().cycle()) {
                *byte ^= mask;
            }
            stream.write_all(&websocket_frame(std::str::from_utf8(&payload).unwrap(), false)).unwrap();
        }
        // The client has ended its side; this one still speaks.
        stream.write_all(&websocket_frame("goodbye", false)).unwrap();
        false
    })
}

const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[test]
fn websockets_pass_in_both_directions_until_both_sides_have_ended() {
    let origin = websocket_origin();
    let proxy = app(&url(origin.address), "").start();
    let stream = std::net::TcpStream::connect(proxy.address).unwrap();
    let mut client = Client::of(stream.try_clone().unwrap());
    // The first frame comes with the handshake: it is read ahead, and not lost.
    client.send([HANDSHAKE.as_bytes(), &websocket_frame("early", true)].concat());
    let (status, headers) = client.head();
    let header = |name: &str| {
        headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    assert_eq!((status, header("upgrade")), (101, Some("websocket")));
    assert_eq!(header("connection").map(str::to_lowercase).as_deref(), Some("upgrade"));
    assert_eq!(header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    for text in ["welcome", "early"] {
        assert_eq!(client.rest_of(2 + text.len()), websocket_frame(text, false));
    }
    client.send(websocket_frame("hello", true));
    assert_eq!(client.rest_of(7), websocket_frame("hello", false));
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.rest().unwrap(), websocket_frame("goodbye", false));
    let record = proxy.record(1);
    assert_eq!((record["status"].as_u64(), record["bytes"].as_u64()), (Some(101), Some(32)));
    assert_eq!(record["ended"], "complete");
}

#[test]
fn an_upgraded_connection_that_is_silent_is_closed() {
    let origin = websocket_origin();
    let proxy = Proxy::builder()
        .upstream("app", &format!("{{ endpoints: [{}] }}", url(origin.address)))
        .route_to("/*", "app", "timeouts: { idle: 100ms }")
        .start();
    let mut client = Client::connect(proxy.address);
    client.send(HANDSHAKE);
    assert_eq!((client.head().0, client.rest_of(9)), (101, websocket_frame("welcome", false)));
    assert_eq!(client.rest().unwrap_or_default(), b"");
    assert_eq!(proxy.record(1)["ended"], "upstream-timeout");
}

#[test]
fn an_upgraded_connection_counts_as_one_and_a_drain_waits_for_it() {
    let origin = websocket_origin();
    let mut proxy = app(&url(origin.address), "").main("limits: { connections: 1 }").start();
    let stream = std::net::TcpStream::connect(proxy.address).unwrap();
    let mut client = Client::of(stream.try_clone().unwrap());
    client.send(HANDSHAKE);
    assert_eq!((client.head().0, client.rest_of(9)), (101, websocket_frame("welcome", false)));
    assert_eq!(Client::connect(proxy.address).rest().unwrap_or_default(), b"");
    proxy.signal("TERM");
    proxy.log.wait("draining");
    client.send(websocket_frame("hello", true));
    assert_eq!(client.rest_of(7), websocket_frame("hello", false));
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.rest().unwrap(), websocket_frame("goodbye", false));
    assert!(proxy.exit().success());
    proxy.log.wait("drained");
}

#[test]
fn an_upgrade_that_the_upstream_declines_is_an_ordinary_exchange() {
    let origin = Origin::text("no");
    let proxy = app(&url(origin.address), "").start();
    let mut client = Client::connect(proxy.address);
    client.send(HANDSHAKE);
    assert_eq!(client.reply().text(), "no");
    assert_eq!(client.get("/", "").text(), "no");
    assert_eq!((origin.next().header("upgrade"), origin.next().connection), (Some("websocket"), 0));
}

#[test]
fn an_upgrade_to_http_is_not_passed_on() {
    let origin = Origin::text("x");
    let proxy = app(&url(origin.address), "").start();
    let mut client = Client::connect(proxy.address);
    client.get("/", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n");
    let received = origin.next();
    assert_eq!((received.header("upgrade"), received.header("http2-settings")), (None, None));
}
