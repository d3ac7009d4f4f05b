//! Fields that are a filter's own.

use weir_tests::{Client, Http2Origin, Origin, Proxy, ProxyBuilder, guest, weir};

/// A site whose chain has a filter that calls `x-user-id` its own.
fn owning(origin: &Origin) -> ProxyBuilder {
    Proxy::builder()
        .top("workers: 1")
        .guest("owner", "owns", "except: /open/*, on_failure: open, config: { own: [X-User-Id] }")
        .route("/*", "app", origin.address)
        .route_to("/without", "app", "without: [owner]")
        .route_to("/none", "app", "chain: none")
}

const FORGED: &str = "X-User-Id: root\r\nx-user-ID: admin\r\nX_User_Id: root\r\nx-user.id: root\r\nX-User-Ids: kept\r\nX-Other: kept\r\n";

/// The names, in lower case, of the fields that begin with `x` in the next request.
fn arrived(origin: &Origin) -> Vec<String> {
    let own = origin.next().headers.into_iter().map(|(name, _)| name.to_ascii_lowercase());
    let mut own: Vec<_> = own.filter(|name| name.starts_with('x') && !name.starts_with("x-forwarded")).collect();
    own.sort_unstable();
    own
}

#[test]
fn a_filters_own_field_never_comes_from_a_client() {
    let origin = Origin::text("served");
    let proxy = owning(&origin).start();
    let ask = |path: &str, more: &str| {
        assert_eq!(Client::connect(proxy.address).get(path, &[FORGED, more].concat()).status, 200, "{path}");
        arrived(&origin)
    };
    for path in ["/", "/open/door", "/without", "/none"] {
        assert_eq!(ask(path, ""), ["x-other", "x-user-ids"], "{path}");
    }
    // Nor if the filter fails and the request goes on.
    assert_eq!(ask("/", "X-Trap: yes\r\n"), ["x-other", "x-trap", "x-user-ids"]);
    assert_eq!(ask("/", "Connection: x-user-ids\r\n"), ["x-other"]);
}

#[test]
fn a_filters_own_field_does_not_choose_the_route_and_is_what_the_filter_sets() {
    let origin = Origin::text("served");
    let proxy = Proxy::builder()
        .top("workers: 1")
        .guest("owner", "owns", "config: { own: [x-user-id, x-role], value: ada }")
        .route("/*", "app", origin.address)
        .route_to("/*", "app", "headers: { x-role: admin }, name: admins")
        .start();
    let reply = Client::connect(proxy.address).get("/", "X-User-Id: root\r\nX-Role: admin\r\n");
    assert_eq!(reply.status, 200);
    let received = origin.next();
    assert_eq!((received.values("x-user-id"), received.values("x-role")), (vec!["ada"], Vec::new()));
    assert_ne!(proxy.record(1)["route"], "admins");
}

#[test]
fn a_filters_own_field_does_not_come_behind_the_body() {
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.is_last() {
            peer.head(frame.stream, &[(":status", "200")], true);
        }
    });
    let proxy = Proxy::builder()
        .guest("owner", "owns", "config: { own: [x-user-id] }")
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address))
        .route_to("/*", "app", "chain: none")
        .start();
    for (behind, is_empty) in [("X-User-Id: root", true), ("X-Sum: 1", false)] {
        let mut client = Client::connect(proxy.address);
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{behind}\r\n\r\n"
        ));
        assert_eq!(client.head().0, 200);
        // The head, and what comes behind the body.
        origin.next(1);
        assert_eq!(origin.next(1).payload.is_empty(), is_empty, "{behind}");
    }
}

#[test]
fn a_filters_own_field_is_its_sites_only_and_as_long_as_it_is_there() {
    let origin = Origin::text("served");
    let text = |chain: &str| {
        format!(
            "version: 1\nworkers: 1\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\n\
             plugins: {{ owner: {{ file: {} }} }}\nupstreams: {{ app: {{ endpoints: [\"http://{}\"] }} }}\nsites:\n  \
             - {{ host: other.example, routes: [{{ path: /*, upstream: app }}] }}\n  \
             - {{ routes: [{{ path: /own, upstream: app, chain: [{chain}] }}, {{ path: /*, upstream: app }}] }}\n",
            guest("owns").display(),
            origin.address
        )
    };
    let proxy = Proxy::of(&text("{ plugin: owner, config: { own: [x-user-id] } }"), &[]);
    let ask = |host: &str| {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET /elsewhere HTTP/1.1\r\nHost: {host}\r\nX-User-Id: root\r\n\r\n"));
        assert_eq!(client.reply().status, 200);
        arrived(&origin)
    };
    // The filter is in the chain of one route, and the field is the whole site's.
    assert_eq!(ask("site.example"), [""; 0]);
    assert_eq!(ask("other.example"), ["x-user-id"]);
    proxy.write_text(&text(""));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    assert_eq!(ask("site.example"), ["x-user-id"]);
}

#[test]
fn not_every_field_can_be_a_filters_own_and_only_when_it_is_configured() {
    let many: Vec<String> = (0..65).map(|number| format!("x-{number}")).collect();
    for (own, said) in [
        ("Content-Length", "at /own/0: forbidden"),
        ("host", "at /own/0: forbidden"),
        ("\"x id\"", "at /own/0: invalid-name"),
        ("\"\"", "at /own/0: invalid-name"),
        (&many.join(", "), "at /own/64: too-large"),
    ] {
        let origin = Origin::text("x");
        let builder = Proxy::builder().guest("owner", "owns", &format!("config: {{ own: [{own}] }}"));
        let folder = tempfile::tempdir().unwrap();
        let text = builder.route("/*", "app", origin.address).text("127.0.0.1:0");
        std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(said), "{own}: {told}");
    }
    let origin = Origin::text("served");
    let proxy = owning(&origin).start();
    // It fails, and is `on_failure: open`.
    assert_eq!(Client::connect(proxy.address).get("/", "X-Late: yes\r\n").status, 200);
    proxy.log.wait("`setup` can be called in `configure` only");
}
