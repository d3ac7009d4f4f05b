//! Traces: the context that requests bring along, and the spans that a collector gets. The collector is Python's, with
//! OpenTelemetry's own messages.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use serde_json::{Value, json};
use weir_tests::{
    Client, Collector, Figures, Frames, Http2Origin, Origin, Proxy, ProxyBuilder, Received, Scrape, free_port, get,
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// Everything is traced and sent at once, unless `more` says otherwise.
fn traced(collector: SocketAddr, more: &str) -> ProxyBuilder {
    let batch = if more.contains("batch") { "" } else { "batch: { delay: 5ms }, " };
    Proxy::builder()
        .top("workers: 1")
        .upstream("collector", &format!("{{ endpoints: [\"http://{collector}\"] }}"))
        .top(&format!("traces: {{ upstream: collector, {batch}{more} }}"))
}

/// No collector is needed to see what upstreams are told.
fn nowhere() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, free_port()).into()
}

/// The trace, the span and the flags of the `traceparent` that the upstream got; there is one.
fn parent(received: &Received) -> (String, String, u8) {
    let all = received.values("traceparent");
    let [parent] = all[..] else { panic!("{all:?} is not one traceparent") };
    let parts: Vec<&str> = parent.split('-').collect();
    let [version, trace, span, flags] = parts[..] else { panic!("{parent} has not four parts") };
    assert_eq!((version, trace.len(), span.len()), ("00", 32, 16), "{parent}");
    (trace.to_owned(), span.to_owned(), u8::from_str_radix(flags, 16).unwrap())
}

fn find<'a>(spans: &'a [Value], name: &str) -> &'a Value {
    let found: Vec<&Value> = spans.iter().filter(|span| span["name"] == name).collect();
    assert_eq!(found.len(), 1, "there is not one `{name}` among {spans:#?}");
    found[0]
}

fn within(inner: &Value, outer: &Value) {
    let time = |span: &Value, key: &str| span[key].as_u64().unwrap();
    assert!(time(inner, "began") >= time(outer, "began"), "{inner:#} begins before {outer:#}");
    assert!(time(inner, "began") <= time(inner, "ended"), "{inner:#} ends before it begins");
    assert!(time(inner, "ended") <= time(outer, "ended"), "{inner:#} ends after {outer:#}");
}

