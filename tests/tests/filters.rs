//! Filters in the running proxy: order, what they can do, and how they fail.

use weir_tests::{Client, Origin, Proxy, ProxyBuilder, get, weir};

fn with(build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream\n");
    let proxy = build(Proxy::builder().top("workers: 1")).route("/*", "app", origin.address).start();
    (proxy, origin)
}

#[test]
fn request_id_names_the_exchange_to_both_ends() {
    let (proxy, origin) = with(|proxy| proxy.filter("request-id"));
    let reply = Client::connect(proxy.address).get("/", "X-Request-Id: forged\r\n");
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    assert_eq!((id.len(), reply.header("x-request-id")), (32, Some(id.as_str())));
    assert_eq!(origin.next().values("x-request-id"), [id.as_str()]);
    assert_ne!(get(proxy.address, "/").header("x-request-id"), Some(id.as_str()));
}

#[test]
fn request_id_uses_the_configured_names_or_none() {
    let (proxy, origin) = with(|proxy| {
        proxy.filter("{ plugin: request-id, config: { request_header: x-trace, response_header: null } }")
    });
    let reply = get(proxy.address, "/");
    assert_eq!(reply.header("x-request-id"), None);
    let received = origin.next();
    assert_eq!((received.header("x-trace").map(str::len), received.header("x-request-id")), (Some(32), None));
}

#[test]
fn the_chain_is_an_onion() {
    let (proxy, origin) = with(|proxy| {
        proxy.guest("outer", "mark", "config: { name: outer }").guest("inner", "mark", "config: { name: inner }")
    });
    let reply = get(proxy.address, "/");
    assert_eq!(origin.next().values("x-mark"), ["outer", "inner"]);
    assert_eq!(reply.values("x-mark"), ["inner", "outer"]);
}

#[test]
fn an_answer_goes_back_through_the_filters_before_it_only() {
    let (proxy, origin) = with(|proxy| {
        proxy
            .guest("outer", "mark", "config: { name: outer }")
            .guest("door", "answer", "config: { status: 403, body: no }")
            .guest("inner", "mark", "config: { name: inner }")
    });
    let reply = get(proxy.address, "/");
    assert_eq!((reply.status, reply.text().as_str(), reply.values("x-mark")), (403, "no", vec!["outer"]));
    assert!(origin.arrived().is_empty());
    let record = proxy.record(1);
    assert_eq!(
        (record["by"].as_str(), record["reason"].as_str(), record["detail"].as_str()),
        (Some("door"), Some("configured"), Some("as configured"))
    );
    assert!(!format!("{reply:?}").contains("configured"), "the reason reached the client");
}

#[test]
fn a_response_can_be_replaced() {
    let (proxy, _) = with(|proxy| {
        proxy.guest("outer", "mark", "config: { name: outer }").guest(
            "late",
            "answer",
            "config: { status: 451, body: gone, on_response: true }",
        )
    });
    let mut client = Client::connect(proxy.address);
    for _ in 0..2 {
        let reply = client.get("/", "");
        assert_eq!((reply.status, reply.text().as_str(), reply.values("x-mark")), (451, "gone", vec!["outer"]));
    }
    assert_eq!(proxy.record(1)["by"], "late");
}

#[test]
fn hosts_own_answers_pass_the_chain() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder()
        .guest("mark", "mark", "config: { name: seen }")
        .route("/down/*", "down", ([127, 0, 0, 1], 1).into())
        .route("/up/*", "up", origin.address)
        .start();
    for (path, status) in [("/down/", 502), ("/nowhere", 404)] {
        let reply = get(proxy.address, path);
        assert_eq!((reply.status, reply.values("x-mark")), (status, vec!["seen"]), "{path}");
    }
}

