//! The bundled filters in the running proxy, with foreign peers.

use weir_tests::{Client, Origin, Pem, Proxy, ProxyBuilder, Reply, command, get, guest, python_origin, weir};

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

/// A GET by who came through a trusted proxy.
fn get_as(proxy: &Proxy, client: &str) -> Reply {
    Client::connect(proxy.address).get("/", &format!("X-Forwarded-For: {client}\r\n"))
}

#[test]
fn ip_filter_looks_at_the_client_that_a_trusted_proxy_names() {
    let config = "allow: [10.0.0.0/8, 10.1.2.3, \"2001:db8::/32\"], deny: [10.1.0.0/16]";
    let (proxy, origin) = with(&format!("{{ plugin: ip-filter, config: {{ {config} }} }}"), |proxy| {
        proxy.main("trusted_proxies: [127.0.0.1]").listener("plain", "")
    });
    for (client, status) in [
        ("10.0.0.1", 200),
        ("10.1.2.3", 200),
        ("10.1.0.1", 403),
        ("2001:db8::7", 200),
        ("\"[2001:db9::7]\"", 403),
        ("::ffff:10.0.0.1", 200),
        ("10.0.0.1, 192.0.2.1", 403),
    ] {
        let reply = get_as(&proxy, client);
        assert_eq!(reply.status, status, "{client}");
        assert!(status == 200 || reply.text() == "Forbidden\n", "{reply:?}");
    }
    let record = proxy.record(3);
    assert_eq!(
        (record["reason"].as_str(), record["detail"].as_str()),
        (Some("ip-denied"), Some("10.1.0.1 is in 10.1.0.0/16"))
    );
    // Nobody is believed here.
    let reply = Client::connect(proxy.listener("plain")).get("/", "X-Forwarded-For: 10.0.0.1\r\n");
    assert_eq!((reply.status, origin.arrived().len()), (403, 4));
}

#[test]
fn ip_filter_keeps_the_last_good_list_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    let write = |text: &str| {
        // As an editor does it: never half a file.
        std::fs::write(folder.path().join("new"), text).unwrap();
        std::fs::rename(folder.path().join("new"), &file).unwrap();
    };
    write("# nobody yet\n");
    let config =
        format!("{{ plugin: ip-filter, config: {{ deny_list: {{ file: \"{}\" }}, refresh: 1s }} }}", file.display());
    let (proxy, _origin) = with(&config, |proxy| proxy.main("trusted_proxies: [127.0.0.1]"));
    let becomes = |client: &str, status: u16| {
        let deadline = std::time::Instant::now() + weir_tests::PATIENCE;
        while get_as(&proxy, client).status != status {
            assert!(std::time::Instant::now() < deadline, "{client} does not get {status}");
        }
    };
    // The first request waits for the list.
    assert_eq!(get_as(&proxy, "192.0.2.1").status, 200);
    write("192.0.2.0/24 ; one\n");
    becomes("192.0.2.1", 403);
    write("10.0.0.0/8\nnonsense\n");
    let line = loop {
        get_as(&proxy, "192.0.2.1");
        if let Some(line) = proxy.log.so_far().into_iter().find(|line| line.contains("cannot be read")) {
            break line;
        }
    };
    assert!(line.contains("line 2") && line.contains("nonsense") && line.contains("before counts"), "{line}");
    assert_eq!((get_as(&proxy, "192.0.2.1").status, get_as(&proxy, "10.0.0.1").status), (403, 200));
    write("10.0.0.0/8\n");
    becomes("10.0.0.1", 403);
    assert_eq!(get_as(&proxy, "192.0.2.1").status, 200);
}

#[test]
fn ip_filter_refuses_everyone_until_there_is_a_list() {
    let lists = python_origin(
        "
def do_GET(self):
    self.send_response(200)
    self.send_header('Content-Length', '11')
    self.end_headers()
    self.wfile.write(b'10.0.0.0/8\\n')
",
    );
    let config = "{ plugin: ip-filter, config: { deny_list: { upstream: lists, path: /list }, refresh: 1s } }";
    let (proxy, origin) = with(config, |proxy| {
        proxy.main("trusted_proxies: [127.0.0.1]").upstream("lists", "{ endpoints: [\"http://127.0.0.1:1\"] }")
    });
    for _ in 0..2 {
        let reply = get_as(&proxy, "192.0.2.1");
        assert_eq!((reply.status, reply.text().as_str()), (503, "Not available now\n"));
    }
    assert_eq!((proxy.record(1)["reason"].as_str(), origin.arrived().len()), (Some("no-list"), 0));
    let (proxy, _origin) = with(config, |proxy| {
        proxy
            .main("trusted_proxies: [127.0.0.1]")
            .upstream("lists", &format!("{{ endpoints: [\"http://{}\"] }}", lists.address))
    });
    assert_eq!((get_as(&proxy, "192.0.2.1").status, get_as(&proxy, "10.0.0.1").status), (200, 403));
}

