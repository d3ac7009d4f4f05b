//! JSON bodies.

use super::{filter, refused, request, response};
use weir::testing::Host;
use weir::{Coding, Ended, Flow};

const HIDE: &str = r#"{"request": {"body": {"json": [{"remove": "**.secret"}]}}, "response": {"body": {"json": [{"remove": "**.secret"}]}}}"#;
const PASS: &str = r#"{"request": {"body": {"json": [{"remove": "**.secret"}], "unreadable": "pass"}}, "response": {"body": {"json": [{"remove": "**.secret"}], "unreadable": "pass"}}}"#;

fn json(host: &mut Host, body: &str) {
    host.request.header("content-type", "application/json").body(body);
    host.response.header("content-type", "application/json").body(body);
}

/// The HMAC of `7` under `k`: of a text, of a number, and however it is spelt.
const HASHED: &str = concat!(
    r#"{"a":"9c737d163bcd1315bb695b00262e3ba4487ae2670bb2b0e6b8ee7f6ad354215a","#,
    r#""b":"9c737d163bcd1315bb695b00262e3ba4487ae2670bb2b0e6b8ee7f6ad354215a","#,
    r#""c":"9c737d163bcd1315bb695b00262e3ba4487ae2670bb2b0e6b8ee7f6ad354215a","#,
    r#""d":null,"e":"****"}"#
);

