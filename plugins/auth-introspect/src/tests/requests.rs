//! Where tokens stand, what is no token, and what is no configuration.

use weir::testing::Host;
use weir::{Flow, testing::Answered};

use super::{config, filter, host};
use crate::AuthIntrospect;

#[test]
fn without_a_token_there_is_a_bare_challenge_or_nobody() {
    for fields in [
        &[][..],
        &[("authorization", "Basic YTpi")],
        &[("authorization", "Bearers abc")],
        &[("authorization", "")],
        &[("cookie", "session=abc")],
    ] {
        let (mut host, says) = host();
        let strict = filter(&mut host, r#""realm": "api""#);
        for (name, value) in fields {
            host.request.header(name, value);
        }
        assert_eq!(host.on_request(&strict), Flow::Stop);
        let reply = host.reply.take().unwrap();
        assert_eq!((reply.status, reply.code.as_str()), (401, "no-token"));
        assert_eq!(reply.get("www-authenticate"), Some(r#"Bearer realm="api""#));
        let open = filter(&mut host, r#""optional": true"#);
        assert_eq!(host.on_request(&open), Flow::Next);
        assert_eq!((host.notes.as_slice(), says.count()), (&["anonymous".to_owned()][..], 0));
    }
}

fn answer(host: &mut Host, filter: &AuthIntrospect) -> Option<Answered> {
    host.on_request(filter);
    host.reply.take()
}

#[test]
fn more_than_one_token_is_none() {
    let places = r#""from": ["bearer", "header:x-token", "query:access_token", "cookie:session"], "optional": true"#;
    for (fields, query) in [
        (&[("authorization", "Bearer a"), ("authorization", "Bearer a")][..], ""),
        (&[("authorization", "Bearer a"), ("Authorization", "Basic YTpi")], ""),
        (&[("authorization", "Bearer a"), ("x-token", "a")], ""),
        (&[("authorization", "Bearer a")], "access_token=a"),
        (&[("authorization", "Bearer a"), ("cookie", "session=a")], ""),
        (&[("x-token", "a"), ("x-token", "a")], ""),
        (&[], "access_token=a&x=1&access_token=a"),
        (&[], "access_token=a&access%5Ftoken="),
        (&[("cookie", "session=a; session=a")], ""),
        (&[("cookie", "session=a"), ("cookie", "session=b")], ""),
        (&[("authorization", "Bearer")], ""),
        (&[("authorization", "bearer   ")], ""),
        (&[("authorization", "Bearer\ta")], ""),
        (&[("authorization", "Bearer:a")], ""),
        (&[("authorization", "Bearer=a")], ""),
        (&[("authorization", "Bearer,a")], ""),
        (&[("authorization", "Bearer"), ("x-token", "a")], ""),
        (&[("authorization", "Bearer a b"), ("x-token", "a")], ""),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, places);
        for (name, value) in fields {
            host.request.header(name, value);
        }
        host.request.query(query);
        let reply = answer(&mut host, &filter).expect("it is refused");
        assert_eq!((reply.status, reply.code.as_str()), (400, "invalid-request"), "{fields:?} {query}");
        assert_eq!(reply.get("www-authenticate"), Some(r#"Bearer realm="weir", error="invalid_request""#));
        assert_eq!(says.count(), 0);
        assert_eq!(host.concealed.is_empty(), query.is_empty());
    }
}

#[test]
fn what_cannot_be_a_token_is_not_asked_about() {
    let long = "a".repeat(8193);
    for token in ["a b", "a,b", "a\"b", "a=b", "=", "===", "a%20", "a\\", "a:b", "\u{e9}", long.as_str()] {
        let (mut host, says) = host();
        let filter = filter(&mut host, "");
        let reply = super::refused(&mut host, &filter, token);
        assert_eq!((reply.status, reply.code.as_str()), (401, "malformed-token"), "{token}");
        assert_eq!(reply.get("www-authenticate"), Some(r#"Bearer realm="weir", error="invalid_token""#));
        assert!(!reply.detail.contains(token));
        assert_eq!(says.count(), 0);
    }
    for (value, token) in [
        ("Bearer aZ09-._~+/==", "aZ09-._%7E%2B%2F%3D%3D"),
        ("bEARER  a ", "a"),
        (&["Bearer ", &long[1..]].concat(), &long[1..]),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, "");
        host.request.header("authorization", value);
        assert_eq!(host.on_request(&filter), Flow::Next, "{value}");
        assert_eq!(says.asked.borrow()[0].body, ["token=", token].concat().into_bytes());
    }
}

#[test]
fn a_token_is_found_in_each_place_and_taken_out() {
    for forward in [true, false] {
        let more = format!(
            r#""from": ["bearer", "header:X-Token", "query:access token", "cookie:session"], "forward": {forward}"#
        );
        let request = |name: &str, value: &str, query: Option<&str>| {
            let (mut host, says) = host();
            let filter = filter(&mut host, &more);
            host.request.header(name, value).header("x-other", "stays");
            if let Some(query) = query {
                host.request.query(query);
            }
            assert_eq!((host.on_request(&filter), says.count()), (Flow::Next, 1), "{name}: {value} {query:?}");
            assert_eq!(says.asked.borrow()[0].body, b"token=a-1");
            host
        };
        let kept = |value: &'static str| forward.then_some(value);
        assert_eq!(request("authorization", "Bearer a-1", None).request.get("authorization"), kept("Bearer a-1"));
        assert_eq!(request("x-token", "a-1", None).request.get("x-token"), kept("a-1"));
        let host = request("accept", "*/*", Some("b=2&access+token=a%2D1&c"));
        assert_eq!(
            (host.request.upstream_query(), host.concealed.as_slice()),
            (Some("b=2&c"), &["access token".to_owned()][..])
        );
        let left = if forward { "a=1;session=a-1; b=\"2\"" } else { "a=1; b=\"2\"" };
        assert_eq!(request("cookie", "a=1;session=a-1; b=\"2\"", None).request.get("cookie"), Some(left));
        assert_eq!(request("cookie", "session=a-1", None).request.get("cookie"), kept("session=a-1"));
        // An empty one is none.
        request("cookie", "session=; x=1", Some("access%20token=a-1"));
    }
}

#[test]
fn what_refuses_conceals_too() {
    let (mut host, _) = host();
    let filter = filter(&mut host, r#""from": ["query:t"]"#);
    host.request.query("t=no%20token");
    let reply = answer(&mut host, &filter).unwrap();
    assert_eq!((reply.code.as_str(), host.concealed), ("malformed-token", vec!["t".to_owned()]));
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    let faults = |config: &str| {
        let mut host = Host::new();
        let faults = host.configure::<AuthIntrospect>(config).err().expect("it is refused");
        faults.iter().map(|fault| fault.pointer.clone()).collect::<Vec<_>>()
    };
    assert_eq!(faults("{}"), [""]);
    assert_eq!(
        faults(&config(r#""timeout": "2m", "cache": "25h", "cache_inactive": "48h", "leeway": "6m""#)),
        ["/timeout", "/cache", "/cache_inactive", "/leeway"]
    );
    assert_eq!(
        faults(&config(
            r#""hint": "", "realm": "a\"b", "scopes": ["a b", "c"], "from": ["bearer", "body:x", "header:Authorization"],
               "claims": {"id": "sub", "auth.method": "x", "user.a": ""},
               "headers": {"Host": "sub", "x y": "sub", "x-a/b": ""}, "required_claims": ["", {"scope": ["a b"]}]"#
        )),
        [
            "/hint",
            "/realm",
            "/scopes/0",
            "/from/1",
            "/from/2",
            "/claims/id",
            "/claims/auth.method",
            "/claims/user.a",
            "/headers/Host",
            "/headers/x y",
            "/headers/x-a~1b",
            "/headers/x-a~1b",
            "/required_claims/0",
            "/required_claims/1"
        ]
    );
    let at = r#""endpoint": {"upstream": "auth", "path": "/i"}"#;
    for client in
        ["{}", r#"{"id": "a"}"#, r#"{"id": "", "secret": "s"}"#, r#"{"id": "a", "secret": "s", "bearer": "b"}"#]
    {
        assert_eq!(faults(&format!(r#"{{{at}, "client": {client}}}"#)), ["/client"], "{client}");
    }
    for path in ["introspect", "/a b", "/a#b", ""] {
        let text = format!(r#"{{"endpoint": {{"upstream": "auth", "path": "{path}"}}, "from": []}}"#);
        assert_eq!(faults(&text), ["/endpoint/path", "/from"], "{path}");
    }
    let long = format!(r#""from": ["query:{}", "query:{}"]"#, "a".repeat(257), "a".repeat(256));
    assert_eq!(faults(&config(&long)), ["/from/0"]);
    let many = (0..33).map(|index| format!("\"s{index}\"")).collect::<Vec<_>>().join(",");
    assert_eq!(faults(&config(&format!(r#""scopes": [{many}]"#))), ["/scopes"]);
    assert_eq!(faults(&config(r#""cach": "1m""#)), ["/cach"]);
    assert_eq!(faults(&config(r#""required_claims": [{"a": {}}]"#)), ["/required_claims/0/a"]);
}
