//! `rate-limit` in the running proxy: with many clients at once, several workers, several processes and a store that they
//! share.

mod crowd;
mod flood;
mod redis;
mod reloads;
mod shared;
mod told;

use std::collections::BTreeMap;
use std::path::Path;

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, Reply, command};

/// A proxy with this entry's config before an upstream that says that it served.
fn limited(config: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("served\n");
    let builder = Proxy::builder()
        .top("workers: 2")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .main("trusted_proxies: [127.0.0.1]")
        .filter(&format!("{{ plugin: rate-limit, config: {{ {config} }} }}"));
    (build(builder).route("/*", "app", origin.address).start(), origin)
}

/// A GET by somebody.
fn get_as(proxy: &Proxy, client: &str) -> Reply {
    Client::connect(proxy.address).get("/", &format!("X-Forwarded-For: {client}\r\n"))
}

/// So many GETs by somebody, one after the other: how many were let through.
fn served(proxy: &Proxy, client: &str, requests: usize) -> usize {
    let mut connection = Client::connect(proxy.address);
    let line = format!("X-Forwarded-For: {client}\r\n");
    (0..requests).filter(|_| connection.get("/", &line).status == 200).count()
}

/// So many at the same time, over these ports: answers by status.
fn crowd(many: usize, ports: &[u16]) -> BTreeMap<u16, usize> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rate_limit/crowd.py");
    let mut python = command("python3", "python3");
    let output = python.arg(script).arg(many.to_string()).args(ports.iter().map(u16::to_string)).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |line: &str| {
        let (status, count) = line.split_once(' ').expect("a status and a number");
        (status.parse().unwrap_or(0), count.parse().expect("a number"))
    };
    said.lines().map(line).collect()
}
