//! The store fails, or is full.

use super::{begin, filter, passed, passes, told};
use weir::store::Error;
use weir::testing::Host;
use weir::{Flow, Level};

fn config(more: &str) -> String {
    format!(r#"{{"limit": 3, "window": "1h", "store": "shared"{more}}}"#)
}

/// The shared store fails.
fn failing(more: &str, how: Error) -> (Host, crate::RateLimit) {
    let mut host = Host::new();
    let limit = filter(&mut host, &config(more));
    begin(&mut host, 3600);
    host.stores.fail_one("shared", Some(how));
    (host, limit)
}

#[test]
fn a_store_that_fails_lets_everybody_through_if_that_is_wanted() {
    for how in [Error::Unavailable, Error::TimedOut, Error::NotANumber, Error::Denied] {
        let (mut host, limit) = failing(r#", "on_store_failure": "open""#, how);
        assert_eq!(passed(&mut host, &limit, 5), 5, "{how:?}");
        assert_eq!((host.notes.len(), host.notes[0].as_str()), (5, "store-failed"));
        assert_eq!(told(&mut host, &limit), (String::new(), String::new()));
        assert_eq!(host.metrics.value("store_failures", &[how.name()]), Some(5.0));
        // The log tells of changes.
        assert_eq!((host.log.len(), host.log[0].0), (1, Level::Warn));
        assert!(host.log[0].1.contains("`shared` fails") && host.log[0].1.contains("uncounted"), "{:?}", host.log);
        host.stores.fail_one("shared", None);
        assert_eq!(passed(&mut host, &limit, 5), 3);
        assert_eq!((host.log.len(), host.log[1].1.as_str()), (2, "the store `shared` answers again"));
    }
}

#[test]
fn of_many_instances_one_says_that_the_store_fails_and_one_that_it_answers_again() {
    let (mut host, limit) = failing("", Error::TimedOut);
    let others = [(); 3].map(|()| filter(&mut host, &config("")));
    let ask = |host: &mut Host| {
        for instance in [&limit].into_iter().chain(&others) {
            passes(host, instance);
        }
        host.log.len()
    };
    assert_eq!(ask(&mut host), 1);
    host.stores.fail_one("shared", None);
    assert_eq!(ask(&mut host), 2);
    host.stores.fail_one("shared", Some(Error::Unavailable));
    assert_eq!((ask(&mut host), ask(&mut host)), (3, 3));
    // It is told again while it lasts, now and then.
    begin(&mut host, 3600);
    begin(&mut host, 3600);
    assert_eq!(ask(&mut host), 4);
}

#[test]
fn or_nobody() {
    let (mut host, limit) = failing(r#", "on_store_failure": "closed""#, Error::Unavailable);
    assert!(!passes(&mut host, &limit));
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (503, Some("Not available now\n"), "store-failed"));
    assert_eq!((reply.detail.as_str(), reply.get("retry-after")), ("the store `shared`: unavailable", Some("1")));
    assert_eq!((reply.get("cache-control"), reply.get("ratelimit")), (Some("no-store"), None));
    host.stores.fail_one("shared", None);
    assert_eq!(passed(&mut host, &limit, 5), 3);
}

#[test]
fn or_counts_for_itself_meanwhile() {
    let mut host = Host::new();
    let limit = filter(&mut host, &config(""));
    begin(&mut host, 3600);
    assert_eq!(passed(&mut host, &limit, 2), 2);
    host.stores.fail_one("shared", Some(Error::TimedOut));
    assert_eq!(passed(&mut host, &limit, 10), 3);
    assert_eq!(host.reply.as_ref().unwrap().code, "limited");
    host.stores.fail_one("shared", None);
    assert_eq!(passed(&mut host, &limit, 10), 1);
    // If neither can be counted in, it is refused: the limit may be what guards a password.
    host.stores.fail(Some(Error::Unavailable));
    assert!(!passes(&mut host, &limit));
    assert_eq!(host.reply.as_ref().unwrap().code, "store-failed");
}

#[test]
fn who_finds_no_room_is_refused_or_let_through() {
    let (mut host, limit) = failing("", Error::TooLarge);
    assert!(!passes(&mut host, &limit));
    let reply = host.reply.take().unwrap();
    assert_eq!((reply.status, reply.code.as_str()), (503, "store-full"));
    assert_eq!(reply.detail, "the store `shared`: has no room for one more number");
    assert_eq!(host.metrics.value("store_failures", &["too-large"]), Some(1.0));

    let (mut host, limit) = failing(r#", "when_full": "admit""#, Error::TooLarge);
    assert!(passes(&mut host, &limit));
    assert_eq!(host.notes, ["store-full"]);

    let (mut host, limit) = failing(r#", "format": "problem""#, Error::TooLarge);
    assert!(!passes(&mut host, &limit));
    let text = host.reply.as_ref().unwrap().text().unwrap().to_owned();
    assert!(text.contains("#temporary-reduced-capacity\"") && text.contains("\"violated-policies\":[]"), "{text}");
}

#[test]
fn a_dry_run_lets_through_whatever_fails() {
    for (more, how) in [(r#", "on_store_failure": "closed""#, Error::Unavailable), ("", Error::TooLarge)] {
        let (mut host, limit) = failing(&[more, r#", "dry_run": true"#].concat(), how);
        assert_eq!(host.on_request(&limit), Flow::Next);
        assert_eq!(host.notes, ["would-limit"]);
    }
}

#[test]
fn what_an_answer_cost_is_charged_where_requests_are_counted() {
    let mut host = Host::new();
    let limit = filter(&mut host, &config(r#", "cost": {"answer": "1KiB"}"#));
    begin(&mut host, 3600);
    assert!(passes(&mut host, &limit));
    host.stores.fail_one("shared", Some(Error::Unavailable));
    host.exchange.sent = 3000;
    host.on_complete(&limit);
    assert_eq!(passed(&mut host, &limit, 5), 1);
    host.stores.fail_one("shared", None);
    assert_eq!(passed(&mut host, &limit, 5), 2);
}
