//! What preflights are answered with.

use super::{of, with};
use weir::Flow;
use weir::testing::Answered;

const APP: &str = "https://app.example";

/// A preflight that asks about this, with these fields.
fn ask(config: &str, fields: &[(&str, &str)]) -> Answered {
    let (mut host, filter) = with(config);
    host.request.method("OPTIONS");
    for (name, value) in fields {
        host.request.header(name, value);
    }
    assert_eq!(host.on_request(&filter), Flow::Stop, "{fields:?}");
    host.reply.take().unwrap()
}

/// The fields of an answer.
fn fields(answer: &Answered) -> Vec<String> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let mut fields: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| name != "vary")
        .map(|(name, value)| format!("{name}: {}", text(value)))
        .collect();
    fields.sort();
    fields
}

const CONFIG: &str = r#"{"origins": ["https://app.example"], "methods": ["GET", "PUT"], "headers": ["Content-Type", "x-key"],
    "credentials": true, "max_age": "2h", "private_network": true}"#;

#[test]
fn what_is_asked_is_granted_if_all_of_it_is_configured() {
    let asked = [
        ("Origin", APP),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "content-type,x-key"),
    ];
    let answer = ask(CONFIG, &asked);
    assert_eq!((answer.status, answer.text(), answer.code.as_str()), (204, Some(""), "preflight"));
    let wanted = [
        "access-control-allow-credentials: true",
        "access-control-allow-headers: Content-Type, x-key",
        "access-control-allow-methods: GET, PUT",
        "access-control-allow-origin: https://app.example",
        "access-control-max-age: 7200",
    ];
    assert_eq!(fields(&answer), wanted);
    // Nothing is asked of headers, or they are spelt otherwise, or stand in several fields.
    for more in [
        &[][..],
        &[("access-control-request-headers", "")],
        &[("access-control-request-headers", " X-KEY ,, content-TYPE\t,")],
        &[("access-control-request-headers", "x-key"), ("access-control-request-headers", "content-type")],
    ] {
        let asked: Vec<(&str, &str)> = asked[..2].iter().chain(more).copied().collect();
        assert_eq!(fields(&ask(CONFIG, &asked)), wanted, "{more:?}");
    }
}

#[test]
fn a_private_network_is_reached_if_that_is_configured() {
    let asked =
        [("origin", APP), ("access-control-request-method", "GET"), ("access-control-request-private-network", "true")];
    let answer = ask(CONFIG, &asked);
    assert_eq!(answer.get("access-control-allow-private-network"), Some("true"));
    let answer = ask(&of(r#""https://app.example""#), &asked);
    assert_eq!((answer.code.as_str(), fields(&answer)), ("private-network-not-allowed", vec![]));
}

#[test]
fn the_defaults_allow_what_forms_and_json_need() {
    let config = of(r#""https://app.example""#);
    let asked = [
        ("origin", APP),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let wanted = [
        "access-control-allow-headers: content-type",
        "access-control-allow-methods: GET, HEAD, POST",
        "access-control-allow-origin: https://app.example",
        "access-control-max-age: 600",
    ];
    assert_eq!(fields(&ask(&config, &asked)), wanted);
}

#[test]
fn a_star_repeats_what_is_asked_because_it_is_no_star_with_credentials() {
    let config = r#"{"origins": ["https://app.example"], "methods": ["*"], "headers": ["*"], "credentials": true, "max_age": "0s"}"#;
    let asked = [
        ("origin", APP),
        ("access-control-request-method", "PURGE"),
        ("access-control-request-headers", "x-a, authorization"),
    ];
    let wanted = [
        "access-control-allow-credentials: true",
        "access-control-allow-headers: x-a, authorization",
        "access-control-allow-methods: PURGE",
        "access-control-allow-origin: https://app.example",
        "access-control-max-age: 0",
    ];
    assert_eq!(fields(&ask(config, &asked)), wanted);
    let answer =
        ask(r#"{"origins": ["*"], "headers": []}"#, &[("origin", APP), ("access-control-request-method", "GET")]);
    assert_eq!(
        (answer.get("access-control-allow-origin"), answer.get("access-control-allow-headers")),
        (Some("*"), None)
    );
}

#[test]
fn what_is_refused_has_no_field_that_allows_anything() {
    let method = ("access-control-request-method", "PUT");
    let long = "x-key,".repeat(300);
    let name = "x".repeat(200);
    for (asked, reason, detail) in [
        (&[("origin", "https://evil.test"), method][..], "origin-not-allowed", "https://evil.test"),
        (&[("origin", APP), ("origin", APP), method], "origin-not-allowed", "several origins"),
        (&[("origin", "null"), method], "origin-not-allowed", "null"),
        (&[("origin", APP), ("access-control-request-method", "DELETE")], "method-not-allowed", "DELETE"),
        (&[("origin", APP), ("access-control-request-method", "put")], "method-not-allowed", "put"),
        (&[("origin", APP), ("access-control-request-method", "PUT, GET")], "bad-preflight", "PUT, GET"),
        (&[("origin", APP), ("access-control-request-method", "")], "bad-preflight", ""),
        (&[("origin", APP), method, method], "bad-preflight", "PUT, PUT"),
        (
            &[("origin", APP), method, ("access-control-request-headers", "x-key, x-other")],
            "header-not-allowed",
            "x-other",
        ),
        (&[("origin", APP), method, ("access-control-request-headers", "*")], "header-not-allowed", "*"),
        (&[("origin", APP), method, ("access-control-request-headers", "x key")], "bad-preflight", "x key"),
        (&[("origin", APP), method, ("access-control-request-headers", &long)], "bad-preflight", &long[..200]),
        (&[("origin", APP), method, ("access-control-request-headers", &name)], "bad-preflight", &name),
    ] {
        let answer = ask(CONFIG, asked);
        assert_eq!((answer.status, answer.text()), (204, Some("")), "{asked:?}");
        assert_eq!((answer.code.as_str(), answer.detail.as_str()), (reason, detail), "{asked:?}");
        assert_eq!(fields(&answer), [""; 0], "{asked:?}");
        let vary = answer.get("vary").unwrap();
        for name in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
            assert!(vary.contains(name), "{vary}");
        }
    }
}

#[test]
fn what_is_no_preflight_goes_on() {
    for (method, asked) in [
        ("OPTIONS", &[("origin", APP)][..]),
        ("OPTIONS", &[("access-control-request-method", "PUT")]),
        ("OPTIONS", &[]),
        ("GET", &[("origin", APP), ("access-control-request-method", "PUT")]),
        ("options", &[("origin", APP), ("access-control-request-method", "PUT")]),
    ] {
        let (mut host, filter) = with(CONFIG);
        host.request.method(method);
        for (name, value) in asked {
            host.request.header(name, value);
        }
        assert_eq!(host.on_request(&filter), Flow::Next, "{method} {asked:?}");
    }
}
