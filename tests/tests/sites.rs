//! Sites and routes as requests meet them: which one serves, through which filters, and what both sides are told.

use weir_tests::{Client, Origin, Proxy, Reply, get, guest};

/// A configuration with the upstream `app`, and the filter `mark`, which adds its name to both heads.
fn site(origin: &Origin, rest: &str) -> String {
    format!(
        "version: 1
workers: 1
listeners: {{ main: {{ address: \"127.0.0.1:0\" }}, other: {{ address: \"127.0.0.1:0\" }} }}
upstreams: {{ app: {{ endpoints: [\"http://{}\"] }} }}
plugins: {{ mark: {{ file: {} }} }}
{rest}",
        origin.address,
        guest("mark").display(),
    )
}

fn run(origin: &Origin, rest: &str) -> Proxy {
    Proxy::of(&site(origin, rest), &[])
}

fn ask(proxy: &Proxy, head: &str) -> Reply {
    let mut client = Client::connect(proxy.address);
    client.send(format!("{head}\r\n\r\n"));
    client.reply()
}

/// The marks that a GET of the path collects on its way back, innermost first.
fn marks(proxy: &Proxy, path: &str) -> String {
    get(proxy.address, path).values("x-mark").join(" ")
}

/// The answer of an upstream with these header lines.
fn answering(lines: &'static str) -> Origin {
    Origin::raw(move |_, stream| {
        use std::io::Write;
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{lines}Content-Length: 0\r\n\r\n").as_bytes()).is_ok()
    })
}

#[test]
fn hosts_and_listeners_choose_the_site() {
    let origin = Origin::text("x");
    let proxy = run(
        &origin,
        "sites:
  - host: [a.example, b.example]
    chain: [{ plugin: mark, config: { name: exact } }]
    routes: [{ path: /*, upstream: app }]
  - host: '*.example'
    chain: [{ plugin: mark, config: { name: wildcard } }]
    routes: [{ path: /*, upstream: app }]
  - host: a.example
    listeners: other
    chain: [{ plugin: mark, config: { name: bound } }]
    routes: [{ path: /*, upstream: app }]
",
    );
    let served = |address, host: &str| {
        let mut client = Client::connect(address);
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let reply = client.reply();
        (reply.status, reply.header("x-mark").map(str::to_owned))
    };
    let mark = |name: &str| (200, Some(name.to_owned()));
    for (host, expected) in [
        ("a.example", mark("exact")),
        ("B.Example:8080", mark("exact")),
        ("c.example.", mark("wildcard")),
        ("c.d.example", (404, None)),
        ("example", (404, None)),
    ] {
        assert_eq!(served(proxy.address, host), expected, "{host}");
    }
    assert_eq!(served(proxy.listener("other"), "a.example"), mark("bound"));
    assert_eq!(served(proxy.listener("other"), "c.example"), mark("wildcard"));
    assert_eq!(proxy.record(4)["reason"], "no-site");
}

#[test]
fn methods_fields_and_parameters_choose_the_route() {
    let origin = Origin::text("x");
    let proxy = run(
        &origin,
        "sites:
  - chain: [request-id]
    routes:
      - { name: read, path: /items/*, upstream: app, methods: GET }
      - { name: write, path: /items/*, upstream: app, methods: [POST, PUT] }
      - { name: beta, path: /items/*, upstream: app, methods: GET, headers: { x-beta: true } }
      - { name: v2, path: /items/*, upstream: app, headers: { x-version: '2' }, query: { full: '1' }, methods: GET }
      - { name: preferred, path: /tie, upstream: app, methods: [GET], priority: 1 }
      - { name: other, path: /tie, upstream: app, methods: [GET, POST] }
",
    );
    let mut count = 0;
    for (head, status, route) in [
        ("GET /items/1 HTTP/1.1\r\nHost: x", 200, Some("read")),
        ("POST /items/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 0", 200, Some("write")),
        ("GET /items/1 HTTP/1.1\r\nHost: x\r\nX-Beta: yes", 200, Some("beta")),
        ("GET /items/1?full=1 HTTP/1.1\r\nHost: x\r\nX-Version: 2\r\nX-Beta: yes", 200, Some("v2")),
        ("GET /items/1?full=2 HTTP/1.1\r\nHost: x\r\nX-Version: 2", 200, Some("read")),
        ("DELETE /items/1 HTTP/1.1\r\nHost: x", 405, None),
        ("GET /tie HTTP/1.1\r\nHost: x", 200, Some("preferred")),
        ("POST /tie HTTP/1.1\r\nHost: x\r\nContent-Length: 0", 200, Some("other")),
        ("GET /nothing HTTP/1.1\r\nHost: x", 404, None),
        // A CORS preflight is matched as what it asks about.
        (
            "OPTIONS /items/1 HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: PUT",
            200,
            Some("write"),
        ),
        ("OPTIONS /items/1 HTTP/1.1\r\nHost: x", 405, None),
    ] {
        count += 1;
        let reply = ask(&proxy, head);
        assert_eq!(reply.status, status, "{head}");
        assert_eq!(proxy.record(count)["route"].as_str(), route, "{head}");
        // The site's chain runs for what no route takes, too.
        assert!(reply.header("x-request-id").is_some(), "{head}");
        if status == 405 {
            let mut allowed: Vec<&str> = reply.header("allow").unwrap().split(", ").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, ["GET", "HEAD", "POST", "PUT"]);
            assert_eq!(proxy.record(count)["reason"], "bad-method");
        }
    }
    // GET implies HEAD.
    let mut client = Client::connect(proxy.address);
    client.send("HEAD /items/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(client.head().0, 200);
}

#[test]
fn a_stripped_prefix_is_taken_off_and_put_back_in_the_answer() {
    let origin = answering(
        "Location: /login?next=/x\r\nContent-Location: /doc\r\nRefresh: 5; url=/later\r\nSet-Cookie: a=1; Path=/; \
         HttpOnly\r\nSet-Cookie: b=2; path=/sub\r\n",
    );
    let proxy = run(
        &origin,
        "sites:
  - routes:
      - { path: /agents/*, upstream: app, strip_prefix: true }
      - { path: /agents/query, upstream: app, strip_prefix: /agents }
      - { path: /as-it-is/*, upstream: app }
",
    );
    for (path, sent) in [
        ("/agents", "/"),
        ("/agents/", "/"),
        ("/agents?x=1", "/?x=1"),
        ("/agents/a/b?x=/agents/", "/a/b?x=/agents/"),
        ("/agents/query", "/query"),
        ("/agents/../agents/a", "/a"),
        ("/as-it-is/a", "/as-it-is/a"),
    ] {
        let reply = get(proxy.address, path);
        assert_eq!(origin.next().line, format!("GET {sent} HTTP/1.1"), "{path}");
        let prefix = if path.starts_with("/agents") { "/agents" } else { "" };
        assert_eq!(reply.header("location"), Some(format!("{prefix}/login?next=/x").as_str()), "{path}");
        assert_eq!(reply.header("content-location"), Some(format!("{prefix}/doc").as_str()), "{path}");
        assert_eq!(reply.header("refresh"), Some(format!("5; url={prefix}/later").as_str()), "{path}");
        let cookies = [format!("a=1; Path={prefix}/; HttpOnly"), format!("b=2; path={prefix}/sub")];
        assert_eq!(reply.values("set-cookie"), cookies, "{path}");
    }
}

#[test]
fn an_internal_origin_in_a_location_is_hidden() {
    let origin = Origin::raw(|received, stream| {
        use std::io::Write;
        let host = received.header("host").unwrap();
        let answer = format!("HTTP/1.1 302 Found\r\nLocation: http://{host}/next\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let proxy = run(
        &origin,
        "sites: [{ routes: [{ path: /*, upstream: app, host_header: upstream, strip_prefix: /a }] }]\n"
            .replace("/*", "/a/*")
            .as_str(),
    );
    assert_eq!(get(proxy.address, "/a/x").header("location"), Some("/a/next"));
}

#[test]
fn the_upstream_gets_the_host_that_the_route_says() {
    let origin = Origin::text("x");
    let proxy = run(
        &origin,
        "sites:
  - routes:
      - { path: /preserve, upstream: app }
      - { path: /upstream, upstream: app, host_header: upstream }
      - { path: /name, upstream: app, host_header: inside.example }
",
    );
    for (path, host) in [
        ("/preserve", "test.example".to_owned()),
        ("/upstream", origin.address.to_string()),
        ("/name", "inside.example".to_owned()),
    ] {
        get(proxy.address, path);
        let received = origin.next();
        assert_eq!(received.values("host"), [host], "{path}");
        assert_eq!(received.header("x-forwarded-host"), Some("test.example"), "{path}");
    }
}

#[test]
fn upstreams_are_told_who_asks_and_only_trusted_peers_are_believed() {
    let origin = Origin::text("x");
    let fields = "X-Forwarded-For: 203.0.113.9, 10.1.1.1\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example\r\n\
                  Forwarded: for=203.0.113.66\r\nX-Real-IP: 203.0.113.77\r\n";
    let text = site(&origin, "sites: [{ routes: [{ path: /*, upstream: app }] }]\n");
    let proxy = Proxy::of(&text, &[]);
    Client::connect(proxy.address).get("/", fields);
    let received = origin.next();
    assert_eq!(received.values("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(received.values("x-forwarded-proto"), ["http"]);
    assert_eq!(received.values("x-forwarded-host"), ["test.example"]);
    assert_eq!(received.values("forwarded"), ["for=127.0.0.1;host=\"test.example\";proto=http"]);
    assert_eq!(received.header("x-real-ip"), None);
    assert_eq!(proxy.record(1)["client"], "127.0.0.1");

    let trusting = text.replace("main: { ", "main: { trusted_proxies: [127.0.0.0/8, 10.0.0.0/8], ");
    let proxy = Proxy::of(&trusting, &[]);
    Client::connect(proxy.address).get("/", fields);
    let received = origin.next();
    assert_eq!(received.values("x-forwarded-for"), ["203.0.113.9, 10.1.1.1, 127.0.0.1"]);
    assert_eq!(received.values("x-forwarded-proto"), ["https"]);
    assert_eq!(received.values("x-forwarded-host"), ["shop.example"]);
    assert_eq!(proxy.record(1)["client"], "203.0.113.9");
}

#[test]
fn a_route_runs_its_sites_chain_unless_it_says_otherwise() {
    let origin = Origin::text("x");
    let proxy = run(
        &origin,
        "chains:
  both: [{ plugin: mark, name: b, config: { name: b } }, { plugin: mark, name: c, config: { name: c } }]
sites:
  - chain:
      - { plugin: mark, name: a, config: { name: a }, except: [/open/*, /exact] }
      - both
    routes:
      - { path: /*, upstream: app }
      - { path: /none, upstream: app, chain: none }
      - { path: /own, upstream: app, chain: [{ plugin: mark, config: { name: own } }] }
      - { path: /without, upstream: app, without: [b] }
      - { path: /override, upstream: app, override: { b: { config: { name: B } } } }
      - { path: /add, upstream: app, add: [{ plugin: mark, name: d, config: { name: d } }] }
      - { path: /first, upstream: app, add: [{ plugin: mark, name: d, config: { name: d }, first: true }] }
      - { path: /before, upstream: app, add: [{ plugin: mark, name: d, config: { name: d }, before: b }] }
      - { path: /after, upstream: app, add: [{ plugin: mark, name: d, config: { name: d }, after: b }] }
",
    );
    for (path, expected) in [
        ("/x", "c b a"),
        ("/open/x", "c b"),
        ("/open", "c b"),
        ("/opener", "c b a"),
        ("/exact", "c b"),
        ("/exact/x", "c b a"),
        // Neither another spelling nor a way around gets by a filter.
        ("/open/../x", "c b a"),
        ("/%6fpen/x", "c b"),
        ("/none", ""),
        ("/own", "own"),
        ("/without", "c a"),
        ("/override", "c B a"),
        ("/add", "d c b a"),
        ("/first", "c b a d"),
        ("/before", "c b d a"),
        ("/after", "c d b a"),
    ] {
        assert_eq!(marks(&proxy, path), expected, "{path}");
    }
}

#[test]
fn an_overridden_entry_has_instances_limits_and_a_policy_of_its_own() {
    let origin = Origin::text("x");
    let text = site(
        &origin,
        "sites:
  - chain: [{ plugin: count, config: {} }, { plugin: spin, name: slow, limits: { cpu: 20ms } }]
    routes:
      - { path: /a, upstream: app, without: [slow] }
      - { path: /b, upstream: app, without: [slow], override: { count: { limits: { cpu: 20ms } } } }
      - { path: /slow, upstream: app, without: [count], override: { slow: { on_failure: open } } }
      - { path: /fails, upstream: app, without: [count] }
",
    );
    let more = format!(
        "plugins: {{ count: {{ file: {} }}, spin: {{ file: {} }}, ",
        guest("count").display(),
        guest("spin").display()
    );
    let proxy = Proxy::of(&text.replace("plugins: { ", &more), &[]);
    let count = |path| get(proxy.address, path).text();
    assert_eq!([count("/a"), count("/a"), count("/b"), count("/a")], ["1", "2", "1", "3"]);
    let spin = |path| Client::connect(proxy.address).get(path, "X-Spin: 1\r\n");
    assert_eq!((spin("/slow").text(), spin("/fails").status), ("x".to_owned(), 500));
}

#[test]
fn an_encoded_slash_and_double_slashes_are_as_the_site_says() {
    let origin = Origin::text("x");
    let proxy = run(
        &origin,
        "sites:
  - paths: { encoded_slash: keep }
    routes: [{ path: /a/b/*, upstream: app }]
",
    );
    let strict =
        run(&origin, "sites: [{ paths: { merge_slashes: false }, routes: [{ path: /a/b/*, upstream: app }] }]\n");
    assert_eq!((get(strict.address, "/a//b/c").status, get(strict.address, "/a/b//c").status), (404, 200));
    assert_eq!(origin.next().line, "GET /a/b//c HTTP/1.1");
    for (path, sent) in [("/a//b///c", "/a/b/c"), ("/a/b/c%2fd", "/a/b/c%2Fd")] {
        assert_eq!(get(proxy.address, path).status, 200, "{path}");
        assert_eq!(origin.next().line, format!("GET {sent} HTTP/1.1"));
    }
    assert_eq!(get(proxy.address, "/a%2fb/c").status, 404);
}

#[test]
fn an_upstream_may_stand_in_its_route() {
    let origin = Origin::text("inline");
    let proxy =
        run(&origin, &format!("sites: [{{ routes: [{{ path: /*, upstream: \"http://{}\" }}] }}]\n", origin.address));
    assert_eq!(get(proxy.address, "/").text(), "inline");
}

#[test]
fn included_files_are_part_of_the_configuration() {
    let origin = Origin::text("included");
    let text = "version: 1\ninclude: [more.yaml, '*.site']\nlisteners: { main: { address: '127.0.0.1:0' } }\n";
    let more = format!("upstreams: {{ app: {{ endpoints: ['http://{}'] }} }}\n", origin.address);
    let sites = "sites: [{ routes: [{ path: /*, upstream: app }] }]\n";
    let proxy = Proxy::of(text, &[("more.yaml", &more), ("a.site", sites)]);
    assert_eq!(get(proxy.address, "/").text(), "included");
}

#[test]
fn defaults_hold_where_a_route_says_nothing() {
    let silent = Origin::raw(|_, stream| {
        use std::io::Read;
        stream.read(&mut [0]).is_ok_and(|length| length > 0)
    });
    let proxy = run(
        &silent,
        "defaults: { timeouts: { response: 100ms }, limits: { body: 5B } }
sites:
  - routes:
      - { path: /default, upstream: app }
      - { path: /own, upstream: app, limits: { body: 10B }, timeouts: { response: 200ms } }
",
    );
    let post = |path: &str, length: usize| {
        let mut client = Client::connect(proxy.address);
        client
            .send(format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{}", "x".repeat(length)));
        client.reply().status
    };
    assert_eq!((post("/default", 6), post("/default", 5)), (413, 504));
    assert_eq!((post("/own", 11), post("/own", 6)), (413, 504));
    let limit = |count| proxy.record(count)["detail"].as_str().unwrap().to_owned();
    assert!(limit(2).contains("100ms") && limit(4).contains("200ms"), "{} {}", limit(2), limit(4));
}

#[test]
fn a_component_has_the_digest_that_is_pinned() {
    let origin = Origin::text("x");
    let digest = |file: &std::path::Path| {
        let output = std::process::Command::new("sha256sum").arg(file).output().unwrap();
        String::from_utf8(output.stdout).unwrap()[..64].to_owned()
    };
    let rest =
        "sites: [{ chain: [{ plugin: mark, config: { name: pinned } }], routes: [{ path: /*, upstream: app }] }]\n";
    let pinned = |digest: &str| site(&origin, rest).replace("mark.wasm", &format!("mark.wasm, sha256: {digest}"));
    let right = digest(&guest("mark"));
    let proxy = Proxy::of(&pinned(&right), &[]);
    assert_eq!(marks(&proxy, "/"), "pinned");
    proxy.write_text(&pinned(
        &right.replace(|digit: char| digit == right.chars().next().unwrap(), "0").replace('1', "2"),
    ));
    proxy.signal("HUP");
    proxy.log.wait(&format!("the component's digest is {right}"));
    assert_eq!(marks(&proxy, "/"), "pinned");
}

#[test]
fn what_is_declared_and_used_nowhere_is_checked_too() {
    let origin = Origin::text("x");
    let good = site(&origin, "sites: [{ routes: [{ path: /*, upstream: app }] }]\n");
    let proxy = Proxy::of(&good, &[("broken.wasm", "no component")]);
    proxy.write_text(&good.replace("plugins: { ", "plugins: { broken: { file: broken.wasm }, "));
    proxy.signal("HUP");
    proxy.log.wait("this is not a filter that this weir can run");
}

#[test]
fn an_added_filter_has_all_keys_of_one() {
    let origin = Origin::text("x");
    let spin = format!("plugins: {{ spin: {{ file: {} }}, ", guest("spin").display());
    let text = |chain: &str, route: &str| {
        let sites = format!("sites: [{{ {chain} routes: [{{ path: /*, upstream: app, {route} }}] }}]\n");
        site(&origin, &sites).replace("plugins: { ", &spin)
    };
    let added = "{ plugin: spin, name: s, limits: { cpu: 20ms }, on_failure: open, except: /not/* }";
    let proxy = Proxy::of(&text("", &format!("add: [{added}, {{ plugin: spin, except: /* }}]")), &[]);
    let spin = |path| Client::connect(proxy.address).get(path, "X-Spin: 1\r\n").text();
    assert_eq!(
        (spin("/not/x"), proxy.log.so_far().iter().filter(|line| line.contains("failed")).count()),
        ("x".into(), 0)
    );
    assert_eq!(spin("/x"), "x");
    proxy.log.wait("filter `s` failed");
    // No component fits into so little: wherever it is written, it counts.
    let little = "limits: { memory: 64KiB }";
    let cases = [
        (format!("chain: [{{ plugin: spin, {little} }}],"), String::new()),
        (String::new(), format!("add: [{{ plugin: spin, {little} }}]")),
        ("chain: [spin],".to_owned(), format!("override: {{ spin: {{ {little} }} }}")),
    ];
    for (index, (chain, route)) in cases.into_iter().enumerate() {
        proxy.write_text(&text(&chain, &route));
        proxy.signal("HUP");
        let said = proxy.log.wait_many("not reloaded", index + 1).pop().unwrap();
        assert!(said.contains("`spin` cannot be used"), "{chain} {route}: {said}");
    }
}

#[test]
fn explain_names_the_site_the_route_and_what_it_is_for() {
    let origin = Origin::text("x");
    let sites =
        "sites: [{ name: shop, host: a.example, routes: [{ path: /*, upstream: app, description: All of it }] }]\n";
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    std::fs::write(&file, site(&origin, sites)).unwrap();
    let output = weir_tests::weir().args(["explain", "http://a.example/x", "-c"]).arg(&file).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("shop") && said.contains("All of it"), "{said}");
}
