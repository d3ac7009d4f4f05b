//! Requests of filters' own that exchanges share.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use weir_tests::{Client, Origin, PATIENCE, Proxy, ProxyBuilder, Scrape};

/// An upstream that answers when it is told to.
struct Asked {
    listener: TcpListener,
    taken: Vec<TcpStream>,
}

impl Asked {
    fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").unwrap(), taken: Vec::new() }
    }

    fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The next request; the proxy keeps its connection.
    fn take(&mut self) -> TcpStream {
        let (mut stream, _) = self.listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).unwrap() > 0);
        self.taken.push(stream.try_clone().unwrap());
        stream
    }

    /// Whether somebody connects at once.
    fn is_asked(&self) -> bool {
        self.listener.set_nonblocking(true).unwrap();
        let is_asked = self.listener.accept().is_ok();
        self.listener.set_nonblocking(false).unwrap();
        is_asked
    }
}

fn answer(stream: &mut TcpStream, body: &str) {
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
}

/// Two entries that share, on two workers; each call has an instance.
fn sharing(asked: SocketAddr, config: &str, limits: &str) -> ProxyBuilder {
    Proxy::builder()
        .top("workers: 2")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .limited_guest(
            "one",
            "shares",
            &format!("config: {{ upstream: asked{config} }}"),
            &format!("instances: 128{limits}"),
        )
        .upstream("asked", &format!("{{ endpoints: [\"http://{asked}\"] }}"))
        .route_to("/*", "asked", "name: all")
        .route_to(
            "/other",
            "asked",
            &format!("name: other, chain: [{{ plugin: one, name: other, config: {{ upstream: asked{config} }} }}]"),
        )
}

/// Asks without waiting for the answer.
fn ask(proxy: &Proxy, path: &str, key: &str, more: &str) -> Client {
    let mut client = Client::connect(proxy.address);
    client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\nX-Key: {key}\r\n{more}\r\n"));
    client
}

/// Until so many exchanges wait in a hook.
fn until_waiting(proxy: &Proxy, count: u32) {
    let is_so = |waiting: f64| (waiting - f64::from(count)).abs() < 0.5;
    Scrape::of(&proxy.log).until("all wait", |figures| is_so(figures.sum("weir_filter_instances_busy", &[])));
}

#[test]
fn a_hundred_who_ask_the_same_at_once_ask_once() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), "", "").start();
    let mut clients: Vec<Client> = (0..100).map(|_| ask(&proxy, "/", "token", "")).collect();
    let mut upstream = asked.take();
    until_waiting(&proxy, 100);
    answer(&mut upstream, "who you are");
    for client in &mut clients {
        assert_eq!(client.reply().text(), "200 who you are");
    }
    assert!(!asked.is_asked());
    // Nothing is remembered.
    let mut later = ask(&proxy, "/", "token", "");
    answer(&mut asked.take(), "anew");
    assert_eq!(later.reply().text(), "200 anew");
}

#[test]
fn other_keys_and_other_entries_share_nothing() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), "", "").start();
    let mut clients = Vec::new();
    for (path, key) in [("/", "a"), ("/", "b"), ("/other", "a")] {
        clients.push(ask(&proxy, path, key, ""));
        let mut upstream = asked.take();
        upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n").unwrap();
    }
    for (stream, body) in asked.taken.iter_mut().zip(["1", "2", "3"]) {
        stream.write_all(body.as_bytes()).unwrap();
    }
    assert_eq!(clients.iter_mut().map(|client| client.reply().text()).collect::<Vec<_>>(), ["200 1", "200 2", "200 3"]);
}

#[test]
fn those_who_wait_are_answered_when_the_first_one_has_gone() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), "", "").start();
    let first = ask(&proxy, "/", "token", "");
    let mut upstream = asked.take();
    let mut others: Vec<Client> = (0..6).map(|_| ask(&proxy, "/", "token", "")).collect();
    until_waiting(&proxy, 7);
    drop(first);
    until_waiting(&proxy, 6);
    answer(&mut upstream, "still");
    for client in &mut others {
        assert_eq!(client.reply().text(), "200 still");
    }
    assert!(!asked.is_asked());
}

#[test]
fn what_nobody_waits_for_is_given_up() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), "", "").start();
    let both = [ask(&proxy, "/", "token", ""), ask(&proxy, "/", "token", "")];
    let mut upstream = asked.take();
    until_waiting(&proxy, 2);
    drop(both);
    assert_eq!(upstream.read(&mut [0]).unwrap_or(0), 0, "the connection is closed");
    let mut later = ask(&proxy, "/", "token", "");
    answer(&mut asked.take(), "anew");
    assert_eq!(later.reply().text(), "200 anew");
}

#[test]
fn a_failure_is_that_of_all_who_wait() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), "", "").start();
    let mut clients: Vec<Client> = (0..8).map(|_| ask(&proxy, "/", "token", "")).collect();
    let mut upstream = asked.take();
    until_waiting(&proxy, 8);
    upstream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal").unwrap();
    upstream.shutdown(std::net::Shutdown::Both).unwrap();
    for client in &mut clients {
        assert_eq!(client.reply().text(), "failed");
    }
}

#[test]
fn each_waits_for_as_long_as_it_wants_and_takes_as_much() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), ", timeout: 300", "").start();
    let mut late = [ask(&proxy, "/", "token", ""), ask(&proxy, "/", "token", "")];
    let upstream = asked.take();
    for client in &mut late {
        assert_eq!(client.reply().text(), "timed-out");
    }
    drop(upstream);

    let proxy = sharing(asked.address(), "", "").start();
    let mut whole = ask(&proxy, "/", "token", "");
    let mut upstream = asked.take();
    let mut little = ask(&proxy, "/", "token", "X-Max: 4\r\n");
    until_waiting(&proxy, 2);
    answer(&mut upstream, "12345");
    assert_eq!((whole.reply().text(), little.reply().text()), ("200 12345".to_owned(), "too-large".to_owned()));
}

#[test]
fn the_limit_of_waiting_is_each_hooks_own() {
    let mut asked = Asked::new();
    let proxy = sharing(asked.address(), ", timeout: 60000", ", wait: 3s")
        .route_to(
            "/half",
            "asked",
            "name: half, chain: [{ plugin: one, name: half, limits: { wait: 1500ms }, config: { upstream: asked } }]",
        )
        .start();
    let mut first = ask(&proxy, "/", "token", "");
    let mut upstream = asked.take();
    let mut half = ask(&proxy, "/half", "token", "");
    asked.take();
    assert_eq!(half.reply().status, 500);
    // Half of the first one's time is over; this one has all of its own.
    let mut second = ask(&proxy, "/", "token", "");
    assert_eq!(first.reply().status, 500);
    answer(&mut upstream, "in time");
    assert_eq!(second.reply().text(), "200 in time");
}

#[test]
fn shared_requests_are_granted_and_counted_as_others_are() {
    let origin = Origin::text("yes");
    let proxy = sharing(origin.address, "", ", calls: 3").start();
    let said = |more: &str, key: &str| ask(&proxy, "/", key, more).reply().text();
    assert_eq!(said("X-Times: 5\r\n", "a"), "200 yes, 200 yes, 200 yes, too-many, too-many");
    assert_eq!(said("", "long"), "invalid-request");
    assert_eq!(said("X-Get: nowhere\r\n", "a"), "invalid-request");
    let proxy = Proxy::builder().guest("one", "shares", "").route("/*", "app", origin.address).start();
    assert_eq!(ask(&proxy, "/", "a", "").reply().text(), "denied");
}
