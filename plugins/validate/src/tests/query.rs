//! What becomes of queries.

use weir::Flow;

use super::{said, start};

const SCHEMA: &str = r#"{"query": {
    "properties": {
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "ratio": {"type": ["number", "null"]},
        "all": {"type": "boolean"},
        "tag": {"type": "array", "items": {"type": "string", "maxLength": 3}, "maxItems": 2},
        "id": {"type": "array", "items": {"type": "integer"}},
        "name": {"type": "string"},
        "any": true
    },
    "required": ["limit"],
    "additionalProperties": false
}}"#;

#[test]
fn parameters_are_what_their_schemas_want_them_to_be() {
    for (query, error) in [
        ("limit=1", None),
        ("limit=100&ratio=-1.5e3&all=true", None),
        ("limit=5&tag=a&tag=b&id=7", None),
        ("limit=5&name=5&any=x&any", Some(("any", "stands in the query more than once"))),
        ("limit=5&name=a+b%20c%26", None),
        ("%6Cimit=5", None),
        ("limit=5&", None),
        ("", Some(("", "the member `limit` is missing"))),
        ("limit=0", Some(("limit", "must be at least 1"))),
        ("limit=1e9", Some(("limit", "must be at most 100"))),
        ("limit=1&limit=2", Some(("limit", "stands in the query more than once"))),
        ("limit=01", Some(("limit", "must be an integer"))),
        ("limit=", Some(("limit", "must be an integer"))),
        ("limit=%201", Some(("limit", "must be an integer"))),
        ("limit=5&all=yes", Some(("all", "must be true or false"))),
        ("limit=5&tag=a&tag=long", Some(("tag/1", "must have at most 3 characters"))),
        ("limit=5&tag=a&tag=b&tag=c", Some(("tag", "must have at most 2 items"))),
        ("limit=5&id=a", Some(("id/0", "must be an integer"))),
        ("limit=5&debug=1", Some(("debug", "is not allowed here"))),
        ("limit=5&name=%ff", Some(("name", "is not UTF-8"))),
        ("limit=5&%ff=1", Some(("", "has names that are not UTF-8"))),
    ] {
        let (mut host, filter) = start(SCHEMA);
        host.request.query(query);
        let flow = host.on_request(&filter);
        let Some((parameter, detail)) = error else {
            assert_eq!(flow, Flow::Next, "{query}: {:?}", host.reply);
            continue;
        };
        assert_eq!(said(&host), Some(("unfit-query".to_owned(), 400)), "{query}");
        let told: serde_json::Value = serde_json::from_slice(&host.reply.unwrap().body).unwrap();
        assert_eq!(
            (&told["errors"][0]["parameter"], &told["errors"][0]["detail"]),
            (&parameter.into(), &detail.into())
        );
    }
    let (mut host, filter) = start(SCHEMA);
    host.request.query(&"a=1&".repeat(300));
    assert_eq!(host.on_request(&filter), Flow::Stop);
}

#[test]
fn a_request_without_a_query_has_no_parameters() {
    let flow = |config: &str, query: Option<&str>| {
        let (mut host, filter) = start(config);
        query.map(|query| host.request.query(query));
        host.on_request(&filter)
    };
    assert_eq!(flow(SCHEMA, None), Flow::Stop);
    assert_eq!(flow(r#"{"query": {"additionalProperties": false}, "depth": 1}"#, None), Flow::Next);
    // Numbers that are too long to be any stay texts.
    let number = r#"{"query": {"properties": {"n": {"type": "number"}}}}"#;
    assert_eq!(flow(number, Some(&format!("n={}", "9".repeat(40)))), Flow::Next);
    assert_eq!(flow(number, Some(&format!("n={}", "9".repeat(50)))), Flow::Stop);
}
