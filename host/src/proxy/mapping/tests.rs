use super::*;

const PLAIN: Mapping = Mapping {
    prefix: "/agents/research",
    upstream: "10.0.0.11:9000",
    upstream_scheme: "http",
    host: "api.example",
    scheme: "https",
};
const WHOLE: Mapping = Mapping { prefix: "", ..PLAIN };

fn mapped(field: &'static str, value: &[u8], mapping: &Mapping) -> Vec<u8> {
    let mut headers = HeaderMap::new();
    headers.insert("x-other", HeaderValue::from_static("/x"));
    headers.insert(field, HeaderValue::from_bytes(value).unwrap());
    map_back(&mut headers, mapping);
    assert_eq!((headers.len(), &headers["x-other"]), (2, &HeaderValue::from_static("/x")));
    headers[field].as_bytes().to_vec()
}

fn text(field: &'static str, value: &str, mapping: &Mapping) -> String {
    String::from_utf8(mapped(field, value.as_bytes(), mapping)).unwrap()
}

#[test]
fn references_get_the_prefix_and_hide_the_upstream() {
    for (reference, with_prefix, without) in [
        ("/x?q#f", "/agents/research/x?q#f", "/x?q#f"),
        ("/", "/agents/research/", "/"),
        ("http://10.0.0.11:9000/x", "/agents/research/x", "/x"),
        ("HTTP://10.0.0.11:9000", "/agents/research/", "/"),
        ("http://10.0.0.11:9000?q", "/agents/research/?q", "/?q"),
        ("http://user:word@10.0.0.11:9000/x", "/agents/research/x", "/x"),
        ("https://10.0.0.11:9000/x", "/agents/research/x", "/x"),
        // The client's own: its scheme instead of the one that the upstream sees, unless another one is meant.
        ("http://api.example/x", "https://api.example/agents/research/x", "http://api.example/x"),
        ("http://API.example:80", "https://api.example/agents/research/", "http://API.example:80"),
        ("https://api.example:443/x", "https://api.example/agents/research/x", "https://api.example:443/x"),
    ] {
        for field in ["location", "content-location"] {
            assert_eq!(text(field, reference, &PLAIN), with_prefix, "{reference}");
            assert_eq!(text(field, reference, &WHOLE), without, "{reference}");
        }
    }
}

#[test]
fn what_leads_elsewhere_or_is_relative_stays() {
    for reference in [
        "",
        "x",
        "../x",
        "?q",
        "#f",
        "//other.example/x",
        "//10.0.0.11:9000/x",
        "http://other.example/x",
        "http://10.0.0.11:9001/x",
        "http://10.0.0.11/x",
        "http://10.0.0.11:9000@other.example/x",
        "http://10.0.0.11:9000.other.example/x",
        "http://10.0.0.11:9000\\@other.example/x",
        "http://10.0.0.11:99999999/",
        "https://api.example:8443/x",
        "http:/x",
        "http:",
        "ftp://10.0.0.11:9000/x",
        "mailto:a@api.example",
    ] {
        assert_eq!(text("location", reference, &PLAIN), reference);
        assert_eq!(text("location", reference, &WHOLE), reference);
    }
}

#[test]
fn a_hidden_host_does_not_make_room_for_another() {
    assert_eq!(text("location", "http://10.0.0.11:9000//other.example/", &WHOLE), "/.//other.example/");
    assert_eq!(text("location", "http://10.0.0.11:9000/\\other.example/", &WHOLE), "/./\\other.example/");
    assert_eq!(text("location", "http://10.0.0.11:9000//other.example/", &PLAIN), "/agents/research//other.example/");
}

#[test]
fn default_ports_are_ports() {
    let secure = Mapping { upstream: "[fd00::1]:443", upstream_scheme: "https", ..PLAIN };
    assert_eq!(text("location", "https://[FD00::1]/x", &secure), "/agents/research/x");
    assert_eq!(text("location", "http://[fd00::1]:443/x", &secure), "/agents/research/x");
    assert_eq!(text("location", "http://[fd00::1]/x", &secure), "http://[fd00::1]/x");
    let other_port = Mapping { host: "api.example:8080", scheme: "http", ..PLAIN };
    assert_eq!(text("location", "http://api.example:8080/x", &other_port), "http://api.example:8080/agents/research/x");
    assert_eq!(text("location", "http://api.example/x", &other_port), "http://api.example/x");
    let nameless = Mapping { host: "", ..PLAIN };
    assert_eq!(text("location", "http:///x", &nameless), "http:///x");
    // A redirect to https that the upstream means is not turned round.
    let plain = Mapping { scheme: "http", ..PLAIN };
    assert_eq!(text("location", "https://api.example/x", &plain), "https://api.example/agents/research/x");
}

