//! One limit, and what clients are told of it.

use std::time::Duration;

use super::{begin, filter, passed, passes, refusal, told};
use weir::setup::Hook;
use weir::testing::Host;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_fixed_window_admits_its_limit_and_begins_anew() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 3, "window": "1m"}"#);
    begin(&mut host, 60);
    assert_eq!(passed(&mut host, &limit, 10), 3);
    host.advance(59 * SECOND);
    assert!(!passes(&mut host, &limit));
    host.advance(SECOND);
    assert_eq!(passed(&mut host, &limit, 10), 3);
    assert_eq!(host.metrics.value("admitted", &[]), Some(6.0));
    assert_eq!(host.metrics.value("limited", &["default"]), Some(15.0));
}

#[test]
fn a_request_that_is_refused_costs_nothing() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 10, "window": "1m", "cost": {"methods": {"POST": 5, "OPTIONS": 0}}}"#);
    begin(&mut host, 60);
    assert_eq!(passed(&mut host, &limit, 6), 6);
    host.request.method("POST");
    assert_eq!(passed(&mut host, &limit, 3), 0);
    host.request.method("GET");
    assert_eq!(passed(&mut host, &limit, 6), 4);
    // What costs nothing is never refused, and nobody is told of limits then.
    host.request.method("OPTIONS");
    assert_eq!(passed(&mut host, &limit, 3), 3);
    assert_eq!(told(&mut host, &limit), (String::new(), String::new()));
}

#[test]
fn a_sliding_window_remembers_the_one_before() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 100, "window": "10s", "algorithm": "sliding-window"}"#);
    begin(&mut host, 10);
    host.advance(9 * SECOND);
    assert_eq!(passed(&mut host, &limit, 200), 100);
    // Of the window before nine tenths count, then half, then nothing.
    host.advance(2 * SECOND);
    assert_eq!(passed(&mut host, &limit, 200), 10);
    host.advance(4 * SECOND);
    assert_eq!(passed(&mut host, &limit, 200), 40);
    host.advance(20 * SECOND);
    assert_eq!(passed(&mut host, &limit, 200), 100);
}

#[test]
fn a_bucket_has_a_burst_and_fills_again() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 60, "window": "1m", "algorithm": "token-bucket", "burst": 5}"#);
    assert_eq!(passed(&mut host, &limit, 10), 5);
    host.advance(Duration::from_millis(999));
    assert_eq!(passed(&mut host, &limit, 10), 0);
    host.advance(Duration::from_millis(1));
    assert_eq!(passed(&mut host, &limit, 10), 1);
    host.advance(3 * SECOND);
    assert_eq!(passed(&mut host, &limit, 10), 3);
    host.advance(Duration::from_hours(10));
    assert_eq!(passed(&mut host, &limit, 10), 5);
}

#[test]
fn clients_are_told_what_is_left_and_when_there_is_more() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 2, "window": "1m"}"#);
    begin(&mut host, 60);
    host.advance(Duration::from_millis(29_500));
    let policy = "\"default\";q=2;w=60".to_owned();
    for left in ["\"default\";r=1;t=31", "\"default\";r=0;t=31"] {
        assert!(passes(&mut host, &limit));
        assert_eq!(told(&mut host, &limit), (policy.clone(), left.to_owned()));
    }
    assert!(!passes(&mut host, &limit));
    let reply = host.reply.as_ref().unwrap();
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (429, Some("Too Many Requests\n"), "limited"));
    assert_eq!(reply.detail, "`default` is used up for client.ip; a request like this can go on in 31s");
    for (name, value) in [
        ("retry-after", "31"),
        ("ratelimit-policy", "\"default\";q=2;w=60"),
        ("ratelimit", "\"default\";r=0;t=31"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(refusal(&host, name).as_deref(), Some(value), "{name}");
    }
    // Never at once, however soon the window ends.
    host.advance(Duration::from_micros(30_499_999));
    assert!(!passes(&mut host, &limit));
    assert_eq!(refusal(&host, "retry-after").as_deref(), Some("1"));
}

#[test]
fn fields_of_the_upstream_stay_beside_ours() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"name": "edge", "limit": 2, "window": "1m"}"#);
    begin(&mut host, 60);
    assert!(passes(&mut host, &limit));
    host.response.header("RateLimit", "\"app\";r=7;t=1").header("RateLimit-Policy", "\"app\";q=9");
    host.on_response(&limit);
    assert_eq!(host.response.all("ratelimit"), ["\"app\";r=7;t=1", "\"edge\";r=1;t=60"]);
    assert_eq!(host.response.all("ratelimit-policy"), ["\"app\";q=9", "\"edge\";q=2;w=60"]);
}

