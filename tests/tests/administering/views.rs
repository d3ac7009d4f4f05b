//! Views are what is, while things change.

use std::path::Path;

use weir_tests::{Authority, Client, Origin, Proxy, get};

use super::{administered, curl};

/// Asks for what the proxy would do, and has it done.
#[test]
fn explanations_are_what_becomes_of_requests() {
    let (app, other) = (Origin::text("app"), Origin::text("other"));
    let text = format!(
        "version: 1\nadmin: {{ address: \"127.0.0.1:0\" }}\nlisteners:\n  main: {{ address: \"127.0.0.1:0\" }}\n  \
         plain: {{ address: \"127.0.0.1:0\", redirect: https }}\nupstreams:\n  app: {{ endpoints: [\"http://{}\"] }}\n  \
         other: {{ endpoints: [\"http://{}\"] }}\nsites:\n  - host: a.example\n    listeners: main\n    chain:\n      \
         - {{ plugin: request-id, except: [/app/quiet] }}\n    routes:\n      - {{ path: /app/*, upstream: app }}\n      \
         - {{ path: /app/other, upstream: other, methods: POST }}\n",
        app.address, other.address
    );
    let proxy = Proxy::of(&text, &[]);
    let door = super::Administered { admin: super::admin_of(&proxy), proxy };
    let explain = |query: &str| door.view(&format!("/explain?host=a.example&{query}"));
    let sent = |method: &str, path: &str| {
        let mut client = Client::connect(door.proxy.address);
        client.send(format!("{method} {path} HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n"));
        client.reply()
    };
    for (method, path, upstream, answer) in [
        ("GET", "/app/x", "app", None),
        ("GET", "/app/./y/../x", "app", None),
        ("GET", "/app/other", "app", None),
        ("POST", "/app/other", "other", None),
        ("GET", "/nowhere", "", Some("404 no-route")),
        ("GET", "/app/%2f", "", Some("400 bad-path")),
    ] {
        let told = explain(&format!("method={method}&path={}", path.replace('%', "%25")));
        let reply = sent(method, path);
        match answer {
            None => {
                assert_eq!(told["route"]["upstream"], upstream, "{path}: {told}");
                assert_eq!(reply.text(), upstream, "{path}");
                let runs = told["chain"][0]["runs"] == true;
                assert_eq!(reply.header("x-request-id").is_some(), runs, "{path}");
            }
            Some(answer) => {
                assert!(told["answer"].as_str().unwrap().starts_with(answer), "{path}: {told}");
                assert_eq!(reply.status.to_string(), answer[..3], "{path}");
            }
        }
    }
    let quiet = explain("path=/app/quiet");
    assert!(quiet["chain"][0]["runs"] == false && quiet["chain"][0]["except"] == "/app/quiet", "{quiet}");
    assert_eq!(sent("GET", "/app/quiet").header("x-request-id"), None);
    assert_eq!(explain("path=/app/x&listener=plain")["answer"], "308 to https on port 443");
    let (status, said) = curl(&[&door.url("/explain?host=a.example&path=/&listener=side")]);
    assert!(status == 404 && said["error"].as_str().unwrap().contains("main, plain"), "{said}");
    assert_eq!(door.view("/explain?host=b.example&path=/")["answer"], "404 no-site");
}

