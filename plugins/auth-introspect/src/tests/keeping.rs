//! What is remembered, and for how long.

use std::time::Duration;

use weir::Flow;
use weir::store::Error as StoreError;
use weir::testing::Host;

use super::{Says, filter, host, present, refused};
use crate::AuthIntrospect;

const ACTIVE: &str = r#"{"active":true,"sub":"ada"}"#;
const INACTIVE: &str = r#"{"active":false}"#;

/// How often the endpoint is asked about a token if this is the time between two requests.
fn asked_after(host: &mut Host, filter: &AuthIntrospect, says: &Says, milliseconds: u64) -> usize {
    let before = says.count();
    present(host, filter, "abc");
    host.advance(Duration::from_millis(milliseconds));
    present(host, filter, "abc");
    // Nothing of it is left for the next one.
    host.advance(Duration::from_hours(100));
    says.count() - before
}

#[test]
fn an_answer_is_kept_for_its_time_and_not_longer() {
    for (more, body, field, kept) in [
        ("", ACTIVE, None, 60_000),
        (r#""cache":"1500ms""#, ACTIVE, None, 1500),
        ("", INACTIVE, None, 10_000),
        (r#""cache_inactive":"3s""#, INACTIVE, None, 3000),
        ("", ACTIVE, Some("max-age=20"), 20_000),
        ("", ACTIVE, Some("max-age=100"), 60_000),
        ("", INACTIVE, Some("max-age=100"), 10_000),
        ("", INACTIVE, Some("max-age=5"), 5000),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, more);
        match field {
            Some(field) => says.with(body, "cache-control", field),
            None => says.json(body),
        }
        assert_eq!(asked_after(&mut host, &filter, &says, kept - 1), 1, "{more} {body} {field:?}");
        assert_eq!(asked_after(&mut host, &filter, &says, kept), 2, "{more} {body} {field:?}");
    }
}

#[test]
fn nothing_is_kept_where_that_is_switched_off_or_forbidden() {
    for (more, body, field) in [
        (r#""cache":"0s""#, ACTIVE, None),
        (r#""cache_inactive":"0s""#, INACTIVE, None),
        ("", ACTIVE, Some("no-store")),
        ("", INACTIVE, Some("no-store")),
        ("", ACTIVE, Some("max-age=0")),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, more);
        match field {
            Some(field) => says.with(body, "cache-control", field),
            None => says.json(body),
        }
        assert_eq!(asked_after(&mut host, &filter, &says, 0), 2, "{more} {body} {field:?}");
    }
}

#[test]
fn no_answer_outlives_its_token() {
    let (mut host, says) = host();
    let filter = filter(&mut host, "");
    says.json(&format!(r#"{{"active":true,"sub":"ada","exp":{}.5}}"#, host.now.as_secs() + 20));
    for (advance, count) in [(0, 1), (20_499, 1), (1, 2), (0, 3)] {
        host.advance(Duration::from_millis(advance));
        // Within the leeway it is the endpoint's to say.
        assert_eq!(present(&mut host, &filter, "abc"), Flow::Next);
        assert_eq!(says.count(), count);
    }
    host.advance(Duration::from_secs(30));
    assert_eq!(refused(&mut host, &filter, "abc").code, "token-expired");
}

#[test]
fn a_token_whose_time_has_not_begun_is_kept_and_then_let_in() {
    let (mut host, says) = host();
    let filter = filter(&mut host, r#""leeway":"0s""#);
    says.json(&format!(r#"{{"active":true,"sub":"ada","nbf":{}}}"#, host.now.as_secs() + 20));
    assert_eq!(refused(&mut host, &filter, "abc").code, "token-not-yet-valid");
    host.advance(Duration::from_secs(20));
    assert_eq!((present(&mut host, &filter, "abc"), says.count()), (Flow::Next, 1));
}

#[test]
fn what_is_kept_is_no_token_and_nothing_that_is_not_used() {
    let (mut host, says) = host();
    let filter = filter(&mut host, "");
    says.json(r#"{"active":true,"sub":"ada","email":"ada@example.com","exp":2000000000}"#);
    let token = "2YotnFZFEjr1zCsicMWpAA";
    present(&mut host, &filter, token);
    let stores = format!("{:?}", host.stores);
    assert!(!stores.contains(token) && stores.contains("token."), "{stores}");
    let value = host.enter(|| {
        let key = filter.known.key(&filter.endpoint.client, token).unwrap();
        filter.known.store.get(&key).unwrap().unwrap()
    });
    assert_eq!(String::from_utf8(value).unwrap(), r#"{"exp":2000000000,"sub":"ada"}"#);
    // What was asked together had the same name as what is kept.
    assert!(stores.contains(&host.shared[0]));
}

#[test]
fn another_configuration_finds_nothing_of_what_this_one_kept() {
    let (mut host, says) = host();
    let usual = filter(&mut host, "");
    present(&mut host, &usual, "abc");
    let more = filter(&mut host, r#""claims":{"user.name":"username"}"#);
    says.json(r#"{"active":true,"sub":"ada","username":"Ada"}"#);
    present(&mut host, &more, "abc");
    assert_eq!((host.vars["user.name"].as_str(), says.count()), ("Ada", 2));
    let hinted = filter(&mut host, r#""hint":"access_token""#);
    present(&mut host, &hinted, "abc");
    assert_eq!(says.count(), 3);
    for other in [
        r#"{"endpoint": {"upstream": "auth", "path": "/other"}, "client": {"id": "weir", "secret": "hush"}}"#,
        r#"{"endpoint": {"upstream": "auth", "path": "/introspect"}, "client": {"id": "other", "secret": "hush"}}"#,
        r#"{"endpoint": {"upstream": "auth", "path": "/introspect"}}"#,
    ] {
        let (before, other) = (says.count(), host.configure(other).unwrap());
        present(&mut host, &other, "abc");
        assert_eq!(says.count(), before + 1);
    }
    let before = says.count();
    // What must hold is looked at anew each time, so nothing needs to be asked.
    let strict = filter(&mut host, r#""required_claims":["sub"]"#);
    assert_eq!((present(&mut host, &strict, "abc"), says.count()), (Flow::Next, before));
}

#[test]
fn a_store_that_fails_or_holds_nonsense_is_asked_around() {
    for error in [StoreError::TooLarge, StoreError::TimedOut, StoreError::Unavailable] {
        let (mut host, says) = host();
        let filter = filter(&mut host, "");
        host.stores.fail(Some(error));
        assert_eq!(asked_after(&mut host, &filter, &says, 0), 2);
        says.json(INACTIVE);
        assert_eq!(refused(&mut host, &filter, "abc").code, "token-inactive");
    }
    let (mut host, says) = host();
    let filter = filter(&mut host, "");
    let key = host.enter(|| filter.known.key(&filter.endpoint.client, "abc").unwrap());
    host.stores.set("local", &key, "{\"sub\":");
    assert_eq!((present(&mut host, &filter, "abc"), says.count()), (Flow::Next, 1));
}
