//! The bundled filters in the running proxy, with foreign peers.

use weir_tests::{Client, Origin, Proxy, ProxyBuilder};

/// A proxy with one filter before an upstream that says who it is.
fn with(filter: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream\n");
    let proxy = build(Proxy::builder().top("workers: 1").filter(filter)).route("/*", "app", origin.address).start();
    (proxy, origin)
}

#[test]
fn request_id_continues_what_a_trusted_peer_sent() {
    for (listener, is_trusted) in [("trusted_proxies: [127.0.0.1]", true), ("trusted_proxies: [192.0.2.1]", false)] {
        let (proxy, origin) =
            with("{ plugin: request-id, config: { request_header: [x-request-id, x-trace] } }", |proxy| {
                proxy.main(listener)
            });
        let mut client = Client::connect(proxy.address);
        for (count, (sent, continued)) in
            [("X-Request-Id: 67e5-1\r\n", Some("67e5-1")), ("X-Request-Id: a b\r\n", None), ("", None)]
                .into_iter()
                .enumerate()
        {
            let reply = client.get("/", sent);
            let record = proxy.record(count + 1);
            let id = continued.filter(|_| is_trusted).or(record["exchange"].as_str());
            assert_eq!(reply.values("x-request-id"), Vec::from_iter(id), "{listener} {sent}");
            let received = origin.next();
            assert_eq!((received.header("x-request-id"), received.header("x-trace")), (id, id), "{listener} {sent}");
        }
    }
}