#[test]
fn lists_are_shown_in_parts() {
    let builder = (0..250).fold(Proxy::builder(), |builder, number| {
        builder.route(&format!("/{number}"), &format!("u{number}"), ([127, 0, 0, 1], 1).into())
    });
    let door = administered(&builder, "");
    let names = |path: &str| -> Vec<String> {
        let view = door.view(path);
        assert_eq!(view["total"], 250, "{path}");
        view["routes"].as_array().unwrap().iter().map(|route| route["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/routes").len(), 100);
    assert_eq!(names("/routes?offset=248"), ["/248", "/249"]);
    assert_eq!(names("/routes?offset=10&limit=2"), ["/10", "/11"]);
    assert_eq!(names("/routes?offset=250"), [""; 0]);
    let view = door.view("/routes?upstream=u7");
    assert!(view["total"] == 1 && view["routes"][0]["path"] == "/7", "{view}");
    assert_eq!(door.view("/routes?site=none")["total"], 0);
    assert_eq!(door.view("/upstreams?limit=1000")["upstreams"].as_array().unwrap().len(), 250);
    assert_eq!(door.view("/sites")["sites"][0]["routes"], 250);
}

#[test]
fn views_follow_a_reload() {
    let origin = Origin::text("x");
    let before = Proxy::builder().filter("request-id").route("/*", "app", origin.address);
    let door = administered(&before, "");
    assert_eq!(door.view("/config")["config"]["sites"][0]["chain"][0], "request-id");
    let listener = &door.view("/listeners")["listeners"][0];
    assert!(listener["address"] == door.proxy.address.to_string() && listener["connections"] == 0, "{listener}");
    let after = before
        .clone()
        .main("limits: { connections: 7 }")
        .plugin("mark", "mark", "limits: { cpu: 20ms }")
        .filter("{ plugin: mark, name: stamp, config: { name: a }, on_failure: open, except: [/quiet] }")
        .route("/more", "more", origin.address)
        .top("admin: { address: \"127.0.0.1:0\" }");
    door.proxy.write(&after);
    assert_eq!(door.order("/reload"), (200, serde_json::json!({ "reloaded": true, "report": null, "notes": [] })));
    let config = door.view("/config");
    assert_eq!(config["config"]["sites"][0]["chain"][1]["name"], "stamp", "{config}");
    let filter = &door.view("/chains")["chains"][0]["filters"][1];
    for (key, value) in [("name", "stamp"), ("plugin", "mark"), ("on_failure", "open"), ("isolation", "pooled")] {
        assert_eq!(filter[key], value, "{filter}");
    }
    assert!(filter["config"]["name"] == "a" && filter["except"][0] == "/quiet", "{filter}");
    assert!(filter["limits"]["cpu_ms"] == 20 && filter["quarantine"]["calls"] == 20, "{filter}");
    assert!(filter["line"].as_str().unwrap().contains("weir.yaml:"), "{filter}");
    let plugins = door.view("/plugins");
    let mark = &plugins["plugins"][0];
    assert!(mark["name"] == "mark" && mark["filters"] == 1 && mark["digest"] == filter["digest"], "{plugins}");
    assert_eq!(mark["used_by"][0]["filter"], "stamp");
    assert_eq!(plugins["plugins"][1]["source"], "bundled");
    assert_eq!(door.view("/routes")["total"], 2);
    assert_eq!(door.view("/listeners")["listeners"][0]["most_connections"], 7);
    let mut client = Client::connect(door.proxy.address);
    client.get("/", "");
    assert_eq!(door.view("/listeners")["listeners"][0]["connections"], 1);
    // What is not sound changes nothing, and is told in full.
    door.proxy.write_text("version: 1\nlisteners: {}\n");
    let (status, said) = door.order("/reload");
    assert!(status == 422 && said["reloaded"] == false, "{said}");
    assert!(said["report"].as_str().unwrap().contains("there is no listener"), "{said}");
    assert_eq!(door.view("/status")["reload"]["report"], said["report"]);
    assert_eq!(door.view("/routes")["total"], 2);
}

#[test]
fn a_route_with_a_chain_of_its_own_has_one_in_the_view() {
    let builder = Proxy::builder()
        .filter("request-id")
        .upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }")
        .route_to("/*", "app", "priority: 1")
        .route_to("/own", "app", "add: [headers-secure]")
        .route_to("/none", "app", "chain: none");
    let door = administered(&builder, "");
    let view = door.view("/chains");
    let chains = view["chains"].as_array().unwrap();
    let routes: Vec<&str> = chains.iter().map(|chain| chain["route"].as_str().unwrap_or("the site's")).collect();
    assert_eq!(routes, ["the site's", "/own", "/none"]);
    let lengths: Vec<usize> = chains.iter().map(|chain| chain["filters"].as_array().unwrap().len()).collect();
    assert_eq!(lengths, [1, 2, 0]);
}

/// However much there is to show of each.
#[test]
fn a_part_of_a_list_is_never_too_large() {
    let text = "x".repeat(100 << 10);
    let builder = Proxy::builder().filter("{ plugin: respond, config: { body: short } }");
    let builder =
        (0..45).fold(builder.upstream("app", "{ endpoints: [\"http://127.0.0.1:1\"] }"), |builder, number| {
            let own = format!("override: {{ respond: {{ config: {{ body: \"{number}{text}\" }} }} }}");
            builder.route_to(&format!("/{number}"), "app", &own)
        });
    let door = administered(&builder, "");
    let (mut seen, mut parts) = (0, 0);
    while seen < 46 {
        let view = door.view(&format!("/chains?limit=1000&offset={seen}"));
        assert!(view["total"] == 46 && view.to_string().len() < 5 << 20);
        seen += view["chains"].as_array().unwrap().len();
        parts += 1;
    }
    assert_eq!(parts, 2);
}

