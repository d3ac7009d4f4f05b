//! `transform` in the running proxy, with foreign peers.

use std::io::Write;
use std::process::Stdio;

use serde_json::Value;
use weir_tests::{Client, Origin, Proxy, ProxyBuilder, Reply, command, get, nginx, python_origin};

/// A proxy with this filter before an upstream.
fn before(config: &str, origin: &Origin, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Proxy {
    let filter = format!("{{ plugin: transform, config: {config} }}");
    build(Proxy::builder().top("workers: 1").filter(&filter)).route("/*", "app", origin.address).start()
}

/// An upstream that answers every request with these header lines, each ending in CRLF, and this body.
fn answering(status: &str, headers: &str, body: &[u8]) -> Origin {
    let answer =
        [format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat();
    Origin::raw(move |_, stream| stream.write_all(&answer).is_ok())
}

const JSON: &str = "Content-Type: application/json\r\n";
const MASK: &str = "{ response: { body: { json: [{ mask: { at: '**.card', keep_last: 4 } }] } } }";
const CARD: &[u8] = b"{\"n\": 1.0,\n \"card\": \"4111111111111111\"}\n";
const MASKED: &str = "{\"n\": 1.0,\n \"card\": \"****1111\"}\n";

fn post(proxy: &Proxy, headers: &str, body: &[u8]) -> Reply {
    let mut client = Client::connect(proxy.address);
    let head = format!("POST /p HTTP/1.1\r\nHost: test.example\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    client.send([head.as_bytes(), body].concat());
    client.reply()
}

/// What became of the exchange, for operators.
fn reason(proxy: &Proxy, count: usize) -> (Value, Value) {
    let record = proxy.record(count);
    (record["reason"].clone(), record["detail"].clone())
}

const ABOUT_BYTES: [&str; 6] = ["etag", "accept-ranges", "content-md5", "digest", "content-digest", "repr-digest"];

#[test]
fn a_response_is_masked_and_nothing_tells_of_its_old_bytes() {
    let described = format!(
        "{JSON}ETag: \"abc\"\r\nAccept-Ranges: bytes\r\nContent-MD5: x\r\nDigest: sha-256=x\r\nContent-Digest: sha-256=:x:\r\n\
         Repr-Digest: sha-256=:x:\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nCache-Control: no-transform\r\n"
    );
    let origin = answering("200 OK", &described, CARD);
    let proxy = before(MASK, &origin, |proxy| proxy);
    let reply = get(proxy.address, "/");
    assert_eq!((reply.status, reply.text().as_str()), (200, MASKED));
    assert_eq!(reply.header("content-length"), Some(MASKED.len().to_string().as_str()));
    for name in ABOUT_BYTES {
        assert_eq!(reply.header(name), None, "{name}");
    }
    assert!(reply.header("last-modified").is_some() && reply.header("content-type") == Some("application/json"));
    // The answer to HEAD is about the same document.
    let mut client = Client::connect(proxy.address);
    client.send("HEAD / HTTP/1.1\r\nHost: test.example\r\n\r\n");
    let (status, headers) = client.head();
    assert_eq!(status, 200);
    for name in ABOUT_BYTES {
        assert!(!headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)), "{name}: {headers:?}");
    }
}

#[test]
fn a_document_that_nothing_is_about_goes_on_as_it_came() {
    let body = b" {\"a\" : [1.0, 1e400, -0, 12345678901234567890],\r\n\"b\":\"\\u0061\\/\"}\t";
    let origin =
        answering("200 OK", &format!("{JSON}ETag: \"abc\"\r\nContent-MD5: x\r\nAccept-Ranges: bytes\r\n"), body);
    let proxy = before(MASK, &origin, |proxy| proxy);
    let reply = get(proxy.address, "/");
    assert_eq!((reply.status, reply.body.as_slice()), (200, body.as_slice()));
    assert_eq!(reply.header("content-length"), Some(body.len().to_string().as_str()));
    assert_eq!((reply.header("etag"), reply.header("content-md5")), (Some("\"abc\""), Some("x")));
    assert_eq!(reply.header("accept-ranges"), Some("bytes"));
}

#[test]
fn a_request_is_edited_and_as_long_as_it_says() {
    let origin = Origin::text("ok");
    let config = "{ request: { own: [x-user], headers: { set: { x-user: 'id {client.ip}' }, remove: ['x-in-*'] }, \
                  body: { json: [{ remove: [/role, '**.debug'] }, { rename: { at: /a, to: b } }] } } }";
    let proxy = before(config, &origin, |proxy| proxy);
    let body = "{\"role\":\"admin\", \"r\\u006fle\":1, \"a\": 1.0, \"x\":{\"debug\":true}}";
    let wanted = b"{\"b\": 1.0, \"x\":{}}";
    let headers = format!("{JSON}X_User: root\r\nX-User: root\r\nX-In-A: 1\r\nContent-MD5: x\r\n");
    assert_eq!(post(&proxy, &headers, body.as_bytes()).status, 200);
    let received = origin.next();
    assert_eq!((received.body.as_slice(), received.values("content-length")), (wanted.as_slice(), vec!["18"]));
    assert_eq!((received.values("x-user"), received.header("x_user")), (vec!["id 127.0.0.1"], None));
    assert_eq!((received.header("x-in-a"), received.header("content-md5")), (None, None));
    // In pieces, it is still one document.
    let mut client = Client::connect(proxy.address);
    client.send(format!("POST /p HTTP/1.1\r\nHost: test.example\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n"));
    for piece in body.as_bytes().chunks(7) {
        client.send(format!("{:x}\r\n", piece.len()));
        client.send(piece);
        client.send("\r\n");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.reply().status, 200);
    let received = origin.next();
    assert_eq!((received.body.as_slice(), received.values("content-length")), (wanted.as_slice(), vec!["18"]));
}

#[test]
fn what_cannot_be_read_reaches_nobody() {
    let origin = Origin::text("ok");
    let config = "{ request: { body: { json: [{ remove: /role }], max: 1KiB, duplicates: refuse } } }";
    let proxy = before(config, &origin, |proxy| proxy);
    let deep = "[".repeat(100_000);
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(2000));
    let cases: [(&str, &[u8], u16, &str); 10] = [
        (JSON, b"{\"role\":1", 400, "unreadable-body"),
        (JSON, b"{\"role\":1}{", 400, "unreadable-body"),
        (JSON, b"\xef\xbb\xbf{\"role\":1}", 400, "unreadable-body"),
        (JSON, b"{\"role\":\"\xff\"}", 400, "unreadable-body"),
        (JSON, b"{\"\\ud800\":1}", 400, "unreadable-body"),
        (JSON, b"{\"a\":1,\"\\u0061\":2}", 400, "unreadable-body"),
        (JSON, &deep.as_bytes()[..1000], 400, "unreadable-body"),
        (JSON, long.as_bytes(), 413, "body-too-large"),
        ("Content-Type: application/json; charset=utf-16\r\n", b"{}", 415, "unreadable-body"),
        ("Content-Type: application/json\r\nContent-Encoding: lzma\r\n", b"{}", 415, "unreadable-body"),
    ];
    for (count, (headers, body, status, code)) in cases.into_iter().enumerate() {
        let reply = post(&proxy, headers, body);
        assert_eq!(reply.status, status, "{headers} {}", String::from_utf8_lossy(body));
        let (said, detail) = reason(&proxy, count + 1);
        assert_eq!(said, code, "{detail}");
        assert!(!detail.as_str().unwrap().contains("role"), "{detail}");
    }
    assert_eq!(origin.arrived().len(), 0);
    // A megabyte that nests is no more than another document that cannot be read.
    let proxy = before("{ request: { body: { json: [{ remove: '**.role' }], max: 1MiB } } }", &origin, |proxy| proxy);
    assert_eq!(post(&proxy, JSON, deep.as_bytes()).status, 400);
    assert_eq!(origin.arrived().len(), 0);
}

