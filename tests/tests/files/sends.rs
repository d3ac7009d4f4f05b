//! The capability `files`: granted, not granted, misused.

use weir_tests::{Client, Origin, Proxy, Reply};

use super::site;

fn proxy(entry: &str) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream");
    let proxy = Proxy::builder().guest("sends", "sends", entry).route("/*", "app", origin.address).start();
    (proxy, origin)
}

fn ask(proxy: &Proxy, what: &str, path: &str) -> Reply {
    Client::connect(proxy.address).get("/", &format!("X-Do: {what}\r\nX-Path: {path}\r\n"))
}

#[test]
fn a_filter_has_files_sent_that_it_never_sees() {
    let folder = site();
    let (proxy, _origin) = proxy(&format!("config: {{ directory: \"{}/public\" }}", folder.path().display()));
    let reply = ask(&proxy, "look", "none,docs/a b.txt,digits.txt");
    assert_eq!((reply.text().as_str(), reply.header("x-file")), ("a b", Some("docs/a b.txt")));
    // Validators are the host's.
    assert_ne!(reply.header("etag"), Some("\"own\""));
    let reply = ask(&proxy, "look", "none,docs/index.html>/docs/");
    assert_eq!((reply.status, reply.header("location"), reply.body.len()), (308, Some("/docs/"), 0));
    assert_eq!(proxy.record(2)["reason"], "redirect");
    assert_eq!(ask(&proxy, "look", "none,docs").status, 404);
    assert_eq!(ask(&proxy, "on", "none,docs").text(), "from the upstream");
    assert_eq!(ask(&proxy, "on", "digits.txt").text(), "0123456789");
    // After a pause, too.
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nX-Do: later\r\nX-Path: digits.txt\r\nContent-Length: 2\r\n\r\nhi");
    assert_eq!(client.reply().text(), "0123456789");
}

#[test]
fn what_cannot_be_sent_is_refused() {
    let folder = site();
    let (proxy, _origin) = proxy(&format!("config: {{ directory: \"{}/public\" }}", folder.path().display()));
    for (what, said) in [
        ("none", "invalid-value"),
        ("many", "too-large"),
        ("long", "too-large"),
        ("status", "invalid-value"),
        ("header", "forbidden"),
        ("name", "invalid-name"),
        ("location", "invalid-value"),
        ("other", "denied"),
        ("reply", "reply"),
    ] {
        assert_eq!(ask(&proxy, what, "").text(), said, "{what}");
    }
    for path in ["", "/digits.txt", "../secret.txt", "docs/../digits.txt", "a//b", "a/", ".", "a\\b", "aNUL"] {
        assert_eq!(ask(&proxy, "path", path).text(), "invalid-value", "{path}");
    }
    let reply = Client::connect(proxy.address).get("/", "X-Late: yes\r\n");
    assert_eq!(reply.header("x-said"), Some("wrong-hook"));
}

#[test]
fn without_a_directory_it_is_denied_and_one_of_several_alternatives_sends_none() {
    let (proxy, _origin) = proxy("config: {}");
    assert_eq!(ask(&proxy, "path", "a").text(), "denied");
    let folder = site();
    let origin = Origin::text("from the upstream");
    let config = format!("config: {{ directory: \"{}/public\" }}", folder.path().display());
    let proxy = Proxy::builder()
        .plugin("sends", "sends", "")
        .filter(&format!("{{ any_of: [{{ plugin: sends, {config} }}, {{ plugin: sends, name: other, {config} }}] }}"))
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(ask(&proxy, "path", "digits.txt").text(), "wrong-hook");
}
