//! Several variables in one call, and fields that may stand only once.

use std::io::Write;

use weir_tests::{Client, Origin, Proxy, Received};

/// What reached the upstream behind a filter that sets these variables, behind one that has set `user.id`.
fn received(vars: &str, fields: &str) -> Received {
    let origin = Origin::text("served");
    let proxy = Proxy::builder()
        .plugin("vars", "vars", "grants: { vars: [user.] }")
        .plugin("together", "together", "grants: { vars: [user.] }")
        .filter("{ plugin: vars, config: { set: { user.id: eve } } }")
        .filter(&format!(
            "{{ plugin: together, config: {{ vars: [{vars}], show: [user.id, user.plan, together.x] }} }}"
        ))
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(Client::connect(proxy.address).get("/", fields).status, 200);
    origin.next()
}

#[test]
fn several_variables_are_set_and_removed_in_one_call() {
    let received = |vars: &str| {
        let request = self::received(vars, "");
        let vars: Vec<String> = request.values("x-var").iter().map(|value| (*value).to_owned()).collect();
        (request.header("x-set").unwrap().to_owned(), vars.join(" "))
    };
    let told = |set: &str, vars: &str| (set.to_owned(), vars.to_owned());
    assert_eq!(
        received("user.id=ada, user.plan=gold, together.x=own"),
        told("done", "user.id=ada user.plan=gold together.x=own")
    );
    assert_eq!(received("user.id, user.plan, together.x=own"), told("done", "user.id=- user.plan=- together.x=own"));
    // The last one of a name stands.
    assert_eq!(received("user.id=ada, user.id, user.id=bob"), told("done", "user.id=bob user.plan=- together.x=-"));
    assert_eq!(received(""), told("done", "user.id=eve user.plan=- together.x=-"));
}

#[test]
fn it_ends_at_the_first_variable_that_is_refused() {
    for (name, word) in
        [("auth.role", "denied"), ("User.Id", "invalid-name"), (&format!("user.{}", "x".repeat(60)), "invalid-name")]
    {
        for value in ["=root", ""] {
            let request = received(&format!("user.plan=gold, {name}{value}, user.id=ada, together.x=own"), "");
            assert_eq!(request.header("x-set"), Some(word), "{name}");
            assert_eq!(request.values("x-var"), ["user.id=eve", "user.plan=gold", "together.x=-"], "{name}");
        }
    }
    let long = "x".repeat(8193);
    let request = received(&format!("user.id={long}, user.plan=gold"), "");
    assert_eq!(request.header("x-set"), Some("too-large"));
    assert_eq!(request.values("x-var"), ["user.id=eve", "user.plan=-", "together.x=-"]);
}

#[test]
fn a_field_that_stands_several_times_is_no_sole_one() {
    let several = "a field stands several times that may stand only once";
    for (fields, sole) in [
        ("", "none"),
        ("X-Once: a\r\n", "a"),
        ("x-once: \r\n", ""),
        ("X-Once: a, b\r\n", "a, b"),
        ("X-Once: a\r\nx-once: b\r\n", several),
        ("X-Once: a\r\nx-once: a\r\n", several),
    ] {
        assert_eq!(received("", fields).header("x-sole"), Some(sole), "{fields:?}");
    }
}

#[test]
fn in_responses_too() {
    for (fields, sole) in
        [("", "none"), ("X-Once: a\r\n", "a"), ("X-Once: a\r\nX-Once: b\r\n", "a field stands several")]
    {
        let origin =
            Origin::raw(move |_, peer| write!(peer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n").is_ok());
        let proxy = Proxy::builder()
            .guest("together", "together", "config: { vars: [], show: [] }")
            .route("/*", "app", origin.address)
            .start();
        let reply = Client::connect(proxy.address).get("/", "");
        assert!(reply.header("x-sole").unwrap().starts_with(sole), "{fields:?}");
    }
}
