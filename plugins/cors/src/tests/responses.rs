//! What responses get.

use super::{of, with};
use weir::Origin;

const APP: &str = "https://app.example";

/// The fields of a response after the filter.
fn after(config: &str, origin: Option<&str>, upstream: &[(&str, &str)]) -> Vec<String> {
    let (mut host, filter) = with(config);
    if let Some(origin) = origin {
        host.request.header("origin", origin);
    }
    for (name, value) in upstream {
        host.response.header(name, value);
    }
    host.on_response(&filter);
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let mut fields: Vec<String> =
        host.response.fields.iter().map(|(name, value)| format!("{}: {}", name.to_lowercase(), text(value))).collect();
    fields.sort();
    fields
}

const CREDENTIALS: &str = r#"{"origins": ["https://app.example"], "credentials": true, "expose": ["x-total", "ETag"]}"#;

#[test]
fn an_allowed_origin_reads_what_is_configured_and_others_nothing() {
    assert_eq!(
        after(&of(r#""https://app.example""#), Some(APP), &[]),
        ["access-control-allow-origin: https://app.example", "vary: Origin"]
    );
    let whole = [
        "access-control-allow-credentials: true",
        "access-control-allow-origin: https://app.example",
        "access-control-expose-headers: x-total, ETag",
        "vary: Origin",
    ];
    assert_eq!(after(CREDENTIALS, Some(APP), &[]), whole);
    for other in [None, Some("https://evil.test")] {
        assert_eq!(after(CREDENTIALS, other, &[]), ["vary: Origin"]);
    }
}

#[test]
fn a_star_is_the_same_for_everybody() {
    for origin in [None, Some(APP), Some("null")] {
        assert_eq!(after(&of(r#""*""#), origin, &[]), ["access-control-allow-origin: *"]);
    }
    let exposed = r#"{"origins": ["*"], "expose": ["*"]}"#;
    assert_eq!(after(exposed, None, &[]), ["access-control-allow-origin: *", "access-control-expose-headers: *"]);
}

#[test]
fn vary_is_there_once() {
    for (upstream, wanted) in [
        (&[("Vary", "Accept-Encoding")][..], &["vary: Accept-Encoding", "vary: Origin"][..]),
        (&[("Vary", "Accept-Encoding, oRIGIN")], &["vary: Accept-Encoding, oRIGIN"]),
        (&[("Vary", "Accept"), ("vary", " origin ")], &["vary:  origin ", "vary: Accept"]),
        (&[("Vary", "*")], &["vary: *"]),
        (&[("Vary", "X-Origin, Origin-Agent-Cluster")], &["vary: Origin", "vary: X-Origin, Origin-Agent-Cluster"]),
    ] {
        assert_eq!(after(&of(r#""https://app.example""#), None, upstream), wanted);
    }
}

/// An upstream that lets everybody in.
const GENEROUS: [(&str, &str); 4] = [
    ("Access-Control-Allow-Origin", "*"),
    ("access-control-allow-origin", "https://evil.test"),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Expose-Headers", "x-secret"),
];

#[test]
fn what_the_upstream_says_is_replaced() {
    let config = of(r#""https://app.example""#);
    let ours = ["access-control-allow-origin: https://app.example", "vary: Origin"];
    assert_eq!(after(&config, Some(APP), &GENEROUS), ours);
    // It says no origin, but what would hold for ours.
    assert_eq!(after(&config, Some(APP), &GENEROUS[2..]), ours);
    assert_eq!(after(&of(r#""*""#), None, &GENEROUS), ["access-control-allow-origin: *"]);
    for other in [None, Some("https://evil.test")] {
        let fields = after(&config, other, &GENEROUS);
        assert!(!fields.iter().any(|field| field.starts_with("access-control-allow-origin")), "{fields:?}");
    }
}

#[test]
fn what_the_upstream_says_is_kept_where_that_is_wanted() {
    let config = r#"{"origins": ["https://app.example"], "upstream": "keep"}"#;
    let upstream =
        [("Access-Control-Allow-Origin", "https://partner.example"), ("Access-Control-Allow-Credentials", "true")];
    for origin in [None, Some(APP), Some("https://evil.test")] {
        let wanted = [
            "access-control-allow-credentials: true",
            "access-control-allow-origin: https://partner.example",
            "vary: Origin",
        ];
        assert_eq!(after(config, origin, &upstream), wanted);
    }
    // It says nothing of an origin.
    assert_eq!(
        after(config, Some(APP), &upstream[1..]),
        ["access-control-allow-origin: https://app.example", "vary: Origin"]
    );
}

#[test]
fn answers_of_filters_and_of_the_host_can_be_read_too() {
    for (source, status) in [(Origin::Filter, 401), (Origin::Host, 502), (Origin::Upstream, 500)] {
        let (mut host, filter) = with(CREDENTIALS);
        host.request.header("origin", APP);
        host.response.source(source).status(status);
        host.on_response(&filter);
        assert_eq!(host.response.get("access-control-allow-origin"), Some(APP));
    }
}
