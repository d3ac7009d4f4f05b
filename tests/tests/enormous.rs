//! Filters that make as much as they can: what is within the limits goes through, what is beyond is refused or harms one
//! exchange, and the proxy's memory stays bounded.

use std::net::SocketAddr;

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, get};

fn builder(origin: &Origin) -> ProxyBuilder {
    Proxy::builder().top("workers: 1").route("/*", "app", origin.address).route_to("/plain", "app", "chain: none")
}

fn with(of: &str, limits: &str) -> (Proxy, Origin) {
    let origin = Origin::text("x");
    let proxy = builder(&origin).limited_guest("ill", "enormous", &format!("config: {{ of: {of} }}"), limits).start();
    (proxy, origin)
}

/// What is left of an answer's body before its connection ends.
fn received(address: SocketAddr) -> Vec<u8> {
    let mut client = Client::connect(address);
    client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    client.rest().unwrap_or_default()
}

/// The most MiB that the process ever had in memory.
fn most_memory(proxy: &Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts it");
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() >> 10
}

#[test]
fn a_value_of_64_kib_passes_both_ways_and_one_byte_more_is_refused() {
    let (proxy, origin) = with("value", "");
    let reply = get(proxy.address, "/");
    assert_eq!(reply.header("x-enormous").map(str::len), Some(64 << 10));
    assert_eq!(origin.next().header("x-enormous").map(str::len), Some(64 << 10));
}

#[test]
fn a_head_has_room_for_256_fields() {
    let (proxy, origin) = with("fields", "");
    let reply = get(proxy.address, "/");
    assert_eq!(reply.status, 200);
    // Those of the client and the upstream count, what the host adds comes on top.
    assert!((250..=256).contains(&reply.values("x-many").len()), "{}", reply.values("x-many").len());
    let received = origin.next();
    assert!((250..=256).contains(&received.values("x-many").len()), "{}", received.values("x-many").len());
    assert_eq!(get(proxy.address, "/plain").text(), "x");
}

#[test]
fn an_answer_has_room_for_a_mebibyte() {
    let (proxy, origin) = with("answer", "");
    assert_eq!(get(proxy.address, "/").body.len(), 1 << 20);
    assert!(origin.arrived().is_empty());
}

#[test]
fn one_call_cannot_hand_over_more_than_the_host_takes() {
    for (of, words) in
        [("call", "too-large"), ("password", "too much data is being copied between the host and the guest")]
    {
        let (proxy, _origin) = with(of, "memory: 128MiB, cpu: 1s");
        assert_eq!(get(proxy.address, "/").status, 500);
        proxy.log.wait(words);
        assert_eq!(get(proxy.address, "/plain").text(), "x");
        // The filter's own 80 MiB and not the same once more.
        assert!(most_memory(&proxy) < 190, "{} MiB", most_memory(&proxy));
    }
}

#[test]
fn a_piece_of_a_body_may_become_a_mebibyte_and_no_more() {
    let (proxy, _origin) = with("too-much", "");
    let bytes = received(proxy.address);
    assert!(!bytes.ends_with(b"0\r\n\r\n"), "it was ended cleanly");
    proxy.log.wait("\"kind\":\"output-limit\"");
    assert_eq!(get(proxy.address, "/plain").text(), "x");
    let (proxy, _origin) = with("pieces", "");
    assert_eq!(get(proxy.address, "/").body.len(), 1 << 20);
}

#[test]
fn filters_behind_each_other_cannot_multiply_without_end() {
    let origin = Origin::text("x");
    // The limit is the host's here, not that of one hook's CPU time.
    let chain = |length: usize| {
        (0..length).fold(builder(&origin), |builder, number| {
            builder.limited_guest(&format!("ill-{number}"), "enormous", "config: { of: pieces }", "cpu: 1s")
        })
    };
    // What one hands to the next comes in pieces again: 16 of 64 KiB, each of which becomes a mebibyte.
    let proxy = chain(2).start();
    assert_eq!(get(proxy.address, "/").body.len(), 16 << 20);
    let proxy = chain(3).start();
    let bytes = received(proxy.address);
    assert!(!bytes.ends_with(b"0\r\n\r\n"), "it was ended cleanly");
    proxy.log.wait("or 16 MiB of those that came at once");
    assert!(most_memory(&proxy) < 150, "{} MiB", most_memory(&proxy));
    assert_eq!(get(proxy.address, "/plain").text(), "x");
}

#[test]
fn a_body_passes_so_many_codings_and_views_and_no_more() {
    let (proxy, _origin) = with("stages", "cpu: 1s");
    assert_eq!(get(proxy.address, "/").text(), "4 codings, 124 views");
}