#[test]
fn a_client_that_leaves_or_stops_sends_nothing_on() {
    let origin = Origin::text("ok");
    let config = "{ request: { body: { json: [{ remove: /role }] } } }";
    let proxy = before(config, &origin, |proxy| proxy.top("defaults: { timeouts: { idle: 300ms } }"));
    let head = format!("POST /p HTTP/1.1\r\nHost: test.example\r\n{JSON}Content-Length: 100\r\n\r\n{{\"role\":1");
    let mut client = Client::connect(proxy.address);
    client.send(&head);
    drop(client);
    let mut slow = Client::connect(proxy.address);
    slow.send(&head);
    assert_eq!(slow.reply().status, 408);
    assert_eq!(post(&proxy, JSON, b"{\"role\":1}").status, 200);
    let arrived = origin.arrived();
    assert_eq!((arrived.len(), arrived[0].body.as_slice()), (1, b"{}".as_slice()));
}

#[test]
fn a_response_that_breaks_off_is_not_sent_in_part() {
    let origin = Origin::raw(|received, stream| {
        let length = if received.line.starts_with("GET /whole") { 12 } else { 50 };
        let head = format!("HTTP/1.1 200 OK\r\n{JSON}Content-Length: {length}\r\n\r\n{{\"card\":\"1\"}}");
        let _ = stream.write_all(head.as_bytes());
        false
    });
    let proxy = before(MASK, &origin, |proxy| proxy);
    let reply = get(proxy.address, "/broken");
    assert_eq!((reply.status, reply.text().as_str()), (502, ""));
    assert_eq!(reason(&proxy, 1).0, "body-broken-off");
    assert_eq!(get(proxy.address, "/whole").text(), "{\"card\":\"****\"}");
}

