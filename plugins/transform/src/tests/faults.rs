//! What is wrong with configurations.

use super::faults;

/// Each of these has this one fault.
fn each(cases: &[(&str, &str, &str)]) {
    for (config, pointer, words) in cases {
        let faults = faults(config);
        assert_eq!((faults.len(), faults[0].0.as_str()), (1, *pointer), "{config}: {faults:?}");
        assert!(faults[0].1.contains(words), "{config}: {faults:?}");
    }
}

#[test]
fn faults_of_headers_paths_queries_and_statuses_are_told_where_they_are() {
    each(&[
        ("{}", "", "nothing says what is changed"),
        (r#"{"request": {}}"#, "", "nothing says what is changed"),
        (r#"{"request": {"headers": {"set": {"host": "a"}}}}"#, "/request/headers/set/host", "the host sets itself"),
        (
            r#"{"request": {"headers": {"remove": ["a", "Content-Length"]}}}"#,
            "/request/headers/remove/1",
            "the host sets itself",
        ),
        (r#"{"request": {"headers": {"remove": ["*"]}}}"#, "/request/headers/remove/0", "every header"),
        (r#"{"request": {"headers": {"remove": ["a b*"]}}}"#, "/request/headers/remove/0", "not a header name"),
        (
            r#"{"response": {"headers": {"rename": {"a": "connection"}}}}"#,
            "/response/headers/rename/a",
            "the host sets itself",
        ),
        (r#"{"response": {"headers": {"rename": {"a": "A"}}}}"#, "/response/headers/rename/a", "that name already"),
        (r#"{"response": {"headers": {"set": {"a": "b\nc"}}}}"#, "/response/headers/set/a", "line breaks"),
        (r#"{"response": {"headers": {"set": {"a": "{nme}"}}}}"#, "/response/headers/set/a", "there is no value `nme`"),
        (r#"{"response": {"headers": {"set": {"A": "1", "a": "2"}}}}"#, "/response/headers/set/a", "in other letters"),
        (r#"{"response": {"path": {}}}"#, "/response/path", "unknown key"),
        (r#"{"request": {"own": ["te"]}}"#, "/request/own/0", "the host sets itself"),
        (r#"{"request": {"path": {"match": "a", "to": "/b"}}}"#, "/request/path/match", "begins with `/`"),
        (
            r#"{"request": {"path": [{"match": "/a", "to": "/{b}"}]}}"#,
            "/request/path/0/to",
            "no segment of `match` has the name `b`",
        ),
        (r#"{"request": {"path": {"match": "/a", "to": "/b/*"}}}"#, "/request/path/to", "`*` at the end of `match`"),
        (
            r#"{"request": {"path": {"match": "/*/a", "to": "/b"}}}"#,
            "/request/path/match",
            "`*` stands at the end only",
        ),
        (r#"{"request": {"path": {"match": "/a{b}", "to": "/b"}}}"#, "/request/path/match", "is all of one"),
        (r#"{"request": {"path": {"match": "/{user.id}", "to": "/b"}}}"#, "/request/path/match", "without a dot"),
        (r#"{"request": {"path": {"match": "/a", "to": "/../b"}}}"#, "/request/path/to", "no segments"),
        (r#"{"request": {"path": {"match": "/a", "to": "/b?c"}}}"#, "/request/path/to", "is no segment"),
        (r#"{"request": {"path": {"match": "/a", "to": "/{query:}"}}}"#, "/request/path/to", "is not a name"),
        (r#"{"request": {"query": {"set": {"a/b": "{"}}}}"#, "/request/query/set/a~1b", "`{{`"),
        (r#"{"request": {"query": {"rename": {"a": "a"}}}}"#, "/request/query/rename/a", "that name already"),
        (r#"{"response": {"status": 204}}"#, "/response/status", "not 204"),
        (r#"{"response": {"status": 200, "when": {"status": "6xx"}}}"#, "/response/when/status", "`6xx` is no status"),
        (r#"{"response": {"status": 200, "when": {"status": []}}}"#, "/response/when/status", "no response"),
    ]);
}

#[test]
fn faults_of_operations_are_told_where_they_are() {
    each(&[
        (r#"{"response": {"body": {"json": []}}}"#, "/response/body/json", "nothing says what is done"),
        (
            r#"{"response": {"body": {"json": [{"remove": "a["}]}}}"#,
            "/response/body/json/0/remove",
            "neither a JSON Pointer",
        ),
        (
            r#"{"response": {"body": {"json": [{"remove": ["a", "**"]}]}}}"#,
            "/response/body/json/0/remove/1",
            "follows `**`",
        ),
        (
            r#"{"response": {"body": {"json": [{"rename": {"at": "a[*]", "to": "b"}}]}}}"#,
            "/response/body/json/0/rename/at",
            "only a member",
        ),
        (
            r#"{"response": {"body": {"json": [{"rename": {"at": "a.b", "to": "b"}}]}}}"#,
            "/response/body/json/0/rename/to",
            "that key already",
        ),
        (
            r#"{"response": {"body": {"json": [{"set": {"at": "**.a", "value": 1}}]}}}"#,
            "/response/body/json/0/set/at",
            "every object",
        ),
        (r#"{"response": {"body": {"json": [{"set": {"at": "a"}}]}}}"#, "/response/body/json/0/set", "`template`"),
        (
            r#"{"response": {"body": {"json": [{"set": {"at": "a", "value": 1, "template": "b"}}]}}}"#,
            "/response/body/json/0/set",
            "`template`",
        ),
        (
            r#"{"response": {"body": {"json": [{"set": {"at": "a", "template": "{x}"}}]}}}"#,
            "/response/body/json/0/set/template",
            "there is no value `x`",
        ),
        (
            r#"{"response": {"body": {"json": [{"move": {"from": "a", "to": "a.b"}}]}}}"#,
            "/response/body/json/0/move/to",
            "into itself",
        ),
        (
            r#"{"response": {"body": {"json": [{"copy": {"from": "*", "to": "a"}}]}}}"#,
            "/response/body/json/0/copy/from",
            "one place",
        ),
        (
            r#"{"response": {"body": {"json": [{"copy": {"from": "a", "to": "/a"}}]}}}"#,
            "/response/body/json/0/copy/to",
            "there already",
        ),
        (
            r#"{"response": {"body": {"json": [{"mask": {"at": "a", "text": "x", "salt": "0123456789abcdef"}}]}}}"#,
            "/response/body/json/0/mask",
            "in one way",
        ),
        (
            r#"{"response": {"body": {"json": [{"mask": {"at": "a", "salt": "short"}}]}}}"#,
            "/response/body/json/0/mask/salt",
            "16 characters",
        ),
        (
            r#"{"response": {"body": {"json": [{"remove": "a"}], "types": ["json"]}}}"#,
            "/response/body/types/0",
            "`json` is no type",
        ),
        (
            r#"{"response": {"body": {"json": [{"remove": "a"}], "types": []}}}"#,
            "/response/body/types",
            "without a type",
        ),
        (
            r#"{"response": {"body": {"json": [{"remove": "a"}], "max": "2MiB"}}}"#,
            "/response/body/max",
            "at most `1MiB`",
        ),
        (
            r#"{"response": {"body": {"json": [{"remove": "a"}], "unreadable": "drop"}}}"#,
            "/response/body/unreadable",
            "refuse",
        ),
    ]);
}

#[test]
fn all_faults_are_told_at_once() {
    let config = r#"{
        "request": {"headers": {"set": {"te": "{"}}, "path": {"match": "a", "to": "b"}},
        "response": {"status": 99, "body": {"json": [{"remove": ""}], "max": "0B"}}}"#;
    let told: Vec<String> = faults(config).into_iter().map(|(pointer, _)| pointer).collect();
    let wanted = [
        "/request/headers/set/te",
        "/request/headers/set/te",
        "/request/path/match",
        "/request/path/to",
        "/response/status",
        "/response/body/json/0/remove",
        "/response/body/max",
    ];
    assert_eq!(told, wanted);
}
