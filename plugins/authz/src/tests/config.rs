//! What is wrong with a configuration is told at its place.

use crate::Authz;
use weir::testing::{Host, schema};

fn faults(config: &str) -> Vec<String> {
    let faults = Host::new().configure::<Authz>(config).err().unwrap_or_else(|| panic!("{config} is refused"));
    faults.iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    assert_eq!(faults("{}"), [""]);
    assert_eq!(faults(r#"{"rules": []}"#), [""]);
    assert_eq!(
        faults(
            r#"{"rules": [
                {},
                {"deny": true},
                {"paths": ["/a", "b", "/a//b"], "methods": ["GET", "get", ""], "roles": [""]},
                {"name": "No Name", "paths": ["/*"], "allow": false},
                {"name": "twice", "roles": ["a"], "allow": true, "deny": true},
                {"name": "twice", "when": {"user": "a", "user.id": {}, "auth.a/b": {"exists": true}}},
                {"when": {"user.a": [], "user.b": {"is": "x", "split": "space"}, "user.c": {"contains": []}}}
            ]}"#
        ),
        [
            "/rules/0",
            "/rules/1",
            "/rules/2/roles/0",
            "/rules/2/methods/1",
            "/rules/2/methods/2",
            "/rules/2/paths/1",
            "/rules/2/paths/2",
            "/rules/3/allow",
            "/rules/3/name",
            "/rules/4/allow",
            "/rules/5/when/user",
            "/rules/5/when/user.id",
            "/rules/5/when/auth.a~1b",
            "/rules/6/when/user.a/is",
            "/rules/6/when/user.b/split",
            "/rules/6/when/user.c/contains",
            "/rules/5/name",
        ]
    );
    assert_eq!(faults(r#"{"rules": [{"roles": ["a"]}], "status": 401}"#), ["/status"]);
    assert_eq!(
        faults(
            r#"{"rules": [{"paths": ["/*"]}], "roles": ["roles"], "status": 500, "message": "", "challenge": "a\nb",
                "endpoint": {"upstream": "p", "path": "authorize", "timeout": "1h", "cache": "48h",
                             "send": {"vars": ["id"], "headers": ["host"]},
                             "forward_headers": ["x a", "Cookie", "x-ok"], "answer_headers": ["content-length"]}}"#
        ),
        [
            "/roles/0",
            "/status",
            "/challenge",
            "/endpoint/path",
            "/endpoint/timeout",
            "/endpoint/cache",
            "/endpoint/send/vars/0",
            "/endpoint/forward_headers/0",
            "/endpoint/answer_headers/0",
            "/endpoint/send/headers/0",
            "/endpoint/forward_headers/0",
            "/endpoint/forward_headers/1",
        ]
    );
    assert_eq!(faults(r#"{"default": "allow", "endpoint": {"upstream": "p", "path": "/"}}"#), ["/default"]);
    assert_eq!(faults(r#"{"rules": [{"when": {"user.id": {"is": {}}}}]}"#), ["/rules/0/when/user.id/is"]);
    assert_eq!(faults(r#"{"rules": [{"when": {"user.id": 1.5}}]}"#), ["/rules/0/when/user.id"]);
    assert_eq!(faults(r#"{"rules": [{"role": "a"}]}"#), ["/rules/0/role"]);
    assert_eq!(
        faults(&format!(r#"{{"rules": [{}{{"roles": ["a"]}}]}}"#, r#"{"roles": ["a"]},"#.repeat(10_000))),
        ["/rules"]
    );
}

#[test]
fn the_schema_has_every_key() {
    let schema = schema::<crate::config::Config>();
    for key in
        ["rules", "default", "roles", "endpoint", "method_override", "challenge", "dry_run", "forward_headers", "lacks"]
    {
        assert!(schema.contains(&format!("\"{key}\":")), "{key}: {schema}");
    }
    assert!(schema.contains(r#""x-weir":"upstream""#) && schema.contains(r#""x-weir":"store""#));
}
