//! Several limits for a request.

use std::time::Duration;

use super::{begin, filter, passed, passes, refusal, told};
use weir::testing::Host;

const BOTH: &str = r#"{"limits": [
    {"name": "burst", "limit": 3, "window": "1s"},
    {"name": "hourly", "limit": 5, "window": "1h"}
]}"#;

#[test]
fn all_of_them_must_let_it_through() {
    let mut host = Host::new();
    let limit = filter(&mut host, BOTH);
    begin(&mut host, 3600);
    assert_eq!(passed(&mut host, &limit, 10), 3);
    assert_eq!(refusal(&host, "retry-after").as_deref(), Some("1"));
    host.advance(Duration::from_secs(1));
    assert_eq!(passed(&mut host, &limit, 10), 2);
    host.advance(Duration::from_secs(1));
    assert_eq!(passed(&mut host, &limit, 10), 0);
    assert_eq!(refusal(&host, "retry-after").as_deref(), Some("3598"));
    let detail = &host.reply.as_ref().unwrap().detail;
    assert_eq!(detail, "`hourly` is used up for client.ip; a request like this can go on in 3598s");
    assert_eq!(host.metrics.value("limited", &["burst"]), Some(7.0));
    assert_eq!(host.metrics.value("limited", &["hourly"]), Some(8.0 + 10.0));
}

#[test]
fn clients_are_told_of_each() {
    let mut host = Host::new();
    let limit = filter(&mut host, BOTH);
    begin(&mut host, 3600);
    assert!(passes(&mut host, &limit));
    let (policy, left) = told(&mut host, &limit);
    assert_eq!(policy, "\"burst\";q=3;w=1, \"hourly\";q=5;w=3600");
    assert_eq!(left, "\"burst\";r=2;t=1, \"hourly\";r=4;t=3600");
    assert_eq!(passed(&mut host, &limit, 3), 2);
    assert_eq!(refusal(&host, "ratelimit").as_deref(), Some("\"burst\";r=0;t=1, \"hourly\";r=2;t=3600"));
}

#[test]
fn what_one_refuses_is_given_back_to_those_before_it() {
    for algorithm in ["fixed-window", "sliding-window", "token-bucket"] {
        let mut host = Host::new();
        let config = format!(
            r#"{{"algorithm": "{algorithm}", "key": "client.ip", "limits": [
                {{"name": "all", "limit": 10, "window": "1h", "key": "everyone"}},
                {{"name": "each", "limit": 2, "window": "1h"}}
            ]}}"#
        );
        let limit = filter(&mut host, &config);
        begin(&mut host, 3600);
        assert_eq!(passed(&mut host, &limit, 50), 2, "{algorithm}");
        // Nobody else has less because of those 48.
        for (client, admitted) in
            [("192.0.2.2", 2), ("192.0.2.3", 2), ("192.0.2.4", 2), ("192.0.2.5", 2), ("192.0.2.6", 0)]
        {
            host.exchange.client_address = client.to_owned();
            assert_eq!(passed(&mut host, &limit, 50), admitted, "{algorithm} {client}");
        }
    }
}

#[test]
fn nobody_is_told_to_come_back_before_all_let_him_through() {
    let mut host = Host::new();
    let limit = filter(
        &mut host,
        r#"{"format": "problem", "message": "Slow \"down\"", "limits": [
            {"name": "bucket", "limit": 2, "window": "10s", "algorithm": "token-bucket"},
            {"name": "minute", "limit": 2, "window": "1m"},
            {"name": "sliding", "limit": 2, "window": "2m", "algorithm": "sliding-window"}
        ]}"#,
    );
    begin(&mut host, 120);
    assert_eq!(passed(&mut host, &limit, 3), 2);
    let reply = host.reply.as_ref().unwrap();
    // Half of the next window must be over until one of two has been forgotten.
    assert_eq!(reply.get("retry-after"), Some("180"));
    assert_eq!(reply.get("content-type"), Some("application/problem+json"));
    assert_eq!(
        reply.text(),
        Some(concat!(
            r#"{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Slow \"down\"","#,
            r#""status":429,"violated-policies":["bucket","minute","sliding"]}"#
        ))
    );
    host.advance(Duration::from_secs(180));
    assert!(passes(&mut host, &limit));
}

#[test]
fn a_dry_run_refuses_nobody_and_says_whom_it_would() {
    let mut host = Host::new();
    let limit = filter(&mut host, r#"{"limit": 1, "window": "1h", "dry_run": true}"#);
    assert_eq!(passed(&mut host, &limit, 3), 3);
    assert_eq!(told(&mut host, &limit), (String::new(), String::new()));
    assert_eq!(host.notes, ["would-limit", "would-limit"]);
    assert!(host.log[0].1.starts_with("would refuse with 429: `default` is used up for client.ip;"), "{:?}", host.log);
    assert_eq!(host.metrics.value("would_limit", &["default"]), Some(2.0));
    assert_eq!((host.metrics.value("admitted", &[]), host.metrics.value("limited", &["default"])), (Some(1.0), None));
}
