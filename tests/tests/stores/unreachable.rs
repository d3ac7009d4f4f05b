//! Servers that are away, silent, or talk nonsense: filters are told so within the store's time, workers go on, and all is
//! well again by itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use weir_tests::{Client, Origin, Proxy, RedisServer, Scrape, get, until, weir};

use crate::bed::{ask, builder, said};

fn up(proxy: &Proxy) -> bool {
    Scrape::of(&proxy.log).now().sum("weir_store_up", &[("store", "kept")]) > 0.0
}

fn failures(proxy: &Proxy, kind: &str) -> f64 {
    let of = [("store", "kept"), ("kind", kind)];
    Scrape::of(&proxy.log).now().sum("weir_store_failures_total", &of)
}

fn status(proxy: &Proxy) -> String {
    let output = weir().args(["status", "--admin", &format!("http://{}", Scrape::of(&proxy.log).address())]).output();
    String::from_utf8(output.unwrap().stdout).unwrap()
}

fn lines(proxy: &Proxy, words: &str) -> usize {
    proxy.log.so_far().iter().filter(|line| line.contains(words)).count()
}

/// Sends what it does not wait for.
fn begin(address: SocketAddr, path: &str, fields: &str) -> Client {
    let mut client = Client::connect(address);
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test.example\r\n{fields}\r\n"));
    client
}

/// A server that does with each connection what it is told: the bytes of a command were read as far as its first line.
fn peer(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let serve = Arc::clone(&serve);
            thread::spawn(move || serve(stream));
        }
    });
    address
}

/// Answers the question whether it is there, and is silent from then on.
fn welcome(stream: &TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    while !line.contains("PING") && reader.read_line(&mut line).is_ok_and(|count| count > 0) {}
    (&mut &*stream).write_all(b"+PONG\r\n").unwrap();
}

/// Reads until something is asked.
fn asked(stream: &TcpStream) {
    let _ = (&mut &*stream).read(&mut [0; 4096]);
}

/// Keeps the connection as long as the other end does.
fn hold(stream: &TcpStream) {
    let _ = (&mut &*stream).read_to_end(&mut Vec::new());
}

/// Has others end, also if the test fails.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_server_that_is_killed_is_told_once_and_heals() {
    let mut redis = RedisServer::start();
    let declaration = format!("{{ redis: \"{}\", timeout: 2s }}", redis.url());
    let proxy = builder(&declaration).start();
    until("it is there", || ask(&proxy, "/", "set a x") == "done");
    assert!(up(&proxy));
    // Under use: connections on both workers never stop asking.
    let (address, done) = (proxy.address, AtomicBool::new(false));
    let done = &done;
    thread::scope(|scope| {
        let ending = Ending(done);
        for _ in 0..4 {
            scope.spawn(move || {
                let mut client = Client::connect(address);
                while !done.load(Ordering::Relaxed) {
                    let words = said(&mut client, "/", "add n 1");
                    let is_told = ["unavailable", "timed-out"].contains(&words.as_str());
                    assert!(is_told || words.parse::<u64>().is_ok(), "{words}");
                }
            });
        }
        for round in 1..=2 {
            redis.kill();
            proxy.log.wait_many("the store `kept` is out of reach", round);
            until("it is known to be down", || ask(&proxy, "/", "get a") == "unavailable" && !up(&proxy));
            // First it was a connection that ended.
            until("it is told why", || {
                let words = status(&proxy);
                words.contains("store kept") && words.contains("Connection refused")
            });
            redis.revive();
            until("it is back", || ask(&proxy, "/", "set a y; get a") == "done; =y");
            proxy.log.wait_many("the store `kept` is back", round);
            assert!(up(&proxy) && !status(&proxy).contains("out of reach"));
        }
        drop(ending);
    });
    assert!(failures(&proxy, "unavailable") > 0.0);
    // It says why when that changes, and not for each of the thousands that failed.
    assert!(lines(&proxy, "is out of reach") <= 6, "{}", proxy.log.so_far().join("\n"));
}

#[test]
fn a_server_that_is_not_there_stops_no_start_and_no_reload() {
    let mut redis = RedisServer::start();
    redis.kill();
    let proxy = builder(&format!("{{ redis: \"{}\" }}", redis.url())).start();
    let line = proxy.log.wait("the store `kept` is out of reach");
    assert!(line.contains(&redis.address.to_string()) && line.contains("Connection refused"), "{line}");
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    assert_eq!(get(proxy.address, "/").status, 502);
    proxy.write(&builder(&format!("{{ redis: \"{}\", prefix: \"other:\" }}", redis.url())));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    redis.revive();
    until("it comes", || ask(&proxy, "/", "set a x") == "done");
    assert!(redis.cli(&["keys", "*"]).starts_with("other:"), "{}", redis.cli(&["keys", "*"]));
}

