//! Which origins are let in by what is written.

use super::{of, with};

/// What is written, whom it lets in, and who is refused.
type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const TABLE: [Row; 12] = [
    (
        r#""https://app.example""#,
        &["https://app.example", "https://app.example:443", "HTTPS://App.Example"],
        &[
            "http://app.example",
            "https://app.example:444",
            "https://app.example:8443",
            "https://app.example.evil.test",
            "https://evil.test/https://app.example",
            "https://evilapp.example",
            "https://xapp.example",
            "https://www.app.example",
            "https://app.example.",
            "https://app.example/",
            "https://app.example@evil.test",
            "app.example",
            "//app.example",
            "null",
        ],
    ),
    (r#""http://LOCALHOST:3000""#, &["http://localhost:3000"], &["http://localhost", "http://localhost:30000"]),
    (r#""http://app.example:80""#, &["http://app.example", "http://app.example:80"], &["https://app.example"]),
    (r#""https://app.example:80""#, &["https://app.example:80"], &["https://app.example", "http://app.example"]),
    (
        r#""https://*.example.com""#,
        &["https://a.example.com", "https://A.EXAMPLE.com:443", "https://xn--bcher-kva.example.com"],
        &[
            "https://example.com",
            "https://.example.com",
            "https://a.b.example.com",
            "https://evilexample.com",
            "https://a.example.com.evil.test",
            "http://a.example.com",
            "https://a.example.com:8443",
            "https://a_example.com",
        ],
    ),
    (r#""https://*.example.com:8443""#, &["https://a.example.com:8443"], &["https://a.example.com"]),
    (
        r#""http://localhost:*""#,
        &["http://localhost", "http://localhost:3000", "http://localhost:65535"],
        &[
            "https://localhost",
            "http://localhost:",
            "http://localhost:65536",
            "http://a.localhost:3000",
            "http://localhost:+1",
        ],
    ),
    (
        r#""http://*.localhost:*""#,
        &["http://a.localhost:3000"],
        &["http://localhost:3000", "http://a.b.localhost:3000"],
    ),
    (r#""http://[::1]:3000""#, &["http://[::1]:3000"], &["http://[::1]", "http://[::1]:3001", "http://[::1"]),
    (
        r#""chrome-extension://abcdefghijklmnop""#,
        &["chrome-extension://abcdefghijklmnop"],
        &["chrome-extension://abcdefghijklmnoq", "moz-extension://abcdefghijklmnop"],
    ),
    (r#""null""#, &["null"], &["NULL", "Null", "", "https://null"]),
    (
        r#"{"regex": "https://(www|pr-[0-9]+)\\.example\\.com(:84[0-9]{2})?|http://localhost:3000"}"#,
        &[
            "https://www.example.com",
            "https://pr-17.example.com",
            "https://PR-17.EXAMPLE.com:443",
            "https://pr-17.example.com:8443",
            "http://localhost:3000",
        ],
        &[
            "https://example.com",
            "https://pr-.example.com",
            "https://pr-17.exampleXcom",
            "https://www.example.com.evil.test",
            "https://evil.test/?https://www.example.com",
            "xhttps://www.example.com",
            "http://localhost:30000",
            "null",
        ],
    ),
];

#[test]
fn origins_are_let_in_as_they_are_written() {
    for (written, let_in, refused) in TABLE {
        let config = of(written);
        for (origin, is_let_in) in let_in.iter().map(|one| (one, true)).chain(refused.iter().map(|one| (one, false))) {
            let (mut host, filter) = with(&config);
            host.request.header("Origin", origin);
            host.on_response(&filter);
            let wanted = is_let_in.then_some(*origin);
            assert_eq!(host.response.get("access-control-allow-origin"), wanted, "{origin} with {written}");
            assert_eq!(host.response.all("vary"), ["Origin"], "{origin} with {written}");
            assert_eq!(host.notes.len(), usize::from(!is_let_in), "{origin} with {written}");
        }
    }
}

#[test]
fn each_of_many_origins_is_found() {
    let many: Vec<String> = (0..1000).map(|number| format!("\"https://app-{number}.example\"")).collect();
    let (_, filter) = with(&of(&many.join(", ")));
    for (number, is_let_in) in [(0, true), (1, true), (500, true), (999, true), (1000, false)] {
        let origin = format!("https://app-{number}.example");
        assert_eq!(filter.origins.has(origin.as_bytes()), is_let_in, "{origin}");
    }
}

#[test]
fn several_origins_and_garbage_are_nobody() {
    for origins in [
        &["https://app.example", "https://app.example"][..],
        &["https://app.example", "https://evil.test"],
        &["https://app.example https://app.example"],
        &["https://app.example, https://app.example"],
        &["https://app.example\u{e4}"],
        &["://app.example"],
        &["https://"],
        &["https://:443"],
        &[""],
    ] {
        let (mut host, filter) = with(&of(r#""https://app.example", { "regex": "https://app\\.example[a-z, :/]*" }"#));
        for origin in origins {
            host.request.header("origin", origin);
        }
        host.on_response(&filter);
        assert_eq!(host.response.get("access-control-allow-origin"), None, "{origins:?}");
        assert_eq!(host.response.get("vary"), Some("Origin"), "{origins:?}");
    }
    let (mut host, filter) = with(&of(r#"{ "regex": "https://[a-z0-9.-]+\\.example" }"#));
    host.request.header("origin", b"https://a\xFF.example").header("x", "y");
    host.on_response(&filter);
    assert_eq!(host.response.get("access-control-allow-origin"), None);
    // Longer than a host can be.
    host.request.fields.clear();
    host.request.header("origin", format!("https://{}.example", "a".repeat(400)));
    host.on_response(&filter);
    assert_eq!(host.response.get("access-control-allow-origin"), None);
}