/// What compresses in Python.
const COMPRESSED: &str = "
def do_GET(self):
    import gzip, zlib
    plain = b'{\"card\": \"4111111111111111\"}'
    if self.path == '/bomb':
        plain = b'{\"a\": \"' + b' ' * 50_000_000 + b'\"}'
    if self.path == '/large':
        plain = b'{\"a\": \"' + b'0123456789' * 200_000 + b'\", \"card\": \"4111111111111111\"}'
    coding = 'deflate' if self.path == '/deflate' else 'gzip'
    coded = zlib.compress(plain) if coding == 'deflate' else gzip.compress(plain)
    if self.path == '/damaged':
        coded = coded[:-12]
    self.send_response(200)
    self.send_header('Content-Type', 'application/json')
    self.send_header('Content-Encoding', coding)
    self.send_header('ETag', '\"abc\"')
    self.send_header('Content-Length', str(len(coded)))
    self.end_headers()
    self.wfile.write(coded)
";

#[test]
fn codings_are_taken_off_and_a_bomb_is_refused() {
    let origin = python_origin(COMPRESSED);
    let proxy = |more: &str| {
        let body = format!("{{ json: [{{ mask: {{ at: '**.card', keep_last: 4 }} }}]{more} }}");
        Proxy::builder()
            .filter(&format!("{{ plugin: transform, config: {{ response: {{ body: {body} }} }} }}"))
            .route("/*", "app", origin.address)
            .start()
    };
    let refusing = proxy("");
    for path in ["/", "/deflate"] {
        let reply = get(refusing.address, path);
        assert_eq!((reply.status, reply.text().as_str()), (200, "{\"card\": \"****1111\"}"), "{path}");
        assert_eq!((reply.header("content-encoding"), reply.header("etag")), (None, None));
        assert_eq!(reply.header("content-length"), Some("20"));
    }
    for (count, (path, code)) in
        [("/bomb", "body-too-large"), ("/large", "body-too-large"), ("/damaged", "body-broken-off")]
            .into_iter()
            .enumerate()
    {
        assert_eq!(get(refusing.address, path).status, 502, "{path}");
        assert_eq!(reason(&refusing, count + 3).0, code, "{path}");
    }
    // What may pass is decoded by then, if it was short enough before, and is cut off where it is a bomb.
    let passing = proxy(", unreadable: pass");
    let reply = get(passing.address, "/large");
    assert_eq!((reply.status, reply.body.len(), reply.header("content-encoding")), (200, 2_000_037, None));
    let mut client = Client::connect(passing.address);
    client.send("GET /bomb HTTP/1.1\r\nHost: test.example\r\n\r\n");
    assert_eq!(client.head().0, 200);
    let rest = client.rest().unwrap_or_default();
    assert!(rest.len() < 20_000_000 && !rest.ends_with(b"0\r\n\r\n"), "{}", rest.len());
}

#[test]
fn ranges_and_conditions_of_a_server_of_files_do_not_go_round_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("card.json"), CARD).unwrap();
    std::fs::write(folder.path().join("plain.json"), "{\"a\":1}").unwrap();
    let server = nginx(&format!(
        "types {{ application/json json; }} server {{ listen 127.0.0.1:PORT; root {}; }}",
        folder.path().display()
    ));
    let proxy = Proxy::builder()
        .filter(&format!("{{ plugin: transform, config: {MASK} }}"))
        .route("/*", "app", server.address)
        .start();
    let ask = |path: &str, more: &str| Client::connect(proxy.address).get(path, more);
    assert_eq!(ask("/card.json", "").text(), MASKED);
    for range in ["bytes=0-30", "bytes=-25", "bytes=0-1,20-40"] {
        let reply = ask("/card.json", &format!("Range: {range}\r\n"));
        assert_eq!((reply.status, reply.text().as_str()), (502, "Bad gateway\n"), "{range}");
    }
    // A document that stays as it is keeps its validator, which holds.
    let reply = ask("/plain.json", "");
    let etag = reply.header("etag").unwrap().to_owned();
    let reply = ask("/plain.json", &format!("If-None-Match: {etag}\r\n"));
    assert_eq!((reply.status, reply.header("etag")), (304, Some(etag.as_str())));
}

