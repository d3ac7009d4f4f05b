//! Where a token may stand.

use super::issuer::{P256, filter, host, set};
use super::said;
use crate::AuthJwt;
use weir::testing::Host;

const EVERYWHERE: &str = r#""from":["bearer","cookie:session","query:access_token","header:X-Token"]"#;

fn ready(more: &str) -> (Host, AuthJwt, String) {
    let mut host = host(Some(&set(&[P256.jwk(r#""kid":"a""#)])));
    let filter = filter(&mut host, more);
    (host, filter, P256.token("ES256", "a", r#""sub":"ada""#))
}

fn ask(host: &mut Host, filter: &AuthJwt) -> String {
    let flow = host.on_request(filter);
    said(host, flow)
}

#[test]
fn a_bearer_token_is_read_as_rfc_6750_has_it() {
    let (mut host, filter, token) = ready("");
    for (value, wanted) in [
        (format!("Bearer {token}"), "next"),
        (format!("bearer {token}"), "next"),
        (format!("BEARER   {token} "), "next"),
        (format!("Basic {token}"), "401 no-token"),
        (format!("Bearer:{token}"), "400 invalid-request"),
        (format!("Bearer\t{token}"), "400 invalid-request"),
        (format!("Bearers {token}"), "401 no-token"),
        (token.clone(), "401 no-token"),
        (String::new(), "401 no-token"),
        ("Bearer".to_owned(), "400 invalid-request"),
        ("Bearer  ".to_owned(), "400 invalid-request"),
        (format!("Bearer {token} {token}"), "400 invalid-request"),
        (format!("Bearer {token},x"), "400 invalid-request"),
        (format!("Bearer \"{token}\""), "400 invalid-request"),
        ("Bearer \u{e9}".to_owned(), "400 invalid-request"),
        ("Bearer x".to_owned(), "401 malformed-token"),
    ] {
        host.request.fields.clear();
        host.request.header("authorization", &value);
        assert_eq!(ask(&mut host, &filter), wanted, "{value}");
    }
    for second in [format!("Bearer {token}"), "Basic eDp5".to_owned(), String::new()] {
        host.request.fields.clear();
        host.request.header("Authorization", format!("Bearer {token}")).header("authorization", &second);
        assert_eq!(ask(&mut host, &filter), "400 invalid-request", "{second}");
    }
}

#[test]
fn only_the_places_that_are_configured_are_looked_at() {
    let (mut host, filter, token) = ready("");
    host.request
        .header("cookie", format!("session={token}"))
        .header("x-token", &token)
        .query(&format!("access_token={token}"));
    assert_eq!(ask(&mut host, &filter), "401 no-token");
    assert_eq!(host.concealed, [""; 0]);
}

#[test]
fn cookies_parameters_and_fields_carry_tokens_and_can_be_taken_out() {
    for forward in [true, false] {
        let (mut host, filter, token) = ready(&format!(r#"{EVERYWHERE},"forward":{forward}"#));
        let kept = |value: &str| forward.then(|| value.to_owned());

        host.request.header("authorization", format!("Bearer {token}"));
        assert_eq!(ask(&mut host, &filter), "next");
        assert_eq!(host.request.get("authorization").map(str::to_owned), kept(&format!("Bearer {token}")));

        host.request.fields.clear();
        host.request.header("x-token", &token);
        assert_eq!(ask(&mut host, &filter), "next");
        assert_eq!(host.request.get("x-token").map(str::to_owned), kept(&token));

        host.request.fields.clear();
        let lines = [format!("a=1; session={token}; b=2"), "c=3".to_owned()];
        for line in &lines {
            host.request.header("cookie", line);
        }
        assert_eq!(ask(&mut host, &filter), "next");
        let wanted = if forward { lines.to_vec() } else { vec!["a=1; b=2".to_owned(), "c=3".to_owned()] };
        assert_eq!(host.request.all("cookie"), wanted);

        host.request.fields.clear();
        host.request.header("cookie", format!("session={token}"));
        assert_eq!(ask(&mut host, &filter), "next");
        assert_eq!(host.request.get("cookie").map(str::to_owned), kept(&format!("session={token}")));
    }
}

#[test]
fn a_token_in_a_query_is_concealed_whatever_becomes_of_it() {
    let (mut host, filter, token) = ready(EVERYWHERE);
    host.request.query(&format!("a=1&access%5Ftoken={token}&b=2"));
    assert_eq!(ask(&mut host, &filter), "next");
    assert_eq!(host.request.upstream_query(), Some("a=1&b=2"));
    assert_eq!(host.concealed, ["access_token"]);

    let (mut host, filter, _) = ready(EVERYWHERE);
    for query in ["access_token=wrong", "access_token=one&access_token=two", "access_token="] {
        host.concealed.clear();
        host.request.query(query);
        assert_ne!(ask(&mut host, &filter), "next");
        assert_eq!(host.concealed, ["access_token"], "{query}");
    }
}

#[test]
fn two_tokens_are_one_too_many() {
    let (mut host, filter, token) = ready(EVERYWHERE);
    let pair = format!("session={token}; session={token}");
    for (header, value, query) in [
        ("x-token", token.as_str(), format!("access_token={token}")),
        ("cookie", &format!("session={token}"), format!("access_token={token}")),
        ("cookie", &pair, "a=1".to_owned()),
        ("x-other", "", format!("access_token={token}&access_token={token}")),
    ] {
        host.request.fields.clear();
        host.request.header(header, value).query(&query);
        assert_eq!(ask(&mut host, &filter), "400 invalid-request", "{header} {query}");
    }
    host.request.query("");
    host.request.fields.clear();
    host.request.header("x-token", &token).header("X-Token", &token);
    assert_eq!(ask(&mut host, &filter), "400 invalid-request");
    // A place that is empty, or has somebody else's credentials, has no token.
    host.request.fields.clear();
    host.request.header("x-token", &token).header("cookie", "session=; a=1").header("authorization", "Basic eDp5");
    assert_eq!(ask(&mut host, &filter), "next");
}

#[test]
fn whoever_has_no_token_may_go_on_if_that_is_configured_but_not_with_a_wrong_one() {
    let (mut host, filter, _) = ready(r#""optional":true,"headers":{"x-user":"sub"}"#);
    host.vars.insert("user.id".into(), "proven before".into());
    host.request.header("x-user", "forged");
    assert_eq!(ask(&mut host, &filter), "next");
    assert_eq!((host.vars["user.id"].as_str(), host.vars.len()), ("proven before", 1));
    assert_eq!((host.request.get("x-user"), host.notes.as_slice()), (None, ["anonymous".to_owned()].as_slice()));
    for (value, wanted) in [("Bearer x", "401 malformed-token"), ("Bearer", "400 invalid-request")] {
        host.request.fields.clear();
        host.request.header("authorization", value);
        assert_eq!(ask(&mut host, &filter), wanted);
    }
}