#[test]
fn failures_are_kept_for_those_who_ask() {
    let builder = Proxy::builder()
        .plugin("trap", "trap", "quarantine: { calls: 5, first: 1h }")
        .filter("{ plugin: trap, name: door, on_failure: open }")
        .route("/*", "app", ([127, 0, 0, 1], 1).into())
        .top("workers: 1");
    let door = administered(&builder, "");
    assert_eq!(door.view("/quarantine")["filters"].as_array().unwrap().len(), 0);
    assert_eq!(get(door.proxy.address, "/").status, 502);
    let upstreams = door.view("/failures")["upstreams"].clone();
    let failure = &upstreams[0];
    assert!(failure["name"] == "app" && failure["at"] == "127.0.0.1:1", "{upstreams}");
    assert!(failure["code"] == "connect-failed" && failure["times"] == 1, "{upstreams}");
    let endpoint = &door.view("/upstreams/app")["endpoints"][0];
    assert!(endpoint["avoided_ms"].as_u64().is_some_and(|left| left > 0), "{endpoint}");
    let mut client = Client::connect(door.proxy.address);
    for _ in 0..5 {
        assert_eq!(client.get("/", "X-Trap: request\r\n").status, 502);
    }
    let failures = door.view("/failures");
    let failure = &failures["filters"][0];
    assert!(failure["name"] == "door" && failure["at"] == "on-request" && failure["code"] == "trap", "{failures}");
    assert!(failure["times"].as_u64().unwrap() >= 3 && failure["exchange"].is_string(), "{failures}");
    assert!(failure["words"].as_str().unwrap().contains("it trapped"), "{failures}");
    let aside = door.view("/quarantine");
    let aside = &aside["filters"][0];
    assert!(aside["filter"] == "door" && aside["plugin"] == "trap" && aside["times"] == 1, "{aside}");
    assert!(aside["left_ms"].as_u64().unwrap() > 3_000_000 && aside["on_failure"] == "open", "{aside}");
}

#[test]
fn documents_are_shown_with_their_age_and_what_is_wrong_with_them() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.txt");
    std::fs::write(&page, "five!").unwrap();
    let builder = Proxy::builder().guest(
        "keeper",
        "keeper",
        &format!("config: {{ document: {{ file: \"{}\" }}, every: 1 }}", page.display()),
    );
    let door = administered(&builder, "");
    let view = door.view_when("/documents", |view| view["documents"][0]["version"] == 1);
    let document = &view["documents"][0];
    assert!(document["filter"] == "keeper" && document["pointer"] == "/document", "{document}");
    assert!(document["bytes"] == 5 && document["interval_ms"] == 1000 && document["error"].is_null(), "{document}");
    assert_eq!(Path::new(document["source"].as_str().unwrap()), page);
    std::fs::remove_file(&page).unwrap();
    let view = door.view_when("/documents", |view| view["documents"][0]["error"].is_string());
    let document = &view["documents"][0];
    // The good copy is kept, and is as old as it is.
    assert!(document["version"] == 1 && document["age_ms"].is_u64(), "{document}");
    std::fs::write(&page, "healed").unwrap();
    let view = door.view_when("/documents", |view| view["documents"][0]["version"] == 2);
    assert!(view["documents"][0]["error"].is_null(), "{view}");
}

#[test]
fn listeners_are_shown_as_they_are_bound() {
    let authority = Authority::new();
    let (cert, key) = authority.certify("a.example");
    let tls = format!("tls: {{ certificates: [{{ cert: \"{}\", key: \"{}\" }}] }}", cert.display(), key.display());
    let door = administered(&Proxy::builder().listener("secure", &tls).main("trusted_proxies: [10.0.0.0/8]"), "");
    let view = door.view("/listeners");
    let [main, secure] = &view["listeners"].as_array().unwrap()[..] else { panic!("two: {view}") };
    assert!(main["scheme"] == "http" && main["trusted_proxies"][0] == "10.0.0.0/8", "{view}");
    assert!(secure["scheme"] == "https" && secure["certificates"][0] == cert.display().to_string(), "{view}");
    assert_eq!(secure["address"], door.proxy.listener("secure").to_string());
}
