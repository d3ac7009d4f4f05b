//! `rate-limit` with counts that several proxies share: a Redis of its own, on this machine.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::common::lane::{Asked, Meets};
use crate::common::report::{Report, row};
use crate::common::site::Site;
use crate::times;

/// So few that each takes many batches in a round.
const CLIENTS: u32 = 64;

pub(crate) async fn measure(site: &mut Site, report: &mut Report) {
    let redis = Redis::start();
    site.stores = format!("shared: {{ redis: \"redis://127.0.0.1:{}\" }}", redis.port);
    let config = |batch: u32| {
        format!("{{ limit: 1000000000, window: 744h, store: shared, local_batch: {batch}, on_store_failure: closed }}")
    };
    let clients = || -> Vec<Asked> {
        let address = |number: u32| Ipv4Addr::from_bits(0x0A00_0000 + number);
        (0..CLIENTS).map(|number| Asked::get("/bench").from(address(number))).collect()
    };
    let cost = site.cost(&times(1, "rate-limit", &config(20)), clients(), Meets::Upstream).await;
    row("rate-limit: counts in Redis, 20 permits at once", cost);
    report.bar("rate-limit: counts in Redis by local_batch <= 3 us", cost / 1e3, 3.0, " us");
    let each = site.cost(&times(1, "rate-limit", &config(1)), clients(), Meets::Upstream).await;
    row("rate-limit: counts in Redis, asked by each request", each);
    report.control("rate-limit: Redis is asked by each request", each / 1e3, 3.0, " us");
}

/// A server that keeps nothing, ended with its owner.
struct Redis {
    server: Child,
    port: u16,
    _folder: TempDir,
}

impl Redis {
    fn start() -> Self {
        loop {
            let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
            let folder = tempfile::tempdir().expect("a folder");
            let mut server = Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &free.port().to_string(), "--save", "", "--appendonly", "no"])
                .arg("--dir")
                .arg(folder.path())
                .stdout(Stdio::piped())
                .spawn()
                .expect("redis-server is there: apt-get install redis-server");
            let said = BufReader::new(server.stdout.take().expect("it is piped"));
            // Another process may have taken the port: then it ends without this.
            if said.lines().map_while(Result::ok).any(|line| line.contains("Ready to accept connections")) {
                return Self { server, port: free.port(), _folder: folder };
            }
            let _ = server.wait();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
