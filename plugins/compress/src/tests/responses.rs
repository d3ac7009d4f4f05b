//! Which responses are compressed.

use weir::Coding;
use weir::testing::Host;

use super::{encoded, exchange, pass};
use crate::Compress;

#[test]
fn what_clients_take_is_used_at_the_operators_levels() {
    let config = r#"{"codings": ["br", "gzip", "zstd"], "level": {"gzip": 9, "br": 1, "zstd": 7}}"#;
    for (takes, wanted) in [
        ("gzip", Some((Coding::Gzip, Some(9)))),
        ("gzip, br", Some((Coding::Brotli, Some(1)))),
        ("zstd", Some((Coding::Zstd, Some(7)))),
        ("deflate", None),
    ] {
        let mut host = exchange(Some(takes), 5000);
        pass(&mut host, config);
        assert_eq!(host.response.encoded, wanted, "{takes}");
        assert_eq!(host.response.all("vary"), ["Accept-Encoding"], "{takes}");
    }
    let mut host = exchange(Some("gzip, br, zstd"), 5000);
    pass(&mut host, "{}");
    assert_eq!((host.response.encoded, host.notes), (Some((Coding::Zstd, Some(3))), vec!["zstd".to_owned()]));
}

#[test]
fn types_are_matched_without_parameters_and_case() {
    let is_encoded = |kind: Option<&str>, config: &str| {
        let mut host = Host::new();
        host.request.header("accept-encoding", "gzip");
        if let Some(kind) = kind {
            host.response.header("content-type", kind);
        }
        pass(&mut host, config);
        assert_eq!(host.response.get("vary").is_some(), encoded(&host).is_some(), "{kind:?}");
        encoded(&host).is_some()
    };
    for kind in [
        "text/html",
        "Text/HTML; charset=utf-8",
        "text/event-stream",
        "application/json",
        "application/problem+json ;x=y",
        "image/svg+xml",
        "application/wasm",
    ] {
        assert!(is_encoded(Some(kind), "{}"), "{kind}");
    }
    for kind in [
        "image/png",
        "video/mp4",
        "application/octet-stream",
        "application/zip",
        "application/grpc",
        "application/grpc+json",
        "application/grpc-web-text+json",
        "text",
        "",
        "+json\u{fc}",
    ] {
        assert!(!is_encoded(Some(kind), "{}"), "{kind}");
    }
    assert!(!is_encoded(None, "{}"));
    let config = r#"{"types": ["Application/PDF", "model/*", "*+fast"]}"#;
    for (kind, wanted) in
        [("application/pdf", true), ("model/obj", true), ("x/y+fast", true), ("modelx/y", false), ("text/html", false)]
    {
        assert_eq!(is_encoded(Some(kind), config), wanted, "{kind}");
    }
}

#[test]
fn small_bodies_stay_as_they_are_unless_the_client_refuses_that() {
    for (takes, length, is_encoded) in
        [("gzip", 1023, false), ("gzip", 1024, true), ("gzip, identity;q=0", 10, true), ("identity;q=0", 10, false)]
    {
        let mut host = exchange(Some(takes), length);
        pass(&mut host, "{}");
        assert_eq!(encoded(&host).is_some(), is_encoded, "{takes} {length}");
        // Nobody would get it otherwise.
        assert_eq!(host.response.get("vary").is_some(), is_encoded, "{takes} {length}");
    }
    let mut host = exchange(Some("gzip"), 10);
    pass(&mut host, r#"{"min_size": "10B"}"#);
    assert_eq!(encoded(&host), Some(Coding::Gzip));
    // Of what has no length nobody knows that it is small.
    let mut host = Host::new();
    host.request.header("accept-encoding", "gzip");
    host.response.header("content-type", "text/plain");
    pass(&mut host, "{}");
    assert_eq!(encoded(&host), Some(Coding::Gzip));
}

#[test]
fn what_must_not_be_transformed_or_is_encoded_stays_as_it_is() {
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-encoding", "br, gzip"),
        ("cache-control", "public, No-Transform"),
        ("cache-control", "no-transform, max-age=1"),
    ] {
        let mut host = exchange(Some("gzip"), 5000);
        host.response.header(name, value);
        pass(&mut host, "{}");
        assert_eq!((encoded(&host), host.response.get("vary")), (None, None), "{name}: {value}");
    }
    let mut host = exchange(Some("gzip"), 5000);
    host.response.header("cache-control", "private").header("cache-control", "no-transform");
    pass(&mut host, "{}");
    assert_eq!(encoded(&host), None);
    // The client may say so, too; others get it compressed.
    let mut host = exchange(Some("gzip"), 5000);
    host.request.header("cache-control", "no-transform");
    pass(&mut host, "{}");
    assert_eq!((encoded(&host), host.response.get("vary")), (None, Some("Accept-Encoding")));
    for status in [204, 205, 206] {
        let mut host = exchange(Some("gzip"), 5000);
        host.response.status(status);
        pass(&mut host, "{}");
        assert_eq!((encoded(&host), host.response.get("vary")), (None, None), "{status}");
    }
    for status in [200, 201, 404, 500] {
        let mut host = exchange(Some("gzip"), 5000);
        host.response.status(status);
        pass(&mut host, "{}");
        assert_eq!(encoded(&host), Some(Coding::Gzip), "{status}");
    }
}

#[test]
fn vary_is_said_once_and_to_those_who_take_nothing_too() {
    for (takes, there, wanted) in [
        (None, &[][..], &["Accept-Encoding"][..]),
        (Some("br;q=0"), &[], &["Accept-Encoding"]),
        (Some("gzip"), &["Origin"], &["Origin", "Accept-Encoding"]),
        (Some("gzip"), &["Origin, accept-encoding"], &["Origin, accept-encoding"]),
        (Some("gzip"), &["Origin", "Accept-Encoding"], &["Origin", "Accept-Encoding"]),
        (Some("gzip"), &["*"], &["*"]),
    ] {
        let mut host = exchange(takes, 5000);
        for value in there {
            host.response.header("vary", value);
        }
        pass(&mut host, "{}");
        assert_eq!(host.response.all("vary"), wanted, "{takes:?} {there:?}");
    }
}

#[test]
fn what_the_client_takes_is_known_though_others_take_the_field_away() {
    let mut host = exchange(Some("br"), 5000);
    let filter: Compress = host.configure("{}").unwrap();
    host.on_request(&filter);
    assert_eq!(host.request.get("accept-encoding"), Some("br"));
    host.request.fields.clear();
    host.on_response(&filter);
    assert_eq!(encoded(&host), Some(Coding::Brotli));
    // This filter does so itself, if upstreams are not to compress.
    let mut host = exchange(Some("br"), 5000);
    host.request.header("accept-encoding", "gzip;q=0.1");
    let filter: Compress = host.configure(r#"{"upstream": "identity"}"#).unwrap();
    host.on_request(&filter);
    assert_eq!(host.request.get("accept-encoding"), None);
    host.on_response(&filter);
    assert_eq!(encoded(&host), Some(Coding::Brotli));
}
