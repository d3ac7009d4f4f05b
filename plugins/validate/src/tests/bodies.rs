//! What becomes of messages with bodies.

use weir::testing::{Hook, Host};
use weir::{Coding, Ended, Flow, Origin};

use super::{said, start};

const SCHEMA: &str = r#""schema": {"required": ["id"], "properties": {"id": {"type": "integer"}}}"#;

/// A request with these fields and this body; as far as the filter lets it go.
fn posted(config: &str, fields: &[(&str, &str)], body: &[u8]) -> Host {
    let (mut host, filter) = start(config);
    host.request.method("POST").body(body);
    for (name, value) in fields {
        host.request.header(name, value);
    }
    if host.on_request(&filter) == Flow::Pause {
        host.on_resume(&filter);
    }
    host
}

/// A response, in the same way.
fn answered(config: &str, method: &str, status: u16, kind: Option<&str>, body: &str) -> Host {
    let (mut host, filter) = start(config);
    host.request.method(method);
    host.response.status(status).body(body);
    if let Some(kind) = kind {
        host.response.header("content-type", kind);
    }
    if host.on_response(&filter) == Flow::Pause {
        host.on_resume(&filter);
    }
    host
}

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

#[test]
fn requests_are_refused_with_the_reason_that_fits() {
    let config = format!("{{\"request\": {{{SCHEMA}}}, \"max\": \"100B\", \"depth\": 3}}");
    let typed = |kind: &'static str| vec![("content-type", kind)];
    for (fields, body, refusal) in [
        (JSON.to_vec(), &b"{\"id\": 1}"[..], None),
        (typed("application/merge-patch+json; charset=\"UTF-8\""), b"{\"id\":1}", None),
        (typed("APPLICATION/JSON;Charset=utf-8 ; v=1"), b"{\"id\":1}", None),
        (JSON.to_vec(), b"{\"id\": \"1\"}", Some(("unfit", 400))),
        (JSON.to_vec(), b"{\"id\": 1, \"id\": 2}", Some(("duplicate", 400))),
        (JSON.to_vec(), b"{\"id\": 1", Some(("malformed", 400))),
        (JSON.to_vec(), b"\xef\xbb\xbf{\"id\": 1}", Some(("malformed", 400))),
        (JSON.to_vec(), b"{\"id\": 1} {}", Some(("malformed", 400))),
        (JSON.to_vec(), b"{\"id\": \"\xff\"}", Some(("malformed", 400))),
        (JSON.to_vec(), b"{\"id\": 1, \"a\": [[[]]]}", Some(("too-deep", 400))),
        (JSON.to_vec(), b"", Some(("no-body", 400))),
        (Vec::new(), b"", Some(("no-body", 400))),
        (Vec::new(), b"{\"id\": 1}", Some(("wrong-type", 415))),
        (typed("text/plain"), b"{\"id\": 1}", Some(("wrong-type", 415))),
        (typed("application/json, text/plain"), b"{\"id\": 1}", Some(("wrong-type", 415))),
        (typed("application/jsonp"), b"{\"id\": 1}", Some(("wrong-type", 415))),
        (typed("application/json; charset=utf-16"), b"{\"id\": 1}", Some(("wrong-charset", 415))),
        ([JSON, JSON].concat(), b"{\"id\": 1}", Some(("wrong-type", 415))),
        ([JSON, &[("content-encoding", "identity")]].concat(), b"{\"id\": 1}", None),
        ([JSON, &[("content-encoding", "compress")]].concat(), b"{\"id\": 1}", Some(("wrong-coding", 415))),
        ([JSON, &[("content-encoding", "gzip, br")]].concat(), b"{\"id\": 1}", Some(("wrong-coding", 415))),
    ] {
        let host = posted(&config, &fields, body);
        let refusal = refusal.map(|(code, status): (&str, u16)| (code.to_owned(), status));
        assert_eq!(said(&host), refusal, "{fields:?} {}", String::from_utf8_lossy(body));
        let counted = refusal.map(|(code, _)| host.metrics.value("misfits", &["request", &code]));
        assert_eq!(counted.is_none_or(|counted| counted.is_none()), said(&host).is_none());
    }
    let long = format!("{{\"id\": 1, \"a\": \"{}\"}}", "a".repeat(100));
    assert_eq!(said(&posted(&config, JSON, long.as_bytes())), Some(("too-large".to_owned(), 413)));
}

