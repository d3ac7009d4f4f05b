//! Metrics of filters: what the host counts of them, and what they count themselves.

use std::io::{Read, Write};

use weir_tests::{Client, Figures, Origin, Proxy, ProxyBuilder, Scrape, get};

fn with(build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Scrape) {
    let origin = Origin::text("from the upstream\n");
    let proxy = Proxy::builder().top("admin: { address: \"127.0.0.1:0\" }").top("workers: 1");
    let proxy = build(proxy).route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    (proxy, scrape)
}

/// What is counted of the entry of this name.
fn of(figures: &Figures, filter: &str, name: &str, more: &[(&str, &str)]) -> f64 {
    figures.sum(name, &[&[("filter", filter)], more].concat())
}

#[test]
fn calls_are_counted_by_filter_hook_and_result() {
    let (proxy, scrape) = with(|proxy| {
        proxy.guest("mark", "mark", "except: [/free], config: { name: x }").guest(
            "door",
            "answer",
            "name: gate, config: { status: 403 }",
        )
    });
    // Passes both hooks of the first, and is answered by the second.
    assert_eq!(get(proxy.address, "/").status, 403);
    get(proxy.address, "/free");
    proxy.record(2);
    let figures = scrape.now();
    let calls = |filter: &str, hook: &str, result: &str| {
        of(&figures, filter, "weir_filter_calls_total", &[("hook", hook), ("result", result)])
    };
    assert_eq!(calls("gate", "on-request", "answered"), 2.0);
    assert_eq!(calls("gate", "on-request", "next"), 0.0);
    assert_eq!(calls("mark", "on-response", "next"), 1.0);
    assert_eq!(of(&figures, "mark", "weir_filter_excepted_total", &[]), 1.0);
    assert_eq!(of(&figures, "gate", "weir_filter_excepted_total", &[]), 0.0);
    assert_eq!(of(&figures, "gate", "weir_filter_answers_total", &[("reason", "configured")]), 2.0);
    assert_eq!(of(&figures, "gate", "weir_filter_instances", &[("plugin", "door"), ("site", "*"), ("route", "")]), 1.0);
    assert_eq!(of(&figures, "gate", "weir_filter_instances_made_total", &[]), 1.0);
    assert!(of(&figures, "gate", "weir_filter_memory_bytes", &[]) >= 65536.0);
    assert_eq!(figures.sum("weir_route_answers_total", &[("by", "filter")]), 2.0);
    assert_eq!(figures.sum("weir_filter_failures_total", &[]), 0.0);
    assert_eq!(figures.sum("weir_upstream_requests_total", &[]), 0.0);
}

#[test]
fn pauses_are_counted() {
    let (proxy, scrape) = with(|proxy| proxy.guest("whole", "whole", "config: { on: request, max: 100 }"));
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    client.reply();
    proxy.record(1);
    let figures = scrape.now();
    assert_eq!(of(&figures, "whole", "weir_filter_calls_total", &[("hook", "on-request"), ("result", "paused")]), 1.0);
    assert_eq!(of(&figures, "whole", "weir_filter_calls_total", &[("hook", "on-resume"), ("result", "next")]), 1.0);
}

#[test]
fn failures_are_counted_by_kind_and_lead_to_quarantine() {
    let (proxy, scrape) = with(|proxy| {
        proxy
            .plugin("fail", "fail", "quarantine: { calls: 3, first: 1h, longest: 1h }")
            .filter("{ plugin: fail, config: { hook: on-request, how: panic } }")
    });
    let before = scrape.now();
    assert_eq!(of(&before, "fail", "weir_filter_quarantined", &[]), 0.0);
    for _ in 0..3 {
        assert_eq!(Client::connect(proxy.address).get("/", "X-Fail: 1\r\n").status, 500);
    }
    assert_eq!(get(proxy.address, "/").status, 503);
    proxy.record(4);
    let figures = scrape.now();
    let failures = |kind: &str| of(&figures, "fail", "weir_filter_failures_total", &[("kind", kind)]);
    assert_eq!((failures("trap"), failures("quarantine"), failures("cpu-limit")), (3.0, 1.0, 0.0));
    assert_eq!(of(&figures, "fail", "weir_filter_calls_total", &[("result", "failed")]), 3.0);
    assert_eq!(of(&figures, "fail", "weir_filter_quarantined", &[]), 1.0);
    assert_eq!(of(&figures, "fail", "weir_filter_quarantines_total", &[]), 1.0);
    assert_eq!(of(&figures, "fail", "weir_filter_instances", &[]), 0.0);
    assert_eq!(of(&figures, "fail", "weir_filter_instances_made_total", &[]), 3.0);
    assert_eq!(figures.sum("weir_route_host_answers_total", &[("code", "filter-failed")]), 3.0);
}