#[test]
fn an_exchange_becomes_a_trace() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    let away = free_port();
    let endpoints = format!("{{ endpoints: [\"http://127.0.0.1:{away}\", \"http://{}\"] }}", origin.address);
    let keys =
        "sample: 1, trust: all, service: edge, path: /take/them, compression: gzip, headers: { x-key: { file: key } }";
    let text = traced(collector.address(), keys)
        .guest("mark", "mark", "config: { name: one }")
        .upstream("app", &endpoints)
        .route_to("/items/*", "app", "name: items")
        .text("127.0.0.1:0");
    let proxy = Proxy::of(&text, &[("key", "secret-key\n")]);
    let asked = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: rojo=1,congo=2\r\nUser-Agent: tester\r\n");
    let reply = Client::connect(proxy.address).get("/items/7?secret=x", &asked);
    assert_eq!(reply.status, 200);
    let received = origin.next();
    let spans = collector.spans(5);
    assert_eq!(spans.len(), 5, "{spans:#?}");

    let server = find(&spans, "GET items");
    assert_eq!((&server["trace"], &server["parent"], &server["kind"]), (&json!(TRACE), &json!(SPAN), &json!(2)));
    assert_eq!((&server["state"], &server["status"]), (&json!("rojo=1,congo=2"), &json!(0)));
    // Sampled, and a parent that is known to be remote.
    assert_eq!(server["flags"], 0x301);
    assert_eq!(server["resource"]["service.name"], "edge");
    let attributes = &server["attributes"];
    for (name, value) in [
        ("http.request.method", json!("GET")),
        ("url.path", json!("/items/7")),
        ("url.scheme", json!("http")),
        ("server.address", json!("test.example")),
        ("client.address", json!("127.0.0.1")),
        ("network.protocol.version", json!("1.1")),
        ("user_agent.original", json!("tester")),
        ("http.route", json!("items")),
        ("http.response.status_code", json!(200)),
        ("http.response.body.size", json!(5)),
        ("weir.by", json!("upstream")),
        ("weir.upstream", json!("app")),
        ("weir.ended", json!("complete")),
        ("weir.exchange.id", proxy.record(1)["exchange"].clone()),
    ] {
        assert_eq!(attributes[name], value, "{name} of {server:#}");
    }
    assert!(!server.to_string().contains("secret"), "a query may hold what nobody should see: {server:#}");

    assert_eq!(proxy.record(1)["trace"], TRACE);
    for hook in ["on-request", "on-response"] {
        let span = find(&spans, &format!("mark {hook}"));
        assert_eq!((&span["kind"], &span["parent"]), (&json!(1), &server["id"]));
        let attributes = &span["attributes"];
        assert_eq!(attributes["weir.filter"], "mark");
        assert_eq!((&attributes["weir.hook"], &attributes["weir.flow"]), (&json!(hook), &json!("next")));
        assert!(attributes["weir.config"].as_str().unwrap().contains("weir.yaml:"), "{span:#}");
    }
    let mut attempts: Vec<&Value> = spans.iter().filter(|span| span["kind"] == 3).collect();
    attempts.sort_by_key(|span| span["began"].as_u64());
    let [first, second] = attempts[..] else { panic!("{spans:#?}") };
    assert_eq!((&first["attributes"]["server.port"], &first["status"]), (&json!(away), &json!(2)));
    assert_eq!(first["attributes"]["error.type"], "connect-failed");
    assert_eq!(first["attributes"].get("http.request.resend_count"), None);
    assert_eq!((&second["attributes"]["server.port"], &second["status"]), (&json!(origin.address.port()), &json!(0)));
    assert_eq!(second["attributes"]["http.request.resend_count"], 1);
    assert_eq!(second["attributes"]["http.response.status_code"], 200);
    // The upstream's parent is the attempt that reached it.
    assert_eq!(parent(&received), (TRACE.to_owned(), second["id"].as_str().unwrap().to_owned(), 1));
    assert_eq!(received.values("tracestate"), ["rojo=1,congo=2"]);

    for span in &spans {
        within(span, server);
        assert_eq!(span["trace"], TRACE);
        let same = spans.iter().filter(|other| other["id"] == span["id"]).count();
        assert_eq!((same, span["id"].as_str().unwrap().len()), (1, 16));
    }
    within(find(&spans, "mark on-request"), &json!({ "began": server["began"], "ended": first["began"] }));
    within(find(&spans, "mark on-response"), &json!({ "began": second["ended"], "ended": server["ended"] }));

    let request = &collector.requests(1)[0];
    assert_eq!(request["path"], "/take/them");
    let fields = &request["fields"];
    assert_eq!(
        (&fields["content-type"], &fields["content-encoding"]),
        (&json!("application/x-protobuf"), &json!("gzip"))
    );
    assert_eq!(fields["x-key"], "secret-key");
}

#[test]
fn what_filters_and_the_host_decide_stands_in_the_spans() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    let more = "sample: 100%";
    let app = |builder: ProxyBuilder| builder.route("/", "app", origin.address).start();
    let answers = app(traced(collector.address(), more).guest("answer", "answer", "config: { status: 403 }"));
    assert_eq!(get(answers.address, "/").status, 403);
    let spans = collector.spans(2);
    let server = find(&spans, "GET /");
    let attributes = &server["attributes"];
    assert_eq!((&attributes["weir.by"], &attributes["weir.reason"]), (&json!("answer"), &json!("configured")));
    assert_eq!((&attributes["http.response.status_code"], &server["status"]), (&json!(403), &json!(0)));
    assert_eq!((&server["parent"], &attributes["weir.detail"]), (&json!(""), &json!("as configured")));
    let hook = find(&spans, "answer on-request");
    assert_eq!(
        (&hook["attributes"]["weir.flow"], &hook["attributes"]["weir.reason"]),
        (&json!("answer"), &json!("configured"))
    );

    let fails = app(traced(collector.address(), more).guest("trap", "trap", "config: {}"));
    assert_eq!(Client::connect(fails.address).get("/", "x-trap: request\r\n").status, 500);
    let spans = collector.spans(4);
    let hook = find(&spans, "trap on-request");
    assert_eq!((&hook["status"], &hook["attributes"]["weir.flow"]), (&json!(2), &json!("failed")));
    let server = spans.iter().find(|span| span["id"] == hook["parent"]).unwrap();
    assert_eq!((&server["status"], &server["attributes"]["weir.by"]), (&json!(2), &json!("host")));
    assert_eq!(server["attributes"]["error.type"], server["attributes"]["weir.reason"]);

    // Nobody serves this: a method alone is the name.
    assert_eq!(get(fails.address, "/nowhere").status, 404);
    let spans = collector.spans(5);
    let server = find(&spans, "GET");
    assert_eq!(server["attributes"]["weir.reason"], "no-route");

    // Methods are anybody's to invent, names of spans are not.
    let mut client = Client::connect(fails.address);
    client.send("BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.reply().status, 200);
    let spans = collector.spans(9);
    assert_eq!(find(&spans, "HTTP /")["attributes"]["http.request.method_original"], "BREW");
}

