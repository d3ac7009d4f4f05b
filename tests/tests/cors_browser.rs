//! `cors` and a real browser: pages of one origin, an API of another.

use std::io::Write;

use serde_json::{Value, json};
use weir_tests::{Origin, Page, Proxy, ProxyBuilder};

/// An upstream that tells what it got, and has headers to read.
fn api() -> Origin {
    Origin::raw(|received, stream| {
        let body = format!("{} {}", received.line, received.header("cookie").unwrap_or("-"));
        let head = "HTTP/1.1 200 OK\r\nX-Total: 3\r\nX-Hidden: 4\r\nSet-Cookie: session=ada; Path=/; SameSite=Lax\r\n";
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).is_ok()
    })
}

/// A proxy before it, with these entries of the chain.
fn proxy(chain: &[&str], origin: &Origin) -> Proxy {
    let proxy = chain.iter().fold(Proxy::builder().top("workers: 1"), |proxy, entry| proxy.filter(entry));
    ProxyBuilder::route(proxy, "/*", "api", origin.address).start()
}

/// `cors` with this configuration.
fn cors(config: &str) -> String {
    format!("{{ plugin: cors, config: {{ {config} }} }}")
}

/// What a page gets that fetches these: paths with options, in JavaScript. It is the name of an error, or status, body and
/// two headers.
fn fetches(page: &Page, host: &str, proxy: &Proxy, fetches: &[&str]) -> Vec<Value> {
    let script = format!(
        "const ask = async (path, options) => {{
           try {{
             const response = await fetch('http://localhost:{}' + path, options);
             const [total, hidden] = ['x-total', 'x-hidden'].map(name => response.headers.get(name));
             return [response.status, await response.text(), total, hidden];
           }} catch (error) {{ return error.name; }}
         }};
         const all = [];
         {}
         return all;",
        proxy.address.port(),
        fetches.iter().map(|fetch| format!("all.push(await ask({fetch}));\n")).collect::<String>()
    );
    match page.visit(host, &script) {
        Value::Array(all) => all,
        other => panic!("{other}"),
    }
}

const PUT: &str =
    "'/put', { method: 'PUT', headers: { 'x-key': '1', 'content-type': 'application/json' }, body: '{}' }";
const REFUSED: &str = "TypeError";

/// The request lines that reached the upstream.
fn lines(origin: &Origin) -> Vec<String> {
    origin.arrived().into_iter().map(|received| received.line.replace(" HTTP/1.1", "")).collect()
}

#[test]
fn a_browser_lets_pages_of_allowed_origins_read_and_no_others() {
    let (page, origin) = (Page::start(), api());
    let config = format!(
        "origins: [\"{}\", \"http://*.localhost:*\"], methods: [GET, PUT], headers: [content-type, x-key], expose: [x-total]",
        page.origin("localhost")
    );
    let proxy = proxy(&[&cors(&config)], &origin);
    let asks = ["'/get'", PUT, "'/delete', { method: 'DELETE' }", "'/header', { headers: { 'x-other': '1' } }"];
    for host in ["localhost", "shop.localhost"] {
        assert_eq!(
            fetches(&page, host, &proxy, &asks),
            [
                json!([200, "GET /get HTTP/1.1 -", "3", null]),
                json!([200, "PUT /put HTTP/1.1 -", "3", null]),
                json!(REFUSED),
                json!(REFUSED)
            ],
            "{host}"
        );
        assert_eq!(lines(&origin), ["GET /get", "PUT /put"], "{host}");
    }
    for host in ["127.0.0.1", "a.shop.localhost"] {
        assert_eq!(fetches(&page, host, &proxy, &asks), [REFUSED; 4], "{host}");
        // What needs no preflight is sent, and not read.
        assert_eq!(lines(&origin), ["GET /get"], "{host}");
    }
}

#[test]
fn without_the_filter_a_browser_refuses() {
    let (page, origin) = (Page::start(), api());
    let proxy = proxy(&[], &origin);
    assert_eq!(fetches(&page, "localhost", &proxy, &["'/get'", PUT]), [REFUSED; 2]);
    assert_eq!(lines(&origin), ["GET /get", "OPTIONS /put"]);
}

#[test]
fn a_browser_sends_cookies_where_credentials_are_allowed() {
    let (page, origin) = (Page::start(), api());
    let include = "'/who', { credentials: 'include' }";
    let named = format!("origins: [\"{}\"]", page.origin("localhost"));
    let with = proxy(&[&cors(&format!("{named}, credentials: true"))], &origin);
    let asks = [include, include, "'/who'"];
    let told = fetches(&page, "localhost", &with, &asks);
    let bodies: Vec<&Value> = told.iter().map(|one| &one[1]).collect();
    assert_eq!(bodies, ["GET /who HTTP/1.1 -", "GET /who HTTP/1.1 session=ada", "GET /who HTTP/1.1 -"], "{told:?}");
    for config in [named.as_str(), "origins: [\"*\"]"] {
        let without = proxy(&[&cors(config)], &origin);
        let told = fetches(&page, "localhost", &without, &[include, "'/who'"]);
        assert_eq!((&told[0], &told[1][0]), (&json!(REFUSED), &json!(200)), "{config}");
    }
}

#[test]
fn a_page_reads_why_it_was_refused_if_cors_stands_before_the_keys() {
    let (page, origin) = (Page::start(), api());
    // The hash of `sesame`.
    let keys = "{ plugin: auth-key, config: { keys: [{ hash: d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272, id: ada }] } }";
    let cors = cors(&format!("origins: [\"{}\"], headers: [x-api-key]", page.origin("localhost")));
    let asks = ["'/a'", "'/b', { headers: { 'x-api-key': 'sesame' } }", "'/c', { headers: { 'x-api-key': 'guess' } }"];
    let before = proxy(&[&cors, keys], &origin);
    assert_eq!(
        fetches(&page, "localhost", &before, &asks),
        [
            json!([401, "Unauthorized\n", null, null]),
            json!([200, "GET /b HTTP/1.1 -", null, null]),
            json!([401, "Unauthorized\n", null, null])
        ]
    );
    let behind = proxy(&[keys, &cors], &origin);
    assert_eq!(fetches(&page, "localhost", &behind, &asks), [REFUSED; 3]);
}

#[test]
fn a_browser_asks_once_in_the_time_that_it_is_told() {
    let (page, origin) = (Page::start(), api());
    for (max_age, preflights) in [("10m", 1), ("0s", 3)] {
        let config = format!(
            "origins: [\"{}\"], methods: [PUT, PATCH], headers: [content-type, x-key], max_age: {max_age}",
            page.origin("localhost")
        );
        let proxy = proxy(&[&cors(&config)], &origin);
        // What one answer allows holds for other methods, too.
        let told = fetches(&page, "localhost", &proxy, &[PUT, PUT, &PUT.replace("'PUT'", "'PATCH'")]);
        assert!(told.iter().all(|one| one[0] == 200), "{told:?}");
        let records: Vec<Value> = (1..=3 + preflights).map(|count| proxy.record(count)).collect();
        let asked = records.iter().filter(|record| record["method"] == "OPTIONS" && record["reason"] == "preflight");
        assert_eq!(asked.count(), preflights, "{max_age}: {records:?}");
    }
}
