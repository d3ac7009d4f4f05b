//! Who is counted apart from whom.

use super::{filter, passed, passes};
use weir::testing::Host;

/// One request of each: whether the second one is taken for the first.
fn are_one(config: &str, one: impl Fn(&mut Host), other: impl Fn(&mut Host)) -> bool {
    let mut host = Host::new();
    let limit = filter(&mut host, config);
    one(&mut host);
    assert!(passes(&mut host, &limit));
    host.request = weir::testing::Message::default();
    host.vars.clear();
    other(&mut host);
    !passes(&mut host, &limit)
}

fn client(address: &'static str) -> impl Fn(&mut Host) {
    move |host| host.exchange.client_address = address.to_owned()
}

fn user(id: &'static str) -> impl Fn(&mut Host) {
    move |host| drop(host.vars.insert("user.id".to_owned(), id.to_owned()))
}

#[test]
fn addresses_are_told_apart_and_of_ipv6_their_networks() {
    let usual = r#"{"limit": 1, "window": "1h"}"#;
    for (one, other, same) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::9", true),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::ffff:192.0.2.1", "192.0.2.1", true),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ] {
        assert_eq!(are_one(usual, client(one), client(other)), same, "{one} {other}");
    }
    let wide = r#"{"limit": 1, "window": "1h", "ipv6_prefix": 48}"#;
    assert!(are_one(wide, client("2001:db8:0:1::1"), client("2001:db8:0:2::1")));
    let single = r#"{"limit": 1, "window": "1h", "ipv6_prefix": 128}"#;
    assert!(!are_one(single, client("2001:db8::1"), client("2001:db8::2")));
}

#[test]
fn the_first_value_that_is_there_counts() {
    let config = r#"{"limit": 1, "window": "1h", "key": ["user.id", "client.ip"]}"#;
    assert!(are_one(config, user("ada"), user("ada")));
    assert!(!are_one(config, user("ada"), user("bob")));
    assert!(!are_one(config, user("ada"), client("192.0.2.1")));
    // An empty value is none.
    assert!(are_one(config, user(""), client("192.0.2.1")));
    // Who is called as an address is not that address.
    assert!(!are_one(config, user("192.0.2.1"), client("192.0.2.1")));
}

#[test]
fn those_without_a_key_are_counted_together() {
    let config = r#"{"limit": 1, "window": "1h", "key": "user.id"}"#;
    assert!(are_one(config, client("192.0.2.1"), client("192.0.2.2")));
    assert!(!are_one(config, client("192.0.2.1"), user("none")));
    let everyone = r#"{"limit": 1, "window": "1h", "key": ["user.id", "everyone"]}"#;
    assert!(are_one(everyone, client("192.0.2.1"), client("192.0.2.2")));
    assert!(!are_one(everyone, client("192.0.2.1"), user("ada")));
}

#[test]
fn values_together_do_not_flow_into_one_another() {
    let config = r#"{"limit": 1, "window": "1h", "key": {"all": ["user.id", "auth.role"]}}"#;
    let both = |user: &'static str, role: &'static str| {
        move |host: &mut Host| {
            host.vars.insert("user.id".into(), user.into());
            host.vars.insert("auth.role".into(), role.into());
        }
    };
    assert!(are_one(config, both("a", "b"), both("a", "b")));
    for (one, other) in [
        (both("a:b", "c"), both("a", "b:c")),
        (both("1:a1", ":b"), both("1:a", "1:b")),
        (both("ab", "c"), both("a", "bc")),
    ] {
        assert!(!are_one(config, one, other));
    }
    // All of them must be there.
    assert!(are_one(config, user("a"), user("b")));
}

#[test]
fn what_clients_send_is_kept_as_a_digest_and_long_values_too() {
    let stored = |config: &str, set: &dyn Fn(&mut Host)| {
        let mut host = Host::new();
        let limit = filter(&mut host, config);
        set(&mut host);
        passes(&mut host, &limit);
        format!("{:?}", host.stores)
    };
    for (key, set) in [
        ("header:x-api-key", (&|host: &mut Host| _ = host.request.header("x-api-key", "sesame")) as &dyn Fn(&mut Host)),
        ("cookie:session", &|host: &mut Host| _ = host.request.header("cookie", "session=sesame")),
        ("query:key", &|host: &mut Host| _ = host.request.query("key=sesame")),
    ] {
        let config = format!(r#"{{"limit": 1, "window": "1h", "key": "{key}"}}"#);
        let stored = stored(&config, set);
        assert!(stored.contains("0=#") && !stored.contains("sesame"), "{stored}");
    }
    let config = r#"{"limit": 1, "window": "1h", "key": "user.id"}"#;
    let long = stored(config, &|host| drop(host.vars.insert("user.id".into(), "x".repeat(8000))));
    assert!(long.len() < 500 && long.contains("0=#"), "{long}");
    let strange = stored(config, &|host| drop(host.vars.insert("user.id".into(), "a\nb".into())));
    assert!(strange.contains("0=#"), "{strange}");
    let plain = stored(config, &|host| drop(host.vars.insert("user.id".into(), "ada@example.com".into())));
    assert!(plain.contains("0=ada@example.com"), "{plain}");
    // Digests tell apart, too.
    let header = r#"{"limit": 1, "window": "1h", "key": "header:x-key"}"#;
    let with = |value: String| move |host: &mut Host| _ = host.request.header("x-key", value.as_str());
    assert!(are_one(header, with("k".repeat(60_000)), with("k".repeat(60_000))));
    assert!(!are_one(header, with("k".repeat(60_000)), with("k".repeat(60_001))));
}

#[test]
fn the_log_names_the_key_and_not_its_value() {
    let mut host = Host::new();
    let config = r#"{"limit": 1, "window": "1h", "key": [{"all": ["header:x-key", "path"]}, "user.id"]}"#;
    let limit = filter(&mut host, config);
    host.request.header("x-key", "sesame");
    assert_eq!(passed(&mut host, &limit, 2), 1);
    let detail = host.reply.take().unwrap().detail;
    assert!(
        detail.starts_with("`default` is used up for header:x-key + path;") && !detail.contains("sesame"),
        "{detail}"
    );
    host.request = weir::testing::Message::default();
    assert_eq!(passed(&mut host, &limit, 2), 1);
    let detail = host.reply.take().unwrap().detail;
    assert!(detail.starts_with("`default` is used up for those without a key;"), "{detail}");
}