#[test]
fn refresh_keeps_all_but_the_reference() {
    for (value, expected) in [
        ("5; url=/x", "5; url=/agents/research/x"),
        ("0;URL='http://10.0.0.11:9000/x' ; y", "0;URL='/agents/research/x' ; y"),
        ("0 , Url = \"/x", "0 , Url = \"/agents/research/x"),
        ("3;/x", "3;/agents/research/x"),
        ("1;url=http://10.0.0.11:9000\t ", "1;url=/agents/research/"),
        ("5", "5"),
        ("5;", "5;"),
        ("5; url=", "5; url="),
        ("5; url=''", "5; url=''"),
        ("5; url=x", "5; url=x"),
        ("5; url='//other/x'", "5; url='//other/x'"),
        ("5; urls=/x", "5; urls=/x"),
    ] {
        let value = text("refresh", value, &PLAIN);
        assert_eq!(value.trim_ascii_end(), expected);
    }
    assert_eq!(text("refresh", "5; url=/x", &WHOLE), "5; url=/x");
}

#[test]
fn cookies_belong_below_the_prefix_and_to_the_clients_host() {
    for (cookie, expected) in [
        ("a=b; Path=/", "a=b; Path=/agents/research/"),
        ("a=b;pAtH = /x ;HttpOnly", "a=b;pAtH = /agents/research/x ;HttpOnly"),
        ("a=b; Path=\"/x\"; Secure", "a=b; Path=\"/agents/research/x\"; Secure"),
        ("a=b; Domain=10.0.0.11; Path=/x", "a=b; Path=/agents/research/x"),
        ("a=b; domain=\".10.0.0.11\"", "a=b"),
        ("a=b; Domain=api.example", "a=b; Domain=api.example"),
        ("a=b; Domain", "a=b; Domain"),
        ("a=/; Path=x; Path; Path=", "a=/; Path=x; Path; Path="),
        ("Path=/; Secure", "Path=/; Secure"),
        ("__Host-a=b; Secure; Path=/", "__Host-a=b; Secure; Path=/"),
        ("", ""),
        (";;path=/", ";;path=/agents/research/"),
    ] {
        assert_eq!(text("set-cookie", cookie, &PLAIN), expected);
    }
    assert_eq!(text("set-cookie", "a=b; Path=/; Domain=10.0.0.11", &WHOLE), "a=b; Path=/");
}

#[test]
fn every_cookie_and_every_byte_survives() {
    let mut headers = HeaderMap::new();
    for cookie in [&b"a=\xff\xe9; Path=/\xff"[..], b"b=1", b"c=2; path=/"] {
        headers.append("set-cookie", HeaderValue::from_bytes(cookie).unwrap());
    }
    map_back(&mut headers, &PLAIN);
    let cookies: Vec<&[u8]> = headers.get_all("set-cookie").iter().map(HeaderValue::as_bytes).collect();
    assert_eq!(cookies, [&b"a=\xff\xe9; Path=/agents/research/\xff"[..], b"b=1", b"c=2; path=/agents/research/"]);
    assert_eq!(mapped("location", b"/\xe9", &PLAIN), b"/agents/research/\xe9");
}

#[test]
fn nothing_can_be_put_in_that_begins_another_field() {
    let broken = Mapping { prefix: "/a\r\nx-injected: 1", ..PLAIN };
    assert_eq!(text("location", "/x", &broken), "/x");
    assert_eq!(text("set-cookie", "a=b; Path=/", &broken), "a=b; Path=/");
    let semicolon = Mapping { prefix: "/a; secure", ..PLAIN };
    assert_eq!(text("set-cookie", "a=b; Path=/", &semicolon), "a=b; Path=/");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::sample::select(vec![
            "http://",
            "https://",
            "10.0.0.11",
            ":9000",
            "api.example",
            "/",
            "//",
            "\\",
            "?",
            "#",
            "@",
            ":",
            ";",
            "=",
            "url",
            "path",
            "domain",
            "\"",
            "'",
            " ",
            "5",
            "x",
            "__Host-",
            "[",
            "]",
        ]);
        let piece = prop_oneof![8 => pieces.prop_map(|text| text.as_bytes().to_vec()), 1 => prop::collection::vec(0x80_u8.., 1)];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_value_gives_a_value_and_no_new_host(value in value()) {
            for field in ["location", "refresh", "set-cookie"] {
                for mapping in [&PLAIN, &WHOLE] {
                    let after = mapped(field, &value, mapping);
                    if field == "location" && after != value {
                        let own = after.starts_with(b"https://api.example/") || after.starts_with(b"http://api.example/");
                        prop_assert!(own || after.starts_with(b"/") && !matches!(after.get(1), Some(b'/' | b'\\')));
                    }
                }
            }
        }
    }
}
