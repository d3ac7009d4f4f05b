//! Headers, paths, queries and statuses.

use super::{refused, request, response};
use weir::Flow;
use weir::testing::Host;

#[test]
fn headers_are_removed_renamed_set_and_appended_in_this_order() {
    let mut host = Host::new();
    host.request
        .header("X-Debug", "1")
        .header("X-Internal-A", "1")
        .header("x-internal-b", "1")
        .header("X-Old", "1")
        .header("x-old", "2")
        .header("x-new", "from the client")
        .header("x-tag", "a")
        .header("accept", "text/html");
    host.vars.insert("user.id".into(), "ada".into());
    let config = r#"{"request": {"headers": {
        "remove": ["x-debug", "x-INTERNAL-*"], "rename": {"x-old": "x-new", "x-none": "accept"},
        "set": {"X-User": "{user.id}", "x-was": "{header:x-debug}{header:x-old}"},
        "append": {"x-tag": "b, {method}"}}}}"#;
    assert_eq!(request(&mut host, config), Flow::Next);
    for gone in ["x-debug", "x-internal-a", "x-internal-b", "x-old"] {
        assert_eq!(host.request.get(gone), None, "{gone}");
    }
    assert_eq!(host.request.all("x-new"), ["1", "2"]);
    assert_eq!(host.request.all("x-tag"), ["a", "b, GET"]);
    assert_eq!((host.request.get("x-user"), host.request.get("x-was")), (Some("ada"), Some("11")));
    assert_eq!(host.request.get("accept"), Some("text/html"));
}

#[test]
fn a_value_that_is_not_there_leaves_nothing_of_the_clients() {
    let mut host = Host::new();
    host.request.header("x-user", "root").header("x-tag", "a").query("user=root&user=admin&b=1");
    let config = r#"{"request": {
        "headers": {"set": {"x-user": "id {user.id}"}, "append": {"x-tag": "{user.id}"}},
        "query": {"set": {"user": "{user.id}"}, "append": {"b": "{user.id}"}}}}"#;
    assert_eq!(request(&mut host, config), Flow::Next);
    assert_eq!((host.request.get("x-user"), host.request.all("x-tag")), (None, vec!["a"]));
    assert_eq!(host.request.upstream_query(), Some("b=1"));
}

#[test]
fn no_value_of_a_client_splits_a_header() {
    let mut host = Host::new();
    host.request.query("q=a%0D%0ASet-Cookie:%20b=c;d,\"%00");
    let config =
        r#"{"response": {"headers": {"set": {"x-q": "{query:q}"}, "append": {"set-cookie": "q={query:q}; Secure"}}}}"#;
    host.response.header("set-cookie", "a=1").header("set-cookie", "b=2");
    assert_eq!(response(&mut host, config), Flow::Next);
    assert_eq!(host.response.get("x-q"), Some("a%0D%0ASet-Cookie: b=c%3Bd%2C%22%00"));
    let cookies = host.response.all("set-cookie");
    assert_eq!((cookies.len(), cookies[0], cookies[1]), (3, "a=1", "b=2"));
    assert!(cookies[2].ends_with("; Secure") && cookies[2].matches(';').count() == 1, "{cookies:?}");
}

