//! What an endpoint is asked, and what becomes of its answers.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use weir::testing::{self, Host};
use weir::upstream::{Answer, Error};
use weir::{Flow, Level, store};

use super::said;
use crate::Authz;

/// A host with an endpoint that answers so, and the questions that it was asked.
fn host(answers: impl Fn() -> Result<Answer, Error> + 'static) -> (Host, Rc<RefCell<Vec<Value>>>) {
    let asked = Rc::new(RefCell::new(Vec::new()));
    let known = Rc::clone(&asked);
    let mut host = Host::new();
    host.upstream("policy", move |request| {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/authorize"));
        assert_eq!(request.get("content-type"), Some("application/json"));
        known.borrow_mut().push(serde_json::from_slice(&request.body).unwrap());
        answers()
    });
    host.vars.insert("user.id".into(), "ada".into());
    (host, asked)
}

fn filter(host: &mut Host, more: &str) -> Authz {
    host.configure(&format!(r#"{{"endpoint": {{"upstream": "policy", "path": "/authorize"{more}}}}}"#)).unwrap()
}

fn answer(status: u16, body: &str, headers: &[(&str, &str)]) -> Answer {
    let mut answer = testing::answer(status, body);
    answer.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
    answer
}

#[test]
fn the_question_is_what_the_configuration_says() {
    let (mut host, asked) = host(|| Ok(answer(200, r#"{"allow": true}"#, &[])));
    host.request.method("PUT").path("/docs/a%20b").query("x=1").header("x-tenant", "t1").header("X-Tenant", b"t\xff");
    host.vars.insert("auth.roles".into(), r#"["a","b"]"#.into());
    host.vars.insert("auth.role".into(), "c".into());
    host.vars.insert("auth.method".into(), "jwt".into());
    let plain = filter(&mut host, "");
    assert_eq!((host.on_request(&plain), said(&host)), (Flow::Next, "policy-allowed".to_owned()));
    assert_eq!(
        asked.borrow_mut().pop().unwrap(),
        json!({
            "request": { "method": "PUT", "scheme": "http", "host": "example.com", "path": "/docs/a%20b", "headers": {} },
            "vars": { "user.id": "ada", "auth.method": "jwt", "auth.roles": ["a", "b"], "auth.role": ["c"] },
            "site": "example.com", "route": "/*",
        })
    );
    let more = r#", "wrap": "input", "send": {"vars": ["user.id", "user.name"], "headers": ["X-Tenant", "x-none"], "query": true, "client": true}"#;
    let full = filter(&mut host, more);
    host.vars.insert("user.name".into(), r#"["admin"]"#.into());
    host.on_request(&full);
    assert_eq!(
        asked.borrow_mut().pop().unwrap(),
        json!({ "input": {
            "request": { "method": "PUT", "scheme": "http", "host": "example.com", "path": "/docs/a%20b", "query": "x=1",
                         "client": "192.0.2.1", "headers": { "x-tenant": ["t1", "t\u{fffd}"] } },
            // A name is a text, whatever it looks like.
            "vars": { "user.id": "ada", "user.name": "[\"admin\"]" },
            "site": "example.com", "route": "/*",
        } })
    );
}

#[test]
fn answers_are_decisions_or_nothing_goes_on() {
    for (status, body, wanted) in [
        (200, r#"{"allow": true}"#, "policy-allowed"),
        (200, r#"{"allow": false}"#, "policy-denied"),
        (200, r#"{"allow": true, "reason": "x", "other": [1]}"#, "policy-allowed"),
        (200, r#"{"result": true}"#, "policy-allowed"),
        (200, r#"{"result": false, "decision_id": "1"}"#, "policy-denied"),
        (200, r#"{"result": {"allow": true, "headers": {}}}"#, "policy-allowed"),
        (200, r#"{"result": {"allow": false, "reason": "no"}}"#, "policy-denied"),
        (200, "{}", "policy-denied"),
        (200, r#" { "decision_id": "1" } "#, "policy-denied"),
        (403, "<h1>no</h1>", "policy-denied"),
        (200, r#"{"warning": {"code": "api_usage_warning"}}"#, "policy-failed"),
        (200, r#"{"allow": true, "result": false}"#, "policy-failed"),
        (200, r#"{"allow": false, "allow": true}"#, "policy-failed"),
        (200, r#"{"result": {"allow": false, "allow": true}}"#, "policy-failed"),
        (200, r#"{"allow": "true"}"#, "policy-failed"),
        (200, r#"{"allow": 1}"#, "policy-failed"),
        (200, r#"{"result": {}}"#, "policy-failed"),
        (200, r#"{"result": "true"}"#, "policy-failed"),
        (200, r#"{"error": "down"}"#, "policy-failed"),
        (200, "true", "policy-failed"),
        (200, "", "policy-failed"),
        (200, "<html>it works</html>", "policy-failed"),
        (200, r#"{"allow": true, "headers": {"x": 1}}"#, "policy-failed"),
        (201, r#"{"allow": true}"#, "policy-failed"),
        (204, "", "policy-failed"),
        (302, "", "policy-failed"),
        (401, "", "policy-failed"),
        (404, "", "policy-failed"),
        (500, r#"{"allow": true}"#, "policy-failed"),
    ] {
        let (mut host, _) = host(move || Ok(answer(status, body, &[])));
        let filter = filter(&mut host, "");
        host.on_request(&filter);
        assert_eq!(said(&host), wanted, "{status} {body}");
        if let Some(reply) = host.reply {
            let shown = if wanted == "policy-failed" {
                (503, "Not available now\n", Some("1"))
            } else {
                (403, "Forbidden\n", None)
            };
            assert_eq!((reply.status, reply.text().unwrap(), reply.get("retry-after")), shown, "{status} {body}");
        }
    }
    for error in [Error::TimedOut, Error::Failed, Error::TooLarge, Error::TooMany, Error::Denied] {
        let (mut host, _) = host(move || Err(error));
        let filter = filter(&mut host, "");
        assert_eq!((host.on_request(&filter), said(&host)), (Flow::Stop, "policy-failed".to_owned()));
        let detail = host.reply.unwrap().detail;
        assert!(detail.starts_with("`policy` decided nothing: the request to it ended so: "), "{detail}");
        assert_eq!(host.metrics.value("policy", &["failed", "endpoint"]), Some(1.0));
    }
}

#[test]
fn reasons_are_the_operators_and_have_an_end() {
    let reason = format!(r#"{{"allow": false, "reason": "too\r\nlate {}"}}"#, "x".repeat(1000));
    let (mut host, _) = host(move || Ok(answer(200, &reason, &[])));
    let filter = filter(&mut host, "");
    host.on_request(&filter);
    let detail = host.reply.unwrap().detail;
    assert!(detail.starts_with("the policy endpoint denies it: toolate x") && detail.len() < 300, "{detail}");
}

#[test]
fn headers_of_a_decision_go_where_the_configuration_says() {
    let body =
        r#"{"allow": ALLOW, "headers": {"X-Tenant": "t1", "x-why": "quota", "x-other": "1", "connection": "close"}}"#;
    let more = r#", "forward_headers": ["x-tenant", "X-Plan"], "answer_headers": ["x-why"]"#;
    let allowed = body.replace("ALLOW", "true");
    let (mut host, _) = host(move || Ok(answer(200, &allowed, &[])));
    let allows = filter(&mut host, more);
    assert_eq!(host.own_headers, ["x-tenant", "x-plan"]);
    host.request
        .header("x-tenant", "forged")
        .header("x-plan", "forged")
        .header("X_Plan", "forged")
        .header("x-why", "kept");
    assert_eq!(host.on_request(&allows), Flow::Next);
    assert_eq!(
        (host.request.get("x-tenant"), host.request.get("x-plan"), host.request.get("x_plan")),
        (Some("t1"), None, None)
    );
    assert_eq!((host.request.get("x-why"), host.request.get("x-other")), (Some("kept"), None));

    let refusal = body.replace("ALLOW", "false");
    let (mut host, _) = self::host(move || Ok(answer(200, &refusal, &[])));
    let denies = filter(&mut host, more);
    assert_eq!(host.on_request(&denies), Flow::Stop);
    let reply = host.reply.unwrap();
    assert_eq!((reply.get("x-why"), reply.get("x-tenant"), reply.get("x-other")), (Some("quota"), None, None));
}

#[test]
fn a_decision_with_a_header_that_cannot_stand_is_none() {
    for value in [r"a\r\nx-admin: 1", r"a\u0000", "é", &"x".repeat(9000)] {
        let body = format!(r#"{{"allow": true, "headers": {{"x-tenant": "{value}"}}}}"#);
        let (mut host, _) = host(move || Ok(answer(200, &body, &[])));
        let filter = filter(&mut host, r#", "forward_headers": ["x-tenant"]"#);
        assert_eq!((host.on_request(&filter), said(&host)), (Flow::Stop, "policy-failed".to_owned()), "{value}");
    }
    let twice = r#"{"allow": true, "headers": {"x-tenant": "a", "X-Tenant": "b"}}"#;
    let (mut host, _) = host(move || Ok(answer(200, twice, &[])));
    let filter = filter(&mut host, r#", "forward_headers": ["x-tenant"]"#);
    assert_eq!((host.on_request(&filter), said(&host)), (Flow::Stop, "policy-failed".to_owned()));
}

#[test]
fn a_decision_is_kept_as_long_as_it_says_and_no_longer_than_the_configuration() {
    for (more, cache_control, seconds) in [
        ("", "max-age=10", 10),
        ("", "max-age=600", 60),
        (r#", "cache": "5m""#, "max-age=200", 200),
        (r#", "cache": "0s""#, "max-age=200", 0),
        ("", "no-store", 0),
        ("", "", 0),
    ] {
        for body in [r#"{"allow": true, "headers": {"x-tenant": "t1"}}"#, r#"{"allow": false, "reason": "no"}"#] {
            let (mut host, asked) = host(move || Ok(answer(200, body, &[("cache-control", cache_control)])));
            let filter = filter(&mut host, &format!(r#"{more}, "forward_headers": ["x-tenant"]"#));
            let first = (host.on_request(&filter), host.reply.as_ref().map(|reply| reply.detail.clone()));
            if seconds > 0 {
                host.advance(Duration::from_millis(seconds * 1000 - 1));
                host.request.header("x-tenant", "forged");
                assert_eq!((host.on_request(&filter), host.reply.as_ref().map(|reply| reply.detail.clone())), first);
                assert_eq!(
                    (asked.borrow().len(), host.request.get("x-tenant")),
                    (1, (first.0 == Flow::Next).then_some("t1"))
                );
                assert_eq!(
                    host.metrics.value("policy", &[if first.0 == Flow::Next { "allowed" } else { "denied" }, "cache"]),
                    Some(1.0)
                );
                host.advance(Duration::from_millis(1));
            }
            host.on_request(&filter);
            assert_eq!(asked.borrow().len(), 2, "{more} {cache_control} {body}");
        }
    }
}

#[test]
fn a_decision_holds_for_exactly_what_was_asked() {
    let (mut host, asked) = host(|| Ok(answer(200, r#"{"allow": true}"#, &[("cache-control", "max-age=10")])));
    let filter = filter(&mut host, "");
    host.on_request(&filter);
    let changes: [&dyn Fn(&mut Host); 6] = [
        &|host| {
            host.request.method("DELETE");
        },
        &|host| {
            host.request.path("/other");
        },
        &|host| drop(host.vars.insert("user.id".into(), "bob".into())),
        &|host| drop(host.vars.remove("user.id")),
        &|host| drop(host.vars.insert("auth.roles".into(), "[]".into())),
        &|host| host.exchange.route = "/other/*".into(),
    ];
    for (count, change) in changes.iter().enumerate() {
        change(&mut host);
        for _ in 0..2 {
            host.on_request(&filter);
        }
        assert_eq!(asked.borrow().len(), count + 2);
    }
    // What is not sent makes no difference.
    host.request.query("x=2").header("x-a", "1");
    host.exchange.client_address = "192.0.2.99".into();
    host.on_request(&filter);
    assert_eq!(asked.borrow().len(), 7);
    let keys: std::collections::BTreeSet<_> = host.shared.iter().collect();
    assert_eq!((keys.len(), keys.iter().all(|key| key.len() == 64)), (7, true));
}

#[test]
fn failures_are_not_kept_and_a_store_that_fails_keeps_nothing() {
    let (mut host, asked) = host(|| Ok(answer(500, "", &[("cache-control", "max-age=10")])));
    let fails = filter(&mut host, "");
    assert_eq!([host.on_request(&fails), host.on_request(&fails)], [Flow::Stop; 2]);
    assert_eq!(asked.borrow().len(), 2);

    let (mut host, asked) = self::host(|| Ok(answer(200, r#"{"allow": true}"#, &[("cache-control", "max-age=10")])));
    host.stores.fail(Some(store::Error::Unavailable));
    let asks = filter(&mut host, "");
    assert_eq!([host.on_request(&asks), host.on_request(&asks)], [Flow::Next; 2]);
    assert_eq!(asked.borrow().len(), 2);
    assert!(
        host.log.iter().all(|(level, line)| *level == Level::Warn && line.contains("unavailable")),
        "{:?}",
        host.log
    );
}

#[test]
fn rules_decide_first_and_the_endpoint_about_what_they_let_through() {
    let config = |default: &str| {
        format!(
            r#"{{{default}"rules": [{{"paths": ["/open/*"]}}, {{"paths": ["/closed"], "deny": true}}],
                "endpoint": {{"upstream": "policy", "path": "/authorize"}}}}"#
        )
    };
    for (default, path, wanted, count) in [
        ("", "/open/a", "policy-denied", 1),
        ("", "/closed", "denied", 0),
        ("", "/other", "no-rule", 0),
        (r#""default": "allow", "#, "/other", "policy-denied", 1),
        (r#""default": "allow", "#, "/closed", "denied", 0),
        (r#""default": "allow", "#, "/open/..;/x", "ambiguous-path", 0),
    ] {
        let (mut host, asked) = host(|| Ok(answer(200, r#"{"allow": false}"#, &[])));
        let filter: Authz = host.configure(&config(default)).unwrap();
        host.request.path(path);
        host.on_request(&filter);
        assert_eq!((said(&host).as_str(), asked.borrow().len()), (wanted, count), "{default} {path}");
    }
}
