//! How the process comes to its end: who is told, who may finish, and how long all of it takes.

use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use weir_tests::{Client, Frames, Origin, Proxy, get, weir};

/// Answers once a byte of the request's body has come.
fn slow_origin() -> Origin {
    Origin::raw(|_, stream| {
        let mut go = [0; 1];
        stream.read_exact(&mut go).is_ok()
            && stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone").is_ok()
    })
}

/// Leaves a request at the origin, which answers once `finish` is called.
fn begun(proxy: &Proxy, origin: &Origin) -> Client {
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    origin.next();
    client
}

fn finish(client: &mut Client) -> weir_tests::Reply {
    client.send("1\r\nx\r\n0\r\n\r\n");
    client.reply()
}

fn admin(proxy: &Proxy) -> String {
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    line["address"].as_str().unwrap().to_owned()
}

/// What a balancer asks.
fn readiness(proxy: &Proxy) -> u16 {
    let admin = admin(proxy);
    let mut client = Client::connect(admin.parse().unwrap());
    client.send(format!("GET /ready HTTP/1.1\r\nHost: {admin}\r\n\r\n"));
    client.reply().status
}

fn status(proxy: &Proxy) -> Value {
    let admin = format!("http://{}", admin(proxy));
    let output = weir().args(["status", "--json", "--admin", &admin]).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_drain_is_known_before_anything_closes() {
    let origin = Origin::text("x");
    let top = "admin: { address: \"127.0.0.1:0\" }\ndrain: { delay: 1h }";
    let mut proxy = Proxy::builder().top(top).route("/*", "app", origin.address).start();
    assert_eq!((readiness(&proxy), &status(&proxy)["is_draining"]), (200, &false.into()));
    proxy.signal("TERM");
    proxy.log.wait("connections are accepted for 3600s more");
    assert_eq!((readiness(&proxy), &status(&proxy)["is_draining"]), (503, &true.into()));
    // Whoever has not noticed yet is served, and may stay.
    let mut client = Client::connect(proxy.address);
    let reply = client.get("/", "");
    assert_eq!((reply.status, reply.header("connection")), (200, None));
    assert_eq!(client.get("/", "").status, 200);
    proxy.signal("TERM");
    assert_eq!(proxy.exit().code(), Some(0));
}

#[test]
fn operators_are_answered_while_exchanges_end() {
    let origin = slow_origin();
    let top = "admin: { address: \"127.0.0.1:0\" }";
    let mut proxy = Proxy::builder().top(top).route("/*", "app", origin.address).start();
    let mut client = begun(&proxy, &origin);
    proxy.signal("TERM");
    proxy.log.wait("exchanges in progress may end");
    let status = status(&proxy);
    assert_eq!((&status["is_draining"], &status["connections"]), (&Value::Bool(true), &Value::from(1)));
    assert_eq!(finish(&mut client).text(), "done");
    assert_eq!(proxy.exit().code(), Some(0));
    proxy.log.wait("drained");
}

#[test]
fn a_request_on_a_kept_connection_is_answered_although_the_drain_began_before_it() {
    let (origin, slow) = (Origin::text("x"), slow_origin());
    let mut proxy = Proxy::builder().route("/*", "app", origin.address).route("/slow", "slow", slow.address).start();
    let mut holding = Client::connect(proxy.address);
    holding.send("POST /slow HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    slow.next();
    let (mut kept, mut new) = (Client::connect(proxy.address), Client::connect(proxy.address));
    assert_eq!(kept.get("/", "").header("connection"), None);
    // Connected, and accepted, for a later one is served; but silent.
    new.send("G");
    assert_eq!(get(proxy.address, "/").status, 200);
    proxy.signal("TERM");
    proxy.log.wait("exchanges in progress may end");
    let reply = kept.get("/", "");
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert_eq!(kept.rest().unwrap(), b"");
    new.send("ET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let reply = new.reply();
    assert_eq!((reply.status, reply.header("connection")), (200, Some("close")));
    assert_eq!(finish(&mut holding).header("connection"), Some("close"));
    assert_eq!(proxy.exit().code(), Some(0));
}

#[test]
fn a_drain_waits_no_longer_than_its_grace_and_says_what_it_closed() {
    let origin = slow_origin();
    let mut proxy = Proxy::builder().top("drain: { grace: 100ms }").route("/*", "app", origin.address).start();
    let client = begun(&proxy, &origin);
    proxy.signal("TERM");
    proxy.log.wait("the time to drain is over: closing 1 connection");
    assert_eq!(proxy.exit().code(), Some(0));
    drop(client.rest());
    let record = proxy.record(1);
    assert_eq!(
        (&record["ended"], &record["by"], &record["status"]),
        (&"proxy-ended".into(), &"host".into(), &Value::Null)
    );
}

#[test]
fn clients_of_http2_are_told_to_go_and_finish_what_they_began() {
    let origin = slow_origin();
    let mut proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let mut client = Frames::connect(proxy.address, 65_535);
    let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "x"), (":path", "/")];
    client.begin(1, &fields);
    origin.next();
    proxy.signal("TERM");
    let away = client.next().unwrap();
    assert_eq!((away.kind, away.stream), (7, 0), "the first frame is GOAWAY: {away:?}");
    client.send(0, 1, 1, b"x");
    let mut body = Vec::new();
    let mut last = None;
    for frame in client {
        match frame.kind {
            0 => body.extend(frame.payload),
            7 => last = Some(frame.payload[..4].to_vec()),
            _ => {}
        }
    }
    assert_eq!((body.as_slice(), last), (b"done".as_slice(), Some(vec![0, 0, 0, 1])));
    assert_eq!(proxy.exit().code(), Some(0));
}

#[test]
fn filters_that_are_told_of_the_end_are_waited_for() {
    let (go, gone) = channel();
    let gone = Arc::new(Mutex::new(gone));
    let origin = Origin::raw(move |received, stream| {
        if received.line.starts_with("GET /farewell") {
            gone.lock().unwrap().recv().unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").is_ok()
    });
    let mut proxy = Proxy::builder()
        .guest("farewell", "farewell", "config: { upstream: app }")
        .route("/*", "app", origin.address)
        .start();
    assert_eq!(get(proxy.address, "/").status, 200);
    proxy.signal("TERM");
    proxy.log.wait("exchanges in progress may end");
    go.send(()).unwrap();
    assert_eq!(proxy.exit().code(), Some(0));
    let log = proxy.log.all();
    let place = |text: &str| log.iter().position(|line| line.contains(text));
    let told = place("farewell answered Some(200)").expect("the filter was told, and had its answer");
    assert!(told < place("\"drained\"").expect("it drained"), "{log:#?}");
}