#[test]
fn paths_and_queries_go_upstream_as_they_are_rewritten() {
    let origin = Origin::text("ok");
    let config = "{ request: { path: [{ match: '/users/{id}/*', to: '/v2/people/{id}/*' }, { match: /old/*, to: /new/* }], \
                  query: { remove: [debug], rename: { q: query }, set: { by: '{client.ip}' } } } }";
    let builder = Proxy::builder()
        .filter(&format!("{{ plugin: transform, config: {config} }}"))
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/api/*", "app", "strip_prefix: true")
        .route_to("/*", "app", "name: rest");
    let proxy = builder.start();
    for (asked, line) in [
        ("/users/a%20b/posts?q=%61&x=%7E", "/v2/people/a%20b/posts?query=%61&x=%7E&by=127.0.0.1"),
        ("/api/users/7?debug=1&by=me", "/v2/people/7?by=127.0.0.1"),
        ("/old", "/new?by=127.0.0.1"),
        ("/old/../users/../old/a", "/new/a?by=127.0.0.1"),
        ("/older", "/older?by=127.0.0.1"),
        ("/old/é?q=é&x=ü[]", "/new/%C3%A9?query=%C3%A9&x=%C3%BC[]&by=127.0.0.1"),
    ] {
        assert_eq!(get(proxy.address, asked).status, 200);
        assert_eq!(origin.next().line, format!("GET {line} HTTP/1.1"), "{asked}");
    }
    // What is not looked at goes on as it came, whatever it is.
    let paths = before("{ request: { path: { match: /old/*, to: /new/* } } }", &origin, |proxy| proxy);
    assert_eq!(get(paths.address, "/old/é?q=é").status, 200);
    assert_eq!(origin.next().line, "GET /new/%C3%A9?q=é HTTP/1.1");
    let long = get(paths.address, &format!("/old?q={}", "a".repeat(8 << 10)));
    assert_eq!((long.status, reason(&paths, 2).0), (431, "values-too-long".into()));
    let kept = builder.text("127.0.0.1:0").replace("  - chain", "  - paths: { encoded_slash: keep }\n    chain");
    let kept = Proxy::of(&kept, &[]);
    assert_eq!(get(kept.address, "/users/a%2F%2Fb/x").status, 200);
    assert_eq!(origin.next().line, "GET /v2/people/a%2F%2Fb/x?by=127.0.0.1 HTTP/1.1");
}

#[test]
fn answers_of_filters_and_of_the_host_are_edited_too() {
    let down = ([127, 0, 0, 1], 1).into();
    let config = "{ response: { when: { status: [418, 5xx] }, status: 503, headers: { set: { x-seen: '{path}' } }, \
                  body: { json: [{ remove: /secret }] } } }";
    let proxy = Proxy::builder()
        .filter(&format!("{{ plugin: transform, config: {config} }}"))
        .filter("{ plugin: respond, except: [/down], config: { status: 418, json: { secret: 1, b: 2 } } }")
        .route("/*", "down", down)
        .start();
    let reply = get(proxy.address, "/teapot");
    assert_eq!((reply.status, reply.text().as_str(), reply.header("x-seen")), (503, "{\"b\":2}", Some("/teapot")));
    let reply = get(proxy.address, "/down");
    assert_eq!((reply.status, reply.header("x-seen")), (503, Some("/down")));
}

#[test]
fn other_clients_and_servers_have_the_same_documents() {
    let origin = python_origin(
        "
def do_PUT(self):
    body = self.rfile.read(int(self.headers['Content-Length']))
    self.send_response(201)
    self.send_header('Content-Type', 'application/vnd.api+json')
    self.send_header('Content-Length', str(len(body)))
    self.end_headers()
    self.wfile.write(body)
",
    );
    let config = "{ request: { body: { json: [{ set: { at: /meta/by, template: '{method} {query:who}' } }] } }, \
                  response: { body: { json: [{ move: { from: /meta/by, to: /by } }, { remove: /meta }] } } }";
    let proxy = Proxy::builder()
        .filter(&format!("{{ plugin: transform, config: {config} }}"))
        .route("/*", "app", origin.address)
        .start();
    let url = format!("http://{}/?who=%22%7D%C3%A9", proxy.address);
    let mut curl = command("curl", "curl")
        .args(["-sS", "--max-time", "20", "-X", "PUT", "-H", "content-type: application/json"])
        .args(["-H", "transfer-encoding: chunked", "--data-binary", "@-", &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(b"{\"x\" : 1.50}").unwrap();
    let output = curl.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "{\"x\" : 1.50,\"by\":\"PUT \\\"}é\"}");
}
