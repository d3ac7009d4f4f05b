//! Which file a request is for, and with which fields it is sent.

use weir::testing::{Answered, Host};
use weir::{Faults, Flow};

use crate::Respond;

const SITE: [(&str, &str); 13] = [
    ("index.html", "front"),
    ("app.js", "code"),
    ("app.js.br", "br"),
    ("app.js.gz", "gz"),
    ("docs/index.html", "docs"),
    ("docs/a b.html", "a b"),
    ("docs/ü.html", "ü"),
    ("docs/100%.txt", "all"),
    (".git/config", "secret"),
    (".well-known/security.txt", "contact"),
    ("docs/.well-known/x", "hidden"),
    ("plain", "plain"),
    ("404.html", "sorry"),
];

fn host() -> Host {
    let mut host = Host::new();
    host.directory("site", &SITE);
    host
}

/// What comes of a GET for a path, with these keys beside the directory.
fn ask(path: &str, keys: &str, set: impl FnOnce(&mut Host)) -> Option<Answered> {
    let mut host = host();
    host.request.path(path);
    set(&mut host);
    let config = format!(r#"{{"directory": "site"{keys}}}"#);
    let filter: Respond = host.configure(&config).unwrap_or_else(|faults| panic!("{config}: {faults:?}"));
    match host.on_request(&filter) {
        Flow::Stop => host.reply.take(),
        flow => {
            assert_eq!(flow, Flow::Next, "{path}");
            None
        }
    }
}

fn get(path: &str, keys: &str) -> Answered {
    ask(path, keys, |_| {}).unwrap_or_else(|| panic!("{path} goes on"))
}

fn text(path: &str, keys: &str) -> String {
    let reply = get(path, keys);
    if reply.status == 200 { reply.text().unwrap().to_owned() } else { reply.status.to_string() }
}

#[test]
fn a_path_is_one_file_or_none() {
    for (path, wanted) in [
        ("/", "front"),
        ("/index.html", "front"),
        ("/docs/", "docs"),
        ("/docs/a%20b.html", "a b"),
        ("/docs/%C3%BC.html", "ü"),
        ("/docs/100%25.txt", "all"),
        ("/.well-known/security.txt", "contact"),
        ("/plain", "plain"),
    ] {
        assert_eq!(text(path, ""), wanted, "{path}");
    }
    for path in [
        "/none",
        "/plain/",
        "/docs/index.html/",
        "//plain",
        "/docs//index.html",
        "/docs/../plain",
        "/docs/%2e%2e/plain",
        "/docs/%2E%2E%2Fplain",
        "/docs/%252e%252e/plain",
        "/docs%2findex.html",
        "/docs%5cindex.html",
        "/docs\\index.html",
        "/plain%00.html",
        "/plain%0",
        "/plain%zz",
        "/%ff",
        "/./plain",
        "/.git/config",
        "/%2egit/config",
        "/docs/.well-known/x",
    ] {
        assert_eq!(text(path, ""), "404", "{path}");
    }
    assert_eq!(text(&format!("/{}", "a".repeat(5000)), ""), "404");
    assert_eq!(text("/.git/config", r#", "hidden": true"#), "secret");
}

#[test]
fn a_folder_has_a_slash_and_its_index() {
    for (path, query, location) in [
        ("/docs", None, "/docs/"),
        ("/docs", Some("a=b&c=%20"), "/docs/?a=b&c=%20"),
        // Another host, if it were taken as it is.
        ("//docs", None, ""),
    ] {
        let reply = ask(path, "", |host| {
            query.map(|query| host.request.query(query));
        });
        let reply = reply.unwrap();
        assert_eq!(reply.get("location").unwrap_or_default(), location, "{path}");
        assert_eq!(reply.status, if location.is_empty() { 404 } else { 308 }, "{path}");
    }
    assert_eq!(get("/docs", r#", "index": []"#).status, 404);
    assert_eq!(get("/docs/", r#", "index": []"#).status, 404);
    let keys = r#", "index": ["none.html", "a b.html", "index.html"]"#;
    assert_eq!((text("/docs/", keys).as_str(), get("/docs", keys).status), ("a b", 308));
    // The names of folders without an index are nobody's business.
    assert_eq!(get("/.well-known", "").status, 404);
}

#[test]
fn what_is_not_there_has_a_page_or_goes_on() {
    let reply = get("/none", "");
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (404, Some("404 Not Found\n"), "no-file"));
    assert_eq!(text("/some/view", r#", "fallback": "/index.html""#), "front");
    assert_eq!(text("/.git/config", r#", "fallback": "/index.html""#), "front");
    let reply = get("/none", r#", "not_found": "/404.html""#);
    assert_eq!(
        (reply.status, reply.text(), reply.get("content-type")),
        (404, Some("sorry"), Some("text/html; charset=utf-8"))
    );
    let next = r#", "missing": "next""#;
    assert!(ask("/none", next, |_| {}).is_none());
    assert!(ask("/%00", next, |_| {}).is_none());
    assert_eq!(text("/plain", next), "plain");
}

#[test]
fn only_get_and_head_are_answered() {
    let method = |method: &str, keys: &str| {
        ask("/plain", keys, |host| {
            host.request.method(method);
        })
    };
    assert_eq!(method("HEAD", "").unwrap().status, 200);
    for other in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let reply = method(other, "").unwrap();
        assert_eq!((reply.status, reply.get("allow"), reply.code.as_str()), (405, Some("GET, HEAD"), "method"));
        assert!(method(other, r#", "missing": "next""#).is_none());
    }
}

#[test]
fn files_have_types_and_the_fields_that_are_written() {
    for (path, kind) in [
        ("/app.js", "text/javascript; charset=utf-8"),
        ("/docs/", "text/html; charset=utf-8"),
        ("/plain", "application/octet-stream"),
    ] {
        let reply = get(path, "");
        assert_eq!((reply.get("content-type"), reply.get("x-content-type-options")), (Some(kind), Some("nosniff")));
        assert_eq!((reply.get("vary"), reply.get("cache-control"), reply.get("content-encoding")), (None, None, None));
    }
    assert_eq!(get("/app.js", r#", "types": {".JS": "text/x"}"#).get("content-type"), Some("text/x"));
    let keys = r#", "headers": {"X-Path": "{path}", "cache-control": "no-store"},
        "cache_control": {"/docs/*": "private", "*.js": "immutable", "/plain": "max-age=1", "*.html": "no-cache"}"#;
    for (path, said) in [
        ("/docs/", "private"),
        ("/app.js", "immutable"),
        ("/plain", "max-age=1"),
        ("/", "no-cache"),
        ("/.well-known/security.txt", "no-store"),
    ] {
        let reply = get(path, keys);
        let said_of: Vec<_> = reply.headers.iter().filter(|(name, _)| name == "cache-control").collect();
        assert_eq!((reply.get("cache-control"), said_of.len()), (Some(said), 1), "{path}");
        assert_eq!(reply.get("x-path"), Some(path));
    }
    let long = ask("/plain", r#", "headers": {"x-q": "{query:q}"}"#, |host| {
        host.request.query(&format!("q={}", "a".repeat(600 << 10)));
    });
    assert_eq!(long.unwrap().status, 431);
}

#[test]
fn the_form_is_sent_that_the_client_takes() {
    let keys = r#", "precompressed": ["br", "zstd", "gzip"]"#;
    for (accepts, coding) in [
        ("", None),
        ("gzip", Some("gzip")),
        ("gzip, br", Some("br")),
        ("GZIP;q=0.5, br ; q=0.00", Some("gzip")),
        ("zstd", None),
        ("*", Some("br")),
        ("*, br;q=0", Some("gzip")),
        ("*;q=0, gzip", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("brr, gzi", None),
    ] {
        let reply = ask("/app.js", keys, |host| {
            host.request.header("accept-encoding", accepts);
        });
        let reply = reply.unwrap();
        assert_eq!(reply.get("content-encoding"), coding, "{accepts}");
        let wanted = coding.map_or("code", |coding| if coding == "br" { "br" } else { "gz" });
        assert_eq!((reply.text(), reply.get("vary")), (Some(wanted), Some("accept-encoding")), "{accepts}");
        assert_eq!(reply.get("content-type"), Some("text/javascript; charset=utf-8"));
    }
}

#[test]
fn what_cannot_be_meant_is_told_where_it_is() {
    let faults = |config: &str| {
        let faults: Faults = host().configure::<Respond>(config).err().unwrap_or_else(|| panic!("{config} is taken"));
        faults.iter().map(|fault| fault.pointer.clone()).collect::<Vec<_>>()
    };
    for (keys, pointers) in [
        (r#""body": "x""#, &["/directory"][..]),
        (r#""status": 404"#, &["/directory"]),
        (r#""index": ["a/b", "..", "", "%20"]"#, &["/index/0", "/index/1", "/index/2", "/index/3"]),
        (r#""index": ["1","2","3","4","5","6","7","8","9"]"#, &["/index"]),
        (r#""fallback": "index.html""#, &["/fallback"]),
        (r#""fallback": "/docs/""#, &["/fallback"]),
        (r#""not_found": "/../x""#, &["/not_found"]),
        (r#""not_found": "/a", "fallback": "/b""#, &["/not_found"]),
        (r#""not_found": "/a", "missing": "next""#, &["/not_found"]),
        (r#""types": {"a.b": "text/x", "c": "text"}"#, &["/types/a.b", "/types/c"]),
        (
            r#""cache_control": {"a": "x", "/a*": "x", "*.a*": "x", "/x": "a\nb"}"#,
            &["/cache_control/a", "/cache_control/~1a*", "/cache_control/*.a*", "/cache_control/~1x"],
        ),
        (r#""headers": {"content-type": "text/x"}"#, &["/headers/content-type"]),
    ] {
        assert_eq!(faults(&format!(r#"{{"directory": "site", {keys}}}"#)), pointers, "{keys}");
    }
    let keys = r#""body": "x", "index": [], "fallback": "/a", "not_found": "/b", "missing": "next", "hidden": true,
        "precompressed": [], "types": {}, "cache_control": {}"#;
    let all =
        ["/index", "/fallback", "/not_found", "/missing", "/hidden", "/precompressed", "/types", "/cache_control"];
    assert_eq!(faults(&format!("{{{keys}}}")), all);
}
