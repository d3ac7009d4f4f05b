//! The harness: builders for upstream, proxy and client, each on a port of its own.
//!
//! The proxy is a process that runs the real command line; peers are raw sockets, curl, Python and nginx, never hyper.
//! Nothing sleeps: tests wait for a line of the log, a byte on a socket, an exit.

mod base64url;
mod browser;
mod certificates;
mod client;
mod collector;
mod dialogue;
mod figures;
mod frames;
mod golden;
mod http2;
mod issuer;
mod lines;
mod load;
mod origin;
mod pem;
mod proxy;
mod readme;
mod redis;
mod successor;
mod tools;

pub use base64url::{base64url, from_base64url};
pub use browser::Page;
pub use certificates::Authority;
pub use client::{Client, Reply, get};
pub use collector::Collector;
pub use figures::{Figures, Scrape};
pub use frames::{Frame, Frames, PREFACE};
pub use golden::Golden;
pub use http2::{Frame as ReceivedFrame, Http2Origin, Http2Peer};
pub use issuer::{Issuer, Jose, Key};
pub use lines::Lines;
pub use load::Load;
pub use origin::{Origin, Peer, Received};
pub use pem::Pem;
pub use proxy::{Proxy, ProxyBuilder, weir};
pub use readme::follow_readme;
pub use redis::{RedisCluster, RedisSentinels, RedisServer};
pub use successor::Successor;
pub use tools::{Running, command, free_port, nginx, python_origin, python_program};

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen; a machine under load is slow.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until it is so.
pub fn until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// The component of a filter in `tests/guests/examples`.
pub fn guest(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("GUESTS")).join(format!("{name}.wasm"));
    assert!(path.exists(), "there is no guest `{name}` in tests/guests/examples");
    path
}

/// Every value of a field, whatever the case of its name.
pub(crate) fn values<'a>(headers: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str()).collect()
}
