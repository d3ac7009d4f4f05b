//! Everything changes, again and again, and nobody notices: reloads, swaps and upgrades, good and broken ones in turn, under
//! requests of all kinds and beside open connections of another protocol.
//!
//! As part of the tests it is short. The long form prints what it saw:
//! `WEIR_UPHEAVAL=1000 cargo test -p weir-tests --test upheaval -- --nocapture`

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use serde_json::Value;
use weir_tests::{Client, Load, Origin, PATIENCE, Proxy, ProxyBuilder, Successor, guest, until};

/// Below this many rounds memory has not settled.
const SETTLED: usize = 500;

/// KiB that the process may hold more at the end than at the fifth part of all rounds.
const MORE_MEMORY: u64 = 8 << 10;

/// Clients at the same time; the proxy keeps a connection to the origin for each of them, on each worker.
const CLIENTS: usize = 10;

/// Reloads, and as many swaps.
fn rounds() -> usize {
    std::env::var("WEIR_UPHEAVAL").map_or(40, |rounds| rounds.parse().expect("WEIR_UPHEAVAL is a number of rounds"))
}

/// A proxy whose plugin `banner` is swapped, with what the `round`th reload changes.
fn builder(origin: &Origin, round: usize) -> ProxyBuilder {
    let top = "workers: 2\naccess_log: false\nadmin: { address: \"127.0.0.1:0\" }";
    let more = format!("timeouts: {{ idle: {}s }}", 10 + round % 50);
    Proxy::builder()
        .top(top)
        .guest("banner", "headers", "config: {}")
        .guest("other", "noop", "config: {}")
        .route("/*", "app", origin.address)
        .route_to("/changes", "app", &more)
}

/// Connections that have switched to another protocol, on which something comes and goes all the time.
struct Sockets {
    is_over: Arc<AtomicBool>,
    echoes: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Result<(), String>>>,
}

impl Sockets {
    fn on(address: SocketAddr, count: usize) -> Self {
        let (is_over, echoes) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let clients = (0..count).map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            let mut client = Client::of(stream.try_clone().unwrap());
            client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n");
            assert_eq!(client.head().0, 101);
            let (is_over, echoes) = (Arc::clone(&is_over), Arc::clone(&echoes));
            std::thread::spawn(move || {
                for number in (0..=u8::MAX).cycle() {
                    let mut byte = [0];
                    stream.write_all(&[number]).map_err(|error| format!("sending: {error}"))?;
                    stream.read_exact(&mut byte).map_err(|error| format!("receiving: {error}"))?;
                    if byte != [number] {
                        return Err(format!("{number} came back as {byte:?}"));
                    }
                    echoes.fetch_add(1, Ordering::Relaxed);
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                }
                Ok(())
            })
        });
        Self { clients: clients.collect(), is_over, echoes }
    }

    /// Ends them: what went wrong.
    fn end(self) -> Vec<String> {
        self.is_over.store(true, Ordering::Relaxed);
        self.clients.into_iter().filter_map(|client| client.join().unwrap().err()).collect()
    }
}

/// The admin address, asked as often as one likes.
struct Admin(SocketAddr);

impl Admin {
    fn of(proxy: &Proxy) -> Self {
        let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
        Self(line["address"].as_str().unwrap().parse().unwrap())
    }

    fn ask(&self, request: &str, kind: &str, body: &[u8]) -> (u16, Value) {
        let mut client = Client::connect(self.0);
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
        );
        client.send(head);
        client.send(body);
        let reply = client.reply();
        (reply.status, serde_json::from_slice(&reply.body).unwrap_or(Value::Null))
    }

    fn reload(&self) -> (u16, Value) {
        self.ask("POST /reload", "application/json", b"{}")
    }

    fn swap(&self, component: &[u8]) -> (u16, Value) {
        self.ask("PUT /plugins/banner", "application/wasm", component)
    }

    fn instances(&self) -> u64 {
        self.ask("GET /status", "application/json", b"").1["instances"].as_u64().unwrap()
    }
}

/// Two that work, and one that is cut short.
struct Components {
    good: [Vec<u8>; 2],
    broken: Vec<u8>,
}

impl Components {
    fn new() -> Self {
        let first = fs::read(guest("headers")).unwrap();
        let (from, to) = (b"by the filter", b"by the second");
        let mut second = first.clone();
        let places: Vec<usize> = (0..first.len() - from.len()).filter(|at| first[*at..].starts_with(from)).collect();
        assert_ne!(places, Vec::<usize>::new(), "the guest says other words");
        for at in places {
            second[at..at + to.len()].copy_from_slice(to);
        }
        Self { broken: first[..first.len() / 2].to_vec(), good: [first, second] }
    }
}

/// A line of the process's status, in its unit.
fn status_of(pid: u32, line: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let value = status.lines().find_map(|known| known.strip_prefix(line)).expect("Linux tells it");
    value.trim().trim_end_matches(" kB").parse().unwrap()
}

fn descriptors(pid: u32) -> usize {
    fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, Iterator::count)
}