/// The response's body after this.
fn after(operations: &str, body: &str) -> String {
    let mut host = Host::new();
    host.secret("key", "k");
    host.vars.insert("user.id".into(), "a\"b".into());
    json(&mut host, body);
    let flow = response(&mut host, &format!(r#"{{"response": {{"body": {{"json": [{operations}]}}}}}}"#));
    assert_eq!(flow, Flow::Next, "{operations}");
    assert_eq!(host.response.replaced, host.response.bytes != body.as_bytes(), "{operations}");
    String::from_utf8(host.response.bytes).unwrap()
}

#[test]
fn every_operation_does_what_it_says() {
    for (operation, from, to) in [
        (r#"{"remove": ["/a", "b.c"]}"#, r#"{"a":1,"b":{"c":2,"d":3}}"#, r#"{"b":{"d":3}}"#),
        (r#"{"rename": {"at": "items[*].a", "to": "b"}}"#, r#"{"items":[{"a":1}]}"#, r#"{"items":[{"b":1}]}"#),
        (
            r#"{"set": {"at": "/a", "value": {"x": [1, -0.5, null, "<ü>"]}}}"#,
            "{}",
            r#"{"a":{"x":[1,-0.5,null,"\u003Cü\u003E"]}}"#,
        ),
        (r#"{"set": {"at": "/a", "value": null}}"#, r#"{"a":1}"#, r#"{"a":null}"#),
        (r#"{"set": {"at": "/a", "template": "by {user.id}"}}"#, r#"{"a":1}"#, r#"{"a":"by a\"b"}"#),
        (r#"{"set": {"at": "/a", "template": "{user.name}"}}"#, r#"{"a":1}"#, "{}"),
        (r#"{"move": {"from": "/a", "to": "/b/c"}}"#, r#"{"a":1.0}"#, r#"{"b":{"c":1.0}}"#),
        (r#"{"copy": {"from": "/a", "to": "/b"}}"#, r#"{"a":1.0}"#, r#"{"a":1.0,"b":1.0}"#),
        (
            r#"{"mask": {"at": "**.card", "keep_last": 4}}"#,
            r#"{"x":[{"card":"4111111111111111"}]}"#,
            r#"{"x":[{"card":"****1111"}]}"#,
        ),
        (
            r#"{"mask": {"at": ["a", "b"], "text": "(hidden)"}}"#,
            r#"{"a":"x","b":true,"c":1}"#,
            r#"{"a":"(hidden)","b":"(hidden)","c":1}"#,
        ),
        (
            r#"{"mask": {"at": "a", "salt": "0123456789abcdef"}}"#,
            r#"{"a":"x"}"#,
            r#"{"a":"8d91a6ea204253859ba8bb70784d5ed4e63de1873f84b8773da33e747f17e8fa"}"#,
        ),
        (r#"{"mask": {"at": "*", "hmac": "key"}}"#, r#"{"a":"7","b":7,"c":"\u0037","d":null,"e":[7]}"#, HASHED),
    ] {
        assert_eq!(after(operation, from), to, "{operation}");
    }
}

#[test]
fn types_say_what_is_json() {
    for (types, content_type, is_edited) in [
        ("", "application/json", true),
        ("", "Application/JSON ; charset=\"UTF-8\"", true),
        ("", "application/problem+json", true),
        ("", "text/plain", false),
        ("", "application/x-ndjson", false),
        ("", "text/event-stream", false),
        ("", "application/jsonx", false),
        (r#", "types": ["text/*"]"#, "text/json", true),
        (r#", "types": ["text/*"]"#, "application/json", false),
        (r#", "types": ["*/*"]"#, "text/plain", true),
    ] {
        let mut host = Host::new();
        host.response.header("content-type", content_type).body(r#"{"secret":1}"#);
        let config = format!(r#"{{"response": {{"body": {{"json": [{{"remove": "/secret"}}]{types}}}}}}}"#);
        assert_eq!(response(&mut host, &config), Flow::Next);
        assert_eq!(host.response.bytes == b"{}", is_edited, "{content_type} {types}");
    }
    let mut host = Host::new();
    host.response.body(r#"{"secret":1}"#);
    response(&mut host, r#"{"response": {"body": {"json": [{"remove": "/secret"}], "types": ["*/*"]}}}"#);
    assert_eq!(host.response.bytes, b"{}");
}

#[test]
fn what_cannot_be_read_goes_no_further_or_as_it_came() {
    for (headers, body, status) in [
        (&[("content-type", "application/json")][..], "{\"secret\":1", 400),
        (&[("content-type", "application/json")], "{\"secret\":1} x", 400),
        (&[("content-type", "application/json; charset=utf-16")], "{\"secret\":1}", 415),
        (&[("content-type", "application/json"), ("content-type", "text/plain")], "{\"secret\":1}", 415),
        (&[("content-type", "application/json, text/plain")], "{\"secret\":1}", 415),
        (&[("content-type", "application/json"), ("content-encoding", "compress")], "{\"secret\":1}", 415),
        (&[("content-type", "application/json"), ("content-encoding", "gzip, br")], "{\"secret\":1}", 415),
        (&[("content-type", "application/json"), ("content-range", "bytes 0-9/20")], "{\"secret\":1}", 415),
    ] {
        let build = || {
            let mut host = Host::new();
            for (name, value) in headers {
                host.request.header(name, value);
                host.response.header(name, value);
            }
            host.request.body(body);
            host.response.body(body);
            host
        };
        let mut host = build();
        let flow = request(&mut host, HIDE);
        let reply = refused(&mut host, flow);
        assert_eq!((reply.status, reply.code.as_str()), (status, "unreadable-body"), "{headers:?} {body}");
        assert!(!reply.text().unwrap().contains("secret") && !reply.detail.contains("secret"), "{reply:?}");
        let flow = response(&mut host, HIDE);
        assert_eq!(refused(&mut host, flow).status, 502, "{headers:?} {body}");
        let mut host = build();
        assert_eq!((request(&mut host, PASS), response(&mut host, PASS)), (Flow::Next, Flow::Next));
        assert_eq!((&host.request.bytes[..], host.request.replaced), (body.as_bytes(), false));
        assert_eq!((&host.response.bytes[..], host.response.replaced), (body.as_bytes(), false));
        assert_eq!(host.notes, ["unreadable-body", "unreadable-body"]);
    }
}

#[test]
fn where_a_document_is_broken_is_told_to_the_operator() {
    let mut host = Host::new();
    json(&mut host, "{\"a\":\"b\u{1}\"}");
    let flow = request(&mut host, HIDE);
    assert_eq!(refused(&mut host, flow).detail, "at byte 7: a control character stands in a text");
    let mut host = Host::new();
    json(&mut host, "");
    host.request.body(b"{\"a\":\"\xff\"}");
    let flow = request(&mut host, HIDE);
    assert_eq!(refused(&mut host, flow).detail, "at byte 6: it is not UTF-8");
}

#[test]
fn ranges_do_not_go_round_it() {
    for (status, content_type, is_refused) in [
        (206, "application/json", true),
        (206, "multipart/byteranges; boundary=x", true),
        (206, "video/mp4", false),
        (200, "multipart/mixed", false),
    ] {
        let mut host = Host::new();
        host.response.status(status).header("content-type", content_type).body("--x");
        let flow = response(&mut host, HIDE);
        assert_eq!(flow == Flow::Stop, is_refused, "{status} {content_type}");
    }
}

#[test]
fn long_slow_and_broken_bodies_have_answers() {
    for (ends, about_request, about_response) in [
        (Ended::OverLimit, (413, "body-too-large"), (502, "body-too-large")),
        (Ended::TimedOut, (408, "body-too-slow"), (504, "body-too-slow")),
        (Ended::Failed, (400, "body-broken-off"), (502, "body-broken-off")),
    ] {
        let mut host = Host::new();
        json(&mut host, "{\"secret\":1}");
        host.pause_ends(ends);
        let flow = request(&mut host, HIDE);
        let reply = refused(&mut host, flow);
        assert_eq!((reply.status, reply.code.as_str()), about_request);
        host.pause_ends(ends);
        let flow = response(&mut host, HIDE);
        let reply = refused(&mut host, flow);
        assert_eq!((reply.status, reply.code.as_str()), about_response);
        // What is not whole cannot go on.
        host.pause_ends(ends);
        assert_eq!(request(&mut host, PASS) == Flow::Next, ends == Ended::OverLimit);
    }
}

#[test]
fn a_body_is_as_long_as_max_and_no_longer() {
    let config = r#"{"request": {"body": {"json": [{"remove": "/a"}], "max": "16B"}}}"#;
    let mut host = Host::new();
    json(&mut host, r#"{"a":1,"bcd":22}"#);
    assert_eq!((request(&mut host, config), host.request.bytes.len()), (Flow::Next, 10));
    let mut host = Host::new();
    json(&mut host, r#"{"a":1,"bcd":223}"#);
    let flow = request(&mut host, config);
    assert_eq!(refused(&mut host, flow).status, 413);
    // Nor does a document grow beyond what the host takes.
    let config = r#"{"request": {"body": {"json": [{"rename": {"at": "[*].a", "to": "a key that is much longer than the one before"}}], "max": "1MiB"}}}"#;
    let mut host = Host::new();
    json(&mut host, &format!("[{}{{}}]", r#"{"a":"","b":"0123456789012345678901234567890"},"#.repeat(16_000)));
    let flow = request(&mut host, config);
    assert_eq!(refused(&mut host, flow).code, "body-too-large");
}

#[test]
fn a_coding_that_is_known_is_taken_off_first() {
    for (name, coding) in
        [("gzip", Coding::Gzip), ("BR", Coding::Brotli), ("zstd", Coding::Zstd), ("deflate", Coding::Deflate)]
    {
        let mut host = Host::new();
        json(&mut host, "(coded)");
        host.response.header("content-encoding", name.to_lowercase());
        let filter = filter(&mut host, HIDE);
        assert_eq!((host.on_response(&filter), host.on_resume(&filter)), (Flow::Pause, Flow::Pause), "{name}");
        assert_eq!(host.response.decoded, Some((coding, 64 * (256 << 10))));
        host.response.body("{\"secret\":1}");
        assert_eq!((host.on_resume(&filter), &host.response.bytes[..]), (Flow::Next, &b"{}"[..]));
    }
}

#[test]
fn messages_without_a_body_pass() {
    for status in [204, 205, 304] {
        let mut host = Host::new();
        host.response.status(status).header("content-type", "application/json; charset=utf-16").header("etag", "\"a\"");
        assert_eq!((response(&mut host, HIDE), host.response.get("etag")), (Flow::Next, Some("\"a\"")), "{status}");
    }
    let mut host = Host::new();
    json(&mut host, "");
    assert_eq!((request(&mut host, HIDE), host.request.replaced), (Flow::Next, false));
    let mut host = Host::new();
    host.request.method("HEAD");
    host.response.header("content-type", "application/json").header("ETag", "\"a\"").header("digest", "b");
    assert_eq!((response(&mut host, HIDE), host.response.fields.len()), (Flow::Next, 1));
}

#[test]
fn duplicate_keys_are_edited_or_refused() {
    let body = r#"{"role":"user","r\u006fle":"admin","a":1}"#;
    let mut host = Host::new();
    json(&mut host, body);
    request(&mut host, r#"{"request": {"body": {"json": [{"remove": "/role"}]}}}"#);
    assert_eq!(host.request.bytes, br#"{"a":1}"#);
    let mut host = Host::new();
    json(&mut host, body);
    let flow = request(&mut host, r#"{"request": {"body": {"json": [{"remove": "/x"}], "duplicates": "refuse"}}}"#);
    let reply = refused(&mut host, flow);
    assert_eq!((reply.status, reply.code.as_str()), (400, "unreadable-body"));
    assert!(reply.detail.contains("a key stands twice"), "{reply:?}");
}

#[test]
fn nothing_of_a_request_is_edited_before_its_body_is_there() {
    let mut host = Host::new();
    json(&mut host, "{}");
    host.request.header("x-user", "ada");
    let config = r#"{"request": {"headers": {"remove": ["x-user"]}, "query": {"set": {"a": "1"}}, "body": {"json": [{"set": {"at": "/by", "template": "{header:x-user}"}}]}}}"#;
    let filter = filter(&mut host, config);
    assert_eq!((host.on_request(&filter), host.request.get("x-user")), (Flow::Pause, Some("ada")));
    assert_eq!(host.on_resume(&filter), Flow::Next);
    assert_eq!((host.request.get("x-user"), host.request.upstream_query()), (None, Some("a=1")));
    assert_eq!(host.request.bytes, br#"{"by":"ada"}"#);
}

#[test]
fn what_would_be_set_is_never_the_clients_where_it_is_too_long() {
    let mut host = Host::new();
    json(&mut host, r#"{"by":"root"}"#);
    host.request.query(&format!("q={}", "a".repeat(65 << 10)));
    let config =
        r#"{"request": {"body": {"json": [{"set": {"at": "/by", "template": "{query:q}"}}], "unreadable": "pass"}}}"#;
    let flow = request(&mut host, config);
    assert_eq!(refused(&mut host, flow).status, 431);
}