/// While the first waits, or does what it does, is the second answered?
fn is_overtaken(proxy: &Proxy, first: &str) -> bool {
    let slow = TcpStream::connect(proxy.address).unwrap();
    (&slow).write_all(format!("GET /slow HTTP/1.1\r\nHost: test.example\r\n{first}\r\n").as_bytes()).unwrap();
    assert_eq!(get(proxy.address, "/quick").text(), "quick");
    slow.set_nonblocking(true).unwrap();
    matches!(slow.peek(&mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
}

#[test]
fn a_worker_goes_on_while_a_store_is_silent() {
    let (redis, origin) = (RedisServer::start(), Origin::text("quick"));
    let proxy = Proxy::builder()
        .top(&format!("workers: 1\nstores: {{ kept: {{ redis: \"{}\", timeout: 10s }} }}", redis.url()))
        .plugin("shelf", "shelf", "limits: { wait: 1m, queue: 60s }")
        .plugin("spin", "spin", "limits: { cpu: 500ms }")
        .route("/quick", "app", origin.address)
        .route_to("/slow", "app", "chain: [{ plugin: shelf, config: { store: kept } }, { plugin: spin }]")
        .start();
    until("it is there", || ask(&proxy, "/slow", "set a x") == "done");
    redis.signal("STOP");
    let mut waiting: Vec<_> = (0..100).map(|_| begin(proxy.address, "/slow", "X-Do: get a\r\n")).collect();
    assert!(is_overtaken(&proxy, "X-Do: get a\r\n"));
    redis.signal("CONT");
    assert!(waiting.iter_mut().all(|client| client.reply().text() == "=x"));
    // The negative control: a filter that holds the worker is noticed.
    assert!(!is_overtaken(&proxy, "X-Spin: 1\r\n"));
}

#[test]
fn each_store_has_its_own_time() {
    let redis = RedisServer::start();
    let entry = |name: &str| format!("chain: [{{ plugin: shelf, config: {{ store: {name} }} }}]");
    let url = redis.url();
    let stores = format!(
        "{{ slow: {{ redis: \"{url}\", timeout: 10s }}, quick: {{ redis: \"{url}\", timeout: 20ms }}, usual: {{ redis: \"{url}\" }} }}"
    );
    let proxy = Proxy::builder()
        .top(&format!("workers: 2\nstores: {stores}"))
        .plugin("shelf", "shelf", "limits: { wait: 1m, queue: 60s }")
        .upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }")
        .route_to("/slow", "app", &entry("slow"))
        .route_to("/quick", "app", &entry("quick"))
        .route_to("/usual", "app", &entry("usual"))
        .start();
    for path in ["/slow", "/quick", "/usual"] {
        until("it is there", || ask(&proxy, path, "set a x") == "done");
    }
    redis.signal("STOP");
    let mut slow = begin(proxy.address, "/slow", "X-Do: get a\r\n");
    let mut usual = begin(proxy.address, "/usual", "X-Do: get a\r\n");
    assert_eq!(ask(&proxy, "/quick", "get a"), "timed-out");
    assert_eq!(usual.reply().text(), "timed-out");
    // It goes on within its time, long after the others had none.
    redis.signal("CONT");
    assert_eq!(slow.reply().text(), "=x");
}

#[test]
fn a_hook_waits_no_longer_than_its_limit() {
    let redis = RedisServer::start();
    let proxy = Proxy::builder()
        .top(&format!("workers: 1\nstores: {{ kept: {{ redis: \"{}\", timeout: 10s }} }}", redis.url()))
        .plugin("shelf", "shelf", "limits: { wait: 100ms }")
        .upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }")
        .route_to("/*", "app", "chain: [{ plugin: shelf, config: { store: kept } }]")
        .start();
    until("it is there", || ask(&proxy, "/", "set a x") == "done");
    redis.signal("STOP");
    assert_eq!(ask(&proxy, "/", "get a"), "timed-out");
    redis.signal("CONT");
}

#[test]
fn a_server_that_says_nothing_is_out_of_reach() {
    let address = peer(|stream| hold(&stream));
    let proxy = builder(&format!("{{ redis: \"redis://{address}\" }}")).start();
    proxy.log.wait("it did not answer within");
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
}

