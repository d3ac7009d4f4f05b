//! Tags, and answers without a body.

use super::{encoded, exchange, pass};
use crate::Compress;
use weir::testing::Host;

#[test]
fn a_compressed_response_has_a_weak_tag() {
    for (tag, wanted) in [("\"one\"", "W/\"one\""), ("W/\"one\"", "W/\"one\"")] {
        let mut host = exchange(Some("gzip"), 5000);
        host.response.header("etag", tag);
        pass(&mut host, "{}");
        assert_eq!((encoded(&host).is_some(), host.response.get("etag")), (true, Some(wanted)));
    }
}

#[test]
fn a_304_has_the_tag_that_the_client_holds_and_vary() {
    for (held, tag, wanted) in [
        (Some("W/\"one\""), "\"one\"", "W/\"one\""),
        (Some("\"a,b\", W/\"one\""), "\"one\"", "W/\"one\""),
        (Some("W/\"a,b\""), "\"a,b\"", "W/\"a,b\""),
        (Some("\"one\""), "\"one\"", "\"one\""),
        (Some("W/\"other\", \"one\""), "\"one\"", "\"one\""),
        (Some("*"), "\"one\"", "\"one\""),
        (Some("W/\"one"), "\"one\"", "\"one\""),
        (None, "\"one\"", "\"one\""),
        (Some("W/\"one\""), "W/\"one\"", "W/\"one\""),
    ] {
        let mut host = Host::new();
        host.request.header("accept-encoding", "gzip");
        if let Some(held) = held {
            host.request.header("if-none-match", held);
        }
        host.response.status(304).header("etag", tag);
        pass(&mut host, "{}");
        assert_eq!(host.response.get("etag"), Some(wanted), "{held:?}");
        assert_eq!((host.response.get("vary"), encoded(&host)), (Some("Accept-Encoding"), None), "{held:?}");
    }
    // Of another type it would not have been compressed.
    let mut host = Host::new();
    host.request.header("if-none-match", "W/\"one\"");
    host.response.status(304).header("etag", "\"one\"").header("content-type", "image/png");
    pass(&mut host, "{}");
    assert_eq!((host.response.get("etag"), host.response.get("vary")), (Some("\"one\""), None));
}

#[test]
fn a_tag_that_was_weakened_here_is_the_upstreams_own_again_in_if_match() {
    for (sent, wanted) in [
        (&["W/\"one\""][..], &["\"one\""][..]),
        (&["W/\"a, W/b\", \"two\""], &["\"a, W/b\", \"two\""]),
        (&["\"one\"", "W/\"two\""], &["\"one\", \"two\""]),
        (&["\"one\", \"W/\""], &["\"one\", \"W/\""]),
        (&["*"], &["*"]),
        (&["W/\"broken"], &["W/\"broken"]),
    ] {
        let mut host = Host::new();
        for value in sent {
            host.request.header("if-match", value);
        }
        let filter: Compress = host.configure("{}").unwrap();
        host.on_request(&filter);
        assert_eq!(host.request.all("if-match"), wanted, "{sent:?}");
    }
    // Weak comparison needs no help.
    let mut host = Host::new();
    host.request.header("if-none-match", "W/\"one\"");
    pass(&mut host, "{}");
    assert_eq!(host.request.get("if-none-match"), Some("W/\"one\""));
}
