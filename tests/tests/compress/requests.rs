//! Requests that foreign programs have compressed.

use std::cell::Cell;
use std::io::Write;
use std::process::Command;

use weir_tests::{Client, Origin, Proxy, Reply, command};

use super::{json, program, proxy, run};

const DECODE: &str = "request: { decode: true }";

/// An upstream that sends back what it got, and how it was framed.
pub(super) fn echo() -> Origin {
    Origin::raw(|received, stream| {
        let body = received.whole(stream);
        let framing = received.header("content-length").or(received.header("transfer-encoding")).unwrap_or("none");
        let coding = received.header("content-encoding").unwrap_or("none");
        let head = format!("X-Framing: {framing}\r\nX-Coding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).is_ok() && stream.write_all(&body).is_ok()
    })
}

/// A POST of this body, with this `Content-Encoding`.
pub(super) fn post(proxy: &Proxy, coding: &str, body: &[u8]) -> Reply {
    let mut client = Client::connect(proxy.address);
    let head = format!("Host: x\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    client.send([format!("POST / HTTP/1.1\r\n{head}").as_bytes(), body].concat());
    client.reply()
}

/// The same in chunks, so that nobody knows how long it is.
fn post_in_chunks(proxy: &Proxy, coding: &str, body: &[u8]) -> Reply {
    let mut client = Client::connect(proxy.address);
    let head = format!("Host: x\r\nContent-Encoding: {coding}\r\nTransfer-Encoding: chunked\r\n\r\n");
    let mut sent = format!("POST / HTTP/1.1\r\n{head}").into_bytes();
    for piece in body.chunks(1000) {
        sent.extend(format!("{:x}\r\n", piece.len()).into_bytes());
        sent.extend(piece);
        sent.extend(b"\r\n");
    }
    sent.extend(b"0\r\n\r\n");
    client.send(sent);
    client.reply()
}

fn compressed(coding: &str, bytes: &[u8]) -> Vec<u8> {
    run(program(coding).arg("-c"), bytes)
}

fn python(program: &str) -> Command {
    let mut python = command("python3", "python3");
    python
        .args(["-c", &format!("import sys, zlib\ndata = sys.stdin.buffer.read()\nsys.stdout.buffer.write({program})")]);
    python
}

#[test]
fn upstreams_get_what_clients_meant() {
    let origin = echo();
    let proxy = proxy(DECODE, &origin);
    let short = json().into_bytes();
    // Longer than what is read ahead: it goes on as it comes.
    let long: Vec<u8> = (0..200_000).flat_map(|number| format!("{number}\n").into_bytes()).collect();
    for coding in ["gzip", "br", "zstd"] {
        for (bytes, framing) in [(&short, short.len().to_string()), (&long, "chunked".to_owned())] {
            let body = compressed(coding, bytes);
            for reply in [post(&proxy, coding, &body), post_in_chunks(&proxy, coding, &body)] {
                assert_eq!((reply.status, reply.header("x-coding")), (200, Some("none")), "{coding}");
                assert_eq!(reply.header("x-framing"), Some(framing.as_str()), "{coding}");
                assert!(reply.body == *bytes, "{coding}: {} bytes of {}", reply.body.len(), bytes.len());
            }
        }
    }
    // Both formats that are called deflate.
    for format in ["zlib.compress(data)", "zlib.compress(data)[2:-4]"] {
        let body = run(&mut python(format), &short);
        assert_eq!(post(&proxy, "deflate", &body).text(), json(), "{format}");
    }
    // Several members are one body, and other names and cases the same coding.
    let twice = [compressed("gzip", &short[..100]), compressed("gzip", &short[100..])].concat();
    assert_eq!(post(&proxy, "X-GZIP", &twice).text(), json());
    // What has no coding is not touched; nor is an empty body one.
    assert_eq!(post(&proxy, "identity", b"plain").text(), "plain");
    assert_eq!(post(&proxy, "gzip", b"").status, 200);
}

#[test]
fn bodies_that_are_not_whole_never_reach_the_upstream() {
    let origin = echo();
    let proxy = proxy(DECODE, &origin);
    let garbage = b"and something behind it".as_slice();
    for coding in ["gzip", "br", "zstd"] {
        let body = compressed(coding, json().as_bytes());
        let trailing = [&body[..], garbage].concat();
        let mut damaged = body.clone();
        damaged[body.len() / 2] ^= 0x55;
        damaged.truncate(body.len() - 1);
        for (what, bytes) in
            [("cut off", &body[..body.len() - 5]), ("trailing", &trailing), ("damaged", &damaged), ("other", garbage)]
        {
            for reply in [post(&proxy, coding, bytes), post_in_chunks(&proxy, coding, bytes)] {
                assert_eq!(reply.status, 400, "{coding} {what}");
                assert!(!reply.text().contains(coding), "{coding} {what}: {}", reply.text());
            }
        }
    }
    assert!(origin.arrived().is_empty());
    assert_eq!(proxy.record(1)["reason"], "bad-body");
}

#[test]
fn the_routes_limit_is_of_what_the_client_sends() {
    let origin = echo();
    let filter = format!("{{ plugin: compress, config: {{ {DECODE} }} }}");
    let limited = "limits: { body: 1KiB }";
    let proxy = Proxy::builder()
        .top("workers: 1")
        .filter(&filter)
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/*", "app", limited)
        .start();
    let text = "a".repeat(10_000);
    assert_eq!(post(&proxy, "gzip", &compressed("gzip", text.as_bytes())).text(), text);
    // Members without a byte in them: nothing comes out, however long it goes on.
    let nothing = compressed("gzip", b"").repeat(1000);
    for reply in [post(&proxy, "gzip", &nothing[..20 * 60]), post_in_chunks(&proxy, "gzip", &nothing)] {
        assert_eq!(reply.status, 413);
    }
    assert_eq!((origin.arrived().len(), proxy.record(2)["reason"].as_str()), (1, Some("body-too-large")));
}

#[test]
fn codings_that_nobody_knows_are_refused_with_those_that_are_known() {
    let origin = echo();
    let proxy = proxy(DECODE, &origin);
    for coding in ["compress", "aes128gcm", "gzip, gzip", "br, identity, gzip"] {
        let mut client = Client::connect(proxy.address);
        // It is refused before the client sends anything of the body.
        let head =
            format!("Host: x\r\nContent-Encoding: {coding}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        client.send(format!("POST / HTTP/1.1\r\n{head}"));
        let reply = client.reply();
        assert_eq!((reply.status, reply.header("accept-encoding")), (415, Some("gzip, br, zstd, deflate")), "{coding}");
    }
    assert!(origin.arrived().is_empty());
    assert_eq!(proxy.record(1)["reason"], "unknown-coding");
}

#[test]
fn decoders_have_so_much_memory_together_and_no_more() {
    let origin = echo();
    let proxy = proxy("request: { decode: true, max: 1GiB }", &origin);
    let body = compressed("br", b"fine");
    let slow: Vec<Client> = std::iter::repeat_with(|| {
        let mut client = Client::connect(proxy.address);
        client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Encoding: br\r\nContent-Length: 1000\r\n\r\n");
        client
    })
    .take(15)
    .collect();
    let asked = Cell::new(0);
    weir_tests::until("all of it is taken", || {
        asked.set(asked.get() + 1);
        let reply = post(&proxy, "br", &body);
        reply.status == 503 && reply.header("retry-after") == Some("1")
    });
    assert_eq!(proxy.record(asked.get())["reason"], "no-room");
    // Nobody's gzip is in their way.
    assert_eq!(post(&proxy, "gzip", &compressed("gzip", b"fine")).text(), "fine");
    drop(slow);
    weir_tests::until("there is room again", || post(&proxy, "br", &body).text() == "fine");
}