#[test]
fn what_a_filter_sees_and_may_do() {
    let (proxy, origin) = with(|proxy| proxy.guest("probe", "probe", ""));
    let reply = Client::connect(proxy.address).get("/p/q?r=s", "X-Two: 1\r\nx-two: 2\r\n");
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    let id = format!("id {id}");
    let expected = [
        id.as_str(),
        "route /*",
        "client 127.0.0.1",
        "slot []",
        "method GET",
        "scheme http",
        "authority test.example",
        "path /p/q",
        "query Some(\"r=s\")",
        "x-two [Ok(\"1\"), Ok(\"2\")]",
        "x-none None",
        "first-two 2",
        "split invalid-value",
        "bad-name invalid-name",
        "length forbidden",
        "host forbidden",
        "long too-large",
        "slot-long too-large",
        "set done",
    ];
    assert_eq!(reply.values("x-probe"), expected);
    for (name, value) in [
        ("x-late-edit", "wrong-hook"),
        ("x-source", "Origin::Upstream"),
        ("x-status", "200"),
        ("x-asked", "/p/q"),
        ("x-no-body", "forbidden"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{name}");
    }
    let received = origin.next();
    assert_eq!(
        (received.header("x-set"), received.header("x-evil"), received.header("x-too-late")),
        (Some("by the probe"), None, None)
    );
    // One line of the log, whatever the filter writes into it.
    assert!(proxy.log.wait("a line").contains("a line\\\\nwith a break"));
}

#[test]
fn a_trap_harms_one_exchange() {
    let (proxy, origin) =
        with(|proxy| proxy.guest("mark", "mark", "config: { name: outer }").guest("fragile", "trap", ""));
    let mut client = Client::connect(proxy.address);
    for (asked, arrives) in [("request", false), ("response", true)] {
        let reply = client.get("/", &format!("X-Trap: {asked}\r\n"));
        assert_eq!((reply.status, reply.values("x-mark")), (500, vec!["outer"]), "{asked}");
        assert!(!reply.text().contains("fragile") && !reply.text().contains("asked to trap"), "{}", reply.text());
        assert_eq!(client.get("/", "").status, 200);
        assert_eq!(origin.arrived().len(), if arrives { 2 } else { 1 });
    }
    // The author finds the panic's message and place, the operator the filter's name.
    let panic = proxy.log.wait("asked to trap in on_request");
    assert!(panic.contains("trap.rs") && panic.contains("fragile"), "{panic}");
    let record = proxy.record(1);
    assert_eq!((record["reason"].as_str(), record["status"].as_u64()), (Some("filter-failed"), Some(500)));
    assert!(record["detail"].as_str().unwrap().contains("fragile"), "{record}");
}

#[test]
fn on_failure_open_goes_on_without_the_filter() {
    let (proxy, _) = with(|proxy| {
        proxy.guest("fragile", "trap", "on_failure: open").guest("mark", "mark", "config: { name: inner }")
    });
    for asked in ["request", "response"] {
        let reply = Client::connect(proxy.address).get("/", &format!("X-Trap: {asked}\r\n"));
        assert_eq!((reply.status, reply.values("x-mark")), (200, vec!["inner"]), "{asked}");
    }
    proxy.log.wait_many("it trapped", 2);
}

#[test]
fn an_endless_loop_ends_at_its_limit() {
    let (proxy, _) = with(|proxy| proxy.limited_guest("spin", "spin", "", "cpu: 30ms"));
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "X-Spin: yes\r\n").status, 500);
    assert_eq!(client.get("/", "").status, 200);
    proxy.log.wait("used more CPU time than its limit");
}

#[test]
fn memory_ends_at_its_limit_and_is_given_back() {
    let (proxy, _) = with(|proxy| proxy.limited_guest("hungry", "hungry", "", "memory: 8MiB"));
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "X-Eat: yes\r\n").status, 500);
    assert_eq!(client.get("/", "").text(), "0 MiB\n");
    proxy.log.wait("asked for more memory than its limit");
}

#[test]
fn endless_recursion_harms_one_exchange() {
    let (proxy, _) = with(|proxy| proxy.guest("recurse", "recurse", ""));
    let mut client = Client::connect(proxy.address);
    assert_eq!(client.get("/", "X-Recurse: yes\r\n").status, 500);
    assert_eq!(client.get("/", "").status, 200);
}

#[test]
fn stop_without_an_answer_is_a_failure() {
    let (proxy, origin) = with(|proxy| proxy.guest("stop", "stop", ""));
    assert_eq!(get(proxy.address, "/").status, 500);
    assert!(origin.arrived().is_empty());
    proxy.log.wait("`stop` without an answer");
}

#[test]
fn a_flood_of_log_lines_is_cut() {
    let (proxy, _) = with(|proxy| proxy.guest("flood", "flood", ""));
    assert_eq!(get(proxy.address, "/").status, 200);
    proxy.log.wait("more than 32 lines in one hook");
    let lines = proxy.log.so_far().iter().filter(|line| line.contains("\"flood")).count();
    assert!((32..=40).contains(&lines), "{lines}");
}

#[test]
fn a_component_that_imports_more_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = Proxy::builder().guest("greedy", "greedy", "").text("127.0.0.1:0");
    std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
    let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("`everything`") && said.contains("weir.yaml:"), "{said}");
}
