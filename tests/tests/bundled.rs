//! The bundled filters in the running proxy, with foreign peers.

use weir_tests::{Client, Origin, Pem, Proxy, ProxyBuilder, command, get, python_origin};

/// A proxy with one filter before an upstream that says who it is.
fn with(filter: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream\n");
    let proxy = build(Proxy::builder().top("workers: 1").filter(filter)).route("/*", "app", origin.address).start();
    (proxy, origin)
}

#[test]
fn request_id_continues_what_a_trusted_peer_sent() {
    for (listener, is_trusted) in [("trusted_proxies: [127.0.0.1]", true), ("trusted_proxies: [192.0.2.1]", false)] {
        let (proxy, origin) =
            with("{ plugin: request-id, config: { request_header: [x-request-id, x-trace] } }", |proxy| {
                proxy.main(listener)
            });
        let mut client = Client::connect(proxy.address);
        for (count, (sent, continued)) in
            [("X-Request-Id: 67e5-1\r\n", Some("67e5-1")), ("X-Request-Id: a b\r\n", None), ("", None)]
                .into_iter()
                .enumerate()
        {
            let reply = client.get("/", sent);
            let record = proxy.record(count + 1);
            let id = continued.filter(|_| is_trusted).or(record["exchange"].as_str());
            assert_eq!(reply.values("x-request-id"), Vec::from_iter(id), "{listener} {sent}");
            let received = origin.next();
            assert_eq!((received.header("x-request-id"), received.header("x-trace")), (id, id), "{listener} {sent}");
        }
    }
}

/// What an application server of Python says about itself, and what it sets for one of its pages.
const TALKATIVE: &str = "
def do_GET(self):
    self.send_response(200)
    self.send_header('X-Powered-By', 'PHP/8.2')
    if self.path == '/own':
        self.send_header('X-Frame-Options', 'DENY')
    self.send_header('Content-Length', '5')
    self.end_headers()
    self.wfile.write(b'page\\n')
";

#[test]
fn headers_secure_is_on_every_answer_and_hides_the_server() {
    let origin = python_origin(TALKATIVE);
    let down = ([127, 0, 0, 1], 1).into();
    let proxy = Proxy::builder()
        .filter("headers-secure")
        .guest("door", "answer", "except: [/own, /down, /app], config: { status: 403, body: no }")
        .route("/app", "app", origin.address)
        .route_to("/own", "app", "description: sets a header itself")
        .route("/down", "down", down)
        .start();
    for (path, status, frames) in
        [("/app", 200, "SAMEORIGIN"), ("/own", 200, "DENY"), ("/down", 502, "SAMEORIGIN"), ("/none", 403, "SAMEORIGIN")]
    {
        let reply = get(proxy.address, path);
        assert_eq!((reply.status, reply.values("x-frame-options")), (status, vec![frames]), "{path}");
        assert_eq!(reply.values("x-content-type-options"), ["nosniff"], "{path}");
        assert_eq!(reply.values("referrer-policy"), ["strict-origin-when-cross-origin"], "{path}");
        for name in ["server", "x-powered-by", "strict-transport-security", "content-security-policy"] {
            assert_eq!(reply.header(name), None, "{path} {name}");
        }
    }
}

#[test]
fn hsts_is_sent_over_tls_only() {
    let (pem, origin) = (Pem::new(), Origin::text("page\n"));
    pem.write("site", "site", &["secure.example"]);
    let proxy = Proxy::builder()
        .main(&pem.listener(&["site"]))
        .listener("plain", "")
        .filter("{ plugin: headers-secure, config: { hsts: { include_subdomains: true }, content_security_policy: { default-src: [\"'self'\"] } } }")
        .route("/*", "app", origin.address)
        .start();
    let resolve = format!("secure.example:{}:127.0.0.1", proxy.address.port());
    let url = format!("https://secure.example:{}/", proxy.address.port());
    for version in ["--http1.1", "--http2"] {
        let ca = pem.path("site.pem");
        let arguments = [
            "-sS",
            "-D",
            "-",
            version,
            "--max-time",
            "20",
            "--resolve",
            &resolve,
            "--cacert",
            ca.to_str().unwrap(),
            &url,
        ];
        let output = command("curl", "curl").args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
        assert!(said.contains("strict-transport-security: max-age=31536000; includesubdomains\r\n"), "{output:?}");
        assert!(said.contains("content-security-policy: default-src 'self'\r\n"), "{said}");
    }
    let reply = get(proxy.listener("plain"), "/");
    assert_eq!(
        (reply.header("strict-transport-security"), reply.header("content-security-policy")),
        (None, Some("default-src 'self'"))
    );
}
