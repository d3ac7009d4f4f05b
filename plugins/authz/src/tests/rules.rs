//! What rules say.

use super::{ask, filter, said, says};
use weir::Level;

const ADMIN: &[(&str, &str)] = &[("user.id", "root"), ("auth.roles", r#"["staff","admin"]"#)];
const EDITOR: &[(&str, &str)] = &[("user.id", "ada"), ("auth.role", "editor")];
const NOBODY: &[(&str, &str)] = &[];

const RULES: &str = r#"{"rules": [
    {"name": "admins", "roles": ["admin"], "allow": true},
    {"roles": ["editor"], "methods": ["GET", "PUT"], "paths": ["/docs/*"]},
    {"name": "secret", "paths": ["/docs/secret/*"], "deny": true, "when": {"auth.roles": {"lacks": "admin"}}},
    {"name": "own", "paths": ["/users/{user.id}/*"]},
    {"paths": ["/"], "methods": ["GET"]}
]}"#;

#[test]
fn roles_methods_and_paths_decide_and_the_rest_is_denied() {
    says(
        RULES,
        ADMIN,
        &[("GET", "/", "admins"), ("DELETE", "/anything/at/all", "admins"), ("GET", "/docs/secret/plan", "admins")],
    );
    says(
        RULES,
        EDITOR,
        &[
            ("GET", "/docs", "rule-1"),
            ("GET", "/docs/", "rule-1"),
            ("PUT", "/docs/a/b", "rule-1"),
            ("HEAD", "/docs/a", "rule-1"),
            ("POST", "/docs/a", "no-rule"),
            ("get", "/docs/a", "no-rule"),
            ("GET", "/docsa", "no-rule"),
            ("GET", "/Docs/a", "no-rule"),
            ("GET", "/", "rule-4"),
            ("HEAD", "/", "rule-4"),
            ("POST", "/", "no-rule"),
            ("GET", "/users/ada", "own"),
            ("DELETE", "/users/ada/mail/1", "own"),
            ("GET", "/users/bob", "no-rule"),
            ("GET", "/users/Ada", "no-rule"),
            ("GET", "/users/%61da", "own"),
            ("GET", "/users", "no-rule"),
        ],
    );
    says(
        RULES,
        NOBODY,
        &[
            ("GET", "/", "rule-4"),
            ("GET", "/docs/a", "no-rule"),
            ("GET", "/users/", "no-rule"),
            ("GET", "/users/{user.id}", "no-rule"),
        ],
    );
}

#[test]
fn an_explicit_refusal_wins_wherever_it_stands() {
    says(
        RULES,
        EDITOR,
        &[
            ("GET", "/docs/secret", "denied"),
            ("PUT", "/docs/secret/plan", "denied"),
            ("GET", "/docs/secrets", "rule-1"),
        ],
    );
    for config in [
        r#"{"rules": [{"paths": ["/a/b"]}, {"paths": ["/*"], "deny": true, "methods": ["DELETE"]}]}"#,
        r#"{"rules": [{"paths": ["/*"], "deny": true, "methods": ["DELETE"]}, {"paths": ["/a/b"]}]}"#,
    ] {
        says(config, NOBODY, &[("DELETE", "/a/b", "denied"), ("delete", "/a/b", "denied")]);
        assert_eq!(said(&ask(&filter(config), NOBODY, "GET", "/a/b")).len(), "rule-0".len());
    }
}

