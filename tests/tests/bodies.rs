//! Bodies that filters wait for, replace, rewrite, watch and pin, in the running proxy.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};

use weir_tests::{Client, Http2Origin, Origin, Proxy, ProxyBuilder, Received, command};

/// Answers with a body in chunks, as it is told for the path: what is sent on the channel, until it is dropped.
fn told(paths: &[&str]) -> (Origin, HashMap<String, Sender<&'static str>>) {
    let (mut senders, mut receivers) = (HashMap::new(), HashMap::new());
    for path in paths {
        let (sender, receiver) = channel::<&'static str>();
        senders.insert((*path).to_owned(), sender);
        receivers.insert((*path).to_owned(), receiver);
    }
    let receivers = Arc::new(Mutex::new(receivers));
    let origin = Origin::raw(move |received, stream| {
        let receiver = receivers.lock().unwrap().remove(path(received)).expect("each path is asked for once");
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in receiver {
            if write!(stream, "{:x}\r\n{piece}\r\n", piece.len()).is_err() {
                return false;
            }
        }
        stream.write_all(b"0\r\n\r\n").is_ok()
    });
    (origin, senders)
}

fn path(received: &Received) -> &str {
    received.line.split(' ').nth(1).unwrap()
}

/// An upstream that shows what body it got and how it was framed, and answers with `hello world`, an etag and a digest.
fn echo() -> Origin {
    Origin::raw(|received, stream| {
        let body = received.whole(stream);
        let framing = received.header("content-length").or(received.header("transfer-encoding")).unwrap_or("none");
        let head = format!("X-Framing: {framing}\r\nX-Body: {}\r\n", String::from_utf8_lossy(&body));
        let about = "ETag: \"one\"\r\nDigest: sha-256=abc\r\nContent-Type: text/plain\r\nContent-Length: 11\r\n";
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}{about}\r\nhello world").as_bytes()).is_ok()
    })
}

