//! Instances of filters: how long they live, how many there are, what they may use, and when a filter is put aside.

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use weir_tests::{Client, Origin, PATIENCE, Proxy, ProxyBuilder, weir};

fn with(build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Proxy {
    let origin = Origin::text("from the upstream\n");
    build(Proxy::builder().top("workers: 1")).route("/*", "app", origin.address).start()
}

/// What the filter answers, with these field lines in the request, one after the other.
fn answers(proxy: &Proxy, fields: &[&str]) -> Vec<String> {
    let mut client = Client::connect(proxy.address);
    fields.iter().map(|fields| client.get("/", fields).text()).collect()
}

#[test]
fn pooled_instances_remember_and_fresh_ones_do_not() {
    let proxy = with(|proxy| proxy.plugin("count", "count", "isolation: pooled").filter("count"));
    assert_eq!(answers(&proxy, &["", "", ""]), ["1", "2", "3"]);
    let proxy = with(|proxy| proxy.plugin("count", "count", "isolation: fresh").filter("count"));
    assert_eq!(answers(&proxy, &["", "", ""]), ["1", "1", "1"]);
    // Pooled is what they are if nothing is said.
    let proxy = with(|proxy| proxy.guest("count", "count", ""));
    assert_eq!(answers(&proxy, &["", ""]), ["1", "2"]);
}

#[test]
fn instances_are_replaced_after_so_many_calls() {
    let proxy = with(|proxy| proxy.limited_guest("count", "count", "", "recycle_calls: 3"));
    assert_eq!(answers(&proxy, &[""; 7]), ["1", "2", "3", "1", "2", "3", "1"]);
}

#[test]
fn instances_that_have_grown_are_replaced() {
    let proxy = with(|proxy| proxy.limited_guest("grow", "grow", "", "memory: 64MiB, recycle_memory: 4MiB"));
    let (small, large) = ("X-Grow: 1\r\n", "X-Grow: 8\r\n");
    assert_eq!(answers(&proxy, &[small, small, large, small, small]), ["1", "2", "3", "1", "2"]);
    // Half of `memory` if nothing is said.
    let proxy = with(|proxy| proxy.limited_guest("grow", "grow", "", "memory: 64MiB"));
    assert_eq!(answers(&proxy, &[small, large, small, "X-Grow: 30\r\n", small]), ["1", "2", "3", "4", "1"]);
}

/// What `weir validate` says of a file, with the cache of compiled filters in a folder of its own.
fn validate(text: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    let mut command = weir();
    command.current_dir(folder.path()).arg("validate").env("WEIR_CACHE_DIR", folder.path().join("cache"));
    let output = command.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

fn text(guest: &str, limits: &str) -> String {
    let origin = Origin::text("x");
    Proxy::builder().limited_guest("filter", guest, "", limits).route("/*", "app", origin.address).text("127.0.0.1:0")
}

#[test]
fn configuring_and_compiling_have_limits_of_their_own() {
    let (code, said) = validate(&text("slow-configure", "configure: 1ms, cpu: 60s"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("while it was configured") && said.contains("`limits: { configure: ... }`"), "{said}");
    assert_eq!(validate(&text("slow-configure", "configure: 60s, cpu: 1ms")).0, Some(0));
    let (code, said) = validate(&text("every", "compile: 1ms"));
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("compiling it takes longer than 1ms (`limits: { compile: ... }`)"), "{said}");
    assert_eq!(validate(&text("every", "compile: 1m")).0, Some(0));
}

/// An upstream that holds every request to `/held` until it is told to go on.
struct Slow {
    origin: Origin,
    go_on: Sender<()>,
    /// Whose connection was closed while it was held.
    given_up: Receiver<String>,
}

fn slow() -> Slow {
    let (go_on, told) = channel::<()>();
    let told = Arc::new(Mutex::new(told));
    let (gone, given_up) = channel();
    let origin = Origin::raw(move |received, stream| {
        let target = received.line.split(' ').nth(1).unwrap().to_owned();
        if target.starts_with("/held") && told.lock().unwrap().recv().is_err() {
            return false;
        }
        if target.starts_with("/lost") {
            let left = stream.read(&mut [0]).is_ok_and(|length| length > 0);
            let _ = gone.send(target);
            return left;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_ok()
    });
    Slow { origin, go_on, given_up }
}

fn caller(slow: &Slow, limits: &str, policy: &str) -> Proxy {
    let entry = format!("on_failure: {policy}, config: {{ upstream: app, timeout: 20000 }}");
    Proxy::builder()
        .top("workers: 1")
        .limited_guest("caller", "caller", &entry, limits)
        .route("/*", "app", slow.origin.address)
        .start()
}

/// A client whose filter waits for the upstream.
fn waiting(proxy: &Proxy) -> Client {
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nX-Get: /held\r\n\r\n");
    client
}

#[test]
fn so_many_may_wait_in_a_filter_and_no_more() {
    let slow = slow();
    let proxy = caller(&slow, "instances: 1, waiting: 1", "closed");
    let mut first = waiting(&proxy);
    slow.origin.next();
    let refused = waiting(&proxy).reply();
    assert_eq!(refused.status, 503);
    let record = proxy.record(1);
    assert_eq!(record["reason"], "filter-overload", "{record}");
    slow.go_on.send(()).unwrap();
    assert_eq!(first.reply().text(), "200 ok");
    // Its place is free again.
    let mut third = waiting(&proxy);
    slow.go_on.send(()).unwrap();
    assert_eq!(third.reply().text(), "200 ok");
}

#[test]
fn who_finds_no_instance_waits_for_a_while() {
    let slow = slow();
    let proxy = caller(&slow, "instances: 1, queue: 60s", "closed");
    let (mut first, mut second) = (waiting(&proxy), waiting(&proxy));
    slow.origin.next();
    // The second one waits for the first one's instance, and gets it.
    assert!(slow.origin.arrived().is_empty());
    slow.go_on.send(()).unwrap();
    slow.go_on.send(()).unwrap();
    assert_eq!((first.reply().text(), second.reply().text()), ("200 ok".into(), "200 ok".into()));

    let proxy = caller(&slow, "instances: 1, queue: 10ms", "closed");
    let mut first = waiting(&proxy);
    slow.origin.next();
    slow.origin.next();
    assert_eq!(waiting(&proxy).reply().status, 503);
    slow.go_on.send(()).unwrap();
    assert_eq!(first.reply().text(), "200 ok");

    // Two instances, two at a time.
    let proxy = caller(&slow, "instances: 2, queue: 10ms", "closed");
    let (mut first, mut second) = (waiting(&proxy), waiting(&proxy));
    slow.origin.next();
    slow.origin.next();
    slow.go_on.send(()).unwrap();
    slow.go_on.send(()).unwrap();
    assert_eq!((first.reply().status, second.reply().status), (200, 200));
}

#[test]
fn overload_is_a_failure_like_others_and_others_go_on() {
    let slow = slow();
    let entry = "on_failure: open, config: { upstream: app, timeout: 20000 }";
    let proxy = Proxy::builder()
        .top("workers: 1")
        .limited_guest("caller", "caller", entry, "waiting: 1")
        .route("/*", "app", slow.origin.address)
        .route_to("/plain", "app", "chain: none")
        .start();
    let mut first = waiting(&proxy);
    slow.origin.next();
    // Without the filter, and on the same worker.
    assert_eq!(Client::connect(proxy.address).get("/", "X-Get: /held\r\n").text(), "ok");
    assert_eq!(Client::connect(proxy.address).get("/plain", "").text(), "ok");
    slow.go_on.send(()).unwrap();
    assert_eq!(first.reply().text(), "200 ok");
}

#[test]
fn a_hook_waits_no_longer_than_its_limit() {
    let slow = slow();
    let proxy = caller(&slow, "wait: 100ms", "closed");
    let began = Instant::now();
    assert_eq!(waiting(&proxy).reply().status, 500);
    assert!(began.elapsed() < Duration::from_secs(4), "the usual limit is 5 s");
    proxy.log.wait("a hook waited longer than its limit");
    // What it waits for is not charged as CPU time.
    let proxy = caller(&slow, "cpu: 1ms", "closed");
    let mut client = waiting(&proxy);
    slow.origin.next();
    slow.origin.next();
    for _ in 0..3 {
        assert_eq!(Client::connect(proxy.address).get("/", "").status, 200);
    }
    slow.go_on.send(()).unwrap();
    slow.go_on.send(()).unwrap();
    assert_eq!(client.reply().text(), "200 ok");
}

#[test]
fn a_client_that_goes_frees_what_waited_for_it() {
    let slow = slow();
    let proxy = caller(&slow, "instances: 1, waiting: 1", "closed");
    for count in 1..=3 {
        let mut client = Client::connect(proxy.address);
        client.send("GET /asked HTTP/1.1\r\nHost: x\r\nX-Get: /lost/1 /lost/2\r\n\r\n");
        slow.origin.next();
        slow.origin.next();
        drop(client);
        // The upstream is told, and the exchange has its record.
        let mut lost = [(); 2].map(|()| slow.given_up.recv_timeout(PATIENCE).unwrap());
        lost.sort();
        assert_eq!(lost, ["/lost/1", "/lost/2"]);
        let record = proxy.record(count);
        assert_eq!((record["target"].as_str(), record["ended"].as_str()), (Some("/asked"), Some("client-gone")));
    }
    // The one instance and the one place are free.
    let mut client = waiting(&proxy);
    slow.go_on.send(()).unwrap();
    assert_eq!(client.reply().text(), "200 ok");
}

#[test]
fn a_client_that_goes_while_a_body_or_a_document_is_waited_for_has_its_record() {
    let slow = slow();
    let proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("whole", "whole", "")
        .plugin("keeper", "keeper", "")
        .plugin("summary", "summary", "")
        .route("/plain", "app", slow.origin.address)
        .route_to("/lost/body", "app", "chain: [summary, { plugin: whole, config: { on: response, max: 9 } }]")
        .route_to(
            "/document",
            "app",
            "chain: [summary, { plugin: keeper, config: { document: { upstream: app, path: /lost/document } } }]",
        )
        .start();
    slow.origin.next();
    for (count, target, more) in [(1, "/lost/body", ""), (2, "/document", "X-Do: refresh\r\n")] {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET {target} HTTP/1.1\r\nHost: x\r\n{more}\r\n"));
        if count == 1 {
            while !slow.origin.next().line.contains("/lost/body") {}
        } else {
            // It is there once another one is: the same worker serves both.
            Client::connect(proxy.address).get("/plain", "");
        }
        drop(client);
        let record = proxy.record(if count == 1 { 1 } else { 3 });
        assert_eq!((record["target"].as_str(), record["ended"].as_str()), (Some(target), Some("client-gone")));
        let summary = proxy.log.wait_many("summary:", count).pop().unwrap();
        assert!(summary.contains("status 0 Ending::ClientGone"), "{summary}");
    }
    // The upstream's answer is not waited for any more.
    let lost = || slow.given_up.recv_timeout(PATIENCE).unwrap();
    while lost() != "/lost/body" {}
}

/// A filter that fails when it is asked to, put aside by this rule.
fn fragile(rule: &str, more: &str) -> (Proxy, Origin) {
    let origin = Origin::text("ok");
    let proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("fragile", "trap", &format!("quarantine: {rule}"))
        .filter(&format!("{{ plugin: fragile, {more} }}"))
        .route("/*", "app", origin.address)
        .start();
    (proxy, origin)
}

const FAIL: &str = "X-Trap: request\r\n";

fn statuses(proxy: &Proxy, fields: &[&str]) -> Vec<u16> {
    let mut client = Client::connect(proxy.address);
    fields.iter().map(|fields| client.get("/", fields).status).collect()
}

#[test]
fn a_filter_that_fails_too_often_is_put_aside() {
    let (proxy, origin) = fragile("{ share: 50%, calls: 8, window: 1h, first: 1h }", "");
    // Two hooks each that succeed: four calls, and four that fail.
    assert_eq!(statuses(&proxy, &["", ""]), [200, 200]);
    assert_eq!(statuses(&proxy, &[FAIL; 4]), [500; 4]);
    // Whatever the request: it is not called, and `on_failure` decides.
    origin.arrived();
    assert_eq!(statuses(&proxy, &["", ""]), [503, 503]);
    assert!(origin.arrived().is_empty());
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    let said = proxy.log.so_far();
    let aside: Vec<&String> = said.iter().filter(|line| line.contains("fails too often")).collect();
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert!(aside[0].contains("filter `fragile` fails too often and is not called for 3600s"), "{aside:?}");
    assert_eq!(said.iter().filter(|line| line.contains("failed in `on-request`")).count(), 4);

    let (proxy, _) = fragile("{ share: 50%, calls: 4, window: 1h, first: 1h }", "on_failure: open");
    assert_eq!(statuses(&proxy, &[FAIL; 8]), [200; 8]);
    proxy.log.wait("fails too often");
    assert_eq!(proxy.log.so_far().iter().filter(|line| line.contains("failed in `on-request`")).count(), 4);
}

#[test]
fn what_is_too_often_is_the_operators_to_say() {
    let fails = |rule: &str, fields: &[&str]| {
        let (proxy, _) = fragile(rule, "");
        statuses(&proxy, fields);
        statuses(&proxy, &[""])[0] == 503
    };
    // So many calls, and such a share of them. A request that goes well is two calls.
    assert!(!fails("{ share: 50%, calls: 5, window: 1h }", &[FAIL; 4]));
    assert!(fails("{ share: 50%, calls: 4, window: 1h }", &[FAIL; 4]));
    assert!(!fails("{ share: 50%, calls: 4, window: 1h }", &["", "", FAIL, FAIL]));
    assert!(fails("{ share: 30%, calls: 4, window: 1h }", &["", "", FAIL, FAIL]));
    assert!(!fails("off", &[FAIL; 60]));
    // The usual: half of twenty.
    assert!(!fails("{ window: 1h }", &[FAIL; 19]));
    assert!(fails("{ window: 1h }", &[FAIL; 20]));
}

#[test]
fn calls_count_for_as_long_as_the_window() {
    let (proxy, _) = fragile("{ share: 50%, calls: 2, window: 100ms, first: 1h }", "");
    // Never two within 100 ms.
    for _ in 0..4 {
        assert_eq!(statuses(&proxy, &[FAIL]), [500]);
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(150) {
            std::thread::yield_now();
        }
    }
    assert_eq!(statuses(&proxy, &[""]), [200]);
}

#[test]
fn a_filter_that_was_put_aside_is_tried_again_each_time_later() {
    let (proxy, _) = fragile("{ share: 50%, calls: 8, window: 1h, first: 20ms, longest: 50ms }", "");
    statuses(&proxy, &[FAIL; 8]);
    let came_back = || {
        let began = Instant::now();
        while statuses(&proxy, &[""])[0] != 200 {
            assert!(began.elapsed() < PATIENCE, "it does not come back");
        }
    };
    // On probation a quarter of the calls is enough; each time it takes twice as long, up to the longest.
    for (count, length) in [(1, "20ms"), (2, "40ms"), (3, "50ms"), (4, "50ms")] {
        let aside = proxy.log.wait_many("fails too often", count).pop().unwrap();
        assert!(aside.contains(&format!("is not called for {length}")), "{aside}");
        came_back();
        // What was before does not count: one failure among calls that go well is not too often.
        assert_eq!(statuses(&proxy, &[FAIL, ""]), [500, 200]);
        let began = Instant::now();
        while proxy.log.so_far().iter().filter(|line| line.contains("fails too often")).count() == count {
            statuses(&proxy, &[FAIL]);
            assert!(began.elapsed() < PATIENCE, "it is not put aside again");
        }
    }
}

#[test]
fn a_filter_that_takes_the_time_of_others_is_put_aside_though_it_does_so_seldom() {
    let origin = Origin::text("ok");
    let proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("spin", "spin", "limits: { cpu: 20ms }, quarantine: { window: 2s, first: 1h }")
        .filter("spin")
        .route("/*", "app", origin.address)
        .start();
    // One in many; three of them took more than a fiftieth of two seconds.
    let spin = "X-Spin: yes\r\n";
    for _ in 0..2 {
        assert_eq!(statuses(&proxy, &["", "", "", "", "", "", "", spin]), [200, 200, 200, 200, 200, 200, 200, 500]);
    }
    assert_eq!(statuses(&proxy, &[spin, ""]), [500, 503]);
    proxy.log.wait("filter `spin` fails too often");
}

#[test]
fn grants_are_the_plugins() {
    let origin = Origin::text("ok");
    for (grants, said) in [("grants: { vars: [user., auth.] }", "done"), ("grants: { vars: [auth.] }", "denied")] {
        let proxy = Proxy::builder()
            .plugin("vars", "vars", grants)
            .filter("{ plugin: vars, config: { set: { user.id: ada } } }")
            .route("/*", "app", origin.address)
            .start();
        Client::connect(proxy.address).get("/", "");
        assert_eq!(origin.next().values("x-set"), [format!("user.id {said}")]);
    }
}
