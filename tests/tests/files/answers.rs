//! What clients get that mean no harm.

use std::fs;
use std::process::Command;

use weir_tests::{Client, command, get};

use super::{age, serving, site, text};

/// What curl prints.
fn curl(arguments: &[&str], url: &str) -> String {
    let mut curl: Command = command("curl", "curl");
    let output = curl.args(["-sS", "--max-time", "20"]).args(arguments).arg(url).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_folder_is_served_as_it_stands() {
    let folder = site();
    let proxy = serving(&folder, "");
    for (path, said) in [
        ("/", "<h1>front</h1>"),
        ("/index.html", "<h1>front</h1>"),
        ("/docs/", "<h1>docs</h1>"),
        ("/docs/a%20b.txt", "a b"),
        ("/digits.txt?whatever", "0123456789"),
        ("/none", "404"),
        ("/digits.txt/", "404"),
    ] {
        assert_eq!(text(&proxy, path), said, "{path}");
    }
    let reply = get(proxy.address, "/digits.txt");
    assert_eq!(
        (reply.header("content-type"), reply.header("content-length"), reply.header("accept-ranges")),
        (Some("text/plain; charset=utf-8"), Some("10"), Some("bytes"))
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    assert!(reply.header("x-request-id").is_some(), "an answer names its exchange");
    let record = proxy.record(1);
    assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("respond"), Some("file")));
    assert_eq!(record["detail"], "index.html");
    assert_eq!((proxy.record(6)["reason"].as_str(), proxy.record(6)["status"].as_u64()), (Some("no-file"), Some(404)));
    // What is put there later is served, too.
    fs::write(folder.path().join("public/new.txt"), "new").unwrap();
    assert_eq!(text(&proxy, "/new.txt"), "new");
    let url = format!("http://{}/docs", proxy.address);
    assert_eq!(curl(&["-L"], &url), "<h1>docs</h1>");
    assert_eq!(get(proxy.address, "/docs?a=b").header("location"), Some("/docs/?a=b"));
}

