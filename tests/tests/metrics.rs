//! Metrics: what is counted when something happens, and nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use weir_tests::{Client, Figures, Origin, PATIENCE, Pem, Proxy, ProxyBuilder, Scrape, command, free_port, get, weir};

fn proxy() -> ProxyBuilder {
    Proxy::builder().top("admin: { address: \"127.0.0.1:0\" }").top("workers: 1")
}

fn url(address: SocketAddr) -> String {
    format!("\"http://{address}\"")
}

/// An address where nobody listens.
fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

const MAIN: (&str, &str) = ("listener", "main");
const ROUTE: [(&str, &str); 2] = [("site", "*"), ("route", "/*")];

/// How much more it is.
fn grown(before: &Figures, after: &Figures, name: &str, labels: &[(&str, &str)]) -> f64 {
    after.sum(name, labels) - before.sum(name, labels)
}

/// The route's labels and more.
fn route<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&ROUTE, more].concat()
}

#[test]
fn an_exchange_is_counted_everywhere_once() {
    let origin = Origin::text("twelve bytes");
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let before = scrape.now();
    // What was not used is not shown.
    assert_eq!(before.count("weir_route_requests_total", &[]) + before.count("weir_upstream_requests_total", &[]), 0);
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    client.reply();
    client.get("/", "");
    proxy.record(2);
    let after = scrape.now();
    let grown = |name: &str, labels: &[(&str, &str)]| grown(&before, &after, name, labels);
    let endpoint = origin.address.to_string();
    let endpoint = [("upstream", "app"), ("endpoint", endpoint.as_str())];
    for (count, name, labels) in [
        (1.0, "weir_listener_connections_accepted_total", vec![MAIN]),
        (1.0, "weir_listener_connections", vec![MAIN]),
        (2.0, "weir_listener_requests_total", vec![MAIN, ("version", "1.1")]),
        (2.0, "weir_listener_responses_total", vec![MAIN, ("status", "200")]),
        (1.0, "weir_route_requests_total", route(&[("method", "GET"), ("status", "2xx")])),
        (1.0, "weir_route_requests_total", route(&[("method", "POST"), ("status", "2xx")])),
        (2.0, "weir_route_requests_total", ROUTE.to_vec()),
        (0.0, "weir_route_requests_in_progress", ROUTE.to_vec()),
        (2.0, "weir_route_duration_seconds_count", ROUTE.to_vec()),
        (2.0, "weir_route_duration_seconds_bucket", route(&[("le", "+Inf")])),
        (2.0, "weir_route_time_to_head_seconds_count", ROUTE.to_vec()),
        (5.0, "weir_route_received_bytes_total", ROUTE.to_vec()),
        (24.0, "weir_route_sent_bytes_total", ROUTE.to_vec()),
        (2.0, "weir_route_answers_total", route(&[("by", "upstream")])),
        (2.0, "weir_route_answers_total", ROUTE.to_vec()),
        (2.0, "weir_upstream_requests_total", endpoint.to_vec()),
        (0.0, "weir_upstream_requests_in_progress", endpoint.to_vec()),
        (2.0, "weir_upstream_responses_total", [&endpoint[..], &[("status", "2xx")]].concat()),
        (0.0, "weir_upstream_failures_total", endpoint.to_vec()),
        (2.0, "weir_upstream_latency_seconds_count", endpoint.to_vec()),
        (1.0, "weir_upstream_connections", endpoint.to_vec()),
        (1.0, "weir_upstream_connections_opened_total", endpoint.to_vec()),
        (1.0, "weir_upstream_connections_reused_total", endpoint.to_vec()),
        (1.0, "weir_upstream_connect_seconds_count", endpoint.to_vec()),
        (2.0, "weir_gateway_latency_seconds_count", vec![]),
        (0.0, "weir_route_ended_early_total", vec![]),
        (0.0, "weir_route_host_answers_total", vec![]),
    ] {
        assert!((grown(name, &labels) - count).abs() < 1e-9, "{name} {labels:?} grew by {}", grown(name, &labels));
        assert!(count < 0.5 || after.count(name, &labels) > 0);
    }
    // To the byte, heads and framing too.
    let asked = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello".len()
        + "GET / HTTP/1.1\r\nHost: test.example\r\n\r\n".len();
    assert!(
        (grown("weir_listener_received_bytes_total", &[MAIN]) - f64::from(u32::try_from(asked).unwrap())).abs() < 0.5
    );
    assert!(grown("weir_listener_sent_bytes_total", &[MAIN]) > 2.0 * 12.0 + 2.0 * 40.0);
    drop(client);
    scrape.until("the connection's end", |figures| figures.sum("weir_listener_connections", &[MAIN]) < 0.5);
}

