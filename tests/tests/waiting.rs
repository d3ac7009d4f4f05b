//! Exchanges that wait, thousands at a time: what waits holds no instance of a filter, and gives back all it had when its
//! client goes. And what a filter that waits itself may do to others.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use std::io::{Read, Write};

use weir_tests::{Client, Frames, Origin, PATIENCE, Proxy, ProxyBuilder, get, until};

/// As many exchanges as one HTTP/2 connection may have.
const STREAMS: usize = 128;

/// How many exchanges wait: many, or as many as this process may have sockets for.
fn many() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("Linux says it");
    let sockets: usize = line.split_whitespace().next().and_then(|soft| soft.parse().ok()).unwrap_or(10_000);
    // The proxy has a connection to a client for each hundred, and the test as many.
    (sockets * 9 / 10).min(10_000) / STREAMS * STREAMS
}

/// An upstream that takes connections and says nothing until it is told to.
struct Silent {
    address: SocketAddr,
    taken: Receiver<TcpStream>,
}

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, taken) = channel();
        std::thread::spawn(move || listener.incoming().map_while(Result::ok).all(|stream| sender.send(stream).is_ok()));
        Self { address, taken }
    }

    /// The next so many connections.
    fn take(&self, count: usize) -> Vec<TcpStream> {
        (0..count).map(|_| self.taken.recv_timeout(PATIENCE).expect("a request reaches the upstream")).collect()
    }
}

fn answer(streams: &mut [TcpStream], body: &str) {
    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    for stream in streams {
        stream.write_all(answer.as_bytes()).unwrap();
    }
}

/// Five filters that see or change what passes, and wait for nothing but what `more` says.
fn five(more: &str) -> ProxyBuilder {
    let observe = "request: observe, response: observe";
    Proxy::builder()
        .top("workers: 2")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("access_log: false")
        .guest("one", "pass", &format!("config: {{ {observe}{more} }}"))
        .guest("two", "mark", "config: { name: two }")
        .guest("three", "pass", "config: { request: rewrite, response: rewrite }")
        .guest("four", "headers", "")
        .guest("five", "pass", &format!("config: {{ {observe} }}"))
}