#[test]
fn what_is_coded_is_decoded_by_the_host() {
    let config = format!("{{\"request\": {{{SCHEMA}}}, \"max\": \"1KiB\"}}");
    for (name, coding) in
        [("gzip", Coding::Gzip), ("br", Coding::Brotli), ("zstd", Coding::Zstd), ("deflate", Coding::Deflate)]
    {
        let (mut host, filter) = start(&config);
        host.request.method("PUT").header("content-type", "application/json").header("content-encoding", name);
        assert_eq!(host.on_request(&filter), Flow::Pause);
        assert_eq!(host.request.decoded.map(|(coding, _)| coding), Some(coding), "{name}");
    }
}

#[test]
fn only_what_is_configured_is_looked_at() {
    let pass = format!("{{\"request\": {{{SCHEMA}, \"methods\": [\"PATCH\"], \"other_types\": \"pass\"}}}}");
    for (method, kind, flow) in [
        ("PATCH", "application/json", Flow::Pause),
        ("PATCH", "text/plain", Flow::Next),
        ("POST", "application/json", Flow::Next),
        ("GET", "application/json", Flow::Next),
    ] {
        let (mut host, filter) = start(&pass);
        host.request.method(method).header("content-type", kind).body("{}");
        assert_eq!(host.on_request(&filter), flow, "{method} {kind}");
    }
    let optional = format!("{{\"request\": {{{SCHEMA}, \"required\": false}}}}");
    assert_eq!(said(&posted(&optional, JSON, b"")), None);
    let own = format!("{{\"request\": {{{SCHEMA}, \"types\": [\"application/vnd.*\", \"text/json\"]}}}}");
    let refused = posted(&own, JSON, b"{}");
    assert_eq!(said(&refused), Some(("wrong-type".to_owned(), 415)));
    assert_eq!(refused.reply.unwrap().get("accept"), Some("text/json"));
}

#[test]
fn a_problem_says_what_and_where_and_never_what_was_sent() {
    let config = r#"{"request": {"schema": {"properties": {"items": {"items": {
        "properties": {"sku": true, "price": {"minimum": 0}}, "additionalProperties": false, "required": ["sku"]}}}}},
        "problem": {"type": "https://api.example/problems/body", "title": "Not what we take"}, "status": 422}"#;
    let body = br#"{"items": [{"sku": 1}, {"price": -98765, "h\u00e4\"\\%": "hush"}]}"#;
    let host = posted(config, JSON, body);
    let reply = host.reply.unwrap();
    assert_eq!(
        (reply.status, reply.get("content-type"), reply.get("cache-control")),
        (422, Some("application/problem+json"), Some("no-store"))
    );
    let told: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(
        told,
        serde_json::json!({
            "type": "https://api.example/problems/body",
            "title": "Not what we take",
            "status": 422,
            "detail": "The body does not fit its schema",
            "errors": [
                { "pointer": "#/items/1", "detail": "the member `sku` is missing", "keyword": "required" },
                { "pointer": "#/items/1/price", "detail": "must be at least 0", "keyword": "minimum" },
                { "pointer": "#/items/1/h%C3%A4%22%5C%25", "detail": "is not allowed here", "keyword": "false" },
            ],
            "request_id": told["request_id"],
        })
    );
    assert!(told["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{told}");
    for secret in ["98765", "hush"] {
        assert!(!reply.text().unwrap().contains(secret) && !reply.detail.contains(secret), "{reply:?}");
    }
}

#[test]
fn a_long_pointer_and_many_errors_are_cut() {
    let config = r#"{"request": {"schema": {"additionalProperties": false}}, "errors": 2}"#;
    let names = (0..20).map(|index| format!("\"{}{index}\":1", "n".repeat(500))).collect::<Vec<_>>().join(",");
    let reply = posted(config, JSON, format!("{{{names}}}").as_bytes()).reply.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(told["errors"].as_array().unwrap().len(), 2);
    assert!(reply.body.len() < 1_000 && reply.detail.len() < 1_000, "{reply:?}");
    // Nothing is told, and it is refused all the same.
    let none = config.replace("\"errors\": 2", "\"errors\": 0");
    let reply = posted(&none, JSON, b"{\"a\": 1}").reply.unwrap();
    assert!(reply.status == 400 && !reply.text().unwrap().contains("errors"), "{reply:?}");
}