#[test]
fn cookies_stay_apart_when_their_field_is_renamed() {
    let mut host = Host::new();
    host.response.header("x-cookie", "a=1").header("X-Cookie", "b=2");
    response(&mut host, r#"{"response": {"headers": {"rename": {"x-cookie": "set-cookie"}}}}"#);
    assert_eq!(host.response.all("set-cookie"), ["a=1", "b=2"]);
}

#[test]
fn what_is_the_filters_own_is_removed_from_clients() {
    let mut host = Host::new();
    host.request.header("x_user", "root");
    host.vars.insert("user.id".into(), "ada".into());
    request(&mut host, r#"{"request": {"own": ["x-user"], "headers": {"set": {"x-user": "{user.id}"}}}}"#);
    assert_eq!((host.request.get("x_user"), host.request.get("x-user")), (None, Some("ada")));
}

#[test]
fn values_that_are_too_long_are_refused() {
    let mut host = Host::new();
    host.request.query(&format!("q={}", "%22".repeat(30 << 10)));
    for (config, is_response, status) in [
        (r#"{"request": {"headers": {"set": {"x-q": "{query:q}"}}}}"#, false, 431),
        (r#"{"request": {"query": {"set": {"q": "{query:q}"}}}}"#, false, 431),
        (r#"{"response": {"headers": {"set": {"x-q": "{query:q}"}}}}"#, true, 502),
        (r#"{"request": {"query": {"append": {"a": "1"}}}}"#, false, 431),
        (r#"{"request": {"path": {"match": "/*", "to": "/a/*"}}}"#, false, 431),
    ] {
        let flow = if is_response { response(&mut host, config) } else { request(&mut host, config) };
        let reply = refused(&mut host, flow);
        assert_eq!((reply.status, reply.code.as_str()), (status, "values-too-long"), "{config}");
    }
}

/// The path that goes to the upstream.
fn path(rules: &str, path: &str) -> String {
    let mut host = Host::new();
    host.request.path(path).query("a=%20b");
    host.vars.insert("user.tenant".into(), "a/b c".into());
    let config = format!(r#"{{"request": {{"path": {rules}}}}}"#);
    match request(&mut host, &config) {
        Flow::Next => {
            assert_eq!(host.request.upstream_query(), Some("a=%20b"));
            host.request.upstream_path().to_owned()
        }
        flow => {
            let reply = refused(&mut host, flow);
            format!("{} {}", reply.status, reply.code)
        }
    }
}

#[test]
fn paths_are_rewritten_by_segments() {
    for (rule, from, to) in [
        (r#"{"match": "/v1/*", "to": "/v2/*"}"#, "/v1/a/b", "/v2/a/b"),
        (r#"{"match": "/v1/*", "to": "/v2/*"}"#, "/v1", "/v2"),
        (r#"{"match": "/v1/*", "to": "/v2/*"}"#, "/v1/", "/v2/"),
        (r#"{"match": "/v1/*", "to": "/v2/*"}"#, "/v10/a", "/v10/a"),
        (r#"{"match": "/v1/*", "to": "/*"}"#, "/v1", "/"),
        (r#"{"match": "/*", "to": "/api/*"}"#, "/", "/api/"),
        (r#"{"match": "/*", "to": "/api/*"}"#, "/a//b", "/api/a//b"),
        (r#"{"match": "/", "to": "/home"}"#, "/", "/home"),
        (r#"{"match": "/", "to": "/home"}"#, "/a", "/a"),
        (r#"{"match": "/users/{id}/*", "to": "/v2/people/{id}/*"}"#, "/users/7/posts/1", "/v2/people/7/posts/1"),
        (r#"{"match": "/users/{id}/*", "to": "/v2/people/{id}/*"}"#, "/users/7", "/v2/people/7"),
        (r#"{"match": "/users/{id}/*", "to": "/v2/people/{id}/*"}"#, "/users/", "/users/"),
        (r#"{"match": "/users/{id}/*", "to": "/v2/people/{id}/*"}"#, "/users", "/users"),
        (r#"{"match": "/{a}/{b}", "to": "/{b}/{a}/{a}"}"#, "/x%20%2Fy/z;p", "/z;p/x%20%2Fy/x%20%2Fy"),
        (r#"{"match": "/{a}/{b}", "to": "/{b}"}"#, "/x//", "/x//"),
        (r#"{"match": "/all/*", "to": "/one"}"#, "/all/of/it", "/one"),
        (r#"[{"match": "/a", "to": "/1"}, {"match": "/*", "to": "/2"}]"#, "/a", "/1"),
        (r#"[{"match": "/a", "to": "/1"}, {"match": "/*", "to": "/2"}]"#, "/b", "/2"),
        (r#"{"match": "/*", "to": "/t/{user.tenant}/*"}"#, "/a", "/t/a%2Fb%20c/a"),
    ] {
        assert_eq!(path(rule, from), to, "{rule} {from}");
    }
}

#[test]
fn no_segment_leads_elsewhere() {
    for (rule, from) in [
        (r#"{"match": "/x/{a}/y", "to": "/t/{a}/z"}"#, "/x/../y"),
        (r#"{"match": "/x/{a}/y", "to": "/t/{a}/z"}"#, "/x/%2e%2E/y"),
        (r#"{"match": "/x/{a}/y", "to": "/t/{a}/z"}"#, "/x/.%2e/y"),
        (r#"{"match": "/x/*", "to": "/t/*"}"#, "/x/a/%2e%2e/b"),
        (r#"{"match": "/x/*", "to": "/t/*"}"#, "/x/."),
        (r#"{"match": "/*", "to": "/t/{query:none}/*"}"#, "/a"),
        (r#"{"match": "/*", "to": "/t/{header:empty}/*"}"#, "/a"),
        (r#"{"match": "/*", "to": "/t/{header:dots}/*"}"#, "/a"),
    ] {
        let mut host = Host::new();
        host.request.path(from).header("empty", "").header("dots", "..");
        let flow = request(&mut host, &format!(r#"{{"request": {{"path": {rule}}}}}"#));
        let reply = refused(&mut host, flow);
        assert_eq!((reply.status, reply.code.as_str()), (400, "unusable-path"), "{rule} {from}");
    }
}

/// The query that goes to the upstream.
fn query(edits: &str, query: Option<&str>) -> Option<String> {
    let mut host = Host::new();
    if let Some(query) = query {
        host.request.query(query);
    }
    assert_eq!(request(&mut host, &format!(r#"{{"request": {{"query": {edits}}}}}"#)), Flow::Next);
    host.request.upstream_query().map(str::to_owned)
}

#[test]
fn parameters_are_edited_and_others_stay_as_they_are_spelt() {
    for (edits, from, to) in [
        (r#"{"remove": ["a"]}"#, Some("a=1&b=%7e+x&a&%61=2&c"), Some("b=%7e+x&c")),
        (r#"{"remove": ["a"]}"#, Some("a=1"), None),
        (r#"{"remove": ["a"]}"#, Some("b=1&&=&"), Some("b=1&&=&")),
        (r#"{"remove": ["a"]}"#, Some(""), Some("")),
        (r#"{"remove": ["a"]}"#, None, None),
        (r#"{"keep": ["a", "c d"]}"#, Some("b=1&a=%31&c+d=2&e"), Some("a=%31&c+d=2")),
        (r#"{"keep": []}"#, Some("b=1"), None),
        (r#"{"rename": {"q": "the query"}}"#, Some("q=%61&x=1&q"), Some("the%20query=%61&x=1&the%20query")),
        (r#"{"rename": {"q": "query"}}"#, Some("query=old&q=new"), Some("query=new")),
        (r#"{"rename": {"q": "query"}}"#, Some("query=old"), Some("query=old")),
        (r#"{"set": {"a": "x&y=z"}}"#, Some("b=1&a=1&c=1&a=2"), Some("b=1&a=x%26y%3Dz&c=1")),
        (r#"{"set": {"a b": "{method} {query:b}"}}"#, Some("b=%23"), Some("b=%23&a%20b=GET%20%23")),
        (r#"{"set": {"a": "1"}}"#, None, Some("a=1")),
        (r#"{"append": {"a": "2"}}"#, Some("a=1"), Some("a=1&a=2")),
        (r#"{"keep": [], "set": {"a": "{query:a}"}}"#, Some("a=1&a=2&b"), Some("a=1")),
        (r#"{"remove": ["é"]}"#, Some("é=1&%C3%A9&q=ü[%zz]\u{7f}&r"), Some("q=%C3%BC[%zz]%7F&r")),
        (r#"{"remove": ["a"]}"#, Some("é"), Some("é")),
    ] {
        assert_eq!(query(edits, from).as_deref(), to, "{edits} {from:?}");
    }
}

#[test]
fn statuses_choose_and_change() {
    let config = r#"{"response": {"when": {"status": [404, "5xx"]}, "status": 418, "headers": {"set": {"x-a": "1"}}}}"#;
    for (status, becomes) in [(404, 418), (500, 418), (599, 418), (200, 200), (403, 403)] {
        let mut host = Host::new();
        host.response.status(status);
        response(&mut host, config);
        assert_eq!(host.response.status_code(), becomes);
        assert_eq!(host.response.get("x-a").is_some(), becomes == 418);
    }
    // Where there is no body there is none with another status either.
    let mut host = Host::new();
    host.response.status(304);
    response(&mut host, r#"{"response": {"status": 200}}"#);
    assert_eq!(host.response.status_code(), 304);
}

#[test]
fn hooks_without_anything_to_do_are_not_called() {
    for (config, skipped) in [
        (r#"{"request": {"query": {"keep": []}}}"#, weir::setup::Hook::OnResponse),
        (r#"{"response": {"status": 201}}"#, weir::setup::Hook::OnRequest),
    ] {
        let mut host = Host::new();
        super::filter(&mut host, config);
        assert_eq!(host.skipped, [skipped]);
    }
}
