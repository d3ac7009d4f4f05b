//! Slow, dead and greedy callers harm nobody.

use std::io::{Read, Write};
use std::net::TcpStream;

use weir_tests::{Client, PATIENCE, Proxy};

use super::{administered, curl};

#[test]
fn connections_that_are_held_do_not_keep_operators_out() {
    let door = administered(&Proxy::builder(), "");
    let held: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(door.admin).unwrap()).collect();
    for _ in 0..3 {
        assert_eq!(curl(&[&door.url("/status")]).0, 200);
    }
    // Those who were there first had to go.
    let mut first = &held[0];
    first.set_read_timeout(Some(PATIENCE)).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let door = administered(&Proxy::builder(), "");
    let mut client = Client::connect(door.admin);
    client.send("GET /status HTTP/1.1\r\nHost: local");
    let _ = client.rest();
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let door = administered(&Proxy::builder(), "");
    let mut client = Client::connect(door.admin);
    let head = "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    client.send(format!("{head}Content-Length: 2\r\n\r\n{{"));
    let reply = client.reply();
    assert!(reply.status == 408 && reply.text().contains("did not come within"), "{}", reply.text());
}

#[test]
fn heads_and_bodies_have_limits() {
    let door = administered(&Proxy::builder(), "");
    let mut client = Client::connect(door.admin);
    client.send(format!("GET /status HTTP/1.1\r\nHost: localhost\r\nX-Long: {}\r\n\r\n", "x".repeat(20_000)));
    assert_eq!(client.head().0, 431);
    let many: String = (0..100).map(|number| format!("X-{number}: y\r\n")).collect();
    let mut client = Client::connect(door.admin);
    client.send(format!("GET /status HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"));
    assert_eq!(client.head().0, 431);
    let spaces = " ".repeat(5000);
    let (status, said) = curl(&["--json", &format!("{{{spaces}}}"), &door.url("/reload")]);
    assert!(status == 413 && said["error"].as_str().unwrap().contains("larger than 4096 bytes"), "{said}");
    // A length that is only claimed.
    let mut client = Client::connect(door.admin);
    let head = "POST /reload HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    client.send(format!("{head}Content-Length: 999999999999\r\n\r\n{{{spaces}"));
    assert_eq!(client.reply().status, 413);
}

#[test]
fn who_takes_no_answer_keeps_nobody_waiting() {
    let routes = (0..2000)
        .fold(Proxy::builder().upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }"), |builder, n| {
            builder.route_to(&format!("/{n}"), "app", "priority: 1")
        });
    let door = administered(&routes, "");
    // Far more answers than a socket holds, and none is read.
    let mut dead: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(door.admin).unwrap()).collect();
    for stream in &mut dead {
        for _ in 0..20 {
            stream.write_all(b"GET /config HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        }
    }
    assert_eq!(curl(&[&door.url("/status")]).0, 200);
}
