//! Schemas that the host keeps fresh.

use weir::testing::Host;
use weir::{Ended, Flow};

use super::said;
use crate::Validate;

/// What becomes of this body under the documents of this host.
fn posted(host: &mut Host, filter: &Validate, body: &str) -> Flow {
    host.request.body(body);
    match host.on_request(filter) {
        Flow::Pause => host.on_resume(filter),
        flow => flow,
    }
}

fn start(config: &str, documents: &[(&str, Option<&str>)]) -> (Host, Validate) {
    let mut host = Host::new();
    for (name, text) in documents {
        host.document(name, *text);
    }
    host.request.method("POST").header("content-type", "application/json");
    let filter = host.configure(config).unwrap();
    (host, filter)
}

#[test]
fn a_new_schema_counts_at_once_and_a_broken_one_changes_nothing() {
    let (mut host, filter) = start(
        r#"{"request": {"document": "order"}, "schemas": {"id": {"document": "id"}}, "refresh": "10s"}"#,
        &[("order", Some(r#"{"items": {"$ref": "id"}}"#)), ("id", Some(r#"{"type": "integer"}"#))],
    );
    assert_eq!(host.kept_fresh.values().map(std::time::Duration::as_secs).collect::<Vec<_>>(), [10, 10]);
    assert_eq!(posted(&mut host, &filter, "[1]"), Flow::Next);
    assert_eq!(posted(&mut host, &filter, "[\"a\"]"), Flow::Stop);
    host.document("id", Some(r#"{"type": "string"}"#));
    assert_eq!(posted(&mut host, &filter, "[\"a\"]"), Flow::Next);
    let large = format!("{{\"enum\": [{}0]}}", "0,".repeat(6_000));
    for broken in [&*large, "{\"type\": ", r#"{"type": "text"}"#, r#"{"$ref": "none"}"#, r#"{"type": 1, "type": 2}"#] {
        host.log.clear();
        host.document("id", Some(broken));
        assert_eq!(posted(&mut host, &filter, "[\"a\"]"), Flow::Next, "{broken}");
        assert_eq!(posted(&mut host, &filter, "[1]"), Flow::Stop, "{broken}");
        let (_, line) = &host.log[0];
        assert!(line.contains("/schemas/id/document") && line.contains("what was before counts"), "{line}");
        assert_eq!(host.log.len(), 1, "it is said once: {:?}", host.log);
    }
    host.document("id", Some("true"));
    assert_eq!(posted(&mut host, &filter, "[null]"), Flow::Next);
}

#[test]
fn without_a_schema_nothing_goes_on() {
    let (mut host, filter) = start(r#"{"request": {"document": "order"}}"#, &[("order", None)]);
    assert_eq!(host.on_request(&filter), Flow::Pause);
    host.pause_ends(Ended::Failed);
    assert_eq!(host.on_resume(&filter), Flow::Stop);
    assert_eq!(said(&host), Some(("no-schema".to_owned(), 503)));
    assert_eq!(host.reply.as_ref().unwrap().get("retry-after"), Some("5"));
    // One that is broken from the start is none.
    host.document("order", Some("{\"type\": 1}"));
    assert_eq!(host.on_request(&filter), Flow::Stop);
    host.document("order", Some("{\"type\": \"null\"}"));
    assert_eq!(posted(&mut host, &filter, "null"), Flow::Next);
}

#[test]
fn a_request_waits_for_the_first_copy() {
    let (mut host, filter) = start(r#"{"request": {"document": "order"}}"#, &[("order", None)]);
    host.document_becomes("order", "{\"type\": \"null\"}");
    host.request.body("1");
    assert_eq!(host.on_request(&filter), Flow::Pause);
    // It has been fetched; now the body is read.
    assert_eq!(host.on_resume(&filter), Flow::Pause);
    assert_eq!(host.on_resume(&filter), Flow::Stop);
    assert_eq!(said(&host), Some(("unfit".to_owned(), 400)));
}
