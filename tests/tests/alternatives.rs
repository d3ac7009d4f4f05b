//! Alternatives in a chain (`any_of`): the first that lets a request pass is enough, and the others leave nothing behind.

use std::io::Write;
use std::net::SocketAddr;

use serde_json::Value;
use weir_tests::{Client, Load, Origin, Proxy, ProxyBuilder, Reply, weir};

/// A proxy with badges to be alternatives, and one worker that tells every story.
fn badges() -> ProxyBuilder {
    Proxy::builder()
        .top("workers: 1")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("why: { sample: 1 }")
        .plugin("badge", "badge", "quarantine: off, grants: { vars: [user.] }")
        .plugin("vars", "vars", "grants: { vars: [user.] }")
        .plugin("mark", "mark", "")
}

/// An alternative of this name, with more of its config, and more of its entry.
fn badge(name: &str, config: &str, entry: &str) -> String {
    format!("{{ plugin: badge, name: {name}, config: {{ name: {name}, {config} }}, {entry} }}")
}

fn any_of(alternatives: &[String]) -> String {
    format!("{{ any_of: [{}] }}", alternatives.join(", "))
}

fn simple(names: &[&str]) -> String {
    any_of(&names.iter().map(|name| badge(name, "", "")).collect::<Vec<_>>())
}

fn start(builder: ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("from the upstream\n");
    (builder.route("/*", "app", origin.address).start(), origin)
}

/// A request with these badges.
fn show(proxy: &Proxy, badges: &str) -> Reply {
    Client::connect(proxy.address).get("/", &format!("X-Badge: {badges}\r\n"))
}

/// The same with a body, and one that traps.
fn post(address: SocketAddr, badges: &str, trap: &str) -> Reply {
    let mut client = Client::connect(address);
    let fields = format!("X-Badge: {badges}\r\nX-Trap: {trap}\r\nX-Secret: kept\r\nContent-Length: 4\r\n");
    client.send(format!("POST /asked?for=it HTTP/1.1\r\nHost: a.example\r\n{fields}\r\nbody"));
    client.reply()
}

fn admin(proxy: &Proxy) -> SocketAddr {
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    line["address"].as_str().unwrap().parse().unwrap()
}