#[test]
fn ip_filter_takes_large_lists() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.txt");
    // Networks of both kinds, in no order.
    let lines = (0..20_000_u32).map(|number| {
        let [a, b, c, d] = number.wrapping_mul(2_654_435_761).to_be_bytes();
        if number % 2 == 0 {
            format!("{a}.{b}.{c}.{d}/{}\n", 20 + number % 13)
        } else {
            format!("2001:db8:{a:x}{b:02x}:{c:x}{d:02x}::/64\n")
        }
    });
    std::fs::write(&file, lines.collect::<String>() + "# the end\n").unwrap();
    let config = format!(
        "{{ plugin: ip-filter, config: {{ deny_list: {{ file: \"{}\" }}, deny: [192.0.2.0/24] }} }}",
        file.display()
    );
    let (proxy, _origin) = with(&config, |proxy| proxy.main("trusted_proxies: [127.0.0.1]"));
    let [a, b, c, d] = 19_999_u32.wrapping_mul(2_654_435_761).to_be_bytes();
    for (client, status) in [
        ("198.51.100.1".to_owned(), 200),
        ("192.0.2.1".to_owned(), 403),
        (format!("2001:db8:{a:x}{b:02x}:{c:x}{d:02x}::1"), 403),
    ] {
        assert_eq!(get_as(&proxy, &client).status, status, "{client}");
    }
}

/// A proxy whose only route is answered by `respond`.
fn responding(config: &str) -> (Proxy, Origin) {
    with(&format!("{{ plugin: respond, config: {config} }}"), |proxy| proxy)
}