#[test]
fn times_are_those_of_the_route_the_endpoint_and_the_gateway() {
    // The upstream is slow, and what it takes is not the gateway's.
    let origin = Origin::raw(|_, stream| {
        let began = std::time::Instant::now();
        while began.elapsed().as_millis() < 300 {
            std::thread::yield_now();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_ok()
    });
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    get(proxy.address, "/");
    proxy.record(1);
    let figures = scrape.now();
    for name in ["weir_route_duration_seconds", "weir_route_time_to_head_seconds", "weir_upstream_latency_seconds"] {
        let below = |bound: &str| figures.sum(&format!("{name}_bucket"), &[("le", bound)]);
        assert_eq!((below("0.25"), below("60.0")), (0.0, 1.0), "{name}");
        let sum = figures.sum(&format!("{name}_sum"), &[]);
        assert!((0.3..60.0).contains(&sum), "{name} {sum}");
    }
    assert!(figures.sum("weir_gateway_latency_seconds_sum", &[]) < 0.25, "{}", figures.text);
    assert!(figures.sum("weir_upstream_connect_seconds_sum", &[]) < 0.25, "{}", figures.text);
}

#[test]
fn what_is_in_progress_is_counted_as_such() {
    let origin = Origin::raw(|_, stream| {
        let answered = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        // Until the test goes on.
        answered.is_ok() && stream.read(&mut [0]).is_ok_and(|length| length > 0) && stream.write_all(b"ok").is_ok()
    });
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.head();
    let figures = scrape.now();
    let progress = |figures: &Figures| {
        (figures.sum("weir_route_requests_in_progress", &ROUTE), figures.sum("weir_upstream_requests_in_progress", &[]))
    };
    assert_eq!(progress(&figures), (1.0, 1.0));
    assert_eq!(figures.count("weir_route_requests_total", &[]), 0);
    client.send("1\r\nx\r\n0\r\n\r\n");
    assert_eq!(client.rest_of(2), b"ok");
    proxy.record(1);
    assert_eq!(progress(&scrape.now()), (0.0, 0.0));
}

#[test]
fn endpoints_that_fail_are_counted_by_how() {
    let (good, down) = (Origin::text("good"), nobody());
    let proxy = proxy()
        .upstream("two", &format!("{{ endpoints: [{}, {}] }}", url(down), url(good.address)))
        .upstream("gone", &format!("{{ endpoints: [{}] }}", url(down)))
        .upstream("broken", &format!("{{ endpoints: [{}] }}", url(Origin::raw(|_, _| false).address)))
        .upstream(
            "slow",
            &format!(
                "{{ endpoints: [{}] }}",
                url(Origin::raw(|_, stream| stream.read(&mut [0]).is_ok_and(|length| length > 0)).address)
            ),
        )
        .route_to("/two", "two", "")
        .route_to("/gone", "gone", "")
        .route_to("/broken", "broken", "")
        .route_to("/slow", "slow", "timeouts: { response: 50ms }")
        .start();
    let scrape = Scrape::of(&proxy.log);
    assert_eq!(get(proxy.address, "/two").status, 200);
    let (down, up) = (down.to_string(), good.address.to_string());
    let (down, up) = ([("upstream", "two"), ("endpoint", &*down)], [("upstream", "two"), ("endpoint", &*up)]);
    // The reachable one may have been asked first; then nothing has failed yet.
    let mut asked = 1_u32;
    while scrape.now().count("weir_upstream_requests_total", &down) == 0 {
        get(proxy.address, "/two");
        asked += 1;
    }
    let figures = scrape.now();
    for (name, labels, expected) in [
        ("weir_upstream_failures_total", [&down[..], &[("kind", "connect")]].concat(), 1.0),
        ("weir_upstream_failovers_total", down.to_vec(), 1.0),
        ("weir_upstream_endpoint_avoided", down.to_vec(), 1.0),
        ("weir_upstream_connections_opened_total", down.to_vec(), 0.0),
        ("weir_upstream_responses_total", down.to_vec(), 0.0),
        ("weir_upstream_failures_total", up.to_vec(), 0.0),
        ("weir_upstream_failovers_total", up.to_vec(), 0.0),
        ("weir_upstream_endpoint_avoided", up.to_vec(), 0.0),
        ("weir_upstream_responses_total", up.to_vec(), f64::from(asked)),
    ] {
        assert_eq!(figures.sum(name, &labels), expected, "{name} {labels:?}");
    }
    for (path, status, kind, code) in [
        ("/gone", 502, "connect", "connect-failed"),
        ("/broken", 502, "broke", "upstream-broke"),
        ("/slow", 504, "timeout", "upstream-timeout"),
    ] {
        assert_eq!(get(proxy.address, path).status, status);
        asked += 1;
        proxy.record(usize::try_from(asked).unwrap());
        let (figures, upstream) = (scrape.now(), &path[1..]);
        assert_eq!(
            figures.sum("weir_upstream_failures_total", &[("upstream", upstream), ("kind", kind)]),
            1.0,
            "{path}"
        );
        assert_eq!(figures.sum("weir_upstream_failures_total", &[("upstream", upstream)]), 1.0, "{path}");
        assert_eq!(figures.sum("weir_route_host_answers_total", &[("route", path), ("code", code)]), 1.0, "{path}");
        assert_eq!(figures.sum("weir_route_host_answers_total", &[("route", path)]), 1.0, "{path}");
        assert_eq!(figures.sum("weir_route_answers_total", &[("route", path), ("by", "host")]), 1.0, "{path}");
        assert_eq!(figures.sum("weir_route_requests_total", &[("route", path), ("status", "5xx")]), 1.0, "{path}");
        assert!(figures.sum("weir_listener_responses_total", &[("status", &status.to_string())]) > 0.0);
    }
}

#[test]
fn a_request_that_is_sent_once_more_is_counted() {
    // Each connection serves one request, and is closed when the next one comes.
    let origin = Origin::raw({
        let served = Arc::new(AtomicUsize::new(usize::MAX));
        move |received, stream| {
            let is_first = served.swap(received.connection, Ordering::SeqCst) != received.connection;
            is_first && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_ok()
        }
    });
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    assert_eq!((get(proxy.address, "/").status, get(proxy.address, "/").status), (200, 200));
    proxy.record(2);
    let figures = scrape.now();
    assert_eq!(figures.sum("weir_upstream_repeats_total", &[]), 1.0);
    assert_eq!(figures.sum("weir_upstream_connections_reused_total", &[]), 1.0);
    assert_eq!(figures.sum("weir_upstream_connections_opened_total", &[]), 2.0);
    assert_eq!(figures.sum("weir_upstream_requests_total", &[]), 2.0);
}

#[test]
fn what_no_route_and_no_site_serves_is_counted_with_its_code() {
    let origin = Origin::text("x");
    let text = proxy().route("/app", "app", origin.address).text("127.0.0.1:0");
    let proxy = Proxy::of(&text.replace("  - routes", "  - host: a.example\n    routes"), &[]);
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(proxy.address);
    let mut ask = |line: &str, host: &str| {
        client.send(format!("{line} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.reply().status
    };
    assert_eq!(
        (ask("GET /none", "a.example"), ask("GET /", "b.example"), ask("GET /%zz", "a.example")),
        (404, 404, 400)
    );
    proxy.record(3);
    let figures = scrape.now();
    for (site, code) in [("a.example", "no-route"), ("", "no-site"), ("", "bad-path")] {
        let labels = [("site", site), ("route", ""), ("code", code)];
        assert_eq!(figures.sum("weir_route_host_answers_total", &labels), 1.0, "{labels:?}");
    }
    assert_eq!(
        figures.sum("weir_route_requests_total", &[("site", "a.example"), ("route", ""), ("status", "4xx")]),
        1.0
    );
    assert_eq!(figures.sum("weir_listener_responses_total", &[("status", "404")]), 2.0);
    assert_eq!(figures.sum("weir_listener_responses_total", &[("status", "400")]), 1.0);
}

#[test]
fn exchanges_that_end_early_are_counted_by_who_ended_them() {
    let origin = Origin::raw(|received, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        // The first one breaks off, the second one goes on for as long as anybody takes it.
        if received.line.starts_with("GET /broken") {
            return false;
        }
        while stream.write_all(&[0; 1 << 13]).is_ok() {}
        false
    });
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(proxy.address);
    client.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n");
    let _ = client.rest();
    proxy.record(1);
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client.head();
    drop(client);
    proxy.record(2);
    let figures = scrape.now();
    for by in ["upstream-broke", "client-gone"] {
        assert_eq!(figures.sum("weir_route_ended_early_total", &route(&[("by", by)])), 1.0, "{by}");
    }
    assert_eq!(figures.sum("weir_route_ended_early_total", &[]), 2.0);
}

#[test]
fn a_client_that_leaves_before_the_answer_has_no_status() {
    let origin = Origin::raw(|_, stream| stream.read(&mut [0]).is_ok_and(|length| length > 0));
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    origin.next();
    drop(client);
    proxy.record(1);
    let figures = scrape.now();
    assert_eq!(figures.sum("weir_route_requests_total", &route(&[("status", "none")])), 1.0);
    assert_eq!(figures.sum("weir_route_answers_total", &route(&[("by", "none")])), 1.0);
    assert_eq!(figures.sum("weir_gateway_latency_seconds_count", &[]), 0.0);
}

#[test]
fn connections_beyond_the_limit_are_counted() {
    let origin = Origin::text("x");
    let proxy = proxy().main("limits: { connections: 1 }").route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let mut first = Client::connect(proxy.address);
    first.get("/", "");
    let mut refused = TcpStream::connect(proxy.address).unwrap();
    assert_eq!(refused.read(&mut [0]).unwrap_or(0), 0);
    let figures = scrape.now();
    assert_eq!(figures.sum("weir_listener_connections_refused_total", &[MAIN]), 1.0);
    assert_eq!(figures.sum("weir_listener_connections_accepted_total", &[MAIN]), 1.0);
    assert_eq!(figures.sum("weir_listener_connections", &[MAIN]), 1.0);
}

#[test]
fn tls_is_counted_by_version_and_by_why_it_failed() {
    let (pem, origin) = (Pem::new(), Origin::text("hello"));
    pem.write("a", "a", &["a.example"]);
    let tls = format!("{}, timeouts: {{ head: 3s }}", pem.listener(&["a"]));
    let proxy = proxy().main(&tls).route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let curl = |more: &[&str]| {
        let mut curl = command("curl", "curl");
        let url = format!("https://{}/", proxy.address);
        curl.args(["-s", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}"]).args(more).arg(url);
        String::from_utf8(curl.output().unwrap().stdout).unwrap()
    };
    assert_eq!(curl(&["-k", "--tlsv1.3", "--http1.1"]), "200");
    assert_eq!(curl(&["-k", "--tls-max", "1.2", "--http2"]), "200");
    assert_eq!(curl(&["--http1.1"]), "000");
    // One speaks HTTP, one leaves, one says nothing.
    let mut plain = Client::connect(proxy.address);
    assert_eq!(plain.get("/", "").status, 400);
    drop(plain);
    drop(TcpStream::connect(proxy.address).unwrap());
    let mut silent = TcpStream::connect(proxy.address).unwrap();
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0);
    let figures = scrape.until("every handshake", |figures| {
        figures.sum("weir_listener_tls_handshakes_total", &[])
            + figures.sum("weir_listener_tls_handshake_failures_total", &[])
            > 5.5
    });
    for version in ["1.2", "1.3"] {
        assert_eq!(figures.sum("weir_listener_tls_handshakes_total", &[MAIN, ("version", version)]), 1.0, "{version}");
    }
    for reason in ["refused", "plain-http", "closed", "timeout"] {
        let labels = [MAIN, ("reason", reason)];
        assert_eq!(figures.sum("weir_listener_tls_handshake_failures_total", &labels), 1.0, "{reason}");
    }
    for version in ["1.1", "2"] {
        assert_eq!(figures.sum("weir_listener_requests_total", &[MAIN, ("version", version)]), 1.0, "{version}");
    }
}

#[test]
fn a_connection_that_switched_protocols_counts_its_bytes_and_not_its_time() {
    let origin = Origin::raw(|_, stream| {
        stream
            .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi")
            .unwrap();
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).unwrap();
        stream.write_all(&bytes).unwrap();
        false
    });
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
    assert_eq!((client.head().0, client.rest_of(2)), (101, b"hi".to_vec()));
    let figures = scrape.now();
    assert_eq!(figures.sum("weir_route_requests_in_progress", &ROUTE), 1.0);
    assert_eq!(figures.sum("weir_listener_responses_total", &[("status", "101")]), 1.0);
    client.send("four");
    assert_eq!(client.rest_of(4), b"four");
    drop(client);
    proxy.record(1);
    let figures = scrape.now();
    assert_eq!(figures.sum("weir_route_requests_total", &route(&[("status", "1xx")])), 1.0);
    assert_eq!(figures.sum("weir_route_received_bytes_total", &ROUTE), 4.0);
    assert_eq!(figures.sum("weir_route_sent_bytes_total", &ROUTE), 6.0);
    assert_eq!(figures.sum("weir_route_time_to_head_seconds_count", &ROUTE), 1.0);
    assert_eq!(figures.sum("weir_route_duration_seconds_count", &ROUTE), 0.0);
}

#[test]
fn counters_go_on_over_a_reload_and_reloads_are_counted() {
    let (origin, other) = (Origin::text("x"), Origin::text("y"));
    let builder = proxy().route("/*", "app", origin.address);
    let proxy = builder.start();
    let scrape = Scrape::of(&proxy.log);
    get(proxy.address, "/");
    proxy.record(1);
    let before = scrape.now();
    // Another filter and another route, so that everything is built anew; the upstream gets a second endpoint.
    let text = builder.clone().guest("mark", "mark", "config: { name: new }").route("/other", "other", other.address);
    let text = text
        .text("127.0.0.1:0")
        .replace(&format!("[{}]", url(origin.address)), &format!("[{}, {}]", url(origin.address), url(other.address)));
    proxy.write_text(&text);
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    // Two turns: one of them is the endpoint's that was there.
    get(proxy.address, "/");
    get(proxy.address, "/");
    proxy.record(3);
    let after = scrape.now();
    assert_eq!(after.sum("weir_route_requests_total", &ROUTE), 3.0);
    assert_eq!(after.sum("weir_listener_requests_total", &[MAIN]), 3.0);
    let endpoint = origin.address.to_string();
    assert_eq!(after.sum("weir_upstream_requests_total", &[("upstream", "app"), ("endpoint", &endpoint)]), 2.0);
    assert_eq!(after.sum("weir_config_reloads_total", &[("result", "good")]), 1.0);
    let adopted = "weir_config_last_reload_success_timestamp_seconds";
    assert!(grown(&before, &after, adopted, &[]) > 0.0);
    assert_eq!(after.sum("weir_config_last_reload_successful", &[]), 1.0);
    proxy.write_text("version: [");
    proxy.signal("HUP");
    proxy.log.wait("not reloaded");
    let failed = scrape
        .until("the failed reload", |figures| figures.sum("weir_config_reloads_total", &[("result", "failed")]) > 0.5);
    assert_eq!(failed.sum("weir_config_last_reload_successful", &[]), 0.0);
    assert!(grown(&after, &failed, adopted, &[]).abs() < 1e-9);
}

#[test]
fn workers_are_added_up_without_a_loss() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder()
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("workers: 2")
        .route("/*", "app", origin.address)
        .start();
    let scrape = Scrape::of(&proxy.log);
    let address = proxy.address;
    let clients: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                (0..100).for_each(|_| assert_eq!(client.get("/", "").status, 200));
            })
        })
        .collect();
    // Whoever looks in between never sees less than before.
    let mut last = 0.0;
    while last < 399.5 {
        let now = scrape.now().sum("weir_route_requests_total", &ROUTE);
        assert!(now >= last);
        last = now;
    }
    for client in clients {
        client.join().unwrap();
    }
    let figures = scrape.now();
    assert_eq!(figures.sum("weir_route_requests_total", &ROUTE), 400.0);
    assert_eq!(figures.sum("weir_route_duration_seconds_count", &ROUTE), 400.0);
    assert_eq!(figures.sum("weir_upstream_requests_total", &[]), 400.0);
    assert_eq!(figures.sum("weir_listener_responses_total", &[("status", "200")]), 400.0);
    assert_eq!(figures.sum("weir_workers", &[]), 2.0);
    // Both worked.
    assert_eq!(figures.count("weir_worker_lateness_seconds_count", &[]), 2);
}