#[test]
fn what_filters_wait_for_stands_in_the_spans() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    let proxy = traced(collector.address(), "sample: 100%")
        .guest("pass", "pass", "config: { request: buffer, response: rewrite }")
        .guest("caller", "caller", "config: { upstream: app, passes: true }")
        .route("/", "app", origin.address)
        .start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nx-get: /own\r\nContent-Length: 4\r\n\r\n");
    // The filter has asked for all of the body, of which there is only the head's promise.
    client.send("body");
    assert_eq!(client.reply().status, 200);
    let spans = collector.spans(8);
    let server = find(&spans, "POST /");
    let (paused, resumed) = (find(&spans, "pass on-request"), find(&spans, "pass on-resume"));
    assert_eq!(paused["attributes"]["weir.flow"], "pause");
    assert_eq!(paused["events"]["paused"]["at"], paused["ended"]);
    within(paused, &json!({ "began": server["began"], "ended": resumed["began"] }));
    let called = find(&spans, "caller on-request");
    let waited = called["events"]["waited"]["weir.waited_ns"].as_u64().unwrap();
    let took = called["ended"].as_u64().unwrap() - called["began"].as_u64().unwrap();
    assert_eq!(waited + called["attributes"]["weir.thread_ns"].as_u64().unwrap(), took);
    assert!(find(&spans, "pass on-response-chunk")["attributes"]["weir.pieces"].as_u64().unwrap() >= 1);
    // What runs at the end runs behind it.
    let (told, during): (Vec<&Value>, Vec<&Value>) = spans.iter().partition(|span| span["name"] == "pass on-complete");
    for span in during {
        within(span, server);
    }
    assert!(told[0]["began"].as_u64() >= server["ended"].as_u64(), "{told:#?}");
    // A request of the filter's own is not one of the exchange's attempts.
    assert_eq!(spans.iter().filter(|span| span["kind"] == 3).count(), 1);
}

