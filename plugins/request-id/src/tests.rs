//! What becomes of ids, under the host of a test.

use super::{RequestId, is_sound};
use weir::testing::Host;

const HOSTS: &str = "0123456789abcdef0123456789abcdef";

fn filter(host: &mut Host, config: &str) -> RequestId {
    host.configure(config).unwrap()
}

/// Ids at the upstream and the client, of a request with this field.
fn ids(is_trusted: bool, config: &str, sent: &[(&str, &str)]) -> (Option<String>, Option<String>) {
    let mut host = Host::new();
    let filter = filter(&mut host, config);
    host.exchange.is_peer_trusted = is_trusted;
    for (name, value) in sent {
        host.request.header(name, value);
    }
    host.on_request(&filter);
    let upstream = host.request.get("x-request-id").map(str::to_owned);
    // A filter further in may do with it what it likes.
    host.request.fields.clear();
    host.on_response(&filter);
    (upstream, host.response.get("x-request-id").map(str::to_owned))
}

fn both(id: &str) -> (Option<String>, Option<String>) {
    (Some(id.to_owned()), Some(id.to_owned()))
}

#[test]
fn an_id_is_continued_from_trusted_peers_only() {
    let sent = [("X-Request-Id", "7f0c-1")];
    assert_eq!(ids(true, "{}", &sent), both("7f0c-1"));
    assert_eq!(ids(false, "{}", &sent), both(HOSTS));
    assert_eq!(ids(true, "{}", &[]), both(HOSTS));
    assert_eq!(ids(true, r#"{"continue_trusted": false}"#, &sent), both(HOSTS));
}

#[test]
fn an_id_that_is_not_sound_is_replaced() {
    let long = "a".repeat(129);
    for id in ["", " ", "a b", "a,b", "<b>", "ä", "\"a\"", &long] {
        assert_eq!(ids(true, "{}", &[("x-request-id", id)]), both(HOSTS), "{id:?}");
    }
    assert_eq!(ids(true, "{}", &[("x-request-id", "a"), ("x-request-id", "b")]), both(HOSTS));
    assert!(is_sound(&"a".repeat(128)));
    for id in
        ["67e55044-10b1-426f-9247-bb680e5fe0c8", "Root=1-67891233-abcdef012345678912345678", "aGk+/w==", "a:b_c.d~e@f"]
    {
        assert_eq!(ids(true, "{}", &[("x-request-id", id)]), both(id));
    }
}

#[test]
fn names_are_one_several_or_none() {
    let mut host = Host::new();
    let several = filter(&mut host, r#"{"request_header": ["x-trace", "x-request-id"], "response_header": null}"#);
    host.exchange.is_peer_trusted = true;
    host.request.header("x-request-id", "second");
    host.on_request(&several);
    host.on_response(&several);
    // The first field that is there counts.
    assert_eq!((host.request.get("x-trace"), host.request.get("x-request-id")), (Some("second"), Some("second")));
    assert_eq!((host.response.fields.len(), host.notes.as_slice()), (0, &["continued".to_owned()][..]));

    let mut host = Host::new();
    let none = filter(&mut host, r#"{"request_header": []}"#);
    host.exchange.is_peer_trusted = true;
    host.request.header("x-request-id", "theirs");
    host.on_request(&none);
    host.on_response(&none);
    assert_eq!((host.request.get("x-request-id"), host.response.get("x-request-id")), (Some("theirs"), Some(HOSTS)));
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    let nine = format!(r#"["x", "a b", "Host"{}]"#, r#", "y""#.repeat(6));
    let config = format!(r#"{{"request_header": {nine}, "response_header": "x:y"}}"#);
    let faults = Host::new().configure::<RequestId>(&config).err().unwrap();
    let pointers: Vec<&str> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(pointers, ["/request_header", "/request_header/1", "/request_header/2", "/response_header"]);
    let faults = Host::new().configure::<RequestId>(r#"{"request_header": 5}"#).err().unwrap();
    let fault = faults.iter().next().unwrap();
    assert_eq!(fault.pointer, "/request_header");
    assert_eq!(fault.message, "expected a header's name, a list of names, or `null`, found 5");
}

#[test]
fn the_schema_says_what_is_read() {
    let schema = weir::testing::schema::<super::Config>();
    assert!(schema.contains(r#""default":"x-request-id""#) && schema.contains(r#""default":true"#), "{schema}");
}