#[test]
fn a_worker_that_is_held_up_is_seen_to_be_late() {
    let origin = Origin::text("x");
    let proxy = proxy()
        .limited_guest("fail", "fail", "config: { hook: on-request, how: spin }", "cpu: 300ms")
        .route("/*", "app", origin.address)
        .start();
    let scrape = Scrape::of(&proxy.log);
    get(proxy.address, "/");
    assert_eq!(
        scrape.now().sum("weir_worker_lateness_seconds_bucket", &[("le", "0.1")]),
        scrape.now().sum("weir_worker_lateness_seconds_count", &[])
    );
    Client::connect(proxy.address).get("/", "X-Fail: 1\r\n");
    let figures = scrape
        .until("the late worker", |figures| figures.sum("weir_worker_lateness_max_seconds", &[("worker", "0")]) > 0.15);
    let late = figures.sum("weir_worker_lateness_seconds_count", &[])
        - figures.sum("weir_worker_lateness_seconds_bucket", &[("le", "0.1")]);
    assert!(late >= 1.0, "{}", figures.text);
}

#[test]
fn the_process_tells_what_it_uses() {
    let origin = Origin::text("x");
    let proxy = proxy().route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let before = scrape.now();
    let clients: Vec<Client> = (0..20)
        .map(|_| {
            let mut client = Client::connect(proxy.address);
            client.get("/", "");
            client
        })
        .collect();
    let after = scrape.now();
    assert!(grown(&before, &after, "process_open_fds", &[]) >= 20.0);
    assert!(grown(&before, &after, "process_cpu_seconds_total", &[]) > 0.0);
    assert!(after.sum("process_max_fds", &[]) > after.sum("process_open_fds", &[]));
    assert!(after.sum("process_resident_memory_bytes", &[]) > 1e6);
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let threads = status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse::<f64>().unwrap();
    assert!((after.sum("process_threads", &[]) - threads).abs() < 3.5);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    assert!((now - 300.0..=now).contains(&after.sum("process_start_time_seconds", &[])));
    assert_eq!(after.sum("weir_build_info", &[("version", env!("CARGO_PKG_VERSION"))]), 1.0);
    drop(clients);
}