#[test]
fn http2_is_traced_on_both_sides() {
    let (collector, origin) = (
        Collector::start(),
        Http2Origin::raw(|frame, peer| {
            if frame.is_last() {
                peer.head(frame.stream, &[(":status", "503")], true);
            }
        }),
    );
    let proxy = traced(collector.address(), "sample: 100%")
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", origin.address))
        .route_to("/*", "app", "name: all")
        .start();
    let mut client = Frames::connect(proxy.address, 1 << 20);
    let brought = format!("00-{TRACE}-{SPAN}-00");
    let fields =
        [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a"), ("traceparent", &brought)];
    client.request(1, &fields);
    let spans = collector.spans(2);
    let (server, attempt) = (find(&spans, "GET all"), find(&spans, "GET"));
    assert_eq!((&server["trace"], &server["parent"]), (&json!(TRACE), &json!(SPAN)));
    assert_eq!(server["attributes"]["network.protocol.version"], "2");
    assert_eq!((&server["status"], &server["attributes"]["error.type"]), (&json!(2), &json!("503")));
    assert_eq!((&attempt["status"], &attempt["attributes"]["error.type"]), (&json!(2), &json!("503")));
    within(attempt, server);

    // What an upstream of HTTP/2 gets: the second proxy passes it on as it comes.
    let origin = Origin::text("hello");
    let second = Proxy::builder().route("/*", "app", origin.address).start();
    let first = traced(nowhere(), "sample: 0%")
        .upstream("app", &format!("{{ endpoints: [\"h2c://{}\"] }}", second.address))
        .route_to("/*", "app", "name: all")
        .start();
    for (states, expected) in [("a=1,b=2", vec!["a=1,b=2"]), ("A", vec![])] {
        let asked = format!("traceparent: 00-{TRACE}-{SPAN}-01\r\ntracestate: {states}\r\n");
        assert_eq!(Client::connect(first.address).get("/", &asked).status, 200);
        let received = origin.next();
        let (trace, span, flags) = parent(&received);
        assert_eq!((trace.as_str(), span == SPAN, flags), (TRACE, false, 0));
        assert_eq!(received.values("tracestate"), expected);
    }
}

/// The cases of W3C's own tests that reach a server; the rest stands beside the reader.
#[test]
fn the_upstream_goes_on_with_a_sound_trace() {
    let origin = Origin::text("hello");
    let proxy =
        traced(nowhere(), "sample: 0%").guest("pass", "pass", "config: {}").route("/*", "app", origin.address).start();
    let sound = format!("00-{TRACE}-{SPAN}-00");
    let state = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";
    let many = (0..33).map(|index| format!("k{index}=1")).collect::<Vec<_>>().join(",");
    let mut client = Client::connect(proxy.address);
    for (parents, states, goes_on, expected) in [
        (vec![sound.clone()], vec![], true, vec![]),
        (vec![sound.clone()], vec![state], true, vec![state]),
        (vec![sound.clone()], vec!["a=1", "b=2"], true, vec!["a=1", "b=2"]),
        (vec![sound.clone()], vec!["a=1,,b=2 , c=3"], true, vec!["a=1,,b=2 , c=3"]),
        // Only what is wrong is dropped.
        (vec![sound.clone()], vec!["A=1"], true, vec![]),
        (vec![sound.clone()], vec![&many], true, vec![]),
        (vec![format!("cc-{TRACE}-{SPAN}-00-new")], vec![state], true, vec![state]),
        (vec![format!("ff-{TRACE}-{SPAN}-00")], vec![state], false, vec![]),
        (vec![sound.to_uppercase()], vec![state], false, vec![]),
        (vec![format!("00-{}-{SPAN}-00", "0".repeat(32))], vec![state], false, vec![]),
        (vec![format!("00-{TRACE}-{}-00", "0".repeat(16))], vec![state], false, vec![]),
        (vec![format!("{sound}-")], vec![state], false, vec![]),
        (vec![sound.clone(), sound.clone()], vec![state], false, vec![]),
        (vec![], vec![state], false, vec![]),
        (vec![], vec![], false, vec![]),
    ] {
        let parents_sent: String = parents.iter().map(|value| format!("TraceParent: {value}\r\n")).collect();
        let states_sent: String = states.iter().map(|value| format!("tracestate: {value}\r\n")).collect();
        assert_eq!(client.get("/", &(parents_sent + &states_sent)).status, 200);
        let received = origin.next();
        let (trace, span, flags) = parent(&received);
        assert_eq!(trace == TRACE, goes_on, "{parents:?}");
        assert!(span != SPAN && !span.bytes().all(|byte| byte == b'0') && !trace.bytes().all(|byte| byte == b'0'));
        assert_eq!(flags & 1, 0, "nothing is recorded: {parents:?}");
        assert_eq!(received.values("tracestate"), expected, "{parents:?}");
    }
}

#[test]
fn who_is_trusted_decides_what_is_traced() {
    let origin = Origin::text("hello");
    for (keys, listener, flags, expected) in [
        ("sample: 0%", "trusted_proxies: [127.0.0.1]", "01", 1),
        ("sample: 0%", "", "01", 0),
        ("sample: 0%, trust: trusted_proxies", "", "01", 0),
        ("sample: 0%, trust: all", "", "01", 1),
        ("sample: 1.0, trust: all", "", "00", 0),
        ("sample: 1.0", "trusted_proxies: [127.0.0.1]", "00", 0),
        ("sample: 1.0", "", "00", 1),
        // That the trace's id is random is passed on.
        ("sample: 100%", "", "02", 3),
        ("sample: 0%", "", "03", 2),
    ] {
        let mut builder = traced(nowhere(), keys).route("/*", "app", origin.address);
        if !listener.is_empty() {
            builder = builder.main(listener);
        }
        let proxy = builder.start();
        let asked = format!("traceparent: 00-{TRACE}-{SPAN}-{flags}\r\n");
        assert_eq!(Client::connect(proxy.address).get("/", &asked).status, 200);
        let (trace, _, told) = parent(&origin.next());
        assert_eq!((trace.as_str(), told), (TRACE, expected), "{keys} {listener} {flags}");
    }
}

#[test]
fn a_share_of_the_rest_is_traced() {
    let origin = Origin::text("hello");
    for (keys, least, most) in
        [("sample: 25%", 100, 300), ("sample: 0.25", 100, 300), ("sample: 100%", 800, 800), ("", 0, 40)]
    {
        let proxy = traced(nowhere(), keys).route("/*", "app", origin.address).start();
        let mut client = Client::connect(proxy.address);
        let traced: usize = (0..800)
            .map(|_| {
                assert_eq!(client.get("/", "").status, 200);
                // Ids that are made here are random.
                let (_, _, flags) = parent(&origin.next());
                assert_eq!(flags & 2, 2);
                usize::from(flags & 1)
            })
            .sum();
        // Eight times the deviation that chance has, and more.
        assert!((least..=most).contains(&traced), "{keys}: {traced}");
    }
}

#[test]
fn several_proxies_trace_the_same() {
    let origin = Origin::text("hello");
    let start = || traced(nowhere(), "sample: 50%").route("/*", "app", origin.address).start();
    let (one, other) = (start(), start());
    let mut clients = [Client::connect(one.address), Client::connect(other.address)];
    let mut decided = [0, 0];
    for number in 1..65_u64 {
        let end = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let asked = format!("traceparent: 00-{end:016x}{end:016x}-{SPAN}-01\r\n");
        let flags = clients.each_mut().map(|client| {
            assert_eq!(client.get("/", &asked).status, 200);
            parent(&origin.next()).2
        });
        assert_eq!(flags[0], flags[1], "{asked}");
        decided[usize::from(flags[0] & 1)] += 1;
    }
    assert!(decided[0] > 10 && decided[1] > 10, "{decided:?}");
}

#[test]
fn without_traces_nothing_is_touched() {
    let origin = Origin::text("hello");
    let proxy = Proxy::builder().route("/*", "app", origin.address).start();
    let asked = "traceparent: nonsense\r\ntraceparent: again\r\ntracestate: A\r\n";
    assert_eq!(Client::connect(proxy.address).get("/", asked).status, 200);
    let received = origin.next();
    assert_eq!(received.values("traceparent"), ["nonsense", "again"]);
    assert_eq!(received.values("tracestate"), ["A"]);
    assert_eq!(get(proxy.address, "/").status, 200);
    assert_eq!(origin.next().header("traceparent"), None);
    assert_eq!(proxy.record(2).get("trace"), None);
}

#[test]
fn filters_see_what_the_client_sent() {
    let proxy = traced(nowhere(), "sample: 100%")
        .filter("{ plugin: respond, config: { template: \"{header:traceparent} {header:tracestate}\" } }")
        .start();
    let asked = "traceparent: no such thing\r\ntracestate: A\r\n";
    assert_eq!(Client::connect(proxy.address).get("/", asked).text(), "no such thing A");
}

#[test]
fn a_collector_that_is_away_harms_nobody() {
    let origin = Origin::text("hello");
    let proxy = traced(nowhere(), "sample: 100%, retry: 0s, batch: { spans: 2, delay: 1m }")
        .route("/*", "app", origin.address)
        .start();
    let mut client = Client::connect(proxy.address);
    for _ in 0..20 {
        assert_eq!(client.get("/", "").status, 200);
    }
    let line = proxy.log.wait("2 spans of traces were dropped");
    assert!(line.contains("upstream `collector` cannot be reached"), "{line}");
}

#[test]
fn a_collector_that_is_slow_is_not_waited_for() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    collector.next(&[(200, json!({}), true, 0)]);
    let more = "sample: 100%, timeout: 2s, retry: 0s";
    let proxy = traced(collector.address(), more).route("/*", "app", origin.address).start();
    assert_eq!(get(proxy.address, "/").status, 200);
    let line = proxy.log.wait("2 spans of traces were dropped");
    assert!(line.contains("upstream `collector` does not answer within 2s"), "{line}");
    // The next one is well.
    assert_eq!(get(proxy.address, "/").status, 200);
    collector.spans(2);
}