fn with(origin: &Origin, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Proxy {
    build(Proxy::builder().top("workers: 1")).route("/*", "app", origin.address).start()
}

fn post(body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn chunked(pieces: &[&str]) -> String {
    let chunks: String = pieces.iter().map(|piece| format!("{:x}\r\n{piece}\r\n", piece.len())).collect();
    format!("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}0\r\n\r\n")
}

fn ask(proxy: &Proxy, request: &str) -> weir_tests::Reply {
    let mut client = Client::connect(proxy.address);
    client.send(request);
    client.reply()
}

fn over_http2(proxy: &Proxy, arguments: &[&str]) -> String {
    let mut curl = command("curl", "curl");
    curl.args(["-sS", "--http2-prior-knowledge", "--max-time", "20", "-i"]).args(arguments);
    let output = curl.arg(format!("http://{}/", proxy.address)).output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_request_is_buffered_and_goes_on_whole() {
    let origin = echo();
    let proxy = with(&origin, |proxy| proxy.guest("whole", "whole", "config: { on: request, max: 12 }"));
    let bodies = [
        (post("hello world"), "hello world", "Ended::Done 11 hel ld", "11"),
        (chunked(&["hello", " ", "world"]), "hello world", "Ended::Done 11 hel ld", "chunked"),
        (post("more than a dozen"), "more than a dozen", "Ended::OverLimit unknown", "17"),
        (chunked(&["more than", " a dozen"]), "more than a dozen", "Ended::OverLimit unknown", "chunked"),
        (post(""), "", "Ended::Done 0", "0"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".into(), "", "Ended::Done 0", "none"),
    ];
    for (request, body, said, framing) in bodies {
        let reply = ask(&proxy, &request);
        assert_eq!((reply.status, reply.header("x-body")), (200, Some(body)), "{request}");
        assert_eq!(reply.header("x-framing"), Some(framing), "{request}");
        assert_eq!(origin.next().header("x-whole"), Some(said), "{request}");
    }
    let reply = over_http2(&proxy, &["-d", "hello world"]);
    assert!(reply.contains("x-body: hello world\r\n"), "{reply}");
    assert_eq!(origin.next().header("x-whole"), Some("Ended::Done 11 hel ld"));
}

#[test]
fn a_response_is_buffered_and_goes_on_whole() {
    let origin = echo();
    let (long, pieces) = told(&["/long"]);
    pieces["/long"].send("more than").unwrap();
    pieces["/long"].send(" a dozen").unwrap();
    drop(pieces);
    let proxy = Proxy::builder()
        .top("workers: 1")
        .guest("whole", "whole", "config: { on: response, max: 12 }")
        .route("/*", "app", origin.address)
        .route("/long", "long", long.address)
        .start();
    let reply = ask(&proxy, &post(""));
    assert_eq!((reply.text().as_str(), reply.header("content-length")), ("hello world", Some("11")));
    assert_eq!((reply.header("x-whole"), reply.header("etag")), (Some("Ended::Done 11 hel ld"), Some("\"one\"")));
    let reply = ask(&proxy, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        (reply.text().as_str(), reply.header("x-whole")),
        ("more than a dozen", Some("Ended::OverLimit unknown"))
    );
    let reply = over_http2(&proxy, &[]);
    assert!(reply.contains("x-whole: Ended::Done 11 hel ld") && reply.ends_with("hello world"), "{reply}");
    // What has no body is buffered as such.
    let mut client = Client::connect(proxy.address);
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (_, head) = client.head();
    assert!(head.contains(&("x-whole".into(), "Ended::Done 0".into())), "{head:?}");
    assert!(head.contains(&("content-length".into(), "11".into())), "{head:?}");
}

#[test]
fn a_body_that_breaks_off_while_it_is_waited_for() {
    let origin = Origin::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n123");
        false
    });
    let slow = Origin::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n123");
        stream.read(&mut [0]).is_ok_and(|length| length > 0)
    });
    let filters = "chain: [{ plugin: mark, config: { name: outer } }, { plugin: whole, name: back, config: { on: response, max: 100 } }, \
                   { plugin: whole, name: there, config: { on: request, max: 100 } }]";
    let proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("mark", "mark", "")
        .plugin("whole", "whole", "")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .upstream("slow", &format!("{{ endpoints: [\"http://{}\"] }}", slow.address))
        .route_to("/", "app", &format!("timeouts: {{ idle: 1s }}, {filters}"))
        .route_to("/slow", "slow", &format!("timeouts: {{ idle: 1s }}, {filters}"))
        .start();
    // The client stops sending: `next` cannot mend that.
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n123");
    let reply = client.reply();
    assert_eq!((reply.status, reply.values("x-mark")), (408, vec!["outer"]));
    proxy.log.wait("resumed 1 Ended::TimedOut");
    assert!(origin.arrived().is_empty());
    // The upstream breaks off, or stops: its head has not left, so the client is told.
    for (path, ended, status) in [("/", "Ended::Failed", 502), ("/slow", "Ended::TimedOut", 504)] {
        let reply = ask(&proxy, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!((reply.status, reply.values("x-mark")), (status, vec!["outer"]), "{path}");
        proxy.log.wait(&format!("resumed 1 {ended}"));
    }
    // The client goes.
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 7\r\n\r\n123");
    drop(client);
    let record = proxy.record(4);
    assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("host"), Some("client-body")), "{record}");
}

#[test]
fn a_body_that_is_replaced_has_its_own_length_and_no_marks_of_the_old() {
    let origin = echo();
    for (does, size) in [("show", "11"), ("replace-unread", "")] {
        let config = |on: &str| format!("config: {{ on: {on}, max: 100, does: {does}, replacement: other }}");
        let proxy = with(&origin, |proxy| {
            proxy.guest("back", "whole", &config("response")).guest("there", "whole", &config("request"))
        });
        for request in [post("hello world"), chunked(&["hello world"])] {
            let more = "Content-Encoding: gzip\r\nDigest: sha-256=x\r\n\r\n";
            let reply = ask(&proxy, &request.replacen("\r\n\r\n", &format!("\r\n{more}"), 1));
            assert_eq!((reply.header("x-body"), reply.header("x-framing")), (Some("other"), Some("5")), "{does}");
            let received = origin.next();
            assert_eq!((received.header("content-encoding"), received.header("digest")), (None, None), "{does}");
            assert!(received.header("x-whole").unwrap_or_default().contains(size), "{does}");
            assert_eq!((reply.text().as_str(), reply.header("content-length")), ("other", Some("5")), "{does}");
            assert_eq!((reply.header("etag"), reply.header("digest")), (None, None), "{does}");
            assert_eq!(reply.header("content-type"), Some("text/plain"), "{does}");
        }
        assert!(over_http2(&proxy, &["-d", "x"]).ends_with("other"), "{does}");
        origin.next();
    }
}

