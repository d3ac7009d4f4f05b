//! Filters that wait for an upstream of theirs and misbehave: on a fiber, for ever, in masses, at each tick.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, get};

/// A chain of one filter that asks `asked` about each request.
fn builder(origin: &Origin, asked: SocketAddr, entry: &str, limits: &str) -> ProxyBuilder {
    Proxy::builder()
        .top("workers: 1")
        .upstream("asked", &format!("{{ endpoints: [\"http://{asked}\"] }}"))
        .limited_guest("ill", "asks", &format!("{entry}config: {{ upstream: asked }}"), limits)
        .route("/*", "app", origin.address)
        .route_to("/plain", "app", "chain: none")
}

fn failed(proxy: &Proxy, kind: &str) {
    let line = proxy.log.wait("failed in `on-request`");
    assert!(line.contains("\"filter\":\"ill\"") && line.contains(&format!("\"kind\":\"{kind}\"")), "{line}");
}

/// A request on a connection of its own, without waiting for the answer.
fn ask(address: SocketAddr) -> Client {
    let mut client = Client::connect(address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client
}

#[test]
fn a_loop_or_recursion_on_a_fiber_harms_one_exchange() {
    let (origin, asked) = (Origin::text("served"), Origin::text("yes"));
    for (on_failure, status) in [("", 500), ("on_failure: open, ", 200)] {
        for (how, kind) in [("spin", "cpu-limit"), ("recurse", "trap"), ("anything", "trap")] {
            let proxy = builder(&origin, asked.address, on_failure, "").start();
            assert_eq!(Client::connect(proxy.address).get("/", &format!("X-Fail: {how}\r\n")).status, status, "{how}");
            failed(&proxy, kind);
            assert_eq!(get(proxy.address, "/plain").text(), "served");
            origin.arrived();
            assert_eq!(get(proxy.address, "/").text(), "served");
            assert_eq!(origin.next().header("x-asked"), Some("yes"));
        }
    }
}

/// Takes connections and never says a word.
fn silent() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[test]
fn a_filter_that_waits_too_long_fails() {
    let origin = Origin::text("served");
    let (_listener, asked) = silent();
    for (on_failure, status) in [("", 500), ("on_failure: open, ", 200)] {
        let proxy = builder(&origin, asked, on_failure, "wait: 200ms").start();
        assert_eq!(get(proxy.address, "/").status, status);
        failed(&proxy, "wait-limit");
        assert_eq!(get(proxy.address, "/plain").text(), "served");
    }
}

#[test]
fn no_more_exchanges_wait_in_a_filter_than_may_and_the_others_are_told_at_once() {
    let origin = Origin::text("served");
    for (on_failure, status) in [("", 503), ("on_failure: open, ", 200)] {
        let (listener, asked) = silent();
        let proxy = builder(&origin, asked, on_failure, "instances: 2, waiting: 3, queue: 60s, wait: 60s").start();
        // Two in the filter, one waits for an instance.
        let mut waiting: Vec<Client> = (0..2).map(|_| ask(proxy.address)).collect();
        let mut asked: Vec<TcpStream> = (0..2).map(|_| listener.accept().unwrap().0).collect();
        waiting.push(ask(proxy.address));
        assert_eq!(get(proxy.address, "/plain").text(), "served");
        // The third was there before this answer, so the fourth is one too many.
        assert_eq!(get(proxy.address, "/").status, status);
        failed(&proxy, "overload");
        assert_eq!(get(proxy.address, "/plain").text(), "served");
        // When the first is answered, the third has its turn.
        for _ in 0..2 {
            asked[0].write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").unwrap();
        }
        assert_eq!(waiting.remove(0).reply().status, 200);
        asked[1].write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").unwrap();
        assert_eq!(waiting.remove(0).reply().status, 200);
    }
}

#[test]
fn an_exchange_waits_for_an_instance_for_so_long_and_no_longer() {
    let origin = Origin::text("served");
    let (listener, asked) = silent();
    let proxy = builder(&origin, asked, "", "instances: 1, queue: 100ms, wait: 60s").start();
    let mut first = ask(proxy.address);
    let (mut connection, _) = listener.accept().unwrap();
    assert_eq!(get(proxy.address, "/").status, 503);
    failed(&proxy, "overload");
    connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes").unwrap();
    assert_eq!(first.reply().status, 200);
}

#[test]
fn a_client_that_goes_frees_the_place_that_it_took() {
    let origin = Origin::text("served");
    let (listener, asked) = silent();
    let proxy = builder(&origin, asked, "", "instances: 1, waiting: 1, wait: 60s").start();
    for _ in 0..5 {
        let client = ask(proxy.address);
        let (mut connection, _) = listener.accept().unwrap();
        assert_eq!(get(proxy.address, "/").status, 503);
        drop(client);
        // Its request is given up.
        let _ = std::io::copy(&mut connection, &mut std::io::sink());
    }
    assert_eq!(get(proxy.address, "/plain").text(), "served");
}

#[test]
fn a_tick_asks_no_more_often_than_an_exchange_may() {
    let (origin, asked) = (Origin::text("served"), Origin::text("yes"));
    let proxy = Proxy::builder()
        .upstream("asked", &format!("{{ endpoints: [\"http://{}\"] }}", asked.address))
        .limited_guest("ill", "asks", "config: { upstream: asked, many: 500 }", "calls: 7")
        .route("/*", "app", origin.address)
        .start();
    proxy.log.wait_many("7 of 500 requests in a tick", 2);
    assert!(asked.arrived().len() <= 7 * 4, "more arrived than may");
    assert_eq!(get(proxy.address, "/").text(), "served");
}
