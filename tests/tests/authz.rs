//! `authz` in the running proxy, with a policy server that is a process of its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use serde_json::{Value, json};
use weir_tests::{Authority, Client, Issuer, Origin, Proxy, ProxyBuilder, Reply, Scrape, get, until, weir};

/// A proxy on two workers before an upstream that says that it served. Variables are what clients say in `x-var`.
fn proxy(entry: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("served\n");
    let builder = Proxy::builder()
        .top("workers: 2")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .plugin("identity", "identity", "grants: { vars: [user., auth.] }")
        .filter("identity")
        .filter(&format!("{{ plugin: authz, {entry} }}"));
    (build(builder).route("/*", "app", origin.address).start(), origin)
}

/// A request of this method and path, by somebody with these variables.
fn ask(proxy: &Proxy, method: &str, path: &str, vars: &[(&str, &str)], more: &str) -> Reply {
    let vars: String = vars.iter().map(|(name, value)| format!("X-Var: {name}={value}\r\n")).collect();
    let mut client = Client::connect(proxy.address);
    client.send(format!("{method} {path} HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\n{vars}{more}\r\n"));
    client.reply()
}

const ADA: &[(&str, &str)] = &[("user.id", "ada"), ("auth.roles", "[\"user\"]")];

/// What a policy endpoint is asked about, in the order of the questions.
fn questions(issuer: &Issuer, count: usize) -> Vec<Value> {
    let asked = issuer.requests("/authorize", count);
    asked.iter().map(|request| serde_json::from_str(request["body"].as_str().unwrap()).unwrap()).collect()
}

fn with_policy(issuer: &Issuer, more: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let entry = format!("config: {{ endpoint: {{ upstream: policy, path: /authorize{more} }} }}");
    proxy(&entry, |builder| build(builder.upstream("policy", &issuer.upstream())))
}

#[test]
fn rules_decide_by_roles_methods_and_paths() {
    let rules = "rules: [{ name: users, roles: [user], methods: [GET], paths: [/docs/*, '/users/{user.id}/*'] }, \
                 { name: closed, deny: true, paths: [/docs/secret/*] }]";
    let (proxy, origin) = proxy(&format!("config: {{ {rules} }}"), |builder| builder);
    let mut served = 0;
    for (method, path, vars, status) in [
        ("GET", "/docs/a", ADA, 200),
        ("HEAD", "/docs", ADA, 200),
        ("PUT", "/docs/a", ADA, 403),
        ("GET", "/docs/secret/a", ADA, 403),
        ("GET", "/docs/%73ecret", ADA, 403),
        ("GET", "/docs/x/../secret/", ADA, 403),
        ("GET", "/users/ada/mail", ADA, 200),
        ("GET", "/users/bob/mail", ADA, 403),
        ("GET", "/docs/a", &[], 403),
        ("GET", "/docs/a", &[("auth.roles", "[\"guest\"]"), ("auth.role", "user")], 200),
    ] {
        let mut client = Client::connect(proxy.address);
        let vars: String = vars.iter().map(|(name, value)| format!("X-Var: {name}={value}\r\n")).collect();
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: test.example\r\n{vars}\r\n"));
        // A HEAD's answer has a length and no body.
        assert_eq!(client.head().0, status, "{method} {path}");
        served += usize::from(status == 200);
        assert_eq!(origin.arrived().len(), usize::from(status == 200), "{method} {path}");
    }
    assert_eq!(served, 4);
}

#[test]
fn no_spelling_of_a_path_gets_to_what_is_denied() {
    // A site that lets through what it can, before a server that is said to read it in any way.
    let origin = Origin::text("served\n");
    let proxy = Proxy::of(
        &format!(
            "version: 1\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\nsites:\n  - \
             paths: {{ encoded_slash: keep, merge_slashes: false }}\n    chain:\n      - plugin: authz\n        \
             config: {{ default: allow, rules: [{{ deny: true, paths: [/admin/*] }}] }}\n    routes:\n      - \
             {{ path: /*, upstream: \"http://{}\" }}\n      - \
             {{ path: /api/*, upstream: \"http://{}\", strip_prefix: true }}\n",
            origin.address, origin.address
        ),
        &[],
    );
    for path in [
        "/admin",
        "/admin/",
        "/ADMIN/a",
        "/%61dmin",
        "//admin/a",
        "/./admin",
        "/x/../admin",
        "/x/%2e%2e/admin",
        "/admin%2fa",
        "/admin%2Fa",
        "/x/..%2fadmin",
        "/x%2f..%2fadmin",
        "/admin;a/b",
        "/;/admin",
        "/x/..;/admin",
        "/x/..;a=b/admin",
        "/%2561dmin",
        "/%252e/admin",
        "/x/%252e%252e/admin",
        "/admin%3fa",
        "/admin%23a",
        "/admin.",
        "/admin%20",
        "/admin%2e",
        "/x/%c0%ae%c0%ae/admin",
        "/x/..%5cadmin",
        "/x\\..\\admin",
        "/admin%00",
        "/admin%0a",
        "/admin/%",
        "/%u0061dmin",
    ] {
        let reply = get(proxy.address, path);
        assert!([400, 403].contains(&reply.status), "{path}: {reply:?}");
        assert_eq!(origin.arrived().len(), 0, "{path}");
    }
    for path in ["/", "/administration", "/a%2Fb", "/a;b", "/caf%C3%A9", "/100%25", "/api/admin", "/wiki/What%3F"] {
        assert_eq!(get(proxy.address, path).status, 200, "{path}");
        assert_eq!(origin.arrived().len(), 1, "{path}");
    }
}