#[test]
fn what_the_queue_has_no_room_for_is_dropped_and_said() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    let large = "x".repeat(8 << 10);
    for (queue, path) in [("exchanges: 3", "/"), ("size: 64KiB", large.as_str())] {
        // The proxy's first request is not answered before more exchanges are over than may wait.
        collector.next(&[(200, json!({}), true, 0)]);
        let known = collector.requests(0).len();
        let more = format!("sample: 100%, queue: {{ {queue} }}");
        let proxy = traced(collector.address(), &more).route("/*", "app", origin.address).start();
        let mut client = Client::connect(proxy.address);
        assert_eq!(client.get("/", "").status, 200);
        collector.requests(known + 1);
        for _ in 0..60 {
            let path = if path == "/" { path.to_owned() } else { format!("/{path}") };
            assert_eq!(client.get(&path, &format!("User-Agent: {}\r\n", "x".repeat(4 << 10))).status, 200);
        }
        collector.release();
        let line = proxy.log.wait("spans of traces were dropped");
        assert!(line.contains("the queue was full"), "{line}");
    }
}

#[test]
fn what_is_not_taken_now_is_sent_again() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    collector.next(&[
        (429, json!({ "Retry-After": "1" }), false, 0),
        (503, json!({}), false, 0),
        (502, json!({}), false, 0),
        (504, json!({}), false, 0),
    ]);
    let proxy = traced(collector.address(), "sample: 100%").route("/*", "app", origin.address).start();
    assert_eq!(get(proxy.address, "/").status, 200);
    assert_eq!(collector.spans(2).len(), 2);
    let requests = collector.requests(5);
    let at = |index: usize| requests[index]["at"].as_f64().unwrap();
    assert!(at(1) - at(0) >= 1.0, "{requests:#?}");
    // Later ones wait longer: at least half a second, then half of two seconds.
    assert!(at(2) - at(1) >= 0.5 && at(3) - at(2) >= 1.0 && at(4) - at(3) >= 2.0, "{requests:#?}");
    assert_eq!(requests.len(), 5);
}