#[test]
fn a_bucket_tells_its_burst_and_when_the_next_permit_comes() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 6, "window": "1m", "algorithm": "token-bucket", "burst": 2}"#);
    assert!(passes(&mut host, &limit));
    let (policy, left) = told(&mut host, &limit);
    assert_eq!((policy.as_str(), left.as_str()), ("\"default\";q=6;w=60;weir-burst=2", "\"default\";r=1;t=10"));
    host.advance(4 * SECOND);
    assert!(passes(&mut host, &limit) && !passes(&mut host, &limit));
    assert_eq!(refusal(&host, "retry-after").as_deref(), Some("6"));
    assert_eq!(refusal(&host, "ratelimit").as_deref(), Some("\"default\";r=0;t=6"));
}

#[test]
fn who_wants_no_fields_and_no_charges_has_no_hooks_for_them() {
    for (more, skipped) in [
        ("", vec![Hook::OnComplete]),
        (r#", "headers": false"#, vec![Hook::OnResponse, Hook::OnComplete]),
        (r#", "dry_run": true"#, vec![Hook::OnResponse, Hook::OnComplete]),
        (r#", "headers": false, "cost": {"answer": "1KiB"}"#, vec![Hook::OnResponse]),
    ] {
        let mut host = Host::new();
        let limit = filter(&mut host, &format!(r#"{{"limit": 1, "window": "1m"{more}}}"#));
        assert_eq!(host.skipped, skipped, "{more}");
        passes(&mut host, &limit);
        assert_eq!(host.slot.is_empty(), !more.is_empty() && !more.contains("answer"), "{more}");
        passes(&mut host, &limit);
        assert!(more.contains("dry") || refusal(&host, "ratelimit").is_none() == more.contains("headers"), "{more}");
    }
}

#[test]
fn answers_are_charged_by_their_size() {
    let mut host = Host::new();
    let config = r#"{"name": "bytes", "limit": 10, "window": "1m", "cost": {"answer": "1KiB"}}"#;
    let limit = filter(&mut host, config);
    begin(&mut host, 60);
    for (sent, left) in [(0, 10), (1, 9), (1024, 8), (1025, 7), (2048, 5), (20_000, 3)] {
        assert!(passes(&mut host, &limit), "{sent}");
        let (policy, told) = told(&mut host, &limit);
        assert_eq!(policy, "\"bytes\";q=10240;qu=\"content-bytes\";w=60");
        assert_eq!(told, format!("\"bytes\";r={};t=60", (left - 1) * 1024), "{sent}");
        host.exchange.sent = sent;
        host.on_complete(&limit);
    }
    // 20,000 bytes are more than there were; nobody gets any until the window ends.
    assert!(!passes(&mut host, &limit));
    // What is refused is not charged.
    host.on_complete(&limit);
    host.advance(60 * SECOND);
    assert_eq!(passed(&mut host, &limit, 20), 10);
}

#[test]
fn limits_differ_by_what_a_variable_says() {
    let mut host = Host::new();
    let limit = filter(
        &mut host,
        r#"{"limit": 2, "window": "1m", "key": "user.id", "by": {"var": "user.plan", "limits": {"gold": 5, "silver": 3}}}"#,
    );
    begin(&mut host, 60);
    for (user, plan, admitted) in
        [("a", Some("gold"), 5), ("b", Some("silver"), 3), ("c", Some("tin"), 2), ("d", None, 2)]
    {
        host.vars.insert("user.id".into(), user.into());
        match plan {
            Some(plan) => host.vars.insert("user.plan".into(), plan.into()),
            None => host.vars.remove("user.plan"),
        };
        assert!(passes(&mut host, &limit));
        let (policy, left) = told(&mut host, &limit);
        assert_eq!(policy, format!("\"default\";q={admitted};w=60"));
        assert_eq!(left, format!("\"default\";r={};t=60", admitted - 1));
        assert_eq!(passed(&mut host, &limit, 10), admitted - 1, "{user}");
    }
    // A better plan counts at once, and keeps what was used.
    host.vars.insert("user.plan".into(), "gold".into());
    assert_eq!(passed(&mut host, &limit, 10), 3);
}

#[test]
fn another_algorithm_or_window_begins_anew_and_another_limit_does_not() {
    let mut host = Host::new();
    begin(&mut host, 3600);
    let one = filter(&mut host, r#"{"limit": 2, "window": "1m"}"#);
    assert_eq!(passed(&mut host, &one, 5), 2);
    let more = filter(&mut host, r#"{"limit": 3, "window": "1m"}"#);
    assert_eq!(passed(&mut host, &more, 5), 1);
    for other in [
        r#"{"limit": 3, "window": "1m", "algorithm": "sliding-window"}"#,
        r#"{"limit": 3, "window": "1m", "algorithm": "token-bucket"}"#,
        r#"{"limit": 3, "window": "2m"}"#,
        r#"{"limit": 3, "window": "1m", "name": "other"}"#,
    ] {
        let other = filter(&mut host, other);
        assert_eq!(passed(&mut host, &other, 5), 3);
    }
}
