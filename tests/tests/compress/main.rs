//! `compress` in the running proxy: what it makes is read by foreign programs, and what they make is read by it.

mod bombs;
mod fields;
mod peers;
mod requests;
mod streams;

use std::io::Write;
use std::process::{Command, Stdio};

use weir_tests::{Client, Origin, Proxy, Reply, command};

/// A proxy with this filter before this upstream.
fn proxy(config: &str, origin: &Origin) -> Proxy {
    let filter = format!("{{ plugin: compress, config: {{ {config} }} }}");
    Proxy::builder().top("workers: 1").filter(&filter).route("/*", "app", origin.address).start()
}

/// JSON that shrinks: 2 KiB or so.
fn json() -> String {
    let items: Vec<String> = (0..40).map(|number| format!("{{\"id\":{number},\"name\":\"item {number}\"}}")).collect();
    format!("{{\"items\":[{}]}}", items.join(",\n"))
}

/// An upstream with this JSON, whatever is asked for.
fn shop() -> Origin {
    Origin::raw(|received, stream| {
        let body = json();
        let kind = "Content-Type: application/json\r\nETag: \"one\"\r\nAccept-Ranges: bytes\r\n";
        let head = format!("HTTP/1.1 200 OK\r\n{kind}Content-Length: {}\r\n\r\n", body.len());
        let is_head = received.line.starts_with("HEAD ");
        stream.write_all(head.as_bytes()).is_ok() && (is_head || stream.write_all(body.as_bytes()).is_ok())
    })
}

/// A GET by a client that takes this.
fn get(proxy: &Proxy, takes: &str, more: &str) -> Reply {
    Client::connect(proxy.address).get("/", &format!("Accept-Encoding: {takes}\r\n{more}"))
}

/// The program that knows a coding best.
fn program(coding: &str) -> Command {
    match coding {
        "gzip" => command("gzip", "gzip"),
        "br" => command("brotli", "brotli"),
        _ => command("zstd", "zstd"),
    }
}

/// What it makes of this with these arguments.
fn run(program: &mut Command, input: &[u8]) -> Vec<u8> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program:?}");
    output.stdout
}

fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    run(program(coding).arg("-dc"), bytes)
}
