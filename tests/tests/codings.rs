//! Bodies that are encoded and decoded on their way, with curl and Python as the peers.

use std::io::{Read, Write};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use weir_tests::{Client, Origin, Proxy, command, get};

const TEXT: &str = "to be or not to be, that is the question; to be or not to be, that is the question\n";

/// A chain of one filter for each path, and the upstream that all of them lead to.
fn routes(origin: &Origin, routes: &[(&str, &str)]) -> Proxy {
    let mut proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("codings", "codings", "")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address));
    for (path, chain) in routes {
        proxy = proxy.route_to(path, "app", &format!("chain: [{chain}]"));
    }
    proxy.start()
}

fn filter(config: &str) -> String {
    format!("{{ plugin: codings, config: {{ {config} }} }}")
}

fn text() -> Origin {
    Origin::raw(|_, stream| {
        let head = format!("Content-Type: text/plain\r\nETag: \"one\"\r\nContent-Length: {}\r\n", TEXT.len());
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n{TEXT}").as_bytes()).is_ok()
    })
}

/// Standard output, with this on standard input.
fn run(program: &mut std::process::Command, input: &[u8]) -> Vec<u8> {
    let mut child = program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program:?}");
    output.stdout
}

fn python(program: &str, input: &[u8]) -> Vec<u8> {
    run(command("python3", "python3").args(["-c", program]), input)
}

const GZIP: &str = "import gzip, sys; sys.stdout.buffer.write(gzip.compress(sys.stdin.buffer.read()))";

#[test]
fn responses_are_encoded_for_clients() {
    let origin = text();
    let chains = ["gzip", "brotli", "zstd", "deflate"].map(|coding| filter(&format!("encode: {coding}")));
    let paths = ["/gzip", "/br", "/zstd", "/deflate"];
    let all: Vec<(&str, &str)> = paths.into_iter().zip(chains.iter().map(String::as_str)).collect();
    let proxy = routes(&origin, &all);
    for path in paths {
        for version in ["--http1.1", "--http2-prior-knowledge"] {
            let mut curl = command("curl", "curl");
            curl.args(["-sS", version, "--compressed", "--max-time", "20", "-D", "/dev/stderr"]);
            let output = curl.arg(format!("http://{}{path}", proxy.address)).output().unwrap();
            let head = String::from_utf8(output.stderr).unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), TEXT, "{path} {version} {head}");
            assert!(head.contains(&format!("content-encoding: {}\r\n", &path[1..])), "{head}");
            assert!(head.contains("etag: W/\"one\"") && !head.contains("content-length"), "{head}");
        }
    }
    // Smaller, or it were for nothing.
    assert!(get(proxy.address, "/gzip").body.len() < TEXT.len());
}

#[test]
fn a_level_has_its_range_and_a_body_one_coding() {
    let origin = Origin::raw(|received, stream| {
        let coding = if received.line.contains("coded") { "Content-Encoding: br\r\n" } else { "" };
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{coding}Content-Length: 1\r\n\r\nx").as_bytes()).is_ok()
    });
    let chains = [
        ("/low", "encode: gzip, level: 0", "invalid-value"),
        ("/high", "encode: brotli, level: 7", "invalid-value"),
        ("/highest", "encode: zstd, level: 10", "invalid-value"),
        ("/best", "encode: gzip, level: 9", "done"),
        ("/coded", "encode: gzip", "invalid-value"),
        ("/coded/other", "decode: gzip", "invalid-value"),
        ("/plain", "decode: gzip", "invalid-value"),
    ];
    let filters = chains.map(|(path, config, _)| (path, filter(config)));
    let all: Vec<(&str, &str)> = filters.iter().map(|(path, filter)| (*path, filter.as_str())).collect();
    let proxy = routes(&origin, &all);
    for (path, _, said) in chains {
        let reply = get(proxy.address, path);
        assert_eq!((reply.status, reply.header("x-coded")), (200, Some(said)), "{path}");
        if said == "invalid-value" {
            assert_eq!((reply.text().as_str(), reply.header("content-length")), ("x", Some("1")), "{path}");
        }
    }
}