#[test]
fn what_is_refused_is_not_sent_again() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    collector.next(&[(400, json!({}), false, 0), (200, json!({}), false, 1)]);
    let proxy = traced(collector.address(), "sample: 100%").route("/*", "app", origin.address).start();
    assert_eq!(get(proxy.address, "/").status, 200);
    let line = proxy.log.wait("2 spans of traces were dropped");
    assert!(line.contains("answers 400"), "{line}");
    // Of the second request one is not taken.
    assert_eq!(get(proxy.address, "/").status, 200);
    assert_eq!(collector.spans(1).len(), 1);
    proxy.signal("TERM");
    let line = proxy.log.wait("1 spans of traces were dropped");
    assert!(line.contains("the collector rejected them: too old"), "{line}");
    proxy.log.wait("1 spans of traces were sent, 3 were dropped");
    assert_eq!(collector.requests(2).len(), 2);
}

#[test]
fn spans_are_counted_by_what_became_of_them() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    collector.next(&[(400, json!({}), false, 0)]);
    let proxy = traced(collector.address(), "sample: 100%").top("admin: { address: \"127.0.0.1:0\" }");
    let proxy = proxy.route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    let count = |figures: &Figures, result: &str| figures.sum("weir_trace_spans_total", &[("result", result)]);
    assert_eq!(get(proxy.address, "/").status, 200);
    let figures = scrape.until("spans that are refused", |figures| count(figures, "dropped") > 1.5);
    assert_eq!((count(&figures, "dropped"), count(&figures, "sent")), (2.0, 0.0));
    assert_eq!(get(proxy.address, "/").status, 200);
    let figures = scrape.until("spans that are taken", |figures| count(figures, "sent") > 1.5);
    assert_eq!((count(&figures, "dropped"), count(&figures, "sent")), (2.0, 2.0));
}