#[test]
fn what_a_filter_may_buffer_is_limited() {
    let origin = echo();
    for (max, status) in [(10, 200), (11, 500)] {
        let config = format!("config: {{ on: request, max: {max} }}");
        let proxy = with(&origin, |proxy| proxy.limited_guest("whole", "whole", &config, "body: 10B"));
        assert_eq!(ask(&proxy, &post("x")).status, status, "{max}");
        if status == 500 {
            proxy.log.wait("the host refused the call: too-large");
        }
    }
    // The limit that holds unless the operator says other.
    let proxy = with(&origin, |proxy| proxy.guest("whole", "whole", "config: { on: request, max: 1048577 }"));
    assert_eq!(ask(&proxy, &post("x")).status, 500);
}

#[test]
fn a_filter_may_pause_again_but_not_for_ever_nor_for_nothing() {
    let origin = echo();
    for on in ["request", "response"] {
        for (more, status, said) in [
            ("times: 2", 200, "resumed 2 Ended::Done"),
            ("times: 16", 200, "resumed 16 Ended::Done"),
            ("times: 17", 500, "too often for one message (16 times)"),
            ("does: pause-unarmed", 500, "without having armed anything to wait for"),
            ("does: answer", 422, "resumed 1"),
        ] {
            let config = format!("config: {{ on: {on}, max: 100, {more} }}");
            let proxy = with(&origin, |proxy| proxy.guest("whole", "whole", &config));
            let reply = ask(&proxy, &post("body"));
            assert_eq!(reply.status, status, "{on} {more}");
            proxy.log.wait(said);
            if status == 422 {
                assert!(reply.text().starts_with("Ended::Done"), "{}", reply.text());
            }
        }
    }
}

#[test]
fn a_request_is_rewritten_as_it_passes() {
    let origin = echo();
    let proxy = with(&origin, |proxy| {
        proxy
            .guest("outer", "pieces", "config: { on: request, act: tag, tag: a }")
            .guest("inner", "pieces", "config: { on: request, act: tag, tag: b }")
            .guest("capitals", "pieces", "config: { on: request }")
    });
    for request in [post("body"), chunked(&["body"])] {
        let reply = ask(&proxy, &request);
        assert_eq!((reply.header("x-body"), reply.header("x-framing")), (Some("B(A(BODY))"), Some("chunked")));
    }
    assert!(over_http2(&proxy, &["-d", "body"]).contains("x-body: B(A(BODY))\r\n"));
    // Nothing is made of nothing.
    let reply = ask(&proxy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((reply.status, reply.header("x-body")), (200, Some("")));
    // A large one comes in pieces.
    let reply = ask(&proxy, &post(&"x".repeat(40_000)));
    assert_eq!(reply.header("x-body").unwrap().matches('X').count(), 40_000);
}

#[test]
fn a_response_is_rewritten_as_it_passes() {
    let origin = echo();
    let proxy = with(&origin, |proxy| {
        proxy.guest("outer", "pieces", "config: { on: response, act: tag, tag: a }").guest(
            "inner",
            "pieces",
            "config: { on: response }",
        )
    });
    let reply = ask(&proxy, &post(""));
    assert_eq!((reply.text().as_str(), reply.header("content-length")), ("a(HELLO WORLD)", None));
    assert_eq!((reply.header("etag"), reply.header("digest")), (None, None));
    let reply = over_http2(&proxy, &[]);
    assert!(reply.ends_with("a(HELLO WORLD)") && !reply.contains("content-length"), "{reply}");
    let mut client = Client::connect(proxy.address);
    client.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (_, head) = client.head();
    assert!(head.contains(&("content-length".into(), "11".into())), "{head:?}");
}

#[test]
fn trailers_pass_beside_what_is_rewritten() {
    let origin = Http2Origin::raw(|frame, peer| {
        if frame.is_last() {
            peer.head(frame.stream, &[(":status", "200"), ("content-length", "7")], false);
            peer.data(frame.stream, b"message", false);
            peer.head(frame.stream, &[("grpc-status", "0")], true);
        }
    });
    let proxy = Proxy::builder()
        .top("workers: 1")
        .guest("tag", "pieces", "config: { on: response }")
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address))
        .route_to("/*", "app", "")
        .start();
    let reply = over_http2(&proxy, &["-H", "TE: trailers"]);
    assert!(reply.contains("MESSAGE") && reply.trim_end().ends_with("grpc-status: 0"), "{reply}");
}

