//! Long bodies through filters that watch and rewrite them: every byte arrives, the end is told, and memory stays flat.

use std::io::Write;

use weir_tests::{Client, Origin, Proxy};

const PIECE: usize = 1 << 20;

/// An upstream that sends as many MiB as the path says, in chunks or with their length.
fn origin() -> Origin {
    Origin::raw(|received, stream| {
        let mebibytes: usize = received.line.split(['/', ' ']).nth(2).and_then(|number| number.parse().ok()).unwrap();
        let piece = vec![b'w'; PIECE];
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", mebibytes * PIECE);
        stream.write_all(head.as_bytes()).is_ok() && (0..mebibytes).all(|_| stream.write_all(&piece).is_ok())
    })
}

/// Reads so many MiB, and says whether all were as they were sent.
fn read(client: &mut Client, mebibytes: usize) -> bool {
    let sent = vec![b'w'; PIECE];
    (0..mebibytes).all(|_| client.rest_of(PIECE) == sent)
}

/// The most KiB that the process ever had in memory.
fn most_memory(proxy: &Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux counts it");
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_long_body_is_watched_in_little_memory() {
    let origin = origin();
    let observe = "config: { response: observe }";
    let proxy = (0..3).fold(Proxy::builder().top("workers: 1"), |builder, number| {
        builder.guest(&format!("pass-{number}"), "pass", observe)
    });
    let proxy = proxy.route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    let mut after = Vec::new();
    for mebibytes in [32, 256] {
        client.send(format!("GET /{mebibytes} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let (status, headers) = client.head();
        // Who watches changes nothing about the message.
        let length = (mebibytes * PIECE).to_string();
        assert!(status == 200 && headers.iter().any(|(name, value)| name == "content-length" && *value == length));
        assert!(read(&mut client, mebibytes), "bytes were changed");
        proxy.log.wait_many(&format!("watched {length} bytes"), 3);
        after.push(most_memory(&proxy));
    }
    assert!(after[1] <= after[0] + (8 << 10), "KiB after 32 MiB, and after 256 MiB: {after:?}");
}

#[test]
fn a_long_body_is_rewritten_in_little_memory() {
    let origin = origin();
    let rewrite = "config: { response: rewrite }";
    let proxy = (0..2).fold(Proxy::builder().top("workers: 1"), |builder, number| {
        builder.guest(&format!("pass-{number}"), "pass", rewrite)
    });
    let proxy = proxy.route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    let (mut after, sent) = (Vec::new(), vec![b'w'; PIECE]);
    for mebibytes in [16, 128] {
        client.send(format!("GET /{mebibytes} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(client.head().0, 200);
        let mut length = 0;
        while let Some(chunk) = client.chunk() {
            assert!(chunk == sent[..chunk.len()], "bytes were changed");
            length += chunk.len();
        }
        assert_eq!(length, mebibytes * PIECE);
        proxy.log.wait_many(&format!("saw {length} bytes"), 2);
        after.push(most_memory(&proxy));
    }
    assert!(after[1] <= after[0] + (8 << 10), "KiB after 16 MiB, and after 128 MiB: {after:?}");
}

#[test]
fn a_request_that_is_watched_keeps_its_length_and_its_end_is_told() {
    let origin = Origin::text("taken");
    let proxy = Proxy::builder()
        .guest("pass", "pass", "config: { request: observe }")
        .route("/*", "app", origin.address)
        .start();
    let mut client = Client::connect(proxy.address);
    let length = 4 * PIECE;
    client.send(format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"));
    (0..4).for_each(|_| client.send(vec![b'w'; PIECE]));
    assert_eq!(client.reply().text(), "taken");
    let received = origin.next();
    assert_eq!((received.header("content-length"), received.body.len()), (Some(length.to_string().as_str()), length));
    proxy.log.wait(&format!("watched {length} bytes"));
    // A request without a body has none behind a filter either.
    assert_eq!(client.get("/", "").status, 200);
    let received = origin.next();
    assert_eq!((received.header("content-length"), received.header("transfer-encoding")), (None, None));
    proxy.log.wait("watched 0 bytes");
}