#[test]
fn a_dry_run_says_what_it_would_refuse_and_lets_it_go_on() {
    let config = format!("{{\"request\": {{{SCHEMA}}}, \"dry_run\": true}}");
    let host = posted(&config, JSON, b"{\"id\": \"hush\"}");
    assert_eq!((said(&host), host.notes.concat().as_str()), (None, "would-refuse"));
    assert_eq!(host.metrics.value("misfits", &["request", "unfit"]), Some(1.0));
    let (_, line) = host.log.last().unwrap();
    assert_eq!(line, "would refuse with 400 (unfit): The body does not fit its schema: #/id must be an integer");
    // What is not whole cannot go on.
    for how in [Ended::TimedOut, Ended::Failed] {
        let (mut host, filter) = start(&config);
        host.request.method("POST").header("content-type", "application/json");
        host.on_request(&filter);
        host.pause_ends(how);
        assert_eq!(host.run(Hook::Resume, &filter).unwrap(), Flow::Stop, "{how:?}");
    }
}

#[test]
fn responses_are_held_against_their_schema() {
    let config = format!("{{\"response\": {{{SCHEMA}}}}}");
    let json = Some("application/json");
    for (method, status, kind, body, refusal) in [
        ("GET", 200, json, "{\"id\": 1}", None),
        ("GET", 200, json, "{\"id\": null}", Some(("unfit", 502))),
        ("GET", 200, json, "<html>", Some(("malformed", 502))),
        ("GET", 200, json, "", Some(("no-body", 502))),
        ("GET", 200, Some("text/html"), "<html>", Some(("wrong-type", 502))),
        ("GET", 200, None, "{}", Some(("wrong-type", 502))),
        ("POST", 201, None, "", None),
        ("HEAD", 200, json, "", None),
        ("GET", 204, json, "", None),
        ("GET", 206, json, "{\"id", None),
        ("GET", 304, json, "", None),
        ("GET", 404, json, "{}", None),
        ("GET", 500, Some("text/html"), "oops", None),
    ] {
        let host = answered(&config, method, status, kind, body);
        assert_eq!(
            said(&host),
            refusal.map(|(code, status): (&str, u16)| (code.to_owned(), status)),
            "{status} {body}"
        );
        if let Some(reply) = host.reply {
            let text = reply.text().unwrap();
            assert!(!text.contains("#/") && !text.contains("unfit"), "{text}");
        }
    }
    let statuses = format!("{{\"response\": {{{SCHEMA}, \"statuses\": [404], \"other_types\": \"pass\"}}}}");
    assert_eq!(said(&answered(&statuses, "GET", 404, json, "{}")), Some(("unfit".to_owned(), 502)));
    assert_eq!(said(&answered(&statuses, "GET", 200, json, "{}")), None);
    assert_eq!(said(&answered(&statuses, "GET", 404, Some("text/plain"), "none")), None);
    assert_eq!(said(&answered(&statuses, "GET", 404, None, "none")), None);
}

#[test]
fn what_others_answer_is_not_the_upstreams_to_get_right() {
    let (mut host, filter) = start(&format!("{{\"response\": {{{SCHEMA}, \"statuses\": [200, 503]}}}}"));
    host.response.status(503).source(Origin::Filter).body("no");
    assert_eq!(host.on_response(&filter), Flow::Next);
}

#[test]
fn responses_that_do_not_fit_may_go_on_and_be_told_to_operators() {
    let config = format!("{{\"response\": {{{SCHEMA}, \"on_misfit\": \"log\"}}}}");
    let host = answered(&config, "GET", 200, Some("application/json"), "{\"id\": \"hush\"}");
    assert_eq!((said(&host), host.notes.concat().as_str()), (None, "misfit"));
    let (_, line) = host.log.last().unwrap();
    assert_eq!(
        line,
        "the response is not as it should be (unfit): The body does not fit its schema: #/id must be an integer"
    );
    assert_eq!(host.metrics.value("misfits", &["response", "unfit"]), Some(1.0));
}

#[test]
fn what_costs_too_much_is_refused_before_it_does() {
    let config = r#"{"request": {"schema": {"uniqueItems": true}}, "steps": 1000}"#;
    let list = |count: usize| format!("[{}0]", "1,".repeat(count));
    assert_eq!(said(&posted(config, JSON, list(1).as_bytes())), None);
    assert_eq!(said(&posted(config, JSON, list(2_000).as_bytes())), Some(("too-complex".to_owned(), 413)));
}