/// What curl prints: the head in small letters, then the body.
fn curl(arguments: &[&str], url: &str) -> String {
    let output =
        command("curl", "curl").args(["-sS", "-i", "--max-time", "20"]).args(arguments).arg(url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn respond_answers_and_asks_nobody() {
    let (proxy, origin) = responding(
        "{ status: 418, headers: { x-a: \"{header:user-agent}\" }, template: \"{method} {path} {query:a}\" }",
    );
    let url = format!("http://{}/p/q?a=%3Cb%3E", proxy.address);
    let said = curl(&["-A", "me; you", "-X", "PUT", "-d", "x"], &url);
    assert!(said.starts_with("HTTP/1.1 418 ") && said.ends_with("\r\n\r\nPUT /p/q <b>"), "{said}");
    assert!(said.contains("x-a: me%3B you\r\n") && said.contains("x-content-type-options: nosniff\r\n"), "{said}");
    let said = curl(&["-I"], &url);
    assert!(said.contains("content-length: 13\r\n") && said.ends_with("\r\n\r\n"), "{said}");
    assert_eq!(
        (proxy.record(1)["by"].as_str(), proxy.record(1)["reason"].as_str()),
        (Some("respond"), Some("configured"))
    );
    assert_eq!(origin.arrived().len(), 0);
}

#[test]
fn nothing_of_a_client_becomes_markup_a_header_or_another_host() {
    let (page, _a) =
        responding("{ headers: { content-type: text/html, x-q: \"{query:q}\" }, template: \"<p>{query:q}</p>\" }");
    let reply = get(page.address, "/?q=%3Cscript%3E%0D%0ASet-Cookie:%20a=b");
    assert_eq!(reply.text(), "<p>&lt;script&gt;\u{fffd}\nSet-Cookie: a=b</p>");
    assert_eq!((reply.header("x-q"), reply.header("set-cookie")), (Some("%3Cscript%3E%0D%0ASet-Cookie: a=b"), None));

    let (json, _b) = responding("{ json: { you: \"{header:x-name}\", list: [1, \"{query:q}\"] } }");
    let reply = Client::connect(json.address).get("/?q=%22%5D%7D", "X-Name: \", \"admin\": \"true\r\n");
    let value: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(value, serde_json::json!({ "you": "\", \"admin\": \"true", "list": [1, "\"]}"] }));

    let (redirect, origin) = responding("{ redirect: { to: \"{path}\" } }");
    let kept = Proxy::builder().filter("{ plugin: respond, config: { redirect: { to: \"{path}\" } } }").route(
        "/*",
        "app",
        origin.address,
    );
    let kept = kept.text("127.0.0.1:0").replace("  - chain", "  - paths: { merge_slashes: false }\n    chain");
    let kept = Proxy::of(&kept, &[]);
    for proxy in [&redirect, &kept] {
        let reply = get(proxy.address, "//evil.example/x");
        assert_eq!((reply.status, reply.header("location")), (302, Some("/evil.example/x")));
    }
}

#[test]
fn a_redirect_takes_path_and_query_along() {
    let origin = Origin::text("new");
    let config = "{ status: 308, redirect: { to: \"/new{upstream.path}\", keep_query: true } }";
    let proxy = Proxy::builder()
        .route("/new/*", "app", origin.address)
        .route_to("/old/*", "app", &format!("strip_prefix: true, add: [{{ plugin: respond, config: {config} }}]"))
        .start();
    let said = curl(&["-L", "-d", "form"], &format!("http://{}/old/a%20b?c=d%26e", proxy.address));
    assert!(said.contains("308 Permanent Redirect") && said.ends_with("new"), "{said}");
    let received = origin.next();
    assert_eq!(
        (received.line.as_str(), received.body.as_slice()),
        ("POST /new/a%20b?c=d%26e HTTP/1.1", b"form".as_slice())
    );
}

#[test]
fn maintenance_lets_some_in() {
    let config = "{ plugin: respond, config: { maintenance: { retry_after: 2m, allow: [10.0.0.0/8] } } }";
    let (proxy, _origin) = with(config, |proxy| proxy.main("trusted_proxies: [127.0.0.1]"));
    let reply = get_as(&proxy, "192.0.2.1");
    assert_eq!(
        (reply.status, reply.header("retry-after"), reply.text().as_str()),
        (503, Some("120"), "Down for maintenance\n")
    );
    assert_eq!(get_as(&proxy, "10.0.0.1").text(), "from the upstream\n");
}

/// A filter that does nothing and says that it belongs to this place in a chain.
fn placed(folder: &std::path::Path, name: &str, place: &str) {
    let noop = guest("noop");
    let toml = format!(
        "name = \"{name}\"\nplace = \"{place}\"\nhooks = [\"on-request\"]\nbuild = \"cp {} {{output}}\"\n",
        noop.display()
    );
    let project = folder.join(format!("{name}-project"));
    std::fs::create_dir(&project).unwrap();
    std::fs::write(project.join("weir-plugin.toml"), toml).unwrap();
    let component = folder.join(format!("{name}.wasm"));
    let output = weir().args(["plugin", "build", "-o"]).arg(&component).arg(&project).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn validate_warns_of_orders_that_leak() {
    let folder = tempfile::tempdir().unwrap();
    placed(folder.path(), "store", "cache");
    placed(folder.path(), "login", "authentication");
    let validate = |chain: &str| {
        let text = format!(
            "version: 1\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\n\
             plugins: {{ store: {{ file: store.wasm }}, login: {{ file: login.wasm }} }}\nsites:\n  - chain:\n{chain}    \
             routes: [{{ path: /*, upstream: \"http://127.0.0.1:1\" }}]\n"
        );
        std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let office = "      - { plugin: ip-filter, config: { allow: [10.0.0.0/8] } }\n";
    let chain = |order: &[&str]| {
        order
            .iter()
            .map(|entry| if *entry == "office" { office.to_owned() } else { format!("      - {entry}\n") })
            .collect::<String>()
    };
    // The places of the bundled ones, from the outside in.
    assert_eq!(
        validate(&chain(&["request-id", "headers-secure", "office", "login", "store"])),
        (Some(0), String::new())
    );
    let (code, said) = validate(&chain(&["store", "office"]));
    let wanted = "\
warning: answers from `store` reach callers that `ip-filter` would refuse
 --> weir.yaml:6:9
  |
6 |       - store
  |         ^^^^^
7 |       - { plugin: ip-filter, config: { allow: [10.0.0.0/8] } }
  |                   --------- comes after it
  |
  = help: put `ip-filter` before `store`
";
    assert_eq!((code, said.trim_end()), (Some(0), wanted.trim_end()));
    let (_, said) = validate(&chain(&["store", "login"]));
    assert!(said.contains("answers from `store` reach callers that `login` would refuse"), "{said}");
}
