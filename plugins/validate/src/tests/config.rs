//! Configurations that cannot be, with the places of what is wrong.

use weir::testing::Host;

use crate::Validate;

fn faults(config: &str) -> Vec<String> {
    let mut host = Host::new();
    host.document("d", None);
    match host.configure::<Validate>(config) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|fault| format!("{fault:?}")).collect(),
    }
}

#[test]
fn faults_are_told_all_at_once_where_they_are() {
    for (config, places) in [
        ("{}", vec!["nothing to check"]),
        (r#"{"request": {}}"#, vec!["/request\""]),
        (r#"{"request": {"schema": {}, "document": "d"}}"#, vec!["there are two schemas"]),
        (r#"{"response": {"schema": {"type": "x"}}}"#, vec!["/response/schema/type"]),
        (r#"{"query": {"properties": {"a": {"minimum": "1"}}}}"#, vec!["/query/properties/a/minimum"]),
        (
            r#"{"request": {"schema": {"$ref": "a"}}, "schemas": {"a": {"schema": {"maximum": []}}}}"#,
            vec!["/schemas/a/schema/maximum"],
        ),
        (r#"{"request": {"schema": true}, "schemas": {"a/b": {}}}"#, vec!["/schemas/a~1b"]),
        (r#"{"request": {"schema": true, "types": ["json"]}}"#, vec!["/request/types/0"]),
        (r#"{"response": {"schema": true, "types": ["a/b", "*/*"]}}"#, vec!["/response/types/1"]),
        (r#"{"request": {"schema": true, "methods": []}}"#, vec!["/request/methods"]),
        (r#"{"request": {"schema": true, "methods": ["post"]}}"#, vec!["/request/methods/0"]),
        (r#"{"response": {"schema": true, "statuses": [200, 99]}}"#, vec!["/response/statuses/1"]),
        (
            r#"{"query": true, "depth": 65, "steps": 1, "status": 403, "errors": 101, "max": "0B", "refresh": "1ms"}"#,
            vec!["/refresh", "/depth", "/steps", "/status", "/errors", "/max"],
        ),
        (r#"{"query": true, "problem": {"type": "", "title": ""}}"#, vec!["/problem"]),
        (r#"{"query": true, "unknown": 1}"#, vec!["unknown"]),
    ] {
        let faults = faults(config);
        assert_eq!(faults.len(), places.len(), "{config}: {faults:?}");
        for (fault, place) in faults.iter().zip(places) {
            assert!(fault.contains(place), "{config}: {fault} has no {place}");
        }
    }
}

#[test]
fn hooks_that_have_nothing_to_do_are_not_called() {
    for (config, skipped) in [
        (r#"{"request": {"schema": true}}"#, "[OnResponse]"),
        (r#"{"query": true}"#, "[OnResponse]"),
        (r#"{"response": {"schema": true}}"#, "[OnRequest]"),
    ] {
        let mut host = Host::new();
        host.configure::<Validate>(config).unwrap();
        let said = format!("{:?}", host.skipped).replace("Hook::", "");
        assert_eq!(said, skipped, "{config}");
    }
}

#[test]
fn the_draft_says_whether_formats_are_asserted_unless_the_operator_does() {
    let fits = |options: &str| {
        let config = format!(r#"{{"query": {{"properties": {{"d": {{"format": "date"}}}}}}, {options}}}"#);
        let mut host = Host::new();
        let filter: Validate = host.configure(&config).unwrap();
        host.request.query("d=tomorrow");
        host.on_request(&filter) == weir::Flow::Next
    };
    for (options, is_fit) in [
        (r#""draft": "2020-12""#, true),
        (r#""draft": "07""#, false),
        (r#""draft": "07", "formats": "annotate""#, true),
        (r#""formats": "assert""#, false),
    ] {
        assert_eq!(fits(options), is_fit, "{options}");
    }
}