#[test]
fn a_batch_waits_for_others_and_a_drain_for_none() {
    let (collector, origin) = (Collector::start(), Origin::text("hello"));
    let more = format!(
        "traces: {{ upstream: \"http://{}\", sample: 100%, batch: {{ delay: 1m, spans: 4 }} }}",
        collector.address()
    );
    let mut proxy = Proxy::builder().top(&more).route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    for _ in 0..3 {
        assert_eq!(client.get("/", "").status, 200);
    }
    collector.spans(4);
    assert_eq!(collector.requests(1).len(), 1);
    drop(client);
    proxy.signal("TERM");
    assert!(proxy.exit().success());
    assert_eq!(collector.spans(6).len(), 6);
    assert_eq!(collector.requests(2).iter().map(|request| request["spans"].clone()).collect::<Vec<_>>(), [4, 2]);
    proxy.log.wait("6 spans of traces were sent, 0 were dropped");
}

#[test]
fn a_drain_does_not_wait_for_a_collector_that_is_away() {
    let origin = Origin::text("hello");
    let proxy = traced(nowhere(), "sample: 100%").route("/*", "app", origin.address).start();
    assert_eq!(get(proxy.address, "/").status, 200);
    // By then a first request has failed, and the next would come later.
    proxy.log.wait("an endpoint cannot be reached");
    proxy.signal("TERM");
    proxy.log.wait("2 spans of traces were dropped");
    proxy.log.wait("drained");
}

#[test]
fn a_reload_changes_what_is_traced_and_where_it_goes() {
    let (first, second, origin) = (Collector::start(), Collector::start(), Origin::text("hello"));
    let off = Proxy::builder().top("workers: 1").route("/*", "app", origin.address);
    let proxy = off.start();
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "").status, 200);
    for (reloads, (builder, traced)) in [
        (traced(first.address(), "sample: 100%").route("/*", "app", origin.address), true),
        (traced(second.address(), "sample: 100%, service: moved").route("/*", "app", origin.address), true),
        // What was not sent yet still goes there.
        (off.upstream("collector", &format!("{{ endpoints: [\"http://{}\"] }}", second.address())), false),
    ]
    .into_iter()
    .enumerate()
    {
        proxy.write(&builder);
        proxy.signal("HUP");
        proxy.log.wait_many("is reloaded", reloads + 1);
        assert_eq!(client.get("/", "").status, 200);
        let received = origin.arrived().pop().unwrap();
        assert_eq!(received.header("traceparent").is_some(), traced);
        if reloads == 0 {
            first.spans(2);
        }
    }
    let spans = second.spans(2);
    assert_eq!((spans.len(), &spans[0]["resource"]["service.name"]), (2, &json!("moved")));
    assert_eq!(first.requests(1).len(), 1);
}

#[test]
fn a_client_that_goes_and_an_upstream_that_breaks_are_told_apart() {
    let collector = Collector::start();
    let origin = Origin::raw(|received, peer| {
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        let _ = peer.flush();
        received.line.starts_with("GET /waits")
    });
    let proxy = traced(collector.address(), "sample: 100%").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET /breaks HTTP/1.1\r\nHost: a\r\n\r\n");
    let _ = client.rest();
    let spans = collector.spans(2);
    let server = find(&spans, "GET /*");
    assert_eq!((&server["status"], &server["attributes"]["error.type"]), (&json!(2), &json!("upstream-broke")));
    let mut client = Client::connect(proxy.address);
    client.send("GET /waits HTTP/1.1\r\nHost: a\r\n\r\n");
    client.head();
    drop(client);
    let spans = collector.spans(4);
    let gone = spans.iter().find(|span| span["attributes"]["weir.ended"] == "client-gone").unwrap();
    assert_eq!((&gone["status"], &gone["attributes"]["error.type"]), (&json!(0), &json!("client-gone")));
}

/// An upstream that takes connections and never answers: what was asked when the exchange was given up is told, too.
#[test]
fn an_attempt_without_an_answer_has_a_span() {
    let collector = Collector::start();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let proxy = traced(collector.address(), "sample: 100%")
        .upstream("app", &format!("{{ endpoints: [\"http://{address}\"] }}"))
        .route_to("/*", "app", "timeouts: { response: 100ms }")
        .start();
    assert_eq!(get(proxy.address, "/").status, 504);
    let spans = collector.spans(2);
    let attempt = spans.iter().find(|span| span["kind"] == 3).unwrap();
    assert_eq!((&attempt["status"], &attempt["attributes"]["error.type"]), (&json!(2), &json!("timeout")));
    within(attempt, find(&spans, "GET /*"));
}
