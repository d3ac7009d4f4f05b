//! Parameters that are between the client and a filter.

use serde_json::Value;
use weir_tests::{Client, Collector, Origin, Proxy, ProxyBuilder, Reply, Scrape};

fn concealing(names: &str) -> ProxyBuilder {
    Proxy::builder().top("workers: 1").top("admin: { address: \"127.0.0.1:0\" }").top("why: { sample: 1 }").guest(
        "keys",
        "conceals",
        &format!("config: {{ names: [{names}] }}"),
    )
}

fn ask(proxy: &Proxy, target: &str, more: &str) -> Reply {
    Client::connect(proxy.address).get(target, more)
}

/// The target in an exchange's story.
fn told(proxy: &Proxy, record: &Value) -> Value {
    let id = record["exchange"].as_str().unwrap();
    let text = Scrape::of(&proxy.log).text(&format!("/why/{id}"), "");
    serde_json::from_str::<Value>(&text).unwrap()["stories"][0]["target"].clone()
}

#[test]
fn a_concealed_parameter_reaches_no_upstream_record_or_story() {
    let origin = Origin::text("served");
    let proxy = concealing("api_key").route("/*", "app", origin.address).start();
    let cases = [
        ("/a?api_key=s3cret", "/a", "/a?api_key=*"),
        (
            "/a?b=%31&%61pi%5Fkey=s3cret&api_key=&&c&api_key=s3cret+2",
            "/a?b=%31&&c",
            "/a?b=%31&%61pi%5Fkey=*&api_key=*&&c&api_key=*",
        ),
        ("/a?api_key", "/a", "/a?api_key"),
        ("/a?api_key2=1&x=api_key", "/a?api_key2=1&x=api_key", "/a?api_key2=1&x=api_key"),
        ("/a?", "/a?", "/a?"),
        ("/api_key=1", "/api_key=1", "/api_key=1"),
    ];
    for (number, (target, sent, shown)) in cases.into_iter().enumerate() {
        let reply = ask(&proxy, target, "");
        assert_eq!(reply.status, 200, "{target}");
        let received = origin.next();
        assert_eq!(received.line, format!("GET {sent} HTTP/1.1"), "{target}");
        // Filters that follow may want it, too.
        assert_eq!(received.header("x-query"), Some(target.split_once('?').map_or("", |(_, query)| query)));
        let record = proxy.record(number + 1);
        assert_eq!((&record["target"], &told(&proxy, &record)), (&shown.into(), &shown.into()), "{target}");
    }
    assert!(!proxy.log.so_far().join("\n").contains("s3cret"));
}

#[test]
fn a_concealed_parameter_is_not_told_of_who_is_refused_either() {
    let origin = Origin::text("served");
    let proxy = concealing("token, key").route("/*", "app", origin.address).start();
    assert_eq!(ask(&proxy, "/a?key=s3cret&b=c&token=t", "X-Refuse: yes\r\n").status, 401);
    let record = proxy.record(1);
    let shown = "/a?key=*&b=c&token=*";
    assert_eq!((&record["target"], &told(&proxy, &record)), (&shown.into(), &shown.into()));
}

#[test]
fn a_concealed_parameter_is_left_out_of_what_other_filters_made_of_the_target() {
    let origin = Origin::text("served");
    let proxy = concealing("key")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/api/*", "app", "strip_prefix: /api")
        .start();
    assert_eq!(ask(&proxy, "/api/a%20b?key=s3cret&c=d", "").status, 200);
    assert_eq!(origin.next().line, "GET /a%20b?c=d HTTP/1.1");
    assert_eq!(proxy.record(1)["target"], "/api/a%20b?key=*&c=d");
}

#[test]
fn a_concealed_parameter_is_in_no_span() {
    let (collector, origin) = (Collector::start(), Origin::text("served"));
    let proxy = concealing("key")
        .upstream("collector", &format!("{{ endpoints: [\"http://{}\"] }}", collector.address()))
        .top("traces: { upstream: collector, sample: 1, batch: { delay: 5ms } }")
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(ask(&proxy, "/a?key=s3cret", "").status, 200);
    let spans = collector.spans(2);
    assert!(!spans.is_empty() && !spans.iter().any(|span| span.to_string().contains("s3cret")), "{spans:#?}");
}

#[test]
fn what_is_no_name_cannot_be_concealed_nor_anything_when_the_request_has_left() {
    let origin = Origin::text("served");
    let long = "x".repeat(257);
    let proxy = concealing(&format!("\"\", {long}, ü")).route("/*", "app", origin.address).start();
    assert_eq!(ask(&proxy, &format!("/?{long}=1&%C3%BC=2"), "").status, 200);
    let received = origin.next();
    assert_eq!(received.header("x-said"), Some("invalid-name invalid-name done"));
    assert_eq!(received.line, format!("GET /?{long}=1 HTTP/1.1"));

    let proxy = concealing("key").route("/*", "app", origin.address).start();
    let reply = ask(&proxy, "/?key=1", "X-Late: yes\r\n");
    assert_eq!(reply.header("x-said"), Some("wrong-hook"));
}