#[test]
fn a_filter_that_refuses_a_body_on_its_way_cuts_it_off() {
    let origin = echo();
    let filter = |on: &str, act: &str, policy: &str| {
        with(&origin, |proxy| {
            proxy.guest("outer", "mark", "config: { name: outer }").guest(
                "strict",
                "pieces",
                &format!("on_failure: {policy}, config: {{ on: {on}, act: {act} }}"),
            )
        })
    };
    let proxy = filter("request", "refuse", "closed");
    let reply = ask(&proxy, &post("hello!"));
    assert_eq!((reply.status, reply.values("x-mark")), (400, vec!["outer"]));
    assert!(!reply.text().contains("loud"), "{}", reply.text());
    let record = proxy.record(1);
    let said = ["by", "reason", "detail"].map(|key| record[key].as_str().unwrap_or_default().to_owned());
    assert_eq!(said, ["strict", "too-loud", "it has an exclamation mark"]);
    assert!(over_http2(&proxy, &["-d", "hello!"]).starts_with("HTTP/2 400"));
    assert_eq!(ask(&proxy, &post("hello")).status, 200);

    // A filter that fails: what it would have taken out must not pass, whatever `on_failure` says.
    for (act, policy) in [("trap", "closed"), ("trap", "open"), ("blow", "closed")] {
        let proxy = filter("request", act, policy);
        assert_eq!(ask(&proxy, &post("hello!")).status, 500, "{act} {policy}");
        proxy.log.wait("filter `strict` failed in `on-request-chunk`");
        assert_eq!(proxy.record(1)["reason"], "filter-failed", "{act} {policy}");
    }
}

#[test]
fn a_response_that_is_cut_off_can_be_told_from_a_whole_one() {
    for (act, reason) in [("refuse", "too-loud"), ("trap", "trap")] {
        let (origin, pieces) = told(&["/1", "/2"]);
        let config = format!("config: {{ on: response, act: {act} }}");
        let proxy = with(&origin, |proxy| proxy.guest("strict", "pieces", &config));
        let mut client = Client::connect(proxy.address);
        client.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\n");
        pieces["/1"].send("hello").unwrap();
        client.head();
        assert_eq!(client.chunk().unwrap(), b"hello", "{act}");
        pieces["/1"].send("world!").unwrap();
        let rest = client.rest().unwrap_or_default();
        assert!(!rest.ends_with(b"0\r\n\r\n") && !rest.ends_with(b"world!\r\n"), "{act}: {rest:?}");
        let record = proxy.record(1);
        let said = ["ended", "reason"].map(|key| record[key].as_str().unwrap_or_default().to_owned());
        assert_eq!(said, ["filter-cut", reason], "{record}");
        pieces["/2"].send("hello!").unwrap();
        let url = format!("http://{}/2", proxy.address);
        let curl = command("curl", "curl").args(["-sS", "--http2-prior-knowledge", "--max-time", "20", &url]).output();
        assert!(!curl.unwrap().status.success(), "{act}");
    }
}

