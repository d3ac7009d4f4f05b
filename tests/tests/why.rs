//! `weir why`: who decided what about an exchange, from the running proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use serde_json::Value;
use weir_tests::{Client, Origin, Proxy, ProxyBuilder, Reply, command, get, weir};

/// A proxy that can be asked why, on one worker, with this much kept.
fn asked(why: &str) -> ProxyBuilder {
    Proxy::builder().top("workers: 1").top("admin: { address: \"127.0.0.1:0\" }").top(why)
}

/// Every exchange has a story.
fn all() -> ProxyBuilder {
    asked("why: { sample: 1 }")
}

fn admin(proxy: &Proxy) -> SocketAddr {
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

fn ask(proxy: &Proxy, path: &str) -> (u16, Value) {
    let mut client = Client::connect(admin(proxy));
    client.send(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    let reply = client.reply();
    (reply.status, serde_json::from_slice(&reply.body).expect("the answer is JSON"))
}

/// The id that a response has.
fn id(reply: &Reply) -> String {
    reply.header("x-request-id").expect("the response names its exchange").to_owned()
}

/// The story of an exchange that is over: its record, which is written at the same time, is there.
fn story(proxy: &Proxy, id: &str) -> Value {
    proxy.access.wait(id);
    let (status, told) = ask(proxy, &format!("/why/{id}"));
    assert_eq!((status, told["stories"].as_array().map(Vec::len)), (200, Some(1)), "{told}");
    told["stories"][0].clone()
}

/// Filter, hook, flow and reason of each hook.
fn hooks(story: &Value) -> Vec<[&str; 4]> {
    let hooks = story["hooks"].as_array().unwrap().iter();
    hooks.map(|hook| ["filter", "hook", "flow", "reason"].map(|key| hook[key].as_str().unwrap_or_default())).collect()
}

fn why(proxy: &Proxy, arguments: &[&str]) -> (i32, String) {
    let admin = format!("http://{}", admin(proxy));
    run(weir().arg("why").args(arguments).args(["--admin", &admin]))
}

fn run(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

/// `weir.yaml:7`, where the text stands in the file.
fn line(builder: &ProxyBuilder, what: &str) -> String {
    let text = builder.text("127.0.0.1:0");
    let number = text.lines().position(|line| line.contains(what)).expect("it stands in the file") + 1;
    format!("weir.yaml:{number}")
}

#[test]
fn a_refusal_is_told_with_every_hook_its_reason_and_its_lines() {
    let origin = Origin::text("served");
    let builder = all()
        .guest("outer", "mark", "config: { name: outer }")
        .guest("door", "answer", "except: /open, config: { status: 403, body: no }")
        .guest("inner", "mark", "config: { name: inner }")
        .route("/*", "app", origin.address);
    let proxy = builder.start();
    let refused = story(&proxy, &id(&get(proxy.address, "/a?b=c")));
    assert_eq!(
        hooks(&refused),
        [
            ["outer", "on-request", "next", ""],
            ["door", "on-request", "answer", "configured"],
            ["outer", "on-response", "next", ""],
        ]
    );
    for (key, value) in [
        ("status", Value::from(403)),
        ("by", "door".into()),
        ("reason", "configured".into()),
        ("detail", "as configured".into()),
        ("method", "GET".into()),
        ("host", "test.example".into()),
        ("target", "/a?b=c".into()),
        ("client", "127.0.0.1".into()),
        ("listener", "main".into()),
        ("ended", "complete".into()),
        ("bytes", 2.into()),
        ("upstream", Value::Null),
    ] {
        assert_eq!(refused[key], value, "{key}");
    }
    let chain = refused["chain"].as_array().unwrap();
    let reached: Vec<bool> = chain.iter().map(|filter| filter["reached"].as_bool().unwrap()).collect();
    assert_eq!(reached, [true, true, false]);
    for (filter, written) in chain.iter().zip(["plugin: outer,", "plugin: door,", "plugin: inner,"]) {
        let wanted = line(&builder, written);
        assert!(filter["line"].as_str().unwrap().ends_with(&wanted), "{filter} is not {wanted}");
    }
    assert!(refused["route"]["line"].as_str().unwrap().ends_with(&line(&builder, "path: \"/*\"")));
    assert_eq!((&refused["site"]["name"], &refused["route"]["name"]), (&"*".into(), &"/*".into()));

    // The same chain where the door is not run.
    get(proxy.address, "/open");
    let id = proxy.record(2)["exchange"].as_str().unwrap().to_owned();
    let served = story(&proxy, &id);
    assert_eq!((&served["status"], &served["by"], &served["reason"]), (&200.into(), &"upstream".into(), &Value::Null));
    assert_eq!(
        hooks(&served),
        [
            ["outer", "on-request", "next", ""],
            ["door", "on-request", "except", ""],
            ["inner", "on-request", "next", ""],
            ["inner", "on-response", "next", ""],
            ["outer", "on-response", "next", ""],
        ]
    );
    let attempt = &served["upstream"]["attempts"][0];
    assert_eq!(attempt["endpoint"], origin.address.to_string());
    assert_eq!((&attempt["is_new"], &attempt["error"]), (&true.into(), &Value::Null));
    // Times follow each other.
    let times = served["hooks"].as_array().unwrap().iter().filter(|hook| hook["flow"] != "except");
    let mut times: Vec<f64> = times.map(|hook| hook["at_ms"].as_f64().unwrap()).collect();
    times.insert(2, attempt["at_ms"].as_f64().unwrap());
    times.extend([served["response_ms"].as_f64().unwrap(), served["ms"].as_f64().unwrap()]);
    assert!(times.is_sorted() && times[0] > 0.0, "{times:?}");
}

#[test]
fn what_weir_refuses_is_told_under_the_id_in_the_answer() {
    let origin = Origin::raw(|_, stream| stream.write_all(b"nonsense\r\n\r\n").is_err());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let builder = asked("")
        .route("/broken", "broken", origin.address)
        .route("/dead", "dead", dead)
        .upstream("silent", &format!("{{ endpoints: [\"http://{}\"] }}", silent.local_addr().unwrap()))
        .route_to("/silent", "silent", "timeouts: { response: 10ms }")
        .route_to("/small", "silent", "limits: { body: 1KiB }")
        .route_to("/posted", "silent", "methods: POST");
    let proxy = builder.start();
    let long = format!("POST /small HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n{}", "a".repeat(2000));
    for (request, status, reason) in [
        ("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n", 404, "no-route"),
        ("GET /posted HTTP/1.1\r\nHost: a\r\n\r\n", 405, "bad-method"),
        ("GET /a%2fb HTTP/1.1\r\nHost: a\r\n\r\n", 400, "bad-path"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "bad-host"),
        ("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n", 502, "upstream-broke"),
        ("GET /dead HTTP/1.1\r\nHost: a\r\n\r\n", 502, "connect-failed"),
        ("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", 504, "upstream-timeout"),
        (long.as_str(), 413, "body-too-large"),
    ] {
        let mut client = Client::connect(proxy.address);
        client.send(request);
        let reply = client.reply();
        let told = story(&proxy, &id(&reply));
        let wanted = (status, Value::from(status), Value::from("host"), Value::from(reason));
        assert_eq!((reply.status, told["status"].clone(), told["by"].clone(), told["reason"].clone()), wanted);
        assert_ne!(told["detail"].as_str().unwrap(), "");
        assert!(reply.text().contains(&id(&reply)), "page and field do not agree: {}", reply.text());
        match reason {
            "connect-failed" => {
                let attempt = &told["upstream"]["attempts"][0];
                assert_eq!(attempt["endpoint"], dead.to_string());
                assert!(attempt["error"].as_str().unwrap().contains("cannot connect"), "{attempt}");
            }
            "upstream-timeout" => {
                assert!(told["upstream"]["attempts"][0]["ms"].as_f64().unwrap() >= 10.0, "{told}");
            }
            "no-route" => assert_eq!((&told["route"], &told["upstream"]), (&Value::Null, &Value::Null)),
            _ => {}
        }
    }
}

#[test]
fn endpoints_that_were_passed_over_are_told() {
    let (origin, dead) = (Origin::text("served"), TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let endpoints = format!("{{ endpoints: [\"http://{dead}\", \"http://{}\"] }}", origin.address);
    let proxy = asked("").upstream("app", &endpoints).route_to("/*", "app", "name: all").start();
    // Whichever is the first, one of two requests meets the dead one; that is told though both were served.
    assert_eq!((get(proxy.address, "/").status, get(proxy.address, "/").status), (200, 200));
    proxy.record(2);
    let (_, told) = ask(&proxy, "/why?last=10");
    assert_eq!(told["stories"].as_array().map(Vec::len), Some(1), "{told}");
    let attempts = &told["stories"][0]["upstream"]["attempts"];
    assert_eq!(
        (&attempts[0]["endpoint"], &attempts[1]["endpoint"]),
        (&dead.to_string().into(), &origin.address.to_string().into())
    );
    assert!(attempts[0]["error"].is_string() && attempts[1]["error"].is_null(), "{attempts}");
}

#[test]
fn failures_are_told_whether_or_not_the_exchange_went_on() {
    let origin = Origin::text("served");
    let proxy = asked("")
        .guest("open", "trap", "on_failure: open")
        .guest("closed", "script", "config: { name: closed, complete: trap }")
        .route("/*", "app", origin.address)
        .start();
    // Open: served, and yet told. The end's hook fails, too.
    let reply = Client::connect(proxy.address).get("/", "X-Trap: request\r\n");
    assert_eq!((reply.status, reply.header("x-request-id")), (200, None));
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    let told = story(&proxy, &id);
    assert_eq!((&told["status"], &told["by"]), (&200.into(), &"upstream".into()));
    assert_eq!(
        hooks(&told),
        [
            ["open", "on-request", "failed", "trap"],
            ["closed", "on-request", "next", ""],
            ["closed", "on-response", "next", ""],
            ["closed", "on-complete", "failed", "trap"],
        ]
    );
    assert_eq!(told["chain"][0]["on_failure"], "open");
    assert!(told["hooks"][0]["detail"].as_str().unwrap().contains("it trapped"));
    let (_, said) = why(&proxy, &[&id]);
    assert!(said.contains("failed (trap), went on without it"), "{said}");

    let proxy = asked("").guest("closed", "trap", "").route("/*", "app", origin.address).start();
    let reply = Client::connect(proxy.address).get("/", "X-Trap: request\r\n");
    let told = story(&proxy, &self::id(&reply));
    assert_eq!((&told["status"], &told["by"], &told["reason"]), (&500.into(), &"host".into(), &"filter-failed".into()));
    assert_eq!(hooks(&told), [["closed", "on-request", "failed", "trap"]]);
}

#[test]
fn a_filter_in_quarantine_is_told_as_not_called() {
    let origin = Origin::text("served");
    let proxy = asked("")
        .plugin("trap", "trap", "quarantine: { calls: 1, share: 1%, first: 1h, longest: 1h }")
        .filter("trap")
        .route("/*", "app", origin.address)
        .start();
    let failed = Client::connect(proxy.address).get("/", "X-Trap: request\r\n");
    let passed = get(proxy.address, "/");
    assert_eq!((failed.status, passed.status), (500, 503));
    let told = story(&proxy, &id(&passed));
    assert_eq!(hooks(&told), [["trap", "on-request", "quarantine", "quarantine"]]);
    assert_eq!((&told["reason"], &told["hooks"][0]["ms"]), (&"filter-overload".into(), &0.0.into()));
}

#[test]
fn pauses_and_resumes_are_told_with_what_lay_between() {
    let origin = Origin::text("served");
    let proxy = all()
        .guest("reader", "script", "config: { name: reader, request: pause, request_resumed: answer, status: 422 }")
        .route("/*", "app", origin.address)
        .start();
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    proxy.log.wait("called reader request ");
    client.send("dy");
    let told = story(&proxy, &id(&client.reply()));
    assert_eq!(
        hooks(&told),
        [
            ["reader", "on-request", "pause", ""],
            ["reader", "on-resume", "answer", "scripted"],
            ["reader", "on-complete", "next", ""],
        ]
    );
    let at = |hook: usize| told["hooks"][hook]["at_ms"].as_f64().unwrap();
    assert!(at(1) > at(0));

    // A client that leaves in between.
    let mut client = Client::connect(proxy.address);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    proxy.log.wait_many("called reader request ", 2);
    drop(client);
    let id = proxy.record(2)["exchange"].as_str().unwrap().to_owned();
    let told = story(&proxy, &id);
    assert_eq!(
        hooks(&told)[..2],
        [["reader", "on-request", "pause", ""], ["reader", "on-resume", "answer", "scripted"]]
    );
}

#[test]
fn who_leaves_while_a_filter_or_the_upstream_is_waited_for_is_told() {
    let silent = Origin::raw(|_, stream| stream.read(&mut [0]).is_ok_and(|length| length > 0));
    let proxy =
        asked("").guest("asker", "asker", "config: { upstream: app }").route("/*", "app", silent.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET /a HTTP/1.1\r\nHost: a\r\nX-Ask: /b\r\n\r\n");
    assert_eq!(silent.next().line, "GET /b HTTP/1.1");
    drop(client);
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    let told = story(&proxy, &id);
    assert_eq!(hooks(&told), [["asker", "on-request", "unfinished", ""]]);
    assert_eq!((&told["status"], &told["by"], &told["ended"]), (&Value::Null, &"client".into(), &"client-gone".into()));
    let (_, said) = why(&proxy, &[&id]);
    assert!(said.contains("no answer, the client had gone") && said.contains("when the exchange ended"), "{said}");

    let mut client = Client::connect(proxy.address);
    client.send("GET /c HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(silent.next().line, "GET /c HTTP/1.1");
    drop(client);
    let id = proxy.record(2)["exchange"].as_str().unwrap().to_owned();
    let told = story(&proxy, &id);
    let attempt = &told["upstream"]["attempts"][0];
    assert_eq!((&attempt["endpoint"], &attempt["ms"]), (&silent.address.to_string().into(), &Value::Null));
    assert!(why(&proxy, &[&id]).1.contains("did not answer before the exchange ended"));
}

#[test]
fn waiting_is_told_apart_from_working() {
    // Answers the filter's own request when the test says so.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let origin = Origin::raw(move |received, stream| {
        if received.line.contains("/b") {
            wait.lock().unwrap().recv().unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let proxy = all().guest("asker", "asker", "config: { upstream: app }").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET /a HTTP/1.1\r\nHost: a\r\nX-Ask: /b\r\n\r\n");
    origin.next();
    // Something that takes longer than what the filter does.
    let meanwhile = std::time::Instant::now();
    (0..5).for_each(|_| assert_eq!(run(weir().arg("schema")).0, 0));
    let meanwhile = meanwhile.elapsed().as_secs_f64() * 1e3;
    go.send(()).unwrap();
    assert_eq!(client.reply().status, 200);
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    let told = story(&proxy, &id);
    let hook = &told["hooks"][0];
    assert_eq!((&hook["filter"], &hook["flow"]), (&"asker".into(), &"next".into()));
    let is_apart = hook["waited_ms"].as_f64().unwrap() >= meanwhile && hook["ms"].as_f64().unwrap() < meanwhile;
    assert!(is_apart, "{meanwhile} ms between: {hook}");
}

#[test]
fn bodies_are_told_as_one_with_their_pieces() {
    let origin = Origin::text("so loud!");
    let proxy = all()
        .guest("watch", "pieces", "config: { on: response, observes: true }")
        .guest("keep", "pieces", "config: { on: request, act: refuse }")
        .guest("cut", "pieces", "except: [/whole, /in], config: { on: response, act: refuse }")
        .route("/*", "app", origin.address)
        .start();
    get(proxy.address, "/whole");
    let told = story(&proxy, proxy.record(1)["exchange"].as_str().unwrap());
    let watched = told["hooks"].as_array().unwrap().iter().find(|hook| hook["hook"] == "observe-response-chunk");
    let watched = watched.expect("the body's hook is told");
    assert_eq!((&watched["filter"], &watched["flow"]), (&"watch".into(), &"next".into()));
    assert!(watched["pieces"].as_u64().unwrap() >= 1);

    // The request's body is refused before there is a response.
    let mut client = Client::connect(proxy.address);
    client.send("POST /in HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nno!!");
    let reply = client.reply();
    let told = story(&proxy, &id(&reply));
    assert_eq!((reply.status, &told["by"], &told["reason"]), (400, &"keep".into(), &"too-loud".into()));
    assert!(hooks(&told).contains(&["keep", "on-request-chunk", "answer", "too-loud"]), "{told}");

    // The response's is cut off.
    let mut client = Client::connect(proxy.address);
    client.send("GET /out HTTP/1.1\r\nHost: a\r\n\r\n");
    let told = story(&proxy, proxy.record(3)["exchange"].as_str().unwrap());
    assert_eq!((&told["ended"], &told["reason"]), (&"filter-cut".into(), &"too-loud".into()));
    assert!(hooks(&told).contains(&["cut", "on-response-chunk", "answer", "too-loud"]), "{told}");
    assert!(why(&proxy, &[told["id"].as_str().unwrap()]).1.contains("cut short (filter-cut)"));
}

#[test]
fn a_response_that_breaks_off_is_told_with_how() {
    let origin = Origin::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        false
    });
    let proxy = asked("").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let told = story(&proxy, proxy.record(1)["exchange"].as_str().unwrap());
    assert_eq!((&told["status"], &told["ended"], &told["bytes"]), (&200.into(), &"upstream-broke".into(), &4.into()));
    assert!(told["detail"].as_str().unwrap().contains("ended before it was whole"), "{told}");
}

#[test]
fn exchanges_of_http_2_are_told_the_same() {
    let origin = Origin::text("served");
    let proxy = asked("")
        .guest("door", "answer", "except: /open, config: { status: 403, body: no }")
        .route("/open", "app", origin.address)
        .start();
    for (path, status, by, reason) in [("/a", 403, "door", "configured"), ("/open%5c", 400, "host", "bad-path")] {
        let mut curl = command("curl", "curl");
        curl.args(["-sS", "--http2-prior-knowledge", "--max-time", "20", "-i"]);
        let (_, said) = run(curl.arg(format!("http://{}{path}", proxy.address)));
        let id = said.lines().find_map(|line| line.strip_prefix("x-request-id: ")).expect("it is named").trim();
        let told = story(&proxy, id);
        assert_eq!((&told["status"], &told["by"], &told["reason"]), (&status.into(), &by.into(), &reason.into()));
        assert_eq!((&told["target"], &told["host"]), (&path.into(), &proxy.address.to_string().into()));
    }
}

#[test]
fn the_id_that_the_client_has_finds_the_story() {
    let origin = Origin::text("served");
    let proxy =
        all().main("trusted_proxies: [127.0.0.1]").filter("request-id").route("/*", "app", origin.address).start();
    let reply = Client::connect(proxy.address).get("/", "X-Request-Id: edge/7+a=b\r\n");
    assert_eq!(id(&reply), "edge/7+a=b");
    let told = ask_record(&proxy, 1, "edge%2F7+a=b");
    assert_eq!((&told["request_id"], told["id"].as_str().map(str::len)), (&"edge/7+a=b".into(), Some(32)));
    // What the filter noted is told.
    assert_eq!(hooks(&told)[0], ["request-id", "on-request", "next", "continued"]);
    let (code, said) = why(&proxy, &["edge/7+a=b"]);
    assert!(code == 0 && said.contains("(x-request-id edge/7+a=b)"), "{said}");
    // A filter's answer bears the id that a filter put there, and no other.
    let refusing = all()
        .main("trusted_proxies: [127.0.0.1]")
        .filter("request-id")
        .guest("door", "answer", "config: { status: 401 }")
        .start();
    let reply = Client::connect(refusing.address).get("/", "X-Request-Id: edge-8\r\n");
    assert_eq!((reply.status, reply.values("x-request-id")), (401, vec!["edge-8"]));
    assert_eq!(ask_record(&refusing, 1, "edge-8")["by"], "door");
    // Without a proxy to be trusted it is the exchange's own.
    let proxy = all().filter("request-id").guest("door", "answer", "config: { status: 401 }").start();
    let reply = Client::connect(proxy.address).get("/", "X-Request-Id: forged\r\n");
    assert_eq!(reply.values("x-request-id").len(), 1);
    let told = ask_record(&proxy, 1, &id(&reply));
    assert_eq!((&told["id"], &told["request_id"]), (&id(&reply).into(), &Value::Null));
}

fn ask_record(proxy: &Proxy, count: usize, id: &str) -> Value {
    proxy.record(count);
    let (status, told) = ask(proxy, &format!("/why/{id}"));
    assert_eq!(status, 200, "{told}");
    told["stories"][0].clone()
}

#[test]
fn of_what_went_well_one_in_so_many_is_kept() {
    let origin = Origin::text("served");
    let proxy = asked("why: { sample: 5 }").route("/*", "app", origin.address).start();
    let mut client = Client::connect(proxy.address);
    (0..20).for_each(|_| assert_eq!(client.get("/", "").status, 200));
    proxy.record(20);
    let (_, told) = ask(&proxy, "/why?last=100");
    assert_eq!((told["stories"].as_array().map(Vec::len), &told["kept"]["sampled"]), (Some(4), &4.into()));

    let proxy = asked("why: { sample: 0 }").route("/*", "app", origin.address).start();
    assert_eq!(get(proxy.address, "/").status, 200);
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    assert_eq!(ask(&proxy, &format!("/why/{id}")).0, 404);
    let (code, said) = why(&proxy, &[&id]);
    assert!(
        code == 1
            && said.contains("no story of this")
            && said.contains("none is kept (`why: { sample: 1 }` keeps all)"),
        "{said}"
    );
}

#[test]
fn a_flood_of_one_refusal_does_not_hide_another() {
    let origin = Origin::text("served");
    let proxy = asked("why: { keep: 10, sample: 1 }")
        .guest("door", "answer", "except: [/open, /nowhere], config: { status: 403, body: no }")
        .route("/open", "app", origin.address)
        .start();
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "").status, 403);
    assert_eq!(client.get("/open", "").status, 200);
    let flood = 300;
    (0..flood).for_each(|_| assert_eq!(client.get("/nowhere", "").status, 404));
    let newest = proxy.record(flood + 2)["exchange"].clone();
    let (_, told) = ask(&proxy, "/why?last=100");
    let stories = told["stories"].as_array().unwrap();
    let of = |status: u16| stories.iter().filter(|story| story["status"] == status).count();
    assert_eq!((of(404), of(403), of(200)), (9, 1, 1));
    assert_eq!(stories[0]["id"], newest);
    assert_eq!((&told["kept"]["refused_or_failed"], &told["kept"]["gone"]), (&10.into(), &291.into()));
    for (query, count) in
        [("status=403", 1), ("status=4xx", 10), ("by=door", 1), ("reason=no-route", 9), ("by=upstream", 1)]
    {
        let (_, told) = ask(&proxy, &format!("/why?last=100&{query}"));
        assert_eq!(told["stories"].as_array().map(Vec::len), Some(count), "{query}");
    }
}

#[test]
fn lines_are_those_of_the_configuration_that_served() {
    let origin = Origin::text("served");
    let builder = asked("").guest("door", "answer", "config: { status: 403 }").route("/*", "app", origin.address);
    let proxy = builder.start();
    let before = id(&get(proxy.address, "/"));
    let moved = asked("\n\n").guest("door", "answer", "config: { status: 403 }").route("/*", "app", origin.address);
    proxy.write(&moved);
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    let after = id(&get(proxy.address, "/"));
    for (id, builder) in [(before, builder), (after, moved)] {
        let told = story(&proxy, &id);
        let wanted = line(&builder, "plugin: door,");
        assert!(told["chain"][0]["line"].as_str().unwrap().ends_with(&wanted), "{told} is not {wanted}");
    }
}

#[test]
fn stories_stay_when_their_worker_goes() {
    let with =
        |workers: u8| Proxy::builder().top(&format!("workers: {workers}")).top("admin: { address: \"127.0.0.1:0\" }");
    let proxy = with(2).start();
    // Each connection is another worker's.
    let (mut one, mut other) = (Client::connect(proxy.address), Client::connect(proxy.address));
    let ids = [id(&one.get("/", "")), id(&other.get("/", ""))];
    assert_ne!(ids[0][..16], ids[1][..16]);
    proxy.write(&with(1));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    for id in ids {
        assert_eq!(story(&proxy, &id)["reason"], "no-route");
    }
}

#[test]
fn no_story_holds_a_header_or_a_secret() {
    let origin = Origin::raw(|_, stream| {
        stream.write_all(b"HTTP/1.1 500 No\r\nSet-Cookie: hidden-reply\r\nContent-Length: 0\r\n\r\n").is_ok()
    });
    let proxy = all().filter("request-id").route("/*", "app", origin.address).start();
    let fields = "Authorization: Bearer hidden-token\r\nCookie: hidden-cookie\r\nX-Api-Key: hidden-key\r\n";
    let id = id(&Client::connect(proxy.address).get("/", fields));
    let told = story(&proxy, &id);
    assert_eq!((&told["status"], &told["by"]), (&500.into(), &"upstream".into()));
    let (_, said) = why(&proxy, &[&id]);
    assert!(!told.to_string().contains("hidden") && !said.contains("hidden"), "{told}\n{said}");
}

#[test]
fn long_requests_are_cut_and_what_a_terminal_would_obey_is_escaped() {
    let proxy = asked("").start();
    let path = format!("/{}", "a".repeat(8000));
    let told = story(&proxy, &id(&get(proxy.address, &path)));
    let target = told["target"].as_str().unwrap();
    assert!(target.len() < 2100 && target.ends_with("..."), "{}", target.len());
    let mut client = Client::connect(proxy.address);
    client.send(b"GET /\xc2\x9b31m HTTP/1.1\r\nHost: a\r\n\r\n");
    let id = id(&client.reply());
    proxy.access.wait(&id);
    let (_, said) = why(&proxy, &[&id]);
    assert!(!said.contains('\u{9b}'), "{said:?}");
}

#[test]
fn why_is_answered_in_words_and_as_json() {
    let proxy = asked("").guest("door", "answer", "config: { status: 403, body: no }").start();
    let (code, said) = why(&proxy, &["last"]);
    assert!(code == 1 && said.contains("nothing was refused and nothing failed"), "{said}");
    let (first, second) = (id(&get(proxy.address, "/one")), id(&get(proxy.address, "/two")));
    proxy.access.wait(&second);
    let (code, said) = why(&proxy, &["last"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.starts_with("403 by `door` (configured): GET test.example/two for 127.0.0.1, "), "{said}");
    assert!(said.contains(&second) && !said.contains(&first), "{said}");
    let (code, said) = why(&proxy, &["last", "5"]);
    let lines: Vec<&str> = said.lines().collect();
    assert!(code == 0 && lines.len() == 2 && lines[0].contains(&second) && lines[1].contains(&first), "{said}");
    let (code, said) = why(&proxy, &[&first, "--json"]);
    let told: Value = serde_json::from_str(&said).expect("it is JSON");
    assert_eq!((code, &told["stories"][0]["id"]), (0, &first.into()));
    for (arguments, code, words) in [
        (&["abc"][..], 1, "no story of this exchange is kept"),
        (&["last", "--by", "nobody"], 1, "none of the 2 stories that are kept is such a one"),
        (&["last", "--status", "4"], 2, "`4` is no status; write 403, or 4xx"),
        (&["abc", "--by", "door"], 2, "an id names one exchange"),
        (&["abc", "3"], 2, "an id names one exchange"),
        (&["last", "0"], 2, "0 is not in 1..=1000"),
    ] {
        let (exit, said) = why(&proxy, arguments);
        assert!(exit == code && said.contains(words), "{arguments:?}: {exit} {said}");
    }
    let (code, said) = run(weir().args(["why", "--help"]));
    assert!(code == 0 && said.contains("Example: weir why last --status 403"), "{said}");
}

#[test]
fn nothing_is_kept_where_the_file_says_so_until_a_reload() {
    let proxy = asked("why: none").start();
    let id = id(&get(proxy.address, "/"));
    proxy.access.wait(&id);
    let (code, said) = why(&proxy, &[&id]);
    assert!(code == 1 && said.contains("the configuration has `why: none`"), "{said}");
    assert!(why(&proxy, &["last"]).1.contains("nothing is kept: the configuration has `why: none`"));
    proxy.write(&asked("why: { keep: 5 }"));
    proxy.signal("HUP");
    proxy.log.wait("is reloaded");
    let id = self::id(&get(proxy.address, "/"));
    assert_eq!(story(&proxy, &id)["reason"], "no-route");
    proxy.write(&asked("why: none"));
    proxy.signal("HUP");
    proxy.log.wait_many("is reloaded", 2);
    assert_eq!(ask(&proxy, &format!("/why/{id}")).0, 404);
}
