//! Requests on their way through the proxy, without filters.

use std::io::{Read, Write};

use weir_tests::{Client, Origin, Proxy, command, get, nginx, python_origin};

#[test]
fn a_request_reaches_the_upstream_and_its_answer_the_client() {
    let origin = Origin::text("hello\n");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let reply = get(proxy.address, "/a/b?c=d");
    assert_eq!((reply.status, reply.text().as_str()), (200, "hello\n"));
    let received = origin.next();
    assert_eq!(received.line, "GET /a/b?c=d HTTP/1.1");
    assert_eq!(received.header("host"), Some("test.example"));
}

#[test]
fn the_most_specific_route_leads_whatever_the_order() {
    let (all, below, exact) = (Origin::text("all"), Origin::text("below"), Origin::text("exact"));
    let proxy = Proxy::builder()
        .route("/*", "all", all.address)
        .route("/api/*", "below", below.address)
        .route("/api/status", "exact", exact.address)
        .start();
    for (path, expected) in [
        ("/", "all"),
        ("/apis", "all"),
        ("/api", "below"),
        ("/api/x/y", "below"),
        ("/api/status", "exact"),
        ("/api/status?x", "exact"),
    ] {
        assert_eq!(get(proxy.address, path).text(), expected, "{path}");
    }
}

#[test]
fn a_path_without_a_route_is_404_and_names_the_exchange() {
    let origin = Origin::text("");
    let proxy = Proxy::builder().route("/api/*", "app", origin.address).start();
    let reply = get(proxy.address, "/other");
    assert_eq!(reply.status, 404);
    let record = proxy.record(1);
    assert_eq!(record["reason"], "no-route");
    assert!(reply.text().contains(record["exchange"].as_str().unwrap()), "{}", reply.text());
    assert!(origin.arrived().is_empty());
}

#[test]
fn connections_are_kept_on_both_sides() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().top("workers: 1").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    for _ in 0..3 {
        assert_eq!(client.get("/", "").status, 200);
        assert_eq!(origin.next().connection, 0);
    }
}

#[test]
fn a_new_connection_goes_to_the_worker_with_the_fewest() {
    // Each worker has its own connections to the upstream: they show which worker served.
    let origin = Origin::text("x");
    let proxy = Proxy::builder().top("workers: 2").route("/*", "app", origin.address).start();
    let served_on = |client: &mut Client| {
        client.get("/", "");
        origin.next().connection
    };
    let (mut first, mut second) = (Client::connect(proxy.address), Client::connect(proxy.address));
    assert_eq!((served_on(&mut first), served_on(&mut second)), (0, 1));
    assert_eq!((served_on(&mut first), served_on(&mut second)), (0, 1));
}

#[test]
fn a_kept_connection_that_the_server_closed_is_no_failure() {
    // Answers once per connection and then closes it, without saying so before.
    let origin = Origin::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        stream.close();
        false
    });
    let proxy = Proxy::builder().top("workers: 1").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    for _ in 0..20 {
        assert_eq!(client.get("/", "").status, 200);
    }
}