#[test]
fn rules_look_at_what_the_client_asked_for() {
    let origin = Origin::text("served\n");
    let config = "{ plugin: authz, config: { rules: [{ paths: [/api/open/*] }] } }";
    let proxy = Proxy::builder()
        .filter(config)
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/api/*", "app", "strip_prefix: true")
        .route_to("/*", "app", "name: rest")
        .start();
    assert_eq!(get(proxy.address, "/api/open/a").status, 200);
    assert!(origin.next().line.starts_with("GET /open/a "));
    assert_eq!((get(proxy.address, "/open/a").status, get(proxy.address, "/api/closed").status), (403, 403));
}

#[test]
fn a_thousand_rules_serve_and_long_paths_harm_nobody() {
    let rules: Vec<String> = (0..1000)
        .map(|number| {
            format!("{{ roles: [role-{}], paths: ['/service-{number}/*', '/{{user.id}}/{number}'] }}", number % 50)
        })
        .collect();
    let rules = format!("{}, {{ deny: true, paths: [/service-7/x] }}", rules.join(", "));
    let (proxy, origin) = proxy(&format!("config: {{ rules: [{rules}] }}"), |builder| builder);
    let ada: &[(&str, &str)] = &[("user.id", "ada"), ("auth.roles", "[\"role-7\",\"user\"]")];
    for (path, status) in [
        ("/service-7/a", 200),
        ("/service-957/a/b", 200),
        ("/ada/507", 200),
        ("/service-8/a", 403),
        ("/ada/508", 403),
        ("/service-7/x", 403),
        (&format!("/service-7{}", "/a".repeat(14_000)), 200),
        (&format!("/service-8{}", "/a".repeat(14_000)), 403),
        (&format!("/service-7{}", "/a;b".repeat(2_000)), 200),
        (&format!("/service-7{}", "/a;b".repeat(7_000)), 400),
        (&format!("/service-7/{}", "%25".repeat(9_000)), 400),
    ] {
        assert_eq!(ask(&proxy, "GET", path, ada, "").status, status, "{}", &path[..path.len().min(40)]);
    }
    assert_eq!(origin.arrived().len(), 5);
}

#[test]
fn records_stories_and_metrics_say_which_rule_decided() {
    let config =
        "config: { rules: [{ name: readers, methods: [GET] }, { name: closed, deny: true, paths: [/closed] }] }";
    let (proxy, _origin) = proxy(config, |builder| builder.top("why: { sample: 1 }"));
    for (path, method, status, reason, detail) in [
        ("/closed", "GET", 403, "denied", "the rule `closed` denies it"),
        ("/a", "PUT", 403, "no-rule", "no rule allows PUT by user"),
        ("/a/..;/b", "GET", 400, "ambiguous-path", "a segment can be read as `.` or `..`"),
    ] {
        let reply = ask(&proxy, method, path, ADA, "");
        assert_eq!(reply.status, status, "{path}");
        assert!(!reply.text().contains("rule") && !reply.text().contains("closed"), "{reply:?}");
        assert_eq!((reply.header("cache-control"), reply.header("www-authenticate")), (Some("no-store"), None));
        let id = reply.header("x-request-id").unwrap().to_owned();
        let record: Value = serde_json::from_str(&proxy.access.wait(&id)).unwrap();
        assert_eq!((record["reason"].as_str(), record["detail"].as_str()), (Some(reason), Some(detail)), "{record}");
        assert!(why(&proxy, &id).contains(&format!("answer ({reason})")), "{}", why(&proxy, &id));
    }
    ask(&proxy, "GET", "/a", ADA, "");
    proxy.record(4);
    let told = why(&proxy, "last");
    assert!(told.contains("next (readers)"), "{told}");
    let figures = Scrape::of(&proxy.log).now();
    for reason in ["denied", "no-rule", "ambiguous-path"] {
        assert_eq!(
            figures.sum("weir_filter_answers_total", &[("filter", "authz"), ("reason", reason)]),
            1.0,
            "{reason}"
        );
    }
}

fn why(proxy: &Proxy, which: &str) -> String {
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    let admin = format!("http://{}", line["address"].as_str().unwrap());
    let output = weir().args(["why", which, "--admin", &admin]).output().unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn who_is_nobody_is_challenged_where_there_is_a_challenge() {
    let config = "config: { rules: [{ roles: [admin] }], challenge: 'Bearer realm=\"api\"' }";
    let (proxy, _origin) = proxy(config, |builder| builder);
    let nobody = ask(&proxy, "GET", "/", &[], "");
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, Some("Bearer realm=\"api\"")));
    let ada = ask(&proxy, "GET", "/", ADA, "");
    assert_eq!((ada.status, ada.header("www-authenticate"), ada.text().as_str()), (403, None, "Forbidden\n"));
}

#[test]
fn a_policy_server_decides_over_plain_connections_and_tls() {
    let authority = Authority::new();
    for issuer in [Issuer::start(), Issuer::over_tls(&authority)] {
        issuer.answer("/authorize", &json!({ "when": "\"ada\"", "json": { "allow": true } }));
        let (proxy, origin) =
            with_policy(&issuer, ", send: { vars: [user.id, auth.roles], query: true }", |builder| builder);
        assert_eq!(ask(&proxy, "PUT", "/a/%62?c=d", ADA, "").status, 200);
        assert_eq!(ask(&proxy, "GET", "/", &[("user.id", "bob")], "").status, 403);
        assert_eq!(origin.arrived().len(), 1);
        let asked = questions(&issuer, 2);
        assert_eq!(asked[0]["request"]["method"], "PUT");
        assert_eq!(asked[0]["request"]["path"], "/a/b");
        assert_eq!(asked[0]["request"]["query"], "c=d");
        assert_eq!(asked[0]["vars"], json!({ "user.id": "ada", "auth.roles": ["user"] }));
        assert_eq!(asked[1]["vars"], json!({ "user.id": "bob" }));
        proxy.access.wait("\"policy-denied\"");
    }
}

#[test]
fn without_a_decision_nothing_goes_on_until_there_is_one() {
    let issuer = Issuer::start();
    let (proxy, origin) = with_policy(&issuer, ", timeout: 300ms", |builder| builder);
    for how in [
        json!({ "hold": true }),
        json!({ "hang_up": true }),
        json!({ "status": 500, "json": { "allow": true } }),
        json!({ "status": 302, "json": { "allow": true } }),
        json!({ "text": "<h1>It works!</h1>" }),
        json!({ "huge": 100_000 }),
        json!({ "json": [] }),
        json!({ "json": { "allow": "yes" } }),
    ] {
        issuer.answer("/authorize", &how);
        let reply = ask(&proxy, "GET", "/", ADA, "");
        assert_eq!(
            (reply.status, reply.header("retry-after"), reply.text().as_str()),
            (503, Some("1"), "Not available now\n"),
            "{how}"
        );
        issuer.mend("/authorize");
    }
    let late = proxy.access.wait("ended so: timed-out");
    assert!(late.contains("policy-failed"), "{late}");
    assert_eq!(origin.arrived().len(), 0);
    issuer.answer("/authorize", &json!({ "json": { "result": true } }));
    assert_eq!(ask(&proxy, "GET", "/", ADA, "").status, 200);
    drop(issuer);
    assert_eq!(ask(&proxy, "GET", "/", ADA, "").status, 503);
    let figures = Scrape::of(&proxy.log).now();
    assert_eq!(figures.sum("weir_plugin_authz_policy_total", &[("decision", "failed")]), 9.0);
    assert_eq!(figures.sum("weir_plugin_authz_policy_total", &[("decision", "allowed"), ("from", "endpoint")]), 1.0);
}

#[test]
fn headers_of_decisions_are_merged_and_nobody_can_forge_them() {
    let issuer = Issuer::start();
    let headers = json!({ "X-Plan": "gold", "x-other": "1", "x-why": "quota" });
    issuer.answer("/authorize", &json!({ "json": { "allow": false, "headers": headers, "reason": "over its quota" } }));
    issuer.answer("/authorize", &json!({ "when": "/yes", "json": { "allow": true, "headers": headers } }));
    issuer.answer("/authorize", &json!({ "when": "/bare", "json": { "allow": true } }));
    let origin = Origin::text("served\n");
    let config = "endpoint: { upstream: policy, path: /authorize, forward_headers: [x-plan], answer_headers: [x-why] }";
    let proxy = Proxy::builder()
        .filter(&format!("{{ plugin: authz, except: [/free/*], config: {{ {config} }} }}"))
        .upstream("policy", &issuer.upstream())
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/*", "app", "name: all")
        .route_to("/out/*", "app", "without: [authz]")
        .route_to("/none/*", "app", "chain: none")
        .start();
    let forged = "X-Plan: forged\r\nx_plan: forged\r\nX-Why: mine\r\n";
    for (path, plan) in
        [("/yes", Some("gold")), ("/bare", None), ("/free/a", None), ("/out/a", None), ("/none/a", None)]
    {
        assert_eq!(Client::connect(proxy.address).get(path, forged).status, 200, "{path}");
        let received = origin.next();
        assert_eq!((received.values("x-plan"), received.header("x_plan")), (Vec::from_iter(plan), None), "{path}");
        assert_eq!((received.header("x-why"), received.header("x-other")), (Some("mine"), None), "{path}");
    }
    let reply = Client::connect(proxy.address).get("/no", forged);
    assert_eq!((reply.status, reply.header("x-why"), reply.header("x-plan")), (403, Some("quota"), None));
    proxy.access.wait("\"the policy endpoint denies it: over its quota\"");
}

#[test]
fn a_hundred_equal_questions_are_asked_once_over_all_workers() {
    let issuer = Issuer::start();
    issuer.answer(
        "/authorize",
        &json!({ "hold": true, "json": { "allow": true }, "fields": { "Cache-Control": "max-age=60" } }),
    );
    let entry = "limits: { instances: 100, wait: 30s }, \
                 config: { endpoint: { upstream: policy, path: /authorize, timeout: 30s } }";
    let (proxy, origin) = proxy(entry, |builder| builder.upstream("policy", &issuer.upstream()));
    let head = "GET /a HTTP/1.1\r\nHost: test.example\r\nX-Var: user.id=ada\r\nConnection: close\r\n\r\n";
    let mut clients: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut client = TcpStream::connect(proxy.address).unwrap();
            client.write_all(head.as_bytes()).unwrap();
            client
        })
        .collect();
    issuer.requests("/authorize", 1);
    let scrape = Scrape::of(&proxy.log);
    until("all of them wait", || scrape.now().sum("weir_filter_instances_busy", &[("filter", "authz")]) >= 100.0);
    assert_eq!((issuer.count("/authorize"), origin.arrived().len()), (1, 0));
    issuer.mend("/authorize");
    for client in &mut clients {
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    }
    assert_eq!(issuer.count("/authorize"), 1);
}

#[test]
fn decisions_are_kept_for_all_workers_as_long_as_they_say() {
    let issuer = Issuer::start();
    let kept = json!({ "Cache-Control": "max-age=600" });
    issuer.answer("/authorize", &json!({ "json": { "allow": false }, "fields": kept }));
    issuer.answer(
        "/authorize",
        &json!({ "when": "\"ada\"", "json": { "allow": true, "headers": { "x-plan": "gold" } }, "fields": kept }),
    );
    issuer.answer(
        "/authorize",
        &json!({ "when": "\"bob\"", "json": { "allow": true }, "fields": { "Cache-Control": "no-store" } }),
    );
    let (proxy, origin) = with_policy(&issuer, ", forward_headers: [x-plan]", |builder| builder);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| ask(&proxy, "GET", "/", ADA, ""));
        }
    });
    let asked = issuer.count("/authorize");
    for _ in 0..20 {
        assert_eq!(ask(&proxy, "GET", "/", ADA, "X-Plan: forged\r\n").status, 200);
    }
    // Nobody asked again since the decision is there.
    assert_eq!(issuer.count("/authorize"), asked);
    assert!(origin.arrived().iter().all(|received| received.values("x-plan") == ["gold"]));
    for (user, status, more) in [("bob", 200, 3), ("eve", 403, 1)] {
        let before = issuer.count("/authorize");
        for _ in 0..3 {
            assert_eq!(ask(&proxy, "GET", "/", &[("user.id", user)], "").status, status);
        }
        assert_eq!(issuer.count("/authorize") - before, more, "{user}");
    }
    let figures = Scrape::of(&proxy.log).now();
    assert!(figures.sum("weir_plugin_authz_policy_total", &[("decision", "allowed"), ("from", "cache")]) >= 20.0);
    assert_eq!(figures.sum("weir_plugin_authz_policy_total", &[("decision", "denied"), ("from", "cache")]), 2.0);
}

#[test]
fn faults_are_shown_at_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weir.yaml");
    let text = "version: 1\nlisteners: { main: { address: \"127.0.0.1:0\" } }\nsites:\n  - chain:\n      - plugin: authz\n        \
                config:\n          rules:\n            - { paths: [/docs/*.pdf] }\n            - { roles: [a], deny: true, allow: true }\n    routes: []\n";
    std::fs::write(&file, text).unwrap();
    let output = weir().args(["validate", "-c"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("weir.yaml:8:25") && said.contains("weir.yaml:9:"), "{said}");
    assert!(said.contains("within a segment") && said.contains("either allows or denies"), "{said}");
}