#[test]
fn a_head_is_that_of_the_get_and_other_methods_are_not_taken() {
    let folder = site();
    let proxy = serving(&folder, "");
    let url = format!("http://{}/digits.txt", proxy.address);
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let head = curl(&["-I", version], &url);
        assert!(head.contains("content-length: 10\r\n") && head.contains("etag: \""), "{head}");
        assert!(head.ends_with("\r\n\r\n"), "{head}");
        assert_eq!(curl(&[version], &url), "0123456789");
        let missing = curl(&["-I", version], &format!("http://{}/none", proxy.address));
        assert!(missing.contains(" 404") && missing.contains("content-length: 14\r\n"), "{missing}");
    }
    let mut client = Client::connect(proxy.address);
    for method in ["POST", "DELETE", "OPTIONS"] {
        client.send(format!("{method} /digits.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
        let reply = client.reply();
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    let range = Client::connect(proxy.address).get("/digits.txt", "Range: bytes=2-3\r\n");
    assert_eq!((range.status, range.text().as_str()), (206, "23"));
    client.send("HEAD /digits.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-3\r\n\r\n");
    assert_eq!(client.head().0, 200, "a range is of GET");
}

#[test]
fn curl_keeps_what_it_has_and_goes_on_where_it_stopped() {
    let folder = site();
    let proxy = serving(&folder, "");
    let url = format!("http://{}/digits.txt", proxy.address);
    let here = tempfile::tempdir().unwrap();
    let (tag, copy) = (here.path().join("tag"), here.path().join("copy"));
    let (tag, copy_name) = (tag.to_str().unwrap(), copy.to_str().unwrap());
    let status = ["-o", "/dev/null", "-w", "%{http_code}"];
    let with = |more: &[&str]| curl(&[&status[..], more].concat(), &url);
    assert_eq!(with(&["--etag-save", tag]), "200");
    assert_eq!(with(&["--etag-compare", tag]), "304");
    assert_eq!(with(&["-z", "Mon, 01 Jan 1990 00:00:00 GMT"]), "200");
    assert_eq!(curl(&["-o", copy_name, "-R"], &url), "");
    assert_eq!(with(&["-z", copy_name]), "304");
    fs::write(&copy, "0123").unwrap();
    assert_eq!(curl(&["-C", "-", "-o", copy_name], &url), "");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "0123456789");
    assert_eq!(curl(&["-r", "-3"], &url), "789");
    // Another state is sent anew.
    fs::write(folder.path().join("public/digits.txt"), "abcdefghij").unwrap();
    assert_eq!(with(&["--etag-compare", tag]), "200");
}

#[test]
fn conditions_and_ranges_are_answered_by_the_book() {
    let folder = site();
    let proxy = serving(&folder, ", headers: { x-own: yes }");
    let mut client = Client::connect(proxy.address);
    let whole = client.get("/digits.txt", "");
    let (tag, date) = (whole.header("etag").unwrap(), whole.header("last-modified").unwrap());
    assert!(tag.starts_with('"'), "{tag}");
    let before = "Mon, 01 Jan 1990 00:00:00 GMT";
    for (asked, status, said) in [
        (format!("If-None-Match: {tag}\r\n"), 304, ""),
        (format!("If-None-Match: \"a\", W/{tag}\r\n"), 304, ""),
        ("If-None-Match: \"a\"\r\n".to_owned(), 200, "0123456789"),
        (format!("If-None-Match: \"a\"\r\nIf-Modified-Since: {date}\r\n"), 200, "0123456789"),
        (format!("If-Modified-Since: {date}\r\n"), 304, ""),
        (format!("If-Match: {tag}\r\n"), 200, "0123456789"),
        ("If-Match: \"a\"\r\n".to_owned(), 412, "412 Precondition Failed\n"),
        (format!("If-Unmodified-Since: {before}\r\n"), 412, "412 Precondition Failed\n"),
        ("Range: bytes=0-0\r\n".to_owned(), 206, "0"),
        ("Range: bytes=7-\r\n".to_owned(), 206, "789"),
        (format!("Range: bytes=7-\r\nIf-Range: {tag}\r\n"), 206, "789"),
        (format!("Range: bytes=7-\r\nIf-Range: {date}\r\n"), 206, "789"),
        ("Range: bytes=7-\r\nIf-Range: \"a\"\r\n".to_owned(), 200, "0123456789"),
        (format!("Range: bytes=7-\r\nIf-None-Match: {tag}\r\n"), 304, ""),
        ("Range: bytes=10-\r\n".to_owned(), 416, "416 Range Not Satisfiable\n"),
        ("Range: lines=1-2\r\n".to_owned(), 200, "0123456789"),
        // Overlapping parts are more than the file: it is sent once.
        ("Range: bytes=0-,0-,0-,0-\r\n".to_owned(), 200, "0123456789"),
    ] {
        let reply = client.get("/digits.txt", &asked);
        assert_eq!((reply.status, reply.text().as_str()), (status, said), "{asked}");
        let is_of_file = matches!(status, 200 | 206 | 304);
        assert_eq!(reply.header("etag").is_some(), is_of_file, "{asked}");
        assert_eq!(reply.header("x-own").is_some(), is_of_file, "{asked}");
        let range = match (status, said) {
            (206, "0") => Some("bytes 0-0/10"),
            (206, _) => Some("bytes 7-9/10"),
            (416, _) => Some("bytes */10"),
            _ => None,
        };
        assert_eq!(reply.header("content-range"), range, "{asked}");
        if status == 304 {
            assert_eq!((reply.header("content-type"), reply.header("content-length")), (None, None));
        }
    }
}

#[test]
fn several_ranges_are_parts_of_one_answer() {
    let folder = site();
    let proxy = serving(&folder, "");
    let reply = Client::connect(proxy.address).get("/digits.txt", "Range: bytes=1-2, -3\r\n");
    assert_eq!(reply.status, 206);
    let boundary = reply.header("content-type").unwrap().strip_prefix("multipart/byteranges; boundary=").unwrap();
    let part = |range, bytes| {
        format!(
            "\r\n--{boundary}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-range: bytes {range}/10\r\n\r\n{bytes}"
        )
    };
    let wanted = [part("1-2", "12"), part("7-9", "789"), format!("\r\n--{boundary}--\r\n")].concat();
    assert_eq!(reply.text(), wanted);
    assert_eq!((reply.header("content-range"), reply.values("content-length").len()), (None, 1));
}

#[test]
fn compressed_forms_are_sent_to_those_who_take_them() {
    let folder = site();
    let public = folder.path().join("public");
    fs::write(public.join("app.js"), "console.log('hello')").unwrap();
    let gzip = command("gzip", "gzip").args(["-k", "-9"]).arg(public.join("app.js")).status().unwrap();
    assert!(gzip.success());
    for name in ["app.js", "app.js.gz"] {
        age(&public.join(name));
    }
    let proxy = serving(&folder, ", precompressed: [br, gzip]");
    let url = format!("http://{}/app.js", proxy.address);
    assert_eq!(curl(&["--compressed"], &url), "console.log('hello')");
    let mut client = Client::connect(proxy.address);
    let (plain, packed) = (client.get("/app.js", ""), client.get("/app.js", "Accept-Encoding: gzip\r\n"));
    assert_eq!((plain.header("content-encoding"), packed.header("content-encoding")), (None, Some("gzip")));
    assert_eq!((plain.header("vary"), packed.header("vary")), (Some("accept-encoding"), Some("accept-encoding")));
    assert_ne!(plain.header("etag"), packed.header("etag"));
    assert_eq!(packed.body, fs::read(public.join("app.js.gz")).unwrap());
}

#[test]
fn what_is_not_there_is_the_pages_or_the_upstreams() {
    let folder = site();
    fs::write(folder.path().join("public/404.html"), "sorry").unwrap();
    let proxy = serving(&folder, ", fallback: /index.html");
    assert_eq!(text(&proxy, "/some/view"), "<h1>front</h1>");
    let proxy = serving(&folder, ", not_found: /404.html");
    let reply = Client::connect(proxy.address).get("/none", "If-None-Match: *\r\nRange: bytes=0-0\r\n");
    assert_eq!(super::said(&reply), (404, "sorry".to_owned()));
    assert_eq!((reply.header("content-type"), reply.header("etag")), (Some("text/html; charset=utf-8"), None));
    let proxy = serving(&folder, ", not_found: /none.html");
    assert_eq!(super::said(&get(proxy.address, "/x")), (404, "404 Not Found\n".to_owned()));
}

#[test]
fn filters_further_out_see_the_answer_as_any_other() {
    let folder = site();
    let directory = folder.path().join("public");
    let entry = format!("{{ plugin: respond, config: {{ directory: \"{}\" }} }}", directory.display());
    let proxy = weir_tests::Proxy::builder()
        .filter("headers-secure")
        .guest("codings", "codings", "config: { encode: gzip }")
        .guest("whole", "whole", "config: { on: response, max: 1000 }")
        .filter(&entry)
        .route_to("/*", "none", "description: files")
        .start();
    let url = format!("http://{}/digits.txt", proxy.address);
    let reply = curl(&["--compressed", "-i"], &url);
    assert!(reply.ends_with("\r\n\r\n0123456789"), "{reply}");
    for field in ["content-encoding: gzip\r\n", "x-frame-options: SAMEORIGIN\r\n", "etag: W/\""] {
        assert!(reply.contains(field), "{field} {reply}");
    }
    assert!(!reply.contains("content-length"), "{reply}");
}