/// One reload and one swap; of four of each, two are broken.
fn change(proxy: &Proxy, admin: &Admin, origin: &Origin, components: &Components, round: usize) {
    let is_broken = round % 2 == 1;
    let new = builder(origin, round);
    let new = if is_broken { new.top("nonsense: 1") } else { new };
    proxy.write(&new);
    let (status, answer) = admin.reload();
    assert_eq!(status, if is_broken { 422 } else { 200 }, "reload {round}: {answer}");
    let is_broken = round / 2 % 2 == 1;
    let component = if is_broken { &components.broken } else { &components.good[(round + 1) % 2] };
    let (status, answer) = admin.swap(component);
    assert_eq!(status, if is_broken { 422 } else { 200 }, "swap {round}: {answer}");
}

#[test]
fn nobody_notices_reloads_swaps_and_upgrades() {
    let (origin, components, rounds) = (Origin::echoing(), Components::new(), rounds());
    let mut proxy = builder(&origin, 0).start();
    let admin = Admin::of(&proxy);
    let pid = proxy.pid();
    // Once, so that everything is there that stays.
    change(&proxy, &admin, &origin, &components, 0);
    Client::connect(proxy.address).get("/", "");
    let threads = || status_of(pid, "Threads:");
    let before = (threads(), descriptors(pid));
    let sockets = Sockets::on(proxy.address, 4);
    let load = Load::on(proxy.address);
    load.more(20);
    let mut memory = 0;
    for round in 1..=rounds {
        change(&proxy, &admin, &origin, &components, round);
        if round == rounds / 5 {
            memory = status_of(pid, "VmRSS:");
        }
        if round % 10 == 0 {
            load.more(5);
        }
    }
    load.more(20);
    let after = status_of(pid, "VmRSS:");
    println!("{rounds} reloads and {rounds} swaps: {memory} KiB at a fifth of them, {after} KiB at the end");
    println!("echoes on open connections: {}", sockets.echoes.load(Ordering::Relaxed));
    println!("threads {} and {}, descriptors {} and {}", before.0, threads(), before.1, descriptors(pid));
    assert_eq!(load.end(), [Vec::<String>::new(), Vec::new(), Vec::new()]);
    assert_eq!(sockets.end(), Vec::<String>::new());
    if rounds >= SETTLED {
        assert!(after <= memory + MORE_MEMORY, "{memory} KiB at a fifth of the rounds, {after} KiB at the end");
    }
    // Two filters and two workers; what was replaced is gone, and so is what it had.
    until("instances of replaced filters are gone", || admin.instances() <= 4);
    until("threads are as many as before", || threads() <= before.0);
    until("descriptors are as many as before", || descriptors(pid) <= before.1 + 2 * CLIENTS);
    upgrades(&mut proxy, if rounds >= SETTLED { 5 } else { 1 });
}

/// Other processes take over, one after the other.
fn upgrades(proxy: &mut Proxy, count: usize) {
    let sockets = Sockets::on(proxy.address, 4);
    let load = Load::on(proxy.address);
    load.more(20);
    let mut processes: Vec<Successor> = Vec::new();
    for number in 1..=count {
        match processes.last() {
            None => proxy.signal("USR2"),
            Some(current) => current.signal("USR2"),
        }
        processes.push(Successor::of(proxy, number));
        load.more(20);
    }
    println!("{count} upgrades; echoes on open connections: {}", sockets.echoes.load(Ordering::Relaxed));
    assert_eq!(load.end(), [Vec::<String>::new(), Vec::new(), Vec::new()]);
    assert_eq!(sockets.end(), Vec::<String>::new());
    assert_eq!(proxy.exit().code(), Some(0));
    processes.pop().unwrap().signal("TERM");
}

/// Stands between clients and the proxy, and drops an exchange whenever it is told to: the request is read, and then the
/// connection is closed.
fn relay(to: SocketAddr, drop_one: &Arc<AtomicBool>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let drop_one = Arc::clone(drop_one);
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (Ok(mut client), Ok(mut server)) = (client, TcpStream::connect(to)) else { return };
            let (mut back, mut answers) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let drop_one = Arc::clone(&drop_one);
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = client.read(&mut buffer) {
                    if drop_one.swap(false, Ordering::Relaxed) || server.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
                let _ = server.shutdown(std::net::Shutdown::Both);
                let _ = client.shutdown(std::net::Shutdown::Both);
            });
            std::thread::spawn(move || {
                let _ = std::io::copy(&mut answers, &mut back);
                let _ = back.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    address
}

/// What the test above would see if a swap dropped one exchange.
#[test]
fn clients_notice_one_dropped_exchange_for_each_swap() {
    let (origin, components) = (Origin::echoing(), Components::new());
    let proxy = builder(&origin, 0).start();
    let admin = Admin::of(&proxy);
    let drop_one = Arc::new(AtomicBool::new(false));
    let load = Load::on(relay(proxy.address, &drop_one));
    load.more(10);
    for swap in 1..=3 {
        assert_eq!(admin.swap(&components.good[swap % 2]).0, 200);
        drop_one.store(true, Ordering::Relaxed);
        until("an exchange is dropped", || !drop_one.load(Ordering::Relaxed));
    }
    let failed: usize = load.end().iter().map(Vec::len).sum();
    assert_eq!(failed, 3);
}
