//! Routes that lead to no upstream, and those that lead to one where no file is.

use std::fs;

use weir_tests::{Origin, Proxy, get, weir};

use super::{site, text};

#[test]
fn a_route_without_an_upstream_is_answered_by_a_filter_or_by_nobody() {
    let proxy = Proxy::builder()
        .filter("headers-secure")
        .route_to("/hello", "none", "add: [{ plugin: respond, config: { body: hello } }]")
        .route_to("/quiet", "none", "description: nobody answers")
        .start();
    assert_eq!(text(&proxy, "/hello"), "hello");
    let reply = get(proxy.address, "/quiet");
    assert_eq!(reply.status, 404);
    assert!(reply.text().contains("nothing is served here"), "{}", reply.text());
    assert_eq!(reply.header("x-frame-options"), Some("SAMEORIGIN"), "it passes the chain as every answer");
    let record = proxy.record(2);
    assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("host"), Some("no-upstream")));
    assert_eq!(record["route"], "/quiet");
    let said = proxy.log.wait("nobody answers requests of this route");
    assert!(said.contains("respond"), "{said}");
}

#[test]
fn a_route_without_an_upstream_that_nobody_answers_is_warned_of() {
    let folder = tempfile::tempdir().unwrap();
    let validate = |routes: &str| {
        let text = format!(
            "version: 1\nlisteners: {{ main: {{ address: 127.0.0.1:0 }} }}\nsites: [{{ routes: [{routes}] }}]\n"
        );
        fs::write(folder.path().join("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (routes, is_warned) in [
        ("{ path: /*, upstream: none }", true),
        ("{ path: /*, upstream: none, add: [headers-secure] }", true),
        ("{ path: /*, upstream: none, add: [ip-filter] }", true),
        ("{ path: /*, upstream: none, add: [{ plugin: respond, config: { body: x } }] }", false),
    ] {
        let (code, said) = validate(routes);
        let needs_config = said.contains("refuses its config");
        assert!(code == Some(0) || needs_config, "{routes}: {said}");
        assert_eq!(
            said.contains("nobody answers requests of this route"),
            is_warned && !needs_config,
            "{routes}: {said}"
        );
    }
    let (code, said) = validate("{ path: /*, upstream: none, host_header: upstream }");
    assert!(code == Some(2) && said.contains("leads to no upstream"), "{said}");
}

#[test]
fn what_is_no_file_goes_on_to_the_upstream() {
    let folder = site();
    let origin = Origin::text("the app's");
    let directory = folder.path().join("public");
    let entry = format!("{{ plugin: respond, config: {{ directory: \"{}\", missing: next }} }}", directory.display());
    let proxy = Proxy::builder().filter(&entry).route("/*", "app", origin.address).start();
    assert_eq!(text(&proxy, "/digits.txt"), "0123456789");
    assert_eq!(text(&proxy, "/api/users"), "the app's");
    assert_eq!(origin.next().line, "GET /api/users HTTP/1.1");
    assert_eq!(text(&proxy, "/.env"), "the app's");
    let mut client = weir_tests::Client::connect(proxy.address);
    client.send("POST /digits.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.reply().text(), "the app's");
}

#[test]
fn files_are_found_without_the_prefix_that_the_route_strips() {
    let folder = site();
    let config = format!("{{ plugin: respond, config: {{ directory: \"{}/public\" }} }}", folder.path().display());
    let proxy = Proxy::builder().route_to("/static/*", "none", &format!("strip_prefix: true, add: [{config}]")).start();
    assert_eq!(text(&proxy, "/static/digits.txt"), "0123456789");
    assert_eq!(text(&proxy, "/static/"), "<h1>front</h1>");
    // References in the page are read from its last slash.
    assert_eq!(get(proxy.address, "/static?a").header("location"), Some("/static/?a"));
    assert_eq!(get(proxy.address, "/static/docs").header("location"), Some("/static/docs/"));
}

#[test]
fn a_directory_that_is_not_there_is_a_fault_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "x").unwrap();
    for (directory, words) in
        [("nowhere", "the directory `nowhere` cannot be opened"), ("file", "`file` is a file, not a directory")]
    {
        let text = format!(
            "version: 1\nlisteners: {{ main: {{ address: 127.0.0.1:0 }} }}\nsites:\n  - chain:\n      - plugin: respond\n        \
             config:\n          directory: {directory}\n    routes: [{{ path: /*, upstream: none }}]\n"
        );
        fs::write(folder.path().join("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && said.contains(words) && said.contains("weir.yaml:7:22"), "{said}");
    }
}