#[test]
fn a_body_streams_to_the_upstream_before_it_is_whole() {
    let origin = Origin::raw(|_, stream| {
        let mut received = Vec::new();
        while !received.ends_with(b"0\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            received.push(byte[0]);
            if received.ends_with(b"first") {
                // The client sends the rest only after it has read this.
                stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ngot\r\n").unwrap();
            }
        }
        stream.write_all(b"4\r\n all\r\n0\r\n\r\n").is_ok()
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    let (status, _) = client.head();
    assert_eq!((status, client.chunk().unwrap()), (200, b"got".to_vec()));
    client.send("6\r\nsecond\r\n0\r\n\r\n");
    assert_eq!(client.chunk().unwrap(), b" all");
    assert_eq!(client.chunk(), None);
}

/// Sends the answer and dies when more of the client's body comes.
fn dying(answer: &'static str) -> Origin {
    Origin::raw(move |_, stream| {
        stream.write_all(answer.as_bytes()).unwrap();
        let _ = stream.read(&mut [0]);
        false
    })
}

#[test]
fn an_upstream_that_dies_in_the_body_is_not_a_clean_end() {
    let origin = dying("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!((client.head().0, client.rest_of(4)), (200, b"half".to_vec()));
    client.send("1\r\nx\r\n");
    assert_eq!(client.rest().unwrap_or_default(), b"");
    assert_eq!(proxy.record(1)["ended"], "upstream-broke");
}

#[test]
fn a_chunked_body_that_breaks_off_never_gets_its_last_chunk() {
    let origin = dying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!((client.head().0, client.chunk().unwrap()), (200, b"half".to_vec()));
    client.send("1\r\nx\r\n");
    assert_eq!(client.rest().unwrap_or_default(), b"");
}

#[test]
fn a_response_that_is_not_clearly_framed_is_502() {
    for (index, head) in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ]
    .into_iter()
    .enumerate()
    {
        let origin = Origin::raw(move |_, stream| stream.write_all(head.as_bytes()).is_ok());
        let proxy = Proxy::builder().route("/*", "app", origin.address).start();
        assert_eq!(get(proxy.address, "/").status, 502, "{index}");
        assert_eq!(proxy.record(1)["reason"], "upstream-broke");
    }
}

#[test]
fn what_an_upstream_sends_unasked_reaches_nobody() {
    let origin = Origin::raw(|_, stream| {
        stream
            .write_all(
                b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
            )
            .is_ok()
    });
    let proxy = Proxy::builder().top("workers: 1").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    for connection in 0..3 {
        assert_eq!(client.get("/", "").text(), "ok");
        assert_eq!(origin.next().connection, connection, "the connection was used again");
    }
}

#[test]
fn bodies_end_as_the_upstream_says() {
    let origin = Origin::raw(|received, stream| {
        let answer: &[u8] = match received.line.split(' ').nth(1).unwrap() {
            "/close" => b"HTTP/1.0 200 OK\r\n\r\nuntil the end",
            "/none" => b"HTTP/1.1 204 No Content\r\n\r\n",
            "/both" => {
                b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            }
            "/hints" => b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate",
            _ => b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        };
        stream.write_all(answer).unwrap();
        !received.line.contains("/close")
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    for (path, body) in
        [("/close", "until the end"), ("/none", ""), ("/both", "hello"), ("/hints", "late"), ("/empty", "")]
    {
        assert_eq!(client.get(path, "").text(), body, "{path}");
    }
    assert_eq!(proxy.record(1)["ended"], "complete");
}

#[test]
fn large_bodies_pass_whole_in_both_directions() {
    // Echoes a body of known length while it still comes.
    let origin = Origin::raw(|received, stream| {
        let length: usize = received.header("x-length").unwrap().parse().unwrap();
        stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n").as_bytes()).unwrap();
        let (mut left, mut buffer) = (length, vec![0; 100_000]);
        // The body comes in chunks of 1 MiB; their framing is not echoed.
        while left > 0 {
            let (mut line, mut byte) = (Vec::new(), [0]);
            while !line.ends_with(b"\r\n") {
                stream.read_exact(&mut byte).unwrap();
                line.push(byte[0]);
            }
            let mut chunk = usize::from_str_radix(std::str::from_utf8(&line).unwrap().trim(), 16).unwrap();
            left -= chunk;
            while chunk > 0 {
                let part = chunk.min(buffer.len());
                stream.read_exact(&mut buffer[..part]).unwrap();
                stream.write_all(&buffer[..part]).unwrap();
                chunk -= part;
            }
            stream.read_exact(&mut [0; 2]).unwrap();
        }
        stream.read_exact(&mut [0; 5]).is_ok()
    });
    let upstream = format!("{{ endpoints: [\"http://{}\"] }}", origin.address);
    let proxy = Proxy::builder().upstream("app", &upstream).route_to("/*", "app", "limits: { body: 20MiB }").start();
    let body: Vec<u8> = (0..20_u32 << 20).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut writer = std::net::TcpStream::connect(proxy.address).unwrap();
    let mut reader = Client::of(writer.try_clone().unwrap());
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        let head =
            format!("POST / HTTP/1.1\r\nHost: x\r\nX-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n", sent.len());
        writer.write_all(head.as_bytes()).unwrap();
        for part in sent.chunks(1 << 20) {
            writer.write_all(format!("{:x}\r\n", part.len()).as_bytes()).unwrap();
            writer.write_all(part).unwrap();
            writer.write_all(b"\r\n").unwrap();
        }
        writer.write_all(b"0\r\n\r\n").unwrap();
    });
    let reply = reader.reply();
    sending.join().unwrap();
    assert!(reply.body == body, "{} bytes of {} came, or others", reply.body.len(), body.len());
}

#[test]
fn fields_of_one_connection_do_not_pass() {
    let origin = Origin::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: keep-alive, x-internal\r\nKeep-Alive: timeout=5\r\nX-Internal: 1\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let reply = Client::connect(proxy.address).get("/", "Connection: keep-alive, x-private\r\nX-Private: 1\r\nKeep-Alive: 5\r\nTE: gzip\r\nUpgrade: x\r\nProxy-Connection: x\r\nX-Public: 1\r\n");
    for name in ["x-internal", "keep-alive"] {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert_eq!(reply.header("x-kept"), Some("1"));
    let received = origin.next();
    for name in ["connection", "x-private", "keep-alive", "te", "upgrade", "proxy-connection"] {
        assert_eq!(received.header(name), None, "{name}");
    }
    assert_eq!(received.header("x-public"), Some("1"));
}

#[test]
fn naming_a_field_in_connection_cannot_take_it_from_a_filter() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().filter("request-id").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    let reply = client.get("/", "Connection: x-request-id, host, content-length\r\nX-Request-Id: mine\r\n");
    let received = origin.next();
    assert_eq!(received.header("x-request-id"), reply.header("x-request-id"));
    assert_eq!(
        (received.header("x-request-id").map(str::len), received.header("host")),
        (Some(32), Some("test.example"))
    );
}

/// What is matched is what is sent.
#[test]
fn paths_are_brought_into_one_spelling() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().route("/docs/*", "app", origin.address).start();
    for (path, sent) in [
        ("/docs/a/../b", "/docs/b"),
        ("/x/../docs/y?a=../b", "/docs/y?a=../b"),
        ("/docs/./%61%2E%2e/", "/docs/a../"),
        ("/docs/%2e%2E/docs/.hidden", "/docs/.hidden"),
        ("/docs/caf%c3%a9", "/docs/caf%C3%A9"),
        ("/docs//a", "/docs/a"),
        ("//docs/a", "/docs/a"),
        ("/docs/...", "/docs/..."),
    ] {
        assert_eq!(get(proxy.address, path).status, 200, "{path}");
        assert_eq!(origin.next().line, format!("GET {sent} HTTP/1.1"), "{path}");
    }
    for path in ["/docs/../x", "/docs/%2e%2e/x"] {
        assert_eq!(get(proxy.address, path).status, 404, "{path}");
    }
}

#[test]
fn paths_that_can_be_read_in_two_ways_are_refused() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let paths = ["/a%2fb", "/a%5c..%5cb", "/a%00b", "/a%0ab", "/a%", "/a%2", "/a%zz"];
    for path in paths {
        assert_eq!(get(proxy.address, path).status, 400, "{path}");
    }
    for count in 1..=paths.len() {
        assert_eq!(proxy.record(count)["reason"], "bad-path");
    }
    assert!(origin.arrived().is_empty());
}