#[test]
fn who_only_watches_changes_nothing() {
    let origin = echo();
    let proxy = with(&origin, |proxy| {
        proxy
            .guest("back", "pieces", "config: { on: response, observes: true, tag: back }")
            .guest("there", "pieces", "config: { on: request, observes: true, tag: there }")
            .guest("capitals", "pieces", "config: { on: response, act: capitals }")
    });
    let reply = ask(&proxy, &post("body"));
    assert_eq!((reply.header("x-body"), reply.header("x-framing")), (Some("body"), Some("4")));
    assert_eq!(reply.text(), "HELLO WORLD");
    // It sees what those before it have made.
    proxy.log.wait("there sees of the request: body true");
    proxy.log.wait("back sees of the response: HELLO WORLD true");

    let proxy = with(&origin, |proxy| proxy.guest("back", "pieces", "config: { on: response, observes: true }"));
    let reply = ask(&proxy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((reply.text().as_str(), reply.header("content-length")), ("hello world", Some("11")));
    assert_eq!((reply.header("etag"), reply.header("digest")), (Some("\"one\""), Some("sha-256=abc")));
    let reply = over_http2(&proxy, &[]);
    assert!(reply.contains("content-length: 11") && reply.ends_with("hello world"), "{reply}");
    // It is told of the end, and the record too.
    for count in 1..=2 {
        assert_eq!(proxy.record(count)["ended"], "complete");
    }
    proxy.log.wait_many(" sees of the response: hello world true", 2);

    let origin = Origin::text("");
    let proxy = with(&origin, |proxy| {
        proxy.guest("back", "pieces", "config: { on: response, observes: true, tag: back }").guest(
            "there",
            "pieces",
            "config: { on: request, observes: true, tag: there }",
        )
    });
    let reply = ask(&proxy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!((reply.text().as_str(), reply.header("content-length")), ("", Some("0")));
    let received = origin.next();
    assert_eq!((received.header("content-length"), received.header("transfer-encoding")), (None, None));
    proxy.log.wait("there sees of the request:  true");
    proxy.log.wait("back sees of the response:  true");
    assert_eq!(proxy.record(1)["ended"], "complete");
}

#[test]
fn a_watcher_that_fails_is_left_out_or_ends_the_message() {
    let origin = echo();
    for (policy, status) in [("open", 200), ("closed", 500)] {
        let entry = format!("on_failure: {policy}, config: {{ on: request, observes: true, act: trap }}");
        let proxy = with(&origin, |proxy| proxy.guest("watch", "pieces", &entry));
        let reply = ask(&proxy, &post("hello!"));
        assert_eq!(reply.status, status, "{policy}");
        assert_eq!(reply.header("x-body"), (status == 200).then_some("hello!"), "{policy}");
    }
}

#[test]
fn a_filter_that_fails_once_it_has_asked_for_a_body_is_not_shown_it() {
    let origin = echo();
    for on in ["request", "response"] {
        let entry = format!("on_failure: open, config: {{ on: {on}, fails: true }}");
        let proxy = with(&origin, |proxy| proxy.guest("broken", "pieces", &entry));
        let reply = ask(&proxy, &post("body"));
        assert_eq!((reply.header("x-body"), reply.text().as_str()), (Some("body"), "hello world"), "{on}");
    }
}

#[test]
fn a_pinned_instance_stays_with_its_body() {
    let (origin, pieces) = told(&["/1", "/2", "/3", "/4"]);
    let entry = |pins: bool| format!("config: {{ on: response, act: count, pins: {pins} }}");
    let proxy = Proxy::builder()
        .top("workers: 1")
        .plugin("pieces", "pieces", "limits: { pins: 1 }")
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/*", "app", &format!("chain: [{{ plugin: pieces, {} }}]", entry(true)))
        .start();
    let begin = |path: &str| {
        let mut client = Client::connect(proxy.address);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let (_, head) = client.head();
        (client, head.into_iter().find(|(name, _)| name == "x-pin").unwrap().1)
    };
    let next = |client: &mut Client, path: &str| {
        pieces[path].send("x").unwrap();
        String::from_utf8(client.chunk().unwrap()).unwrap()
    };
    let (mut one, pinned) = begin("/1");
    assert_eq!((pinned.as_str(), next(&mut one, "/1").as_str()), ("done", "x<1>"));
    // One more is one too many: it shares instances.
    let (mut two, refused) = begin("/2");
    assert_eq!((refused.as_str(), next(&mut two, "/2").as_str()), ("too-large", "x<1>"));
    let (mut three, refused) = begin("/3");
    assert_eq!((refused.as_str(), next(&mut three, "/3").as_str()), ("too-large", "x<2>"));
    assert_eq!(
        (next(&mut two, "/2"), next(&mut one, "/1"), next(&mut one, "/1")),
        ("x<3>".into(), "x<2>".into(), "x<3>".into())
    );
    // A client that goes gives its pin back.
    drop(one);
    proxy.record(1);
    let (_four, pinned) = begin("/4");
    assert_eq!(pinned, "done");
}
