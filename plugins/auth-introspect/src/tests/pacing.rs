//! How often the endpoint is asked.

use std::time::Duration;

use weir::Flow;
use weir::testing::{Host, answer};
use weir::upstream::Error;

use super::{Says, filter, host, present, refused};
use crate::AuthIntrospect;

#[test]
fn a_token_that_the_endpoint_failed_over_rests_for_a_second() {
    let (mut host, says) = host();
    let filter = filter(&mut host, "");
    says.answer(answer(500, ""));
    for (advance, count, retry) in [(0, 1, "5"), (0, 1, "1"), (999, 1, "1"), (1, 2, "5")] {
        host.advance(Duration::from_millis(advance));
        let reply = refused(&mut host, &filter, "abc");
        assert_eq!((reply.code.as_str(), reply.get("retry-after")), ("introspection-failed", Some(retry)));
        assert_eq!(says.count(), count);
    }
    // Another one is asked about at once.
    says.json(r#"{"active":true}"#);
    assert_eq!(present(&mut host, &filter, "other"), Flow::Next);
}

/// Requests with as many new tokens; how many the endpoint was asked about.
fn flood(host: &mut Host, filter: &AuthIntrospect, says: &Says, name: &str, tokens: usize) -> usize {
    let before = says.count();
    for token in 0..tokens {
        present(host, filter, &format!("{name}{token}"));
    }
    says.count() - before
}

#[test]
fn only_so_many_new_tokens_are_asked_about_in_a_second() {
    let (mut host, says) = host();
    let filter = filter(&mut host, r#""rate": 20"#);
    assert_eq!(present(&mut host, &filter, "known"), Flow::Next);
    assert_eq!(flood(&mut host, &filter, &says, "a", 1000), 19);
    let reply = refused(&mut host, &filter, "new");
    assert_eq!((reply.status, reply.code.as_str()), (503, "introspection-limited"));
    assert_eq!(reply.get("retry-after"), Some("1"));
    assert_eq!(present(&mut host, &filter, "known"), Flow::Next);
    host.advance(Duration::from_secs(1));
    assert_eq!(flood(&mut host, &filter, &says, "b", 1000), 20);

    let unbound = super::filter(&mut host, r#""rate": 0"#);
    assert_eq!(flood(&mut host, &unbound, &says, "c", 1000), 1000);
}

#[test]
fn those_who_wait_for_one_answer_count_as_one() {
    let (mut host, says) = host();
    let filter = filter(&mut host, r#""rate": 1"#);
    // As another worker does that asks about it now.
    let key = host.enter(|| filter.known.key(&filter.endpoint.client, "abc").unwrap());
    let leave = host.enter(|| filter.pace.leave(&filter.known.store, &key));
    assert_eq!(leave, crate::Leave::Ask { is_doubtful: false });
    assert_eq!(flood(&mut host, &filter, &says, "other", 3), 0);
    assert_eq!(present(&mut host, &filter, "abc"), Flow::Next);
    assert_eq!(host.shared, [key]);
}

#[test]
fn an_endpoint_that_is_down_is_left_alone_and_tried_once_a_second() {
    for failure in
        [Ok(answer(503, "")), Ok(answer(429, "")), Ok(answer(401, "")), Err(Error::TimedOut), Err(Error::Failed)]
    {
        let (mut host, says) = host();
        let filter = filter(&mut host, "");
        assert_eq!(present(&mut host, &filter, "known"), Flow::Next);
        *says.next.borrow_mut() = failure;
        assert_eq!(flood(&mut host, &filter, &says, "a", 100), 6);
        let reply = refused(&mut host, &filter, "new");
        assert_eq!((reply.status, reply.code.as_str()), (503, "introspection-failed"));
        assert!(reply.detail.contains("five times in a row"), "{}", reply.detail);
        for round in 0..30 {
            host.advance(Duration::from_secs(1));
            assert_eq!(flood(&mut host, &filter, &says, &format!("b{round}x"), 100), 1);
        }
        // What is known goes on.
        assert_eq!(present(&mut host, &filter, "known"), Flow::Next);
        // Back again: the one that tries it opens the way for all.
        says.json(r#"{"active":true}"#);
        host.advance(Duration::from_secs(1));
        assert_eq!(flood(&mut host, &filter, &says, "c", 100), 100);
    }
}

#[test]
fn what_one_token_may_bring_about_keeps_no_other_out() {
    for failure in [answer(500, ""), answer(400, ""), answer(200, "<html>")] {
        let (mut host, says) = host();
        let filter = filter(&mut host, "");
        says.answer(failure);
        assert_eq!(flood(&mut host, &filter, &says, "bad", 50), 50);
        says.json(r#"{"active":true}"#);
        assert_eq!(present(&mut host, &filter, "good"), Flow::Next);
    }
    // Now and then is not in a row.
    let (mut host, says) = host();
    let filter = filter(&mut host, "");
    for round in 0..50 {
        says.fails(Error::Failed);
        assert_eq!(flood(&mut host, &filter, &says, &format!("a{round}x"), 4), 4);
        says.json(r#"{"active":false}"#);
        assert_eq!(flood(&mut host, &filter, &says, &format!("b{round}x"), 1), 1);
    }
}