fn ask(proxy: &Proxy, path: &str) -> String {
    let mut client = Client::connect(admin(proxy));
    client.send(format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"));
    client.reply().text()
}

/// What is behind this word in the log so far, once the last of these lines is there.
fn said(proxy: &Proxy, word: &str, last: &str) -> Vec<String> {
    proxy.log.wait(last);
    let lines = proxy.log.so_far();
    let of = |line: &String| Some(line.split_once(word)?.1.split('"').next()?.trim().to_owned());
    lines.iter().filter_map(of).collect()
}

#[test]
fn the_first_alternative_that_lets_pass_is_enough() {
    let (proxy, origin) = start(badges().filter(&simple(&["a", "b", "c"])));
    let reply = show(&proxy, "b");
    assert_eq!((reply.status, reply.values("x-badge")), (200, vec!["b"]), "only the winner sees the response");
    assert_eq!(reply.header("www-authenticate"), None);
    assert_eq!(origin.next().header("x-badge"), Some("b"));
    assert_eq!(said(&proxy, "turn of ", "complete b"), ["a", "b"], "what follows the winner is not asked");
    assert_eq!(said(&proxy, "complete ", "complete b"), ["b"], "and only it is told of the end");
    for (badges, asked) in [("a b c", "a"), ("c", "c"), ("b c", "b")] {
        assert_eq!(show(&proxy, badges).values("x-badge"), [asked], "{badges}");
    }
}

#[test]
fn without_a_winner_the_first_answer_goes_back() {
    let inner = badge("inner", "", "");
    let (proxy, origin) = start(
        badges()
            .filter("{ plugin: mark, config: { name: outer } }")
            .filter(&any_of(&[badge("a", "status: 403", ""), badge("b", "status: 401", "")]))
            .filter(&inner),
    );
    let reply = show(&proxy, "inner");
    assert_eq!((reply.status, reply.text()), (403, "a says no\n".to_owned()));
    assert_eq!((reply.values("x-mark"), reply.values("x-badge")), (vec!["outer"], vec![]));
    assert!(origin.arrived().is_empty());
    assert_eq!(said(&proxy, "turn of ", "complete a"), ["a", "b"]);
    assert_eq!(said(&proxy, "complete ", "complete a"), ["a"], "who answered is told of the end, the other is not");
    let record = proxy.record(1);
    let [by, reason, detail] = ["by", "reason", "detail"].map(|key| record[key].as_str().unwrap_or_default());
    assert_eq!((by, reason, detail), ("a", "no-a", "no badge"));
}

#[test]
fn a_client_is_told_every_challenge() {
    let challenges = |name, status: u16, all: &[&str]| {
        let all: Vec<String> = all.iter().map(|one| format!("'{one}'")).collect();
        badge(name, &format!("status: {status}, challenges: [{}]", all.join(", ")), "")
    };
    let group = |statuses: [u16; 3]| {
        any_of(&[
            challenges("a", statuses[0], &["Bearer realm=\"a\"", "DPoP algs=\"ES256\""]),
            challenges("b", statuses[1], &["Basic realm=\"b\"", "DPoP algs=\"ES256\""]),
            challenges("c", statuses[2], &["Key realm=\"c\""]),
        ])
    };
    let answers = |statuses| {
        let (proxy, _origin) = start(badges().filter(&group(statuses)));
        let reply = show(&proxy, "none");
        (reply.status, reply.values("www-authenticate").into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let (a, b, dpop, c) = ("Bearer realm=\"a\"", "Basic realm=\"b\"", "DPoP algs=\"ES256\"", "Key realm=\"c\"");
    let all = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    assert_eq!(answers([401, 401, 401]), (401, all(&[a, dpop, b, c])), "in order, none of them twice");
    assert_eq!(answers([401, 403, 401]), (401, all(&[a, dpop, c])), "who does not ask for credentials adds nothing");
    assert_eq!(answers([403, 401, 401]), (403, all(&[a, dpop])));
}

/// An upstream that says what it got.
fn telling() -> Origin {
    Origin::raw(|received, stream| {
        let body = received.whole(stream);
        let fields = ["x-left", "x-user", "x-secret", "x-var", "content-encoding"];
        let fields = fields.map(|name| format!("{name} {:?}", received.values(name)));
        let text = format!("{} {} {}", received.line, fields.join(" "), String::from_utf8_lossy(&body));
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
        stream.write_all((head + &text).as_bytes()).is_ok()
    })
}

fn start_telling(builder: ProxyBuilder) -> (Proxy, Origin) {
    let origin = telling();
    (builder.route("/*", "app", origin.address).start(), origin)
}

/// All that an alternative may do to a request.
const ALL: &str = "fields, vars, body, pieces, coding, target";

#[test]
fn who_is_set_aside_leaves_nothing_behind() {
    let shows = "{ plugin: vars, config: { show: [user.id, user.a, user.before] } }";
    let sets = "{ plugin: vars, name: sets, config: { set: { user.before: kept } } }";
    let plain =
        |alternatives: &[String]| start_telling(badges().filter(sets).filter(&any_of(alternatives)).filter(shows));
    let (proxy, _origin) = plain(&[badge("b", "", ""), badge("never", "", "")]);
    let untouched = post(proxy.address, "b", "").text();
    assert!(untouched.contains("user.before=kept") && untouched.ends_with(" body"), "{untouched}");
    for left in ["fields", "vars", "target", "body", "pieces", "coding", ALL] {
        let a = |entry: &str| badge("a", &format!("leaves: [{left}]"), entry);
        // One that fails leaves nothing, too, whatever its failure means.
        for (trap, failure) in [("", "closed"), ("a", "closed"), ("a", "open")] {
            let (proxy, _origin) = plain(&[a(&format!("on_failure: {failure}")), badge("b", "", "")]);
            let reply = post(proxy.address, "b", trap);
            assert_eq!((reply.status, reply.text()), (200, untouched.clone()), "{failure} {left}");
            assert!(!proxy.log.so_far().iter().any(|line| line.contains("piece for a")), "{left}");
            // What it leaves is left if it is the one.
            assert_ne!(post(proxy.address, "a", "").text(), untouched, "{left}");
        }
    }
}

#[test]
fn what_one_has_concealed_stays_concealed() {
    for target in ["", "target"] {
        let (proxy, _origin) = start_telling(badges().plugin("keys", "conceals", "").filter(&any_of(&[
            "{ plugin: keys, config: { names: [key] } }".to_owned(),
            badge("b", &format!("leaves: [{target}]"), ""),
        ])));
        let fields = "X-Badge: b\r\nX-Refuse: yes\r\n";
        let told = Client::connect(proxy.address).get("/asked?key=s3cret&for=it", fields).text();
        let wanted = if target.is_empty() { "GET /asked?for=it " } else { "GET /by/b?by=query " };
        assert!(told.starts_with(wanted), "{told}");
        assert_eq!(proxy.record(1)["target"], "/asked?key=*&for=it");
    }
}

#[test]
fn what_came_before_the_alternatives_stays() {
    let before = [
        ("{ plugin: pieces, config: { on: request, act: tag, tag: t } }", "t(body)"),
        ("{ plugin: whole, config: { on: request, max: 100, does: replace-unread, replacement: other } }", "other"),
    ];
    for (filter, body) in before {
        for left in ["", "pieces", "body", "pieces, body", "body, pieces"] {
            for reads in [false, true] {
                let first = badge("a", &format!("leaves: [{left}], reads: {reads}"), "");
                let builder = badges().plugin("pieces", "pieces", "").plugin("whole", "whole", "");
                let group = any_of(&[first, badge("b", &format!("reads: {reads}"), "")]);
                let (proxy, _origin) = start_telling(builder.filter(filter).filter(&group));
                let told = post(proxy.address, "b", "").text();
                assert!(told.ends_with(&format!(" {body}")), "{filter} {left} {reads}: {told}");
                if reads {
                    proxy.log.wait(&format!("b read {body}"));
                }
            }
        }
    }
}

#[test]
fn a_failing_alternative_has_answered_unless_it_may_fail() {
    let group = |failure: &str| any_of(&[badge("a", "", failure), badge("b", "", "")]);
    let ask = |proxy: &Proxy, badge: &str, trap: &str| {
        let fields = format!("X-Badge: {badge}\r\nX-Trap: {trap}\r\n");
        Client::connect(proxy.address).get("/", &fields).status
    };
    let (proxy, origin) = start(badges().filter(&group("")));
    assert_eq!(ask(&proxy, "b", "a"), 200, "another lets it pass");
    assert_eq!(ask(&proxy, "none", "a"), 500, "the failure came first");
    assert_eq!(ask(&proxy, "none", "b"), 401, "the answer came first");
    assert_eq!(ask(&proxy, "none", "a b"), 500);
    let (proxy, open) = start(badges().filter(&group("on_failure: open")));
    assert_eq!(ask(&proxy, "none", "a"), 200, "as the operator wants");
    assert_eq!(said(&proxy, "turn of ", "filter `a` failed"), ["a"], "the others are not asked");
    assert_eq!((origin.arrived().len(), open.arrived().len()), (1, 1));
    // In quarantine it is as if it failed each time.
    let quarantined = badge("a", "", "").replace("plugin: badge", "plugin: brittle");
    let (proxy, _origin) = start(
        badges()
            .plugin("brittle", "badge", "quarantine: { share: 1%, calls: 1 }")
            .filter(&any_of(&[quarantined, badge("b", "", "")])),
    );
    assert_eq!(ask(&proxy, "none", "a"), 500);
    proxy.log.wait("fails too often");
    assert_eq!((ask(&proxy, "b", "none"), ask(&proxy, "a", "none")), (200, 503));
}

#[test]
fn alternatives_may_wait() {
    // The doorman always answers; to check a password it waits beside the worker. The asker waits for an upstream.
    let origin = Origin::text("asked");
    let proxy = badges()
        .plugin("doorman", "doorman", "")
        .plugin("asks", "asks", "quarantine: off")
        .upstream("who", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/doorman", "who", &format!("chain: [{{ any_of: [doorman, {}] }}]", badge("b", "reads: true", "")))
        .route_to(
            "/asks",
            "who",
            &format!(
                "chain: [{{ any_of: [{}, {{ plugin: asks, config: {{ upstream: who }} }}, {}] }}]",
                badge("a", "", ""),
                badge("b", "", "")
            ),
        )
        .start();
    let ask = |path: &str, fields: &str| Client::connect(proxy.address).get(path, fields);
    let reply = ask("/doorman", "X-Badge: b\r\n");
    assert_eq!((reply.text(), reply.values("x-badge")), ("asked".to_owned(), vec!["b"]));
    assert_eq!(origin.next().line, "GET /doorman HTTP/1.1");
    assert_eq!(ask("/doorman", "").text(), "unknown-format", "none lets it pass, and the doorman came first");
    let reply = ask("/asks", "");
    assert_eq!((reply.status, reply.values("x-badge")), (200, vec![]), "the asker lets it pass");
    let lines: Vec<String> = origin.arrived().into_iter().map(|received| received.line).collect();
    assert_eq!(lines, ["GET /asked HTTP/1.1", "GET /asks HTTP/1.1"]);
    assert_eq!(ask("/asks", "X-Fail: now\r\nX-Badge: b\r\n").values("x-badge"), ["b"]);
    assert_eq!(ask("/asks", "X-Fail: now\r\n").text(), "a says no\n");
}

#[test]
fn what_waits_for_a_body_has_not_changed_it_yet() {
    let hasty = |left: &str| badge("a", &format!("hastens: true, reads: true, leaves: [{left}]"), "");
    for (left, fails) in [("pieces", true), ("body", true), ("coding", true), ("fields, vars, target", false)] {
        let (proxy, _origin) = start_telling(badges().filter(&any_of(&[hasty(left), badge("b", "", "")])));
        let told = post(proxy.address, "b", "").text();
        assert!(told.ends_with("x-left [] x-user [] x-secret [\"kept\"] x-var [] content-encoding [] body"), "{told}");
        let status = post(proxy.address, "a", "").status;
        assert_eq!(status, if fails { 500 } else { 200 }, "{left}");
        if fails {
            proxy.log.wait("for a body that it steers already, as one of several alternatives");
        }
    }
}

#[test]
fn paths_are_excepted_for_one_alternative_or_for_all() {
    let group = format!(
        "{{ name: login, except: [/open/*], any_of: [{}, {}] }}",
        badge("a", "", "except: [/half/*, /open/more]"),
        badge("b", "", "")
    );
    let (proxy, _origin) = start(badges().filter(&group));
    let ask = |path: &str, badge: &str| {
        let reply = Client::connect(proxy.address).get(path, &format!("X-Badge: {badge}\r\n"));
        (reply.status, reply.text())
    };
    assert_eq!(ask("/open/x", "none").0, 200, "nobody is asked");
    assert_eq!(ask("/half/x", "a"), (401, "b says no\n".to_owned()), "the other decides alone");
    assert_eq!(ask("/half/x", "b").0, 200);
    assert_eq!(ask("/x", "none"), (401, "a says no\n".to_owned()));
    // The last is excepted, and what the first said stands.
    let group = any_of(&[badge("a", "", ""), badge("b", "", "except: /half/*")]);
    let (proxy, _origin) = start(badges().filter(&group));
    let reply = Client::connect(proxy.address).get("/half/x", "X-Badge: b\r\n");
    assert_eq!((reply.status, reply.text()), (401, "a says no\n".to_owned()));
}

#[test]
fn routes_change_alternatives_by_their_names() {
    let origin = Origin::text("whole");
    let group = format!("{{ name: login, any_of: [{}, {}] }}", badge("a", "", ""), badge("b", "", ""));
    let proxy = badges()
        .filter(&group)
        .upstream("app", &format!("{{ endpoints: [\"http://{}\"] }}", origin.address))
        .route_to("/site", "app", "")
        .route_to("/one", "app", "without: [a]")
        .route_to("/none", "app", "without: [login]")
        .route_to("/other", "app", "override: { a: { config: { name: other } } }")
        .route_to("/before", "app", "add: [{ plugin: mark, config: { name: first }, before: b }]")
        .route_to(
            "/added",
            "app",
            &format!("add: [{{ any_of: [{}, {}], before: login }}]", badge("c", "", ""), badge("d", "", "")),
        )
        .start();
    let ask = |path: &str, badges: &str| Client::connect(proxy.address).get(path, &format!("X-Badge: {badges}\r\n"));
    for (path, badges, status, text) in [
        ("/site", "a", 200, "whole"),
        ("/one", "a", 401, "b says no\n"),
        ("/one", "b", 200, "whole"),
        ("/none", "none", 200, "whole"),
        ("/other", "a", 401, "other says no\n"),
        ("/other", "other", 200, "whole"),
        ("/added", "a", 401, "c says no\n"),
        ("/added", "d b", 200, "whole"),
        ("/added", "d", 401, "a says no\n"),
    ] {
        let reply = ask(path, badges);
        assert_eq!((reply.status, reply.text().as_str()), (status, text), "{path} {badges}");
    }
    assert_eq!(ask("/before", "none").values("x-mark"), ["first"], "nothing comes between alternatives");
}

#[test]
fn why_metrics_and_views_know_alternatives() {
    let (proxy, _origin) = start(badges().filter(&simple(&["a", "b", "c"])));
    let hooks = |id: &str| {
        proxy.access.wait(id);
        let told: Value = serde_json::from_str(&ask(&proxy, &format!("/why/{id}"))).unwrap();
        let hooks = told["stories"][0]["hooks"].as_array().unwrap().clone();
        let word = |hook: &Value, key: &str| hook[key].as_str().unwrap_or_default().to_owned();
        let shown = |hook: &Value| ["filter", "hook", "flow", "reason"].map(|key| word(hook, key)).join(" ");
        hooks.iter().map(shown).collect::<Vec<_>>()
    };
    let why = |id: &str| {
        let url = format!("http://{}", admin(&proxy));
        let output = weir().args(["why", id, "--admin", &url]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    show(&proxy, "b");
    let id = proxy.record(1)["exchange"].as_str().unwrap().to_owned();
    assert_eq!(
        hooks(&id),
        ["a on-request set-aside no-a", "b on-request next badge-b", "b on-response next ", "b on-complete next "]
    );
    let told = why(&id);
    assert!(told.contains("set aside (no-a) at "), "{told}");
    assert!(told.contains("was not asked: its alternative `b` was enough"), "{told}");
    let id = show(&proxy, "none").header("x-request-id").unwrap().to_owned();
    assert_eq!(
        hooks(&id),
        [
            "a on-request answer no-a",
            "b on-request set-aside no-b",
            "c on-request set-aside no-c",
            "a on-complete next "
        ],
        "the first answer is the client's"
    );
    assert!(why(&id).starts_with("401 by `a` (no-a)"), "{}", why(&id));
    let metrics = ask(&proxy, "/metrics");
    for (name, filter, count) in [
        ("answers", "a", Some(1)),
        ("answers", "b", None),
        ("set_aside", "a", Some(1)),
        ("set_aside", "b", Some(1)),
        ("set_aside", "c", Some(1)),
    ] {
        let labels = format!("filter=\"{filter}\",plugin=\"badge\",reason=\"no-{filter}\"}}");
        let of = |line: &&str| line.starts_with(&format!("weir_filter_{name}_total{{")) && line.contains(&labels);
        let found = metrics.lines().find(of).and_then(|line| line.rsplit(' ').next()?.parse().ok());
        assert_eq!(found, count, "{name} {filter} in {metrics}");
    }
    let chains: Value = serde_json::from_str(&ask(&proxy, "/chains")).unwrap();
    let groups: Vec<&Value> =
        chains["chains"][0]["filters"].as_array().unwrap().iter().map(|filter| &filter["any_of"]).collect();
    assert_eq!(groups, [&Value::from(1); 3]);
    let config: Value = serde_json::from_str(&ask(&proxy, "/config")).unwrap();
    assert_eq!(config["config"]["sites"][0]["chain"][0]["any_of"][2]["config"]["name"], "c", "{config}");
    let explained: Value = serde_json::from_str(&ask(&proxy, "/explain?host=a.example&path=/x")).unwrap();
    assert_eq!(explained["chain"][2]["any_of"], 1, "{explained}");
}

#[test]
fn alternatives_come_and_go_under_load() {
    let origin = Origin::text("ok");
    let builder = |names: &[&str]| {
        // The winner is always there; around it alternatives change.
        let open = "{ plugin: mark, config: { name: winner } }".to_owned();
        let all: Vec<String> =
            names.iter().map(|name| badge(name, "leaves: [fields, vars]", "")).chain([open]).collect();
        badges().top("access_log: false").filter(&any_of(&all)).route("/*", "app", origin.address)
    };
    let proxy = builder(&["a"]).start();
    let load = Load::on(proxy.address);
    let (one, three) = (["a"], ["b", "a", "c"]);
    for round in 0..8 {
        load.more(20);
        proxy.write(&builder(if round % 2 == 0 { &three } else { &one }));
        let mut reload = weir();
        let output = reload.args(["reload", "--admin", &format!("http://{}", admin(&proxy))]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let names = ask(&proxy, "/chains").matches("\"any_of\":1").count();
        assert_eq!(names, if round % 2 == 0 { 4 } else { 2 });
    }
    load.more(20);
    assert_eq!(load.end(), [const { Vec::<String>::new() }; 3]);
}

/// `sesame`, as in the cases of `auth-basic`.
const USER: &str = "bob: $2y$04$nf3gMbBduVtj99vKIXdH8.YSPOUbuJL4CVkX1RYlN0LBplFsQJuai";

/// Of `ada-key-0123456789abcdef`.
const KEY: &str = "f0aa9c9d06f87b45cb5b91dde04a199a46ac602d095c8b2663891adf1ccfa840";

#[test]
fn two_ways_to_say_who_one_is_never_mix() {
    let keys = format!(
        "{{ plugin: auth-key, config: {{ from: [\"header:x-api-key\", \"query:key\"], headers: {{ x-user: id, x-plan: plan }}, \
         vars: {{ user.id: id, auth.roles: roles }}, \
         keys: [{{ hash: {KEY}, id: ada, metadata: {{ plan: gold, roles: admin }} }}] }} }}"
    );
    let basic = format!("{{ plugin: auth-basic, config: {{ headers: {{ x-user: id }}, users: {{ {USER} }} }} }}");
    let shows = "{ plugin: vars, config: { show: [user.id, auth.method, auth.roles] } }";
    let (proxy, origin) = start(badges().filter(&any_of(&[keys, basic])).filter(shows));
    let ask = |target: &str, fields: &str| Client::connect(proxy.address).get(target, fields);
    let told = || {
        let received = origin.next();
        let field = |name| received.header(name).unwrap_or("-").to_owned();
        let vars: Vec<&str> =
            received.values("x-var").into_iter().filter_map(|var| Some(var.split_once('=')?.1)).collect();
        format!(
            "{} {} {} {} {}",
            received.line,
            field("x-user"),
            field("x-plan"),
            field("authorization"),
            vars.join(" ")
        )
    };
    let (key, bob, forged) = (
        "X-Api-Key: ada-key-0123456789abcdef\r\n",
        "Authorization: Basic Ym9iOnNlc2FtZQ==\r\n",
        "X-User: root\r\nX-Plan: platinum\r\n",
    );
    for (target, fields, wanted) in [
        ("/", format!("{key}{forged}"), "GET / HTTP/1.1 ada gold - ada key admin"),
        ("/", format!("{bob}{forged}"), "GET / HTTP/1.1 bob - - bob basic -"),
        ("/", format!("X-Api-Key: wrong\r\n{bob}"), "GET / HTTP/1.1 bob - - bob basic -"),
        ("/?key=wrong&a=b", bob.to_owned(), "GET /?a=b HTTP/1.1 bob - - bob basic -"),
        ("/?a=b&key=ada-key-0123456789abcdef", String::new(), "GET /?a=b HTTP/1.1 ada gold - ada key admin"),
    ] {
        assert_eq!((ask(target, &fields).status, told()), (200, wanted.to_owned()), "{target} {fields}");
    }
    for fields in [String::new(), forged.to_owned(), "Authorization: Basic Ym9iOndyb25n\r\n".to_owned()] {
        let reply = ask("/", &fields);
        let schemes: Vec<&str> =
            reply.values("www-authenticate").into_iter().filter_map(|challenge| challenge.split(' ').next()).collect();
        assert_eq!((reply.status, schemes.last(), schemes.len()), (401, Some(&"Basic"), 2), "{schemes:?}");
        assert!(origin.arrived().is_empty());
    }
    let log = proxy.log.so_far().join("\n") + &proxy.access.so_far().join("\n");
    assert!(!log.contains("ada-key") && !log.contains("wrong"), "{log}");
}