#[test]
fn records_and_lines_that_nobody_takes_are_counted() {
    let origin = Origin::text("x");
    let (main, admin) = (free_port(), free_port());
    let text = Proxy::builder()
        .top(&format!("admin: {{ address: \"127.0.0.1:{admin}\" }}"))
        .guest("flood", "flood", "")
        .route("/*", "app", origin.address)
        .text(&format!("127.0.0.1:{main}"));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    let mut weir = weir();
    // Pipes that nobody reads.
    weir.current_dir(folder.path()).arg("run").stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut weir = weir.spawn().unwrap();
    let (main, admin) = ([main, admin].map(|port| SocketAddr::from(([127, 0, 0, 1], port)))).into();
    let deadline = Instant::now() + PATIENCE;
    while TcpStream::connect(admin).is_err() {
        assert!(Instant::now() < deadline && weir.try_wait().unwrap().is_none(), "weir does not start");
    }
    let (scrape, long) = (Scrape::at(admin), "x".repeat(6000));
    let before = scrape.now();
    let lost = ["weir_access_records_lost_total", "weir_log_lines_lost_total"];
    assert_eq!(lost.map(|name| before.sum(name, &[])), [0.0, 0.0]);
    let mut client = Client::connect(main);
    while lost.iter().any(|name| scrape.now().sum(name, &[]) < 0.5) {
        for _ in 0..100 {
            assert_eq!(client.get(&format!("/{long}"), "").status, 200);
        }
        assert!(Instant::now() < deadline, "nothing is lost");
    }
    weir.kill().unwrap();
    weir.wait().unwrap();
}