/// A connection with as many requests on it as it may have.
fn ask(address: SocketAddr, path: &str) -> Frames {
    let mut frames = Frames::connect(address, 1 << 16);
    for number in 0..STREAMS {
        frames
            .request(stream(number), &[(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", path)]);
    }
    frames
}

fn stream(number: usize) -> u32 {
    u32::try_from(2 * number + 1).unwrap()
}

/// How many answers come whole, with the first byte of the status 200.
fn answered(frames: &mut Frames, count: usize) -> usize {
    let (mut good, mut ended) = (0, 0);
    while ended < count {
        let frame = frames.next().expect("the connection stays");
        assert!(matches!(frame.kind, 0 | 1), "{frame:?}");
        // RFC 7541, appendix A: 8 is `:status: 200`.
        good += usize::from(frame.kind == 1 && frame.payload.contains(&0x88));
        ended += usize::from(frame.flags & 1 == 1);
    }
    good
}

/// What `weir status` says.
fn status(proxy: &Proxy) -> serde_json::Value {
    let line: serde_json::Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    let address = line["address"].as_str().unwrap().parse().unwrap();
    let mut client = Client::connect(address);
    client.send("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
    serde_json::from_slice(&client.reply().body).unwrap()
}

fn instances(proxy: &Proxy) -> u64 {
    status(proxy)["instances"].as_u64().unwrap()
}

fn memory(proxy: &Proxy, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("Linux counts it");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors(proxy: &Proxy) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", proxy.pid())).unwrap().count()
}

#[test]
fn exchanges_that_wait_for_their_upstream_hold_no_instance() {
    let silent = Silent::new();
    let proxy = five("").route("/*", "app", silent.address).start();
    let idle = memory(&proxy, "VmRSS");
    let count = many();
    let (mut clients, mut upstreams) = (Vec::new(), Vec::new());
    while upstreams.len() < count {
        clients.push(ask(proxy.address, "/"));
        upstreams.extend(silent.take(STREAMS));
    }
    let held = instances(&proxy);
    let each = (memory(&proxy, "VmRSS") - idle) * 1024 / count as u64;
    eprintln!("{count} exchanges wait: {held} instances, {each} bytes for each exchange");
    assert!((5..=2 * 5).contains(&held), "{held} instances of five filters on two workers");
    answer(&mut upstreams, "late");
    let good: usize = clients.iter_mut().map(|client| answered(client, STREAMS)).sum();
    assert_eq!(good, count);
    assert!(instances(&proxy) <= 2 * 5);
}

#[test]
fn exchanges_whose_bodies_are_slow_hold_no_instance() {
    let origin = Origin::text("done");
    let proxy = five("").guest("six", "pass", "config: { request: buffer }").route("/*", "app", origin.address);
    let proxy = proxy.route_to("/at-once", "app", "chain: none").start();
    let count = many().min(8 * (STREAMS - 1));
    let mut clients = Vec::new();
    for _ in 0..count / (STREAMS - 1) {
        let mut frames = Frames::connect(proxy.address, 1 << 16);
        for number in 0..STREAMS - 1 {
            let mut block = vec![0x83];
            for (name, value) in [(":scheme", "http"), (":authority", "x"), (":path", "/")] {
                block.push(0);
                for text in [name, value] {
                    block.push(u8::try_from(text.len()).unwrap());
                    block.extend(text.as_bytes());
                }
            }
            frames.send(1, 4, stream(number), &block);
            frames.send(0, 0, stream(number), b"begun, ");
        }
        // Whoever is answered came behind all of these.
        let last = [(":method", "GET"), (":scheme", "http"), (":authority", "x"), (":path", "/at-once")];
        frames.request(stream(STREAMS - 1), &last);
        assert_eq!(answered(&mut frames, 1), 1);
        clients.push(frames);
    }
    assert!(origin.arrived().iter().all(|received| received.line.contains("/at-once")), "a body was not waited for");
    let held = instances(&proxy);
    assert!((6..=2 * 6).contains(&held), "{held} instances of six filters on two workers");
    for frames in &mut clients {
        for number in 0..STREAMS - 1 {
            frames.send(0, 1, stream(number), b"and ended");
        }
        assert_eq!(answered(frames, STREAMS - 1), STREAMS - 1);
    }
    assert!(instances(&proxy) <= 2 * 6);
}

#[test]
fn exchanges_that_wait_for_a_document_hold_no_instance_and_ask_for_it_once() {
    let (origin, documents) = (Origin::text("done"), Silent::new());
    let proxy = five(", document: { upstream: documents, path: /list }")
        .upstream("documents", &format!("{{ endpoints: [\"http://{}\"] }}", documents.address))
        .route("/*", "app", origin.address)
        .route_to("/at-once", "app", "chain: none")
        .start();
    // The fetch of the start.
    let mut first = documents.take(1);
    let mut clients: Vec<_> = (0..4).map(|_| ask(proxy.address, "/")).collect();
    // Those on the same worker come before it.
    (0..4).for_each(|_| assert_eq!(get(proxy.address, "/at-once").status, 200));
    let held = instances(&proxy);
    assert!((1..=2 * 5).contains(&held), "{held} instances of five filters on two workers");
    answer(&mut first, "a list");
    // Those who came during the first fetch want one that began after they asked.
    let second = documents.taken.recv_timeout(Duration::from_secs(1)).ok();
    answer(&mut second.into_iter().collect::<Vec<_>>(), "a list");
    let good: usize = clients.iter_mut().map(|client| answered(client, STREAMS)).sum();
    assert_eq!(good, 4 * STREAMS);
    assert!(documents.taken.try_iter().count() <= 1, "it was fetched again and again");
    assert!(instances(&proxy) <= 2 * 5);
}

#[test]
fn clients_that_go_leave_nothing_behind() {
    let silent = Silent::new();
    let proxy = five("").route("/*", "app", silent.address).start();
    let count = many().min(16 * STREAMS);
    let mut before = None;
    for round in 0..4 {
        let (mut clients, mut upstreams) = (Vec::new(), Vec::new());
        while upstreams.len() < count {
            clients.push(ask(proxy.address, "/"));
            upstreams.extend(silent.take(STREAMS));
        }
        assert!(descriptors(&proxy) > count, "they do not wait");
        drop(clients);
        // Each upstream learns that nobody waits for it any more.
        for upstream in &mut upstreams {
            upstream.set_read_timeout(Some(PATIENCE)).unwrap();
            let _ = upstream.read_to_end(&mut Vec::new());
        }
        drop(upstreams);
        until("all descriptors given back", || descriptors(&proxy) < 40);
        assert_eq!(status(&proxy)["connections"], 0);
        let now = memory(&proxy, "VmRSS");
        eprintln!("round {round}: {} MiB", now >> 10);
        let settled = *before.get_or_insert(now);
        // The first round shows what an allocator keeps.
        assert!(
            now <= settled + settled / 4 + (8 << 10),
            "{settled} KiB after the first round, {now} KiB after {round}"
        );
    }
}