#[test]
fn without_a_rule_it_is_denied_or_as_the_default_says() {
    says(r#"{"rules": [{"deny": true, "paths": ["/a"]}]}"#, ADMIN, &[("GET", "/b", "no-rule")]);
    let open = r#"{"default": "allow", "rules": [{"deny": true, "paths": ["/a/*"]}]}"#;
    says(open, NOBODY, &[("GET", "/a/b", "denied"), ("GET", "/A", "denied"), ("GET", "/b", "default-allow")]);
}

#[test]
fn conditions_are_about_variables() {
    let conditions = [
        (r#"{"user.tier": "gold"}"#, vec![("gold", true), ("silver", false), ("Gold", false), (r#"["gold"]"#, false)]),
        (r#"{"user.tier": ["gold", "silver"]}"#, vec![("silver", true), ("tin", false)]),
        (r#"{"user.tier": {"is": 7}}"#, vec![("7", true), ("77", false)]),
        (r#"{"user.tier": true}"#, vec![("true", true), ("false", false)]),
        (r#"{"user.tier": {"not": "gold"}}"#, vec![("gold", false), ("tin", true)]),
        (
            r#"{"user.tier": {"contains": "a"}}"#,
            vec![(r#"["b","a"]"#, true), ("a", true), ("a b", false), ("ab", false)],
        ),
        (r#"{"user.tier": {"contains": "a", "split": "space"}}"#, vec![("b a", true), ("ab", false)]),
        (r#"{"user.tier": {"contains": ["a", "b"], "split": "comma"}}"#, vec![("c,b", true), ("c,d", false)]),
        (r#"{"user.tier": {"lacks": ["a", "b"]}}"#, vec![(r#"["c"]"#, true), (r#"["c","b"]"#, false)]),
        (r#"{"user.tier": {"exists": true}}"#, vec![("", true)]),
        (r#"{"user.tier": {"exists": false}}"#, vec![("", false)]),
        (r#"{"user.tier": {"contains": "a", "lacks": "b"}}"#, vec![(r#"["a"]"#, true), (r#"["a","b"]"#, false)]),
        (r#"{"user.tier": {"exists": true}, "user.id": "ada"}"#, vec![("x", false)]),
    ];
    for (when, cases) in conditions {
        let filter = filter(&format!(r#"{{"rules": [{{"when": {when}}}]}}"#));
        for (value, holds) in cases {
            let host = ask(&filter, &[("user.tier", value)], "GET", "/");
            assert_eq!(host.reply.is_none(), holds, "{when} of {value}");
        }
        let holds_of_none = ["not", "lacks\": [", "\"exists\": false"].iter().any(|word| when.contains(word));
        assert_eq!(ask(&filter, &[], "GET", "/").reply.is_none(), holds_of_none, "{when} of nothing");
    }
}

#[test]
fn a_scope_is_a_list_between_spaces_and_roles_are_where_they_are_said_to_be() {
    let config = r#"{"rules": [{"when": {"auth.scope": {"contains": "write"}}}]}"#;
    says(config, &[("auth.scope", "read write")], &[("GET", "/", "rule-0")]);
    says(config, &[("auth.scope", r#"["read","write"]"#)], &[("GET", "/", "rule-0")]);
    says(config, &[("auth.scope", "read writer")], &[("GET", "/", "no-rule")]);

    let config = r#"{"roles": ["auth.scope", {"var": "user.groups", "split": "comma"}, "user.group"],
                     "rules": [{"roles": ["write", "a b"]}]}"#;
    for (var, value, wanted) in [
        ("auth.scope", "read write", "rule-0"),
        ("user.groups", "x,a b", "rule-0"),
        ("user.groups", "x a b", "no-rule"),
        ("user.group", "a b", "rule-0"),
        ("user.group", "a b c", "no-rule"),
        ("auth.roles", r#"["write"]"#, "no-rule"),
    ] {
        says(config, &[(var, value)], &[("GET", "/", wanted)]);
    }
}

#[test]
fn refusals_say_nothing_to_the_client_and_the_rule_to_the_operator() {
    let usual = filter(RULES);
    for (path, code, detail) in
        [("/docs/secret", "denied", "the rule `secret` denies it"), ("/x", "no-rule", "no rule allows GET by editor")]
    {
        let reply = ask(&usual, EDITOR, "GET", path).reply.unwrap();
        assert_eq!((reply.status, reply.text(), reply.code.as_str()), (403, Some("Forbidden\n"), code));
        assert_eq!((reply.detail.as_str(), reply.get("cache-control")), (detail, Some("no-store")));
        assert_eq!(reply.get("www-authenticate"), None);
    }
    assert_eq!(ask(&usual, NOBODY, "GET", "/x").reply.unwrap().detail, "no rule allows GET by nobody with a role");

    let own = filter(
        r#"{"rules": [{"roles": ["a"]}], "status": 404, "message": "Not found", "challenge": "Bearer realm=\"api\""}"#,
    );
    let reply = ask(&own, NOBODY, "GET", "/").reply.unwrap();
    assert_eq!(
        (reply.status, reply.text(), reply.get("www-authenticate")),
        (401, Some("Not found\n"), Some("Bearer realm=\"api\""))
    );
    let reply = ask(&own, EDITOR, "GET", "/").reply.unwrap();
    assert_eq!((reply.status, reply.text(), reply.get("www-authenticate")), (404, Some("Not found\n"), None));
}

#[test]
fn a_dry_run_refuses_nobody_and_says_whom_it_would() {
    let filter = filter(r#"{"rules": [{"name": "staff", "roles": ["staff"]}], "dry_run": true}"#);
    let host = ask(&filter, EDITOR, "GET", "/a");
    assert_eq!((host.reply.is_none(), said(&host)), (true, "would-refuse".to_owned()));
    assert_eq!(host.log, [(Level::Info, "would refuse with 403 (no-rule): no rule allows GET by editor".to_owned())]);
    let host = ask(&filter, ADMIN, "GET", "/a");
    assert_eq!((host.log.len(), said(&host)), (0, "staff".to_owned()));
}

#[test]
fn a_request_cannot_have_two_methods_where_rules_look_at_them() {
    let looks = r#"{"rules": [{"methods": ["POST"]}]}"#;
    for (config, method, header, wanted) in [
        (looks, "POST", "X-HTTP-Method-Override", "method-override"),
        (looks, "POST", "x-http-method", "method-override"),
        (looks, "POST", "x-method-override", "method-override"),
        (looks, "post", "x-http-method-override", "method-override"),
        (looks, "POST", "X_HTTP_Method_Override", "method-override"),
        (looks, "POST", "x-other", "rule-0"),
        (r#"{"rules": [{"methods": ["POST"]}], "method_override": "keep"}"#, "POST", "x-http-method", "rule-0"),
        (r#"{"rules": [{"paths": ["/*"]}]}"#, "POST", "x-http-method", "rule-0"),
        (r#"{"rules": [{"methods": ["GET"]}]}"#, "GET", "x-http-method", "rule-0"),
    ] {
        let mut host = weir::testing::Host::new();
        host.request.method(method).header(header, "DELETE");
        host.on_request(&filter(config));
        assert_eq!(said(&host), wanted, "{config} {method} {header}");
        assert!(host.reply.is_none_or(|reply| reply.status == 400));
    }
}