#[test]
fn what_filters_count_is_shown_under_names_that_cannot_be_taken_for_others() {
    let (proxy, scrape) = with(|proxy| {
        proxy.guest("my-figures", "figures", "name: one").guest("my_figures", "figures", "name: other").guest(
            "tools",
            "tools",
            "name: tools",
        )
    });
    let mut client = Client::connect(proxy.address);
    client.get("/", "X-Label: a \"quoted\" \\label\r\nX-Do: metrics\r\n");
    client.get("/", "X-Label: plain\r\nX-Do: metrics\r\n");
    proxy.record(2);
    let figures = scrape.now();
    let name = "weir_plugin_my_figures_hits_total";
    for (filter, plugin) in [("one", "my-figures"), ("other", "my_figures")] {
        for (what, count) in [("a \"quoted\" \\label", 3.0), ("plain", 3.0)] {
            let labels = [("plugin", plugin), ("exported_le", "one"), ("exported_site", "two"), ("what", what)];
            assert_eq!(of(&figures, filter, name, &labels), count, "{labels:?}:\n{}", figures.text);
        }
        assert_eq!(of(&figures, filter, "weir_plugin_my_figures_hits_gauge", &[]), -1.5, "{}", figures.text);
        let of = |name: &str, labels: &[(&str, &str)]| of(&figures, filter, name, labels);
        assert_eq!(of("weir_plugin_my_figures_size_count_gauge", &[]), 7.0);
        assert_eq!(of("weir_plugin_my_figures_size_bucket", &[("le", "1.0")]), 0.0);
        assert_eq!(of("weir_plugin_my_figures_size_bucket", &[("le", "2.5")]), 2.0);
        assert_eq!(of("weir_plugin_my_figures_size_count", &[]), 4.0);
        assert_eq!(of("weir_plugin_my_figures_size_sum", &[]), 44.0);
    }
    assert_eq!(of(&figures, "tools", "weir_plugin_tools_seen_total", &[("what", "this")]), 4.0);
    assert_eq!(of(&figures, "tools", "weir_plugin_tools_level", &[]), 0.5);
}

#[test]
fn documents_and_stores_are_counted() {
    let (origin, folder) = (Origin::text("x"), tempfile::tempdir().unwrap());
    let list = folder.path().join("list.txt");
    std::fs::write(&list, "a list").unwrap();
    let document = format!("document: {{ file: \"{}\" }}", list.display());
    let proxy = Proxy::builder()
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("stores: { small: { memory: 1MiB } }")
        .guest("keeper", "keeper", &format!("config: {{ store: small, {document}, every: 1 }}"))
        .route("/*", "app", origin.address)
        .start();
    let scrape = Scrape::of(&proxy.log);
    let document = [("filter", "keeper"), ("document", "/document")];
    let good = |figures: &Figures| {
        figures.sum("weir_document_fetches_total", &[&document[..], &[("result", "good")]].concat())
    };
    let figures = scrape.until("the document", |figures| good(figures) > 0.5);
    let fetched = "weir_document_last_success_timestamp_seconds";
    let first = figures.sum(fetched, &document);
    assert!(first > 1.7e9, "{}", figures.text);
    assert_eq!(figures.sum("weir_store_limit_bytes", &[("store", "small")]), f64::from(1 << 20));
    assert_eq!(figures.sum("weir_store_values", &[("store", "small")]), 0.0);
    Client::connect(proxy.address).get("/", "X-Do: fill\r\n");
    let figures = scrape.until("a later fetch", |figures| figures.sum(fetched, &document) > first);
    assert!(figures.sum("weir_store_values", &[("store", "small")]) > 5.0, "{}", figures.text);
    assert!((300_000.0..1_048_577.0).contains(&figures.sum("weir_store_bytes", &[("store", "small")])));
    assert!(figures.sum("weir_store_evicted_total", &[("store", "small")]) > 5.0);
    assert_eq!(figures.sum("weir_store_refused_total", &[("store", "small")]), 0.0);
    std::fs::remove_file(&list).unwrap();
    let failed = [&document[..], &[("result", "failed")]].concat();
    let figures = scrape.until("a failed fetch", |figures| figures.sum("weir_document_fetches_total", &failed) > 0.5);
    assert!(figures.sum(fetched, &document) > first);
}

#[test]
fn exchanges_that_wait_in_a_filter_are_counted() {
    // Answers a filter's request once the test says so.
    let (origin, slow) = (
        Origin::text("x"),
        Origin::raw(|received, stream| {
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
            received.line.starts_with("GET /go") && stream.write_all(answer).is_ok()
                || stream.read(&mut [0]).is_ok_and(|length| length > 0)
        }),
    );
    let proxy = Proxy::builder()
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("workers: 1")
        .upstream("slow", &format!("{{ endpoints: [\"http://{}\"] }}", slow.address))
        .limited_guest("caller", "caller", "config: { upstream: slow }", "instances: 1")
        .route("/*", "app", origin.address)
        .start();
    let scrape = Scrape::of(&proxy.log);
    let clients = [(); 2].map(|()| {
        let mut client = Client::connect(proxy.address);
        client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Get: /hold\r\n\r\n");
        client
    });
    // One has the instance, the other waits for it.
    let figures = scrape.until("both", |figures| of(figures, "caller", "weir_filter_waiting", &[]) > 1.5);
    assert_eq!(of(&figures, "caller", "weir_filter_instances_busy", &[]), 1.0);
    drop(clients);
    scrape.until("nobody", |figures| {
        of(figures, "caller", "weir_filter_waiting", &[]) + of(figures, "caller", "weir_filter_instances_busy", &[])
            < 0.5
    });
}
