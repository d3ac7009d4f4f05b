//! What the endpoint says, and what becomes of it.

use weir::Flow;
use weir::testing::answer;
use weir::upstream::Error;

use super::{filter, host, present, refused};

#[test]
fn an_active_token_goes_on_with_its_identity() {
    let (mut host, says) = host();
    let filter = filter(&mut host, r#""headers": {"X-User": "username", "x-groups": "/ext/groups"}"#);
    says.json(
        r#"{"active":true,"sub":"ada","username":"Ada L","roles":["admin","staff"],"scope":"read write",
            "ext":{"groups":["a,b","c"]},"exp":2000000000}"#,
    );
    host.request.header("x-user", "root");
    assert_eq!(present(&mut host, &filter, "abc"), Flow::Next);
    let vars: Vec<(&str, &str)> = host.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(
        vars,
        [
            ("auth.method", "introspect"),
            ("auth.roles", r#"["admin","staff"]"#),
            ("auth.scope", "read write"),
            ("user.id", "ada")
        ]
    );
    assert_eq!((host.request.all("x-user"), host.request.get("x-groups")), (vec!["Ada%20L"], Some("a%2Cb,c")));
    assert_eq!(host.own_headers, ["x-user", "x-groups"]);
    assert_eq!(host.request.get("authorization"), Some("Bearer abc"));
    assert_eq!(says.asked.borrow()[0].body, b"token=abc");
}

#[test]
fn nothing_is_left_of_another_identity() {
    let (mut host, _) = host();
    let filter = filter(&mut host, r#""headers": {"x-user": "username"}"#);
    host.request.header("authorization", "Bearer abc");
    for (name, value) in [("user.id", "eve"), ("auth.role", "admin"), ("auth.key", "k1")] {
        host.vars.insert(name.into(), value.into());
    }
    assert_eq!(host.on_request(&filter), Flow::Next);
    let vars: Vec<&str> = host.vars.keys().map(String::as_str).collect();
    assert_eq!((vars, host.vars["user.id"].as_str()), (vec!["auth.key", "auth.method", "user.id"], "ada"));
    assert_eq!(host.request.get("x-user"), None);
}

#[test]
fn an_inactive_token_is_refused_and_nobody_is_told_more() {
    let (mut host, says) = host();
    let filter = filter(&mut host, r#""realm": "the api""#);
    says.json(r#"{"active":false,"error":"revoked by eve"}"#);
    let reply = refused(&mut host, &filter, "abc");
    assert_eq!((reply.status, reply.text(), reply.code.as_str()), (401, Some("Unauthorized\n"), "token-inactive"));
    assert_eq!(reply.get("www-authenticate"), Some(r#"Bearer realm="the api", error="invalid_token""#));
    assert_eq!(reply.get("cache-control"), Some("no-store"));
    assert!(!reply.detail.contains("eve"));
    assert!(host.vars.is_empty());
}

#[test]
fn what_is_no_plain_answer_lets_nobody_in() {
    let long = format!(r#"{{"active":true,"x":"{}"}}"#, "x".repeat(60_000));
    for (status, body, words) in [
        (500, r#"{"active":true}"#, "`auth` answers POST /introspect with 500"),
        (401, r#"{"error":"invalid_client"}"#, "with 401; look at `client`"),
        (400, "", "with 400"),
        (201, r#"{"active":true}"#, "with 201"),
        (204, "", "with 204"),
        (302, r#"{"active":true}"#, "with 302"),
        (200, "<html><body>true</body></html>", "it is not JSON"),
        (200, "", "it is not JSON"),
        (200, r#"{"sub":"ada"}"#, "it has no `active`"),
        (200, r#"{"active":"true"}"#, "`active` is neither true nor false"),
        (200, r#"{"active":true,"sub":"a","sub":"b"}"#, "a member stands in it twice"),
        (200, r#"{"active":true,"exp":"soon"}"#, "`exp` is no date"),
        (200, r#"{"active":true,"x":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}"#, "nested"),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, "");
        says.answer(answer(status, body));
        let reply = refused(&mut host, &filter, "abc");
        let told = (reply.status, reply.text(), reply.code.as_str(), reply.get("retry-after"));
        assert_eq!(told, (503, Some("Not available now\n"), "introspection-failed", Some("5")), "{body}");
        assert!(reply.detail.contains(words), "{}", reply.detail);
        assert!(host.vars.is_empty() && reply.get("www-authenticate").is_none());
    }
    let (mut host, says) = host();
    let filter = filter(&mut host, "");
    says.json(&long);
    assert_eq!(present(&mut host, &filter, "abc"), Flow::Next);
    says.with("eyJhbGciOi", "content-type", "application/token-introspection+jwt");
    assert!(refused(&mut host, &filter, "abcd").detail.contains("RFC 9701"));
}

#[test]
fn an_endpoint_that_does_not_answer_lets_nobody_in() {
    for (error, words) in [
        (Error::TimedOut, "`auth` does not answer in time (POST /introspect)"),
        (Error::Failed, "cannot be reached"),
        (Error::TooLarge, "more than 64 KiB"),
        (Error::InvalidRequest, "cannot stand in a header"),
        (Error::TooMany, "may not be asked"),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, r#""optional": true"#);
        says.fails(error);
        let reply = refused(&mut host, &filter, "abc");
        assert_eq!((reply.status, reply.code.as_str()), (503, "introspection-failed"));
        assert!(reply.detail.contains(words), "{}", reply.detail);
    }
}

#[test]
fn a_token_that_does_not_do_is_refused_as_rfc_6750_has_it() {
    let invalid = Some(r#"Bearer realm="weir", error="invalid_token""#);
    let lacks = Some(r#"Bearer realm="weir", error="insufficient_scope", scope="read write""#);
    let now = weir::testing::Host::new().now.as_secs();
    for (more, claims, status, code, challenge) in [
        ("", format!(r#""exp":{}"#, now - 30), 401, "token-expired", invalid),
        ("", format!(r#""nbf":{}"#, now + 31), 401, "token-not-yet-valid", invalid),
        (r#""issuer":"a""#, r#""iss":"b""#.into(), 401, "wrong-issuer", invalid),
        (r#""audience":["a"]"#, r#""aud":"b""#.into(), 401, "wrong-audience", invalid),
        (r#""scopes":["read","write"]"#, r#""scope":"read""#.into(), 403, "insufficient-scope", lacks),
        (
            r#""required_claims":[{"scope":["read","write"]}]"#,
            r#""scope":"x""#.into(),
            403,
            "insufficient-scope",
            lacks,
        ),
        (r#""required_claims":["client_id"]"#, r#""x":1"#.into(), 403, "claim-missing", None),
        (r#""required_claims":[{"/a/b":["c"]}]"#, r#""a":{"b":"d"}"#.into(), 403, "claim-missing", None),
        ("", format!(r#""sub":"{}""#, "a".repeat(8193)), 403, "claim-too-long", None),
    ] {
        let (mut host, says) = host();
        let filter = filter(&mut host, more);
        says.json(&format!(r#"{{"active":true,{claims}}}"#));
        let reply = refused(&mut host, &filter, "abc");
        assert_eq!((reply.status, reply.code.as_str(), reply.get("www-authenticate")), (status, code, challenge));
        assert_eq!(reply.get("cache-control"), Some("no-store"));
        assert!(host.vars.is_empty(), "{code}");
    }
}

#[test]
fn what_may_not_be_set_is_a_failure_that_says_so() {
    let (mut host, _) = host();
    host.grant_vars(&["user."]);
    let filter = filter(&mut host, "");
    host.request.header("authorization", "Bearer abc");
    let failure = host.run(weir::testing::Hook::Request, &filter).unwrap_err().to_string();
    assert!(failure.contains("`auth.method` cannot be set") && failure.contains("grants"), "{failure}");
}