#[test]
fn bodies_are_decoded_within_a_limit() {
    let coded = python(GZIP, TEXT.as_bytes());
    let bomb = python("import gzip, sys; sys.stdout.buffer.write(gzip.compress(bytes(10 << 20)))", b"");
    assert!(bomb.len() < 20_000);
    let damaged = [&coded[..coded.len() / 2], b"nonsense".as_slice()].concat();
    let bodies = [("/fine", coded.clone()), ("/bomb", bomb.clone()), ("/damaged", damaged.clone())];
    let origin = Origin::raw(move |received, stream| {
        let body = bodies.iter().find(|(path, _)| received.line.contains(path)).map_or(&[][..], |(_, body)| body);
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes()).is_ok() && stream.write_all(body).is_ok()
    });
    let proxy = routes(&origin, &[("/*", &filter("decode: gzip, max: 100000"))]);
    let reply = get(proxy.address, "/fine");
    assert_eq!((reply.text().as_str(), reply.header("content-encoding")), (TEXT, None));
    assert_eq!(reply.header("content-length"), None);
    for (count, path) in [(2, "/bomb"), (3, "/damaged")] {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let rest = client.rest().unwrap_or_default();
        assert!(rest.len() < 101_000 && !rest.ends_with(b"0\r\n\r\n"), "{path}: {}", rest.len());
        let record = proxy.record(count);
        assert_eq!((record["ended"].as_str(), record["reason"].as_str()), (Some("filter-cut"), Some("bad-body")));
    }

    let origin = Origin::raw(|received, stream| {
        let mut body = String::new();
        while received.header("transfer-encoding").is_some() && !body.ends_with("0\r\n\r\n") {
            let mut byte = [0];
            if stream.read_exact(&mut byte).is_err() {
                return false;
            }
            body.push(byte[0] as char);
        }
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
        stream.write_all(format!("{head}{body}").as_bytes()).is_ok()
    });
    let proxy = routes(&origin, &[("/*", &filter("request: true, decode: gzip, max: 100000"))]);
    for (body, status) in [(&coded, 200), (&bomb, 413), (&damaged, 400)] {
        let mut client = Client::connect(proxy.address);
        let head = format!("Host: x\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", body.len());
        client.send([format!("POST / HTTP/1.1\r\n{head}").as_bytes(), body.as_slice()].concat());
        let reply = client.reply();
        assert_eq!(reply.status, status, "{}", reply.text());
        assert!(status != 200 || reply.text().contains(TEXT), "{}", reply.text());
    }
    assert_eq!(origin.next().header("content-encoding"), None);
}

#[test]
fn every_coding_is_undone_by_its_own_kind() {
    let origin = text();
    // The inner one encodes, the outer one decodes.
    let chains = ["gzip", "brotli", "zstd", "deflate"].map(|coding| {
        let one = |key: &str| format!("{{ plugin: codings, name: {key}, config: {{ {key}: {coding} }} }}");
        (format!("/{coding}"), format!("{}, {}", one("decode"), one("encode")))
    });
    let all: Vec<(&str, &str)> = chains.iter().map(|(path, chain)| (path.as_str(), chain.as_str())).collect();
    let proxy = routes(&origin, &all);
    for (path, _) in all {
        let reply = get(proxy.address, path);
        assert_eq!((reply.text().as_str(), reply.header("content-encoding")), (TEXT, None), "{path}");
        assert_eq!(reply.values("x-coded"), ["done", "done"], "{path}");
    }
}

#[test]
fn what_has_no_body_is_left_as_it_is() {
    let origin = Origin::raw(|received, stream| {
        let (status, length) = match received.line.split(' ').nth(1).unwrap() {
            "/204" => ("204 No Content", ""),
            "/304" => ("304 Not Modified", ""),
            _ => ("200 OK", "Content-Length: 7\r\n"),
        };
        stream.write_all(format!("HTTP/1.1 {status}\r\nETag: \"one\"\r\n{length}\r\n").as_bytes()).is_ok()
    });
    let proxy = routes(&origin, &[("/*", &filter("encode: gzip"))]);
    for (method, path, status) in [("HEAD", "/", 200), ("GET", "/204", 204), ("GET", "/304", 304)] {
        let mut client = Client::connect(proxy.address);
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let (found, head) = client.head();
        let value = |name: &str| head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        // HEAD is told what GET would be.
        let (etag, coding) = if status == 200 { ("W/\"one\"", Some("gzip")) } else { ("\"one\"", None) };
        assert_eq!((found, value("etag"), value("content-encoding")), (status, Some(etag), coding), "{path}");
        assert_eq!(value("content-length"), None, "{path}");
        assert_eq!(client.get("/204", "").status, 204, "the connection goes on");
    }
}

#[test]
fn events_leave_at_once_though_they_are_encoded() {
    for coding in ["gzip", "brotli", "zstd"] {
        let (sender, events) = channel::<&'static str>();
        let events = Arc::new(Mutex::new(events));
        let origin = Origin::raw(move |_, stream| {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
            let _ = stream.write_all(head.as_bytes());
            for event in events.lock().unwrap().iter() {
                if write!(stream, "{:x}\r\n{event}\r\n", event.len()).is_err() {
                    return false;
                }
            }
            stream.write_all(b"0\r\n\r\n").is_ok()
        });
        let proxy = routes(&origin, &[("/*", &filter(&format!("encode: {coding}")))]);
        let mut curl = command("curl", "curl");
        curl.args(["-sS", "-N", "--compressed", "--max-time", "20"]).arg(format!("http://{}/", proxy.address));
        let mut child = curl.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = child.stdout.take().unwrap();
        // The next event is sent only when the one before has arrived.
        for event in ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"] {
            sender.send(event).unwrap();
            let mut arrived = vec![0; event.len()];
            output.read_exact(&mut arrived).unwrap_or_else(|error| panic!("{coding} {event}: {error}"));
            assert_eq!(String::from_utf8_lossy(&arrived), event, "{coding}");
        }
        drop(sender);
        assert!(child.wait().unwrap().success(), "{coding}");
    }
}
