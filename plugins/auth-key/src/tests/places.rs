//! Where keys stand, and what becomes of them.

use super::{filter, hash, refused};
use crate::AuthKey;
use weir::Flow;
use weir::testing::Host;

/// Whether a request with these fields and query is let in, with `from` as it is written, and what is left of it.
fn comes(from: &str, more: &str, fields: &[(&str, &str)], query: &str) -> (Flow, Host) {
    let mut host = Host::new();
    let filter = filter(&mut host, &format!(r#", "from": {from}{more}"#));
    for (name, value) in fields {
        host.request.header(name, value);
    }
    if !query.is_empty() {
        host.request.query(query);
    }
    (host.on_request(&filter), host)
}

#[test]
fn a_key_may_stand_in_a_field_behind_a_scheme() {
    for (from, field, value, flow) in [
        (r#"["bearer"]"#, "authorization", "Bearer sesame", Flow::Next),
        (r#"["bearer"]"#, "authorization", "bEARER   sesame", Flow::Next),
        (r#"["bearer"]"#, "authorization", "Bearersesame", Flow::Stop),
        (r#"["bearer"]"#, "authorization", "Bearer", Flow::Stop),
        (r#"["bearer"]"#, "authorization", "sesame", Flow::Stop),
        (r#"["bearer"]"#, "authorization", "Basic sesame", Flow::Stop),
        (r#"["header:authorization ApiKey"]"#, "authorization", "apikey sesame", Flow::Next),
        (r#"["header:X-Key Token"]"#, "x-key", "Token sesame", Flow::Next),
        (r#"["header:authorization"]"#, "authorization", "sesame", Flow::Next),
    ] {
        let (came, host) = comes(from, "", &[(field, value)], "");
        assert_eq!(came, flow, "{from} {value}");
        assert_eq!(host.request.get(field).is_none(), flow == Flow::Next, "{from} {value}");
    }
}

#[test]
fn challenges_are_of_the_schemes_that_are_taken() {
    let from = r#"["bearer", "header:x-api-key", "cookie:key", "header:authorization Token", "header:x-other token"]"#;
    let (_, mut host) = comes(from, "", &[], "");
    let (.., challenges) = refused(&mut host);
    assert_eq!(challenges, [r#"Bearer realm="api""#, r#"ApiKey realm="api""#, r#"Token realm="api""#]);
    let (_, mut host) = comes(r#"["bearer"]"#, "", &[("authorization", "Bearer wrong")], "");
    assert_eq!(refused(&mut host).3, [r#"Bearer realm="api", error="invalid_token""#]);
}

#[test]
fn a_key_in_a_query_is_concealed_whatever_comes_of_it() {
    for (query, flow, left) in [
        ("a=1&api_key=sesame&b=2", Flow::Next, Some("a=1&b=2")),
        ("%61pi_key=s%65same", Flow::Next, None),
        ("api_key=wrong", Flow::Stop, None),
        ("api_key=sesame&api_key=sesame", Flow::Stop, None),
        ("api_key", Flow::Stop, None),
    ] {
        for more in ["", r#", "forward": true"#] {
            let (came, host) = comes(r#"["query:api_key"]"#, more, &[], query);
            assert_eq!((came, host.request.upstream_query()), (flow, left), "{query}");
            assert_eq!(host.concealed, ["api_key"], "{query}");
        }
    }
}

#[test]
fn a_cookie_is_taken_out_of_the_others() {
    let from = r#"["cookie:key"]"#;
    for (fields, flow, left) in [
        (&["a=1; key=sesame; b=2"][..], Flow::Next, vec!["a=1; b=2"]),
        (&["key=sesame"], Flow::Next, vec![]),
        (&["a=1", "key=sesame;b=2"], Flow::Next, vec!["a=1; b=2"]),
        (&["key=sesame; key=sesame"], Flow::Stop, vec!["key=sesame; key=sesame"]),
        (&["key=sesame", "key=simsim"], Flow::Stop, vec!["key=sesame", "key=simsim"]),
        (&["Key=sesame; key2=sesame; akey=sesame"], Flow::Stop, vec!["Key=sesame; key2=sesame; akey=sesame"]),
    ] {
        let fields: Vec<_> = fields.iter().map(|value| ("cookie", *value)).collect();
        let (came, host) = comes(from, "", &fields, "");
        assert_eq!((came, host.request.all("cookie")), (flow, left), "{fields:?}");
    }
}

#[test]
fn the_upstream_gets_the_key_only_where_that_is_wanted() {
    let places = r#"["header:x-api-key", "cookie:key"]"#;
    for field in [("x-api-key", "sesame"), ("cookie", "a=1; key=sesame")] {
        let (came, host) = comes(places, r#", "forward": true"#, &[field], "");
        assert_eq!((came, host.request.get(field.0)), (Flow::Next, Some(field.1)));
    }
}

#[test]
fn more_keys_than_one_are_refused_as_a_malformed_request() {
    let from = r#"["header:x-api-key", "bearer", "query:key", "cookie:key"]"#;
    let (key, bearer) = (("x-api-key", "sesame"), ("authorization", "Bearer sesame"));
    for (fields, query) in [
        (vec![key, bearer], ""),
        (vec![key, key], ""),
        (vec![key], "key=sesame"),
        (vec![bearer, ("cookie", "key=sesame")], ""),
        (vec![bearer, ("authorization", "Basic YTpi")], ""),
        (vec![], "key=sesame&k%65y=sesame"),
    ] {
        for more in ["", r#", "optional": true"#] {
            let (came, mut host) = comes(from, more, &fields, query);
            assert_eq!(came, Flow::Stop, "{fields:?} {query}");
            let (status, code, _, challenges) = refused(&mut host);
            assert_eq!((status, code.as_str()), (400, "several-keys"), "{fields:?} {query}");
            assert_eq!(challenges[0], r#"ApiKey realm="api", error="invalid_request""#);
        }
    }
}

#[test]
fn a_key_in_a_place_that_is_not_named_does_not_count() {
    let (came, host) = comes(r#"["header:x-api-key"]"#, "", &[("authorization", "Bearer sesame")], "api_key=sesame");
    assert_eq!((came, host.request.upstream_query()), (Flow::Stop, Some("api_key=sesame")));
    assert_eq!(host.concealed, [""; 0]);
    let mut host = Host::new();
    let filter: AuthKey =
        host.configure(&format!(r#"{{"keys": [{{"hash": "{}", "id": "ada"}}]}}"#, hash("k\u{fc}"))).unwrap();
    // Bytes are compared, not what they mean.
    host.request.header("x-api-key", b"k\xfc");
    assert_eq!(host.on_request(&filter), Flow::Stop);
}
