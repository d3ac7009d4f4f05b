//! Foreign programs on both sides.

use std::io::Read;
use std::process::Stdio;

use weir_tests::{Client, Http2Origin, Proxy, command, nginx};

use super::{decoded, get, json, proxy, shop};

#[test]
fn foreign_decoders_read_each_coding() {
    let origin = shop();
    let proxy = proxy("", &origin);
    for coding in ["gzip", "br", "zstd"] {
        let reply = get(&proxy, coding, "");
        assert_eq!((reply.header("content-encoding"), reply.header("etag")), (Some(coding), Some("W/\"one\"")));
        assert_eq!((reply.values("vary"), reply.header("accept-ranges")), (vec!["Accept-Encoding"], None));
        assert!(reply.body.len() < json().len() / 3, "{coding}: {} bytes", reply.body.len());
        assert_eq!(String::from_utf8(decoded(coding, &reply.body)).unwrap(), json(), "{coding}");
        for version in ["--http1.1", "--http2-prior-knowledge", "--http1.0"] {
            let mut curl = command("curl", "curl");
            curl.args([
                "-sS",
                version,
                "--compressed",
                "--max-time",
                "20",
                "-H",
                &format!("Accept-Encoding: {coding}"),
            ]);
            let output = curl.arg(format!("http://{}/", proxy.address)).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), json(), "{coding} {version} {output:?}");
        }
    }
    assert_eq!(get(&proxy, "identity", "").text(), json());
}

/// A file of nginx's, with its own validators.
fn files(http: &str) -> (weir_tests::Running, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.json"), json()).unwrap();
    let root = folder.path().display();
    let types = "types { application/json json; }";
    (nginx(&format!("server {{ listen 127.0.0.1:PORT; {types} root {root}; {http} }}")), folder)
}

fn before(origin: &weir_tests::Running, config: &str) -> Proxy {
    let filter = format!("{{ plugin: compress, config: {{ {config} }} }}");
    Proxy::builder().top("workers: 1").filter(&filter).route("/*", "app", origin.address).start()
}

#[test]
fn nginx_knows_its_tag_again_when_it_was_weakened() {
    let (origin, _folder) = files("");
    let proxy = before(&origin, "");
    let mut client = Client::connect(proxy.address);
    let first = client.get("/a.json", "Accept-Encoding: gzip\r\n");
    let tag = first.header("etag").unwrap().to_owned();
    assert!(tag.starts_with("W/\"") && first.header("content-encoding") == Some("gzip"), "{first:?}");

    // Weakly compared: not modified, and the client's tag still holds.
    client.send(format!("GET /a.json HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nIf-None-Match: {tag}\r\n\r\n"));
    let (status, head) = client.head();
    let value = |name: &str| head.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    assert_eq!((status, value("etag"), value("vary").unwrap().as_str()), (304, Some(&tag), "Accept-Encoding"));

    // Strongly compared: nginx would refuse the weak one.
    let unchanged = client.get("/a.json", &format!("If-Match: {tag}\r\n"));
    assert_eq!(unchanged.status, 200);
    let bare = Client::connect(origin.address).get("/a.json", &format!("If-Match: {tag}\r\n"));
    assert_eq!(bare.status, 412);

    // A part of the file is a part of the file.
    let part = client.get("/a.json", "Accept-Encoding: gzip\r\nRange: bytes=10-19\r\n");
    assert_eq!((part.status, part.header("content-encoding")), (206, None));
    assert_eq!(part.body, &json().as_bytes()[10..20]);
    // Behind a weak tag there is no part: the client gets the whole, which fits what it has.
    let range = format!("Accept-Encoding: gzip\r\nRange: bytes=10-19\r\nIf-Range: {tag}\r\n");
    let whole = client.get("/a.json", &range);
    assert_eq!((whole.status, whole.header("content-encoding")), (200, Some("gzip")));
    assert_eq!(decoded("gzip", &whole.body), json().as_bytes());
}

#[test]
fn what_nginx_has_compressed_passes_unless_it_is_not_to() {
    let (origin, _folder) = files("gzip on; gzip_types application/json; gzip_http_version 1.0; gzip_vary on;");
    for (config, coding) in [("", "gzip"), ("upstream: identity", "zstd")] {
        let proxy = before(&origin, config);
        let reply = Client::connect(proxy.address).get("/a.json", "Accept-Encoding: gzip, zstd\r\n");
        assert_eq!(reply.values("content-encoding"), [coding], "{config}");
        assert_eq!(reply.values("vary"), ["Accept-Encoding"], "{config}");
        assert_eq!(decoded(coding, &reply.body), json().as_bytes(), "{config}");
    }
}

#[test]
fn trailers_come_behind_what_is_compressed() {
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.is_last() {
            peer.head(frame.stream, &[(":status", "200"), ("content-type", "text/plain")], false);
            peer.data(frame.stream, b"message", false);
            peer.head(frame.stream, &[("x-sum", "7")], true);
        }
    });
    let proxy = Proxy::builder()
        .top("workers: 1")
        .filter("compress")
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address))
        .route_to("/*", "app", "")
        .start();
    let mut curl = command("curl", "curl");
    curl.args(["-sS", "-i", "--http2-prior-knowledge", "--compressed", "--max-time", "20", "-H", "TE: trailers"]);
    let mut child =
        curl.arg(format!("http://{}/", proxy.address)).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(said.contains("content-encoding: ") && said.contains("message"), "{said}");
    assert!(said.trim_end().ends_with("x-sum: 7"), "{said}");
}