#[test]
fn repeated_fields_and_odd_bytes_pass_as_they_are() {
    let origin = Origin::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let reply = Client::connect(proxy.address).get("/%41...?q=%2f%00", "X-A: one\r\nX-A: two\r\n");
    assert_eq!(reply.values("set-cookie"), ["a=1", "b=2"]);
    let received = origin.next();
    assert_eq!(received.line, "GET /A...?q=%2f%00 HTTP/1.1");
    assert_eq!(received.values("x-a"), ["one", "two"]);
}

#[test]
fn a_request_names_exactly_one_host() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    for head in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: user@a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [a.example]b:x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:80,b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n",
    ] {
        let mut client = Client::connect(proxy.address);
        client.send(head);
        assert_eq!(client.reply().status, 400, "{head:?}");
    }
    assert!(origin.arrived().is_empty());
    let mut client = Client::connect(proxy.address);
    client.send("GET http://inside.example/x HTTP/1.1\r\nHost: outside.example\r\n\r\n");
    assert_eq!(client.reply().status, 200);
    let received = origin.next();
    assert_eq!((received.line.as_str(), received.header("host")), ("GET /x HTTP/1.1", Some("inside.example")));
}

#[test]
fn a_client_of_http_1_0_need_not_name_a_host() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.0\r\n\r\n");
    assert_eq!(client.head().0, 200);
    let received = origin.next();
    assert_eq!(
        (received.line.as_str(), received.header("host")),
        ("GET / HTTP/1.1", Some(origin.address.to_string().as_str()))
    );
}

