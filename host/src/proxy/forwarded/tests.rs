use std::rc::Rc;

use super::*;

const TRUSTED: [(&str, u8); 2] = [("10.0.0.0", 8), ("fd00::", 8)];

fn trusted() -> Vec<Network> {
    TRUSTED.iter().map(|(address, prefix)| Network { address: ip(address), prefix: *prefix }).collect()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn head(fields: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn client(peer: &str, fields: &[(&'static str, &str)]) -> String {
    accept(&mut head(fields), ip(peer), &trusted(), true).to_string()
}

/// What an upstream gets: `name: value` lines in order.
fn told(peer: &str, scheme: &'static str, fields: &[(&'static str, &str)]) -> Vec<String> {
    let mut headers = head(fields);
    accept(&mut headers, ip(peer), &trusted(), true);
    let said = take(&mut headers);
    let host = headers.get("host");
    let pairs = Fields::new(ip(peer), scheme).tell(host, said.as_deref());
    for name in ["forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"] {
        assert!(!headers.contains_key(name), "{name} would be sent twice");
    }
    pairs.iter().map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes()))).collect()
}

#[test]
fn a_peer_that_is_not_trusted_is_the_client_and_its_claims_are_gone() {
    let mut headers = head(&[
        ("host", "api.example"),
        ("accept", "*/*"),
        ("from", "a@b.example"),
        ("te-x", "1"),
        ("x-request-id", "1"),
        ("forwarded", "for=1.2.3.4"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-forwarded-for", "1.2.3.5"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "other"),
        ("x-forwarded-port", "1"),
        ("x-forwarded-client-cert", "x"),
        ("x_forwarded_for", "1.2.3.4"),
        ("x-real-ip", "1.2.3.4"),
        ("x_real-ip", "1.2.3.4"),
        ("true-client-ip", "1.2.3.4"),
    ]);
    assert_eq!(accept(&mut headers, ip("192.0.2.7"), &trusted(), true), ip("192.0.2.7"));
    let left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
    assert_eq!(left, ["host", "accept", "from", "te-x", "x-request-id"]);
    assert!(take(&mut headers).is_none());
}

#[test]
fn a_trusted_peer_names_the_client() {
    for (list, expected) in [
        ("192.0.2.7", "192.0.2.7"),
        ("1.1.1.1, 192.0.2.7 ,10.0.0.2", "192.0.2.7"),
        ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("1.1.1.1, junk, 10.0.0.2", "10.0.0.2"),
        ("1.1.1.1, junk", "10.0.0.1"),
        ("1.1.1.1, unknown, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7:4711, fd00::9", "192.0.2.7"),
        ("[2001:db8::1]:80", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("192.0.2.7,, ,", "192.0.2.7"),
        ("", "10.0.0.1"),
    ] {
        assert_eq!(client("10.0.0.1", &[("x-forwarded-for", list)]), expected, "{list}");
        assert_eq!(client("::ffff:10.0.0.1", &[("x-forwarded-for", list)]), expected, "{list}");
    }
    let two_lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.7, 10.0.0.2")];
    assert_eq!(client("fd00::1", &two_lines), "192.0.2.7");
    assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    assert_eq!(accept(&mut head(&two_lines), ip("10.0.0.1"), &[], true), ip("10.0.0.1"));
}

#[test]
fn forwarded_counts_where_the_other_list_is_absent() {
    for (list, expected) in [
        ("for=192.0.2.7", "192.0.2.7"),
        ("For=1.1.1.1;proto=http, FOR = \"192.0.2.7:80\" ; by=x, for=10.0.0.2", "192.0.2.7"),
        ("for=\"[2001:db8::1]:80\"", "2001:db8::1"),
        ("for=[2001:db8::1]", "2001:db8::1"),
        ("for=1.1.1.1, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=1.1.1.1, proto=https", "10.0.0.1"),
        ("for=1.1.1.1;for=2.2.2.2", "10.0.0.1"),
        ("for=\"1.1.1.1, for=192.0.2.7", "10.0.0.1"),
        ("for=\"x\\\", for=1.1.1.1\", for=192.0.2.7", "192.0.2.7"),
        ("junk", "10.0.0.1"),
    ] {
        assert_eq!(client("10.0.0.1", &[("forwarded", list)]), expected, "{list}");
    }
    assert_eq!(client("10.0.0.1", &[("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "192.0.2.7")]), "192.0.2.7");
}

#[test]
fn spellings_that_a_trusted_peer_may_have_let_pass_are_gone() {
    let mut headers =
        head(&[("x_forwarded_for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.7"), ("x-real-ip", "192.0.2.7")]);
    assert_eq!(accept(&mut headers, ip("10.0.0.1"), &trusted(), true), ip("192.0.2.7"));
    assert!(headers.len() == 2 && !headers.contains_key("x_forwarded_for"), "{headers:?}");
}

#[test]
fn the_upstream_is_told_of_the_peer() {
    assert_eq!(
        told("192.0.2.7", "https", &[("host", "api.example:8443"), ("x-forwarded-for", "1.1.1.1")]),
        [
            "x-forwarded-for: 192.0.2.7",
            "x-forwarded-proto: https",
            "x-forwarded-host: api.example:8443",
            "forwarded: for=192.0.2.7;host=\"api.example:8443\";proto=https",
        ]
    );
    assert_eq!(
        told("2001:db8::1", "http", &[]),
        ["x-forwarded-for: 2001:db8::1", "x-forwarded-proto: http", "forwarded: for=\"[2001:db8::1]\";proto=http"]
    );
    // A host that would end the quotes.
    assert_eq!(
        told("192.0.2.7", "http", &[("host", "a\";for=1.1.1.1")]).last().unwrap(),
        "forwarded: for=192.0.2.7;proto=http"
    );
}

#[test]
fn the_words_of_a_trusted_peer_are_kept_and_gone_on_from() {
    assert_eq!(
        told(
            "10.0.0.1",
            "http",
            &[
                ("host", "inner"),
                ("x-forwarded-for", "192.0.2.7"),
                ("x-forwarded-for", " 10.0.0.2 "),
                ("x-forwarded-proto", "https"),
                ("x-forwarded-host", "api.example"),
                ("forwarded", "for=192.0.2.7;proto=https, for=10.0.0.2"),
            ]
        ),
        [
            "x-forwarded-for: 192.0.2.7, 10.0.0.2, 10.0.0.1",
            "x-forwarded-proto: https",
            "x-forwarded-host: api.example",
            "forwarded: for=192.0.2.7;proto=https, for=10.0.0.2, for=10.0.0.1;host=\"inner\";proto=http",
        ]
    );
}

#[test]
fn one_list_stands_for_the_other() {
    assert_eq!(
        told(
            "10.0.0.1",
            "http",
            &[("host", "inner"), ("x-forwarded-for", "x, 192.0.2.7"), ("x-forwarded-proto", "https")]
        ),
        [
            "x-forwarded-for: x, 192.0.2.7, 10.0.0.1",
            "x-forwarded-proto: https",
            "x-forwarded-host: inner",
            "forwarded: for=unknown, for=192.0.2.7;proto=https, for=10.0.0.1;host=\"inner\";proto=http",
        ]
    );
    assert_eq!(
        told(
            "10.0.0.1",
            "http",
            &[("host", "inner"), ("forwarded", "for=_a, for=\"[2001:db8::1]\";proto=https;host=\"api.example\"")]
        ),
        [
            "x-forwarded-for: unknown, 2001:db8::1, 10.0.0.1",
            "x-forwarded-proto: https",
            "x-forwarded-host: api.example",
            "forwarded: for=_a, for=\"[2001:db8::1]\";proto=https;host=\"api.example\", \
             for=10.0.0.1;host=\"inner\";proto=http",
        ]
    );
    // Behind quotes that do not end, this proxy's own word would be swallowed.
    assert_eq!(
        told("10.0.0.1", "http", &[("forwarded", "for=\"192.0.2.7")]),
        ["x-forwarded-for: 10.0.0.1", "x-forwarded-proto: http", "forwarded: for=10.0.0.1;proto=http"]
    );
}

#[test]
fn the_same_host_again_allocates_nothing() {
    let fields = Fields::new(ip("192.0.2.7"), "http");
    let (one, other) = (HeaderValue::from_static("one"), HeaderValue::from_static("other"));
    let first = fields.tell(Some(&one), None);
    assert!(Rc::ptr_eq(&first, &fields.tell(Some(&one), None)));
    let second = fields.tell(Some(&other), None);
    assert!(!Rc::ptr_eq(&first, &second));
    assert_eq!(second[2].1, "other");
    assert_eq!(fields.tell(None, None).len(), 3);
    // What a trusted peer said is of one request only.
    let said = take(&mut head(&[("x-forwarded-for", "1.1.1.1")]));
    assert_eq!(fields.tell(Some(&one), said.as_deref())[0].1, "1.1.1.1, 192.0.2.7");
    assert_eq!(fields.tell(Some(&one), None)[0].1, "192.0.2.7");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn list() -> impl Strategy<Value = String> {
        let pieces = prop::sample::select(vec![
            "for=",
            "proto=",
            "host=",
            "\"",
            "\\",
            ",",
            ";",
            " ",
            "10.0.0.2",
            "192.0.2.7",
            "[2001:db8::1]",
            ":80",
            "unknown",
            "=",
        ]);
        prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_was_said_the_last_word_is_this_proxys(client in list(), forwarded in list()) {
            let fields = [("host", "h"), ("x-forwarded-for", client.as_str()), ("forwarded", forwarded.as_str())];
            let lines = told("10.0.0.1", "http", &fields);
            prop_assert!(lines[0].ends_with(" 10.0.0.1"), "{lines:?}");
            let value = lines.last().unwrap().strip_prefix("forwarded: ").unwrap();
            let last = element::read(value.as_bytes()).and_then(|elements| elements.last().cloned());
            let own = Element { address: Some(ip("10.0.0.1")), proto: Some(b"http".to_vec()), host: Some(b"h".to_vec()) };
            prop_assert_eq!(last, Some(own));
        }
    }
}
