//! Bodies that pause: nothing stays in an encoder.

use std::cell::Cell;
use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use weir_tests::{Client, Origin, Proxy, command};

use super::proxy;

/// An upstream that sends what the test says, when it says so.
fn told(kind: &'static str) -> (Origin, Sender<String>) {
    let (sender, pieces) = channel::<String>();
    let pieces = Arc::new(Mutex::new(pieces));
    let origin = Origin::raw(move |_, stream| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
        let _ = stream.write_all(head.as_bytes());
        for piece in pieces.lock().unwrap().iter() {
            if write!(stream, "{:x}\r\n{piece}\r\n", piece.len()).is_err() {
                return false;
            }
        }
        stream.write_all(b"0\r\n\r\n").is_ok()
    });
    (origin, sender)
}

#[test]
fn what_has_come_arrives_while_the_stream_stays_open() {
    let lines = |count: u32| (0..count).map(|number| format!("line {number}\n")).collect::<String>();
    // curl's decoder of brotli keeps back what is beyond its buffer of 16 KiB until more comes.
    for (coding, large) in [("gzip", lines(20_000)), ("br", lines(1200)), ("zstd", lines(20_000))] {
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            for kind in ["text/event-stream", "application/x-ndjson"] {
                let (origin, sender) = told(kind);
                let proxy = proxy("", &origin);
                let mut curl = command("curl", "curl");
                curl.args(["-sS", "-N", version, "--compressed", "--max-time", "60"]);
                curl.args(["-H", &format!("Accept-Encoding: {coding}")]);
                curl.arg(format!("http://{}/", proxy.address));
                let mut child = curl.stdout(Stdio::piped()).spawn().unwrap();
                let mut output = child.stdout.take().unwrap();
                // Each is sent only when the one before has arrived: all of it.
                for piece in ["data: 1\n\n", "data: 2\n\n", &large, "data: 3\n\n", "."] {
                    sender.send(piece.to_owned()).unwrap();
                    let mut arrived = vec![0; piece.len()];
                    output.read_exact(&mut arrived).unwrap_or_else(|error| panic!("{coding} {kind}: {error}"));
                    assert!(arrived == piece.as_bytes(), "{coding} {version} {kind}");
                }
                drop(sender);
                assert!(child.wait().unwrap().success(), "{coding} {version} {kind}");
            }
        }
    }
}

#[test]
fn encoders_have_so_much_memory_together_and_no_more() {
    let origin = Origin::raw(|_, stream| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        let _ = stream.write_all([head.as_bytes(), b"9\r\ndata: 1\n\n\r\n"].concat().as_slice());
        // Until the proxy goes.
        let _ = stream.read(&mut [0]);
        false
    });
    let proxy = proxy("", &origin);
    let open = |takes: &str| {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {takes}\r\n\r\n"));
        let (_, head) = client.head();
        let coding = head.into_iter().find(|(name, _)| name == "content-encoding").map(|(_, coding)| coding);
        assert!(client.chunk().is_some());
        (client, coding)
    };
    let mut streams = Vec::new();
    let refused = loop {
        let (client, coding) = open("br");
        assert!(streams.len() < 200, "streams without end have encoders");
        match coding.as_deref() {
            Some("br") => streams.push(client),
            coding => break coding.is_none(),
        }
    };
    // What is left over is for codings that need less; else a body goes as it is.
    assert!(refused);
    assert!(streams.len() >= 100, "{} streams", streams.len());
    assert_eq!(open("br, gzip;q=0.5").1.as_deref(), Some("gzip"));
    // There is room again when streams end.
    drop(streams);
    weir_tests::until("there is room again", || open("br").1.as_deref() == Some("br"));
}

#[test]
fn a_large_body_lets_others_of_its_worker_have_their_turn() {
    let origin = Origin::raw(|received, stream| {
        let count = if received.line.contains("/large") { 50_000_u64 } else { 1 };
        let body: String = (0..count).map(|number| format!("line {}\n", number * number % 9973)).collect();
        let head = format!("Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}{body}").as_bytes()).is_ok()
    });
    // All of it is there before any of it is compressed: nothing but the encoder makes it wait.
    let proxy = Proxy::builder()
        .top("workers: 1")
        .filter("{ plugin: compress, config: { codings: [br], level: { br: 6 } } }")
        .guest("whole", "whole", "config: { on: response, max: 1000000 }, except: [/small]")
        .route("/*", "app", origin.address)
        .route_to("/small", "app", "description: what is small")
        .start();
    let rounds = Cell::new(0);
    weir_tests::until("who asked later is answered earlier", || {
        let mut large = Client::connect(proxy.address);
        let mut small = Client::connect(proxy.address);
        large.send("GET /large HTTP/1.1\r\nHost: x\r\nAccept-Encoding: br\r\n\r\n");
        // The worker is at it now.
        assert!(large.head().1.iter().any(|(name, value)| name == "content-encoding" && value == "br"));
        assert_eq!(small.get("/small", "").text(), "line 0\n");
        while large.chunk().is_some() {}
        let first = proxy.record(rounds.get() * 2 + 1);
        proxy.record(rounds.get() * 2 + 2);
        rounds.set(rounds.get() + 1);
        first["target"] == "/small"
    });
}