#[test]
fn a_tunnel_is_refused() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    for target in ["other.example:443", "/", "http://other.example/"] {
        let mut client = Client::connect(proxy.address);
        client.send(format!("CONNECT {target} HTTP/1.1\r\nHost: other.example:443\r\n\r\n"));
        assert_eq!(client.head().0, 400, "{target}");
    }
    assert!(origin.arrived().is_empty());
}

#[test]
fn a_server_that_cannot_be_reached_is_502_and_one_that_speaks_nonsense_too() {
    let nonsense = Origin::raw(|_, stream| {
        stream.write_all(b"SSH-2.0-OpenSSH\r\n").unwrap();
        false
    });
    let proxy = Proxy::builder()
        .route("/down/*", "down", ([127, 0, 0, 1], 1).into())
        .route("/odd/*", "odd", nonsense.address)
        .start();
    for (path, count, reason) in [("/down/", 1, "connect-failed"), ("/odd/", 2, "upstream-broke")] {
        let reply = get(proxy.address, path);
        assert_eq!(reply.status, 502);
        assert!(!reply.text().contains("127.0.0.1"), "the inside shows: {}", reply.text());
        let record = proxy.record(count);
        assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("host"), Some(reason)));
    }
}

#[test]
fn a_client_that_leaves_cancels_the_upstream_and_leaves_a_record() {
    let origin = Origin::raw(|_, stream| {
        // Ends when the proxy closes the connection.
        let _ = stream.read(&mut [0]);
        false
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
    origin.next();
    drop(client);
    let record = proxy.record(1);
    assert_eq!(
        (record["ended"].as_str(), record["status"].is_null(), record["target"].as_str()),
        (Some("client-gone"), true, Some("/slow"))
    );
}

#[test]
fn a_record_tells_what_happened() {
    let origin = Origin::text("12345");
    let proxy = Proxy::builder().route("/a/*", "app", origin.address).start();
    get(proxy.address, "/a/\"b?c");
    let record = proxy.record(1);
    for (key, expected) in [
        ("client", "127.0.0.1"),
        ("method", "GET"),
        ("host", "test.example"),
        ("target", "/a/%22b?c"),
        ("route", "/a/*"),
        ("by", "upstream"),
        ("ended", "complete"),
    ] {
        assert_eq!(record[key], expected, "{key}");
    }
    assert_eq!(record["endpoint"], origin.address.to_string());
    assert_eq!((record["status"].as_u64(), record["bytes"].as_u64()), (Some(200), Some(5)));
    assert!(record["ms"].as_f64().unwrap() > 0.0);
    assert!(record["time"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn records_can_be_switched_off() {
    let origin = Origin::text("x");
    let mut proxy = Proxy::builder().top("access_log: false").route("/*", "app", origin.address).start();
    assert_eq!(get(proxy.address, "/").status, 200);
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    assert_eq!(proxy.access.all(), [""; 0]);
}

#[test]
fn nginx_as_the_upstream_serves_curl_through_the_proxy() {
    let body = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(body.path(), "x".repeat(300_000)).unwrap();
    let data = format!("@{}", body.path().display());
    let upstream = nginx(
        "server { listen 127.0.0.1:PORT; location / { return 200 \"$request_method $http_host $content_length\"; } location /echo { client_max_body_size 10m; proxy_pass http://127.0.0.1:PORT/sink; } location /sink { return 204; } }",
    );
    let proxy = Proxy::builder().route("/*", "app", upstream.address).start();
    let url = format!("http://{}", proxy.address);
    let curl = |arguments: &[&str]| {
        let output = command("curl", "curl").args(["-sS", "--max-time", "20"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(curl(&[&format!("{url}/x"), "-H", "Host: shop.example"]), "GET shop.example ");
    assert_eq!(curl(&[&format!("{url}/x"), "-d", "abc", "-H", "Host: a"]), "POST a 3");
    assert_eq!(
        curl(&[&format!("{url}/echo"), "--data-binary", &data, "-o", "/dev/null", "-w", "%{http_code} %{size_upload}"]),
        "204 300000"
    );
    assert!(curl(&["-I", &format!("{url}/x")]).starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn python_as_the_upstream_reads_and_answers_in_chunks() {
    let upstream = python_origin(
        "def do_POST(self):\n    data = self.rfile.read(int(self.headers['Content-Length']))\n    self.send_response(200)\n    self.send_header('Transfer-Encoding', 'chunked')\n    self.end_headers()\n    for part in (data[:3], data[3:]):\n        self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(part), part))\n    self.wfile.write(b'0\\r\\n\\r\\n')\ndef log_message(self, *a):\n    pass",
    );
    let proxy = Proxy::builder().route("/*", "app", upstream.address).start();
    let mut client = Client::connect(proxy.address);
    for _ in 0..2 {
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nhello world");
        assert_eq!(client.reply().text(), "hello world");
    }
}

#[test]
fn a_client_that_expects_100_is_told_to_go_on() {
    let origin = Origin::text("thanks");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.head().0, 100);
    client.send("body");
    assert_eq!(client.reply().text(), "thanks");
    assert_eq!(origin.next().body, b"body");
}

#[test]
fn a_coding_that_would_get_lost_is_refused() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    for codings in ["Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"] {
        let mut client = Client::connect(proxy.address);
        client.send(format!("POST / HTTP/1.1\r\nHost: x\r\n{codings}\r\n\r\n0\r\n\r\n"));
        assert_eq!(client.head().0, 501, "{codings}");
    }
    assert_eq!(proxy.record(1)["reason"], "bad-coding");
    assert!(origin.arrived().is_empty());
}

/// What answers without a body say of one is checked like any length, and 204 says nothing.
#[test]
fn lengths_of_answers_without_a_body_are_checked() {
    let origin = Origin::raw(|received, stream| {
        let answer = match received.line.split(' ').nth(1).unwrap() {
            "/none" => "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
            "/two" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n",
            _ => "HTTP/1.1 304 Not Modified\r\nContent-Length: abc\r\n\r\n",
        };
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET /none HTTP/1.1\r\nHost: x\r\n\r\n");
    let (status, headers) = client.head();
    assert_eq!(status, 204);
    assert!(!headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-length")), "{headers:?}");
    for path in ["/two", "/word"] {
        assert_eq!(get(proxy.address, path).status, 502, "{path}");
    }
}

/// Trailers come behind every filter: what would claim or prove something there does not reach the upstream.
#[test]
fn claims_do_not_come_behind_a_body() {
    let origin = weir_tests::Http2Origin::raw(|frame, peer| {
        if frame.is_last() {
            peer.head(frame.stream, &[(":status", "200")], true);
        }
    });
    let upstream = format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address);
    let proxy = Proxy::builder().upstream("app", &upstream).route_to("/*", "app", "methods: POST").start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nAuthorization: admin\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n");
    assert_eq!(client.head().0, 200);
    origin.next(1);
    // With none of them left, the trailers' block is empty.
    let trailers = origin.next(1);
    assert!(trailers.payload.is_empty(), "{:?}", trailers.payload);
}