#[test]
fn half_an_answer_is_none() {
    let address = peer(|stream| {
        welcome(&stream);
        asked(&stream);
        (&stream).write_all(b"$5\r\nha").unwrap();
        hold(&stream);
    });
    let proxy = builder(&format!("{{ redis: \"redis://{address}\", timeout: 100ms }}")).start();
    until("it was asked", || ask(&proxy, "/", "get a") == "timed-out");
    // It is given up, and so is not asked again on a connection on which an answer is still to come.
    proxy.log.wait("is out of reach");
    assert!(failures(&proxy, "timed-out") > 0.0);
}

/// Asks until the answer was this, and the log has said that. (A connection that was there for long is made anew without a
/// word first.)
fn tells(proxy: &Proxy, what: &str, answer: &str, words: &str) {
    until("it is answered so", || ask(proxy, "/", what) == answer);
    until("the log has it", || {
        ask(proxy, "/", what);
        lines(proxy, words) > 0
    });
}

#[test]
fn an_answer_that_is_none_ends_the_connection() {
    for garbage in [
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "$9999999999\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
    ] {
        let address = peer(move |stream| {
            welcome(&stream);
            asked(&stream);
            (&stream).write_all(garbage.as_bytes()).unwrap();
            hold(&stream);
        });
        let proxy = builder(&format!("{{ redis: \"redis://{address}\", timeout: 10s }}")).start();
        tells(&proxy, "get a", "unavailable", "it answers what is not Redis's protocol");
    }
    // One answer more than questions.
    let address = peer(|stream| {
        welcome(&stream);
        asked(&stream);
        (&stream).write_all(b"$1\r\nx\r\n$1\r\ny\r\n").unwrap();
        hold(&stream);
    });
    let proxy = builder(&format!("{{ redis: \"redis://{address}\", timeout: 10s }}")).start();
    tells(&proxy, "get a", "=x", "it answers what is not Redis's protocol");
    // An answer of another kind than the question has.
    let address = peer(|stream| {
        welcome(&stream);
        loop {
            asked(&stream);
            if (&stream).write_all(b"*1\r\n:1\r\n").is_err() {
                return;
            }
        }
    });
    let proxy = builder(&format!("{{ redis: \"redis://{address}\", timeout: 10s }}")).start();
    assert_eq!(ask(&proxy, "/", "get a"), "unavailable");
    proxy.log.wait("it answers what it was not asked");
    assert!(failures(&proxy, "refused") > 0.0);
}

#[test]
fn clients_that_go_leave_the_connection_in_step() {
    let redis = RedisServer::start();
    let proxy = builder(&format!("{{ redis: \"{}\", timeout: 10s }}", redis.url())).start();
    until("it is there", || ask(&proxy, "/", "set a one; set b two") == "done; done");
    for _ in 0..10 {
        redis.signal("STOP");
        let gone: Vec<_> = (0..20).map(|_| begin(proxy.address, "/", "X-Do: get a\r\n")).collect();
        let mut stays = begin(proxy.address, "/", "X-Do: get b\r\n");
        drop(gone);
        redis.signal("CONT");
        assert_eq!(stays.reply().text(), "=two");
        assert_eq!(ask(&proxy, "/", "get a; get b"), "=one; =two");
    }
}

#[test]
fn what_is_under_way_has_a_bound() {
    let redis = RedisServer::start();
    let proxy = builder(&format!("{{ redis: \"{}\", timeout: 10s }}", redis.url())).start();
    until("it is there", || ask(&proxy, "/", "set a x") == "done");
    redis.signal("STOP");
    // Four MiB each.
    let batch: Vec<String> = (0..64).map(|key| format!("set {key} x*65536")).collect();
    let fields = format!("X-Do: {}\r\n", batch.join("; "));
    let mut clients: Vec<_> = (0..12).map(|_| begin(proxy.address, "/", &fields)).collect();
    Scrape::of(&proxy.log).until("one is too many", |figures| {
        figures.sum("weir_store_failures_total", &[("store", "kept"), ("kind", "overflow")]) > 0.0
    });
    redis.signal("CONT");
    let words: Vec<String> = clients.iter_mut().map(|client| client.reply().text()).collect();
    assert!(words.iter().any(|words| words == "unavailable"));
    assert!(words.iter().any(|words| words.starts_with("done; done")));
    until("there is room again", || ask(&proxy, "/", "get a") == "=x");
}
