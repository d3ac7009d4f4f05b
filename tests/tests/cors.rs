//! `cors` in the running proxy, asked by curl.

use std::io::Write;

use weir_tests::{Origin, Proxy, ProxyBuilder, command, weir};

/// An upstream that lets everybody in, and whose answers depend on the language.
fn generous() -> Origin {
    Origin::raw(|received, stream| {
        let head = "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\n\
                    Access-Control-Expose-Headers: x-secret\r\nVary: Accept-Language\r\n";
        let body = received.line.replace(" HTTP/1.1", "");
        stream.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).is_ok()
    })
}

/// A proxy with this configuration of `cors` before it.
fn with(config: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = generous();
    let proxy = Proxy::builder().top("workers: 1").filter(&format!("{{ plugin: cors, config: {{ {config} }} }}"));
    (build(proxy).route("/*", "app", origin.address).start(), origin)
}

/// An answer as curl got it: status, fields of CORS and `vary`, body.
fn ask(proxy: &Proxy, path: &str, method: &str, fields: &[&str]) -> (u16, Vec<String>, String) {
    let output = command("curl", "curl")
        .args(["-sS", "-i", "--max-time", "20", "-X", method])
        .args(fields.iter().flat_map(|field| ["-H", field]))
        .arg(format!("http://{}{path}", proxy.address))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let is_ours = |field: &&str| field.starts_with("access-control") || field.starts_with("vary");
    let lower = head.lines().map(|line| {
        line.split_once(": ").map_or_else(String::new, |(name, value)| format!("{}: {value}", name.to_lowercase()))
    });
    let lower: Vec<String> = lower.collect();
    let mut fields: Vec<String> = lower.iter().map(String::as_str).filter(is_ours).map(str::to_owned).collect();
    fields.sort();
    (status, fields, body.to_owned())
}

const APP: &str = "Origin: https://app.example";
const EVIL: &str = "Origin: https://evil.example";
const VARY: &str = "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers, Access-Control-Request-Private-Network";

#[test]
fn preflights_are_answered_before_anybody_is_asked_for_a_key() {
    let keys = "{ plugin: auth-key, config: { keys: [{ hash: d0c04f4b1951e4aeaaec8223ed2039e542f3aae805a6fa7f6d794e5afff5d272, id: ada }] } }";
    let (proxy, origin) =
        with("origins: [https://app.example], methods: [GET, PUT], headers: [x-api-key], credentials: true", |proxy| {
            proxy.filter(keys)
        });
    let asked = [APP, "Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: X-API-Key"];
    let granted = [
        "access-control-allow-credentials: true",
        "access-control-allow-headers: x-api-key",
        "access-control-allow-methods: GET, PUT",
        "access-control-allow-origin: https://app.example",
        "access-control-max-age: 600",
        VARY,
    ];
    let (status, fields, body) = ask(&proxy, "/things", "OPTIONS", &asked);
    assert_eq!((status, fields.as_slice(), body.as_str()), (204, granted.map(str::to_owned).as_slice(), ""));
    for (count, (asked, reason)) in [
        ([EVIL, asked[1], asked[2]], "origin-not-allowed"),
        ([APP, "Access-Control-Request-Method: DELETE", asked[2]], "method-not-allowed"),
        ([APP, asked[1], "Access-Control-Request-Headers: x-api-key, x-role"], "header-not-allowed"),
        ([APP, asked[1], "Access-Control-Request-Headers: x=1"], "bad-preflight"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, fields, body) = ask(&proxy, "/things", "OPTIONS", &asked);
        assert_eq!((status, fields, body.as_str()), (204, vec![VARY.to_owned()], ""), "{reason}");
        let record = proxy.record(count + 2);
        assert_eq!((record["by"].as_str(), record["reason"].as_str()), (Some("cors"), Some(reason)));
    }
    // Everything else needs the key; that it does can be read by pages that may, and by no others.
    let ours =
        ["access-control-allow-credentials: true", "access-control-allow-origin: https://app.example", "vary: Origin"];
    let (status, fields, body) = ask(&proxy, "/things", "GET", &[APP]);
    assert_eq!((status, fields.as_slice(), body.as_str()), (401, ours.map(str::to_owned).as_slice(), "Unauthorized\n"));
    let (status, fields, _) = ask(&proxy, "/things", "OPTIONS", &[APP]);
    assert_eq!((status, fields.as_slice()), (401, ours.map(str::to_owned).as_slice()));
    assert_eq!(ask(&proxy, "/things", "GET", &[EVIL]).1, ["vary: Origin"]);
    assert_eq!(origin.arrived().len(), 0);
}

#[test]
fn what_an_upstream_allows_is_replaced_or_kept_and_vary_is_there_for_all() {
    let vary = ["vary: Accept-Language", "vary: Origin"];
    let (proxy, _origin) = with("origins: [https://app.example], expose: [x-total]", |proxy| proxy);
    let allowed = [
        "access-control-allow-origin: https://app.example",
        "access-control-expose-headers: x-total",
        vary[0],
        vary[1],
    ];
    let (status, fields, body) = ask(&proxy, "/things", "GET", &[APP]);
    assert_eq!((status, fields.as_slice(), body.as_str()), (200, allowed.map(str::to_owned).as_slice(), "GET /things"));
    for origins in [&[][..], &[EVIL], &[APP, APP], &["Origin: null"], &["Origin: https://app.example.evil.example"]] {
        let (_, fields, _) = ask(&proxy, "/things", "GET", origins);
        assert!(
            !fields.iter().any(|field| field.starts_with("access-control-allow-origin")),
            "{origins:?}: {fields:?}"
        );
        assert!(fields.ends_with(&vary.map(str::to_owned)), "{origins:?}: {fields:?}");
    }
    let (proxy, _origin) = with("origins: [https://app.example], upstream: keep", |proxy| proxy);
    let kept = [
        "access-control-allow-credentials: true",
        "access-control-allow-origin: *",
        "access-control-expose-headers: x-secret",
        vary[0],
        vary[1],
    ];
    for origins in [&[][..], &[APP], &[EVIL]] {
        assert_eq!(ask(&proxy, "/things", "GET", origins).1, kept, "{origins:?}");
    }
}

#[test]
fn routes_have_rules_of_their_own_and_preflights_the_route_that_they_ask_about() {
    let (proxy, _origin) = with("origins: [https://app.example]", |proxy| {
        proxy
            .route_to("/public/*", "app", "override: { cors: { config: { origins: [\"*\"] } } }")
            .route_to("/write", "app", "methods: [PUT], override: { cors: { config: { methods: [PUT] } } }")
            .route_to("/closed", "app", "without: [cors]")
    });
    assert_eq!(ask(&proxy, "/public/a", "GET", &[EVIL]).1, ["access-control-allow-origin: *", "vary: Accept-Language"]);
    let put = "Access-Control-Request-Method: PUT";
    let (status, fields, _) = ask(&proxy, "/write", "OPTIONS", &[APP, put]);
    assert_eq!((status, fields[1].as_str()), (204, "access-control-allow-methods: PUT"), "{fields:?}");
    assert_eq!(ask(&proxy, "/other", "OPTIONS", &[APP, put]).1, [VARY]);
    // Nobody answers it here but the upstream.
    assert_eq!(ask(&proxy, "/closed", "OPTIONS", &[APP, put]).2, "OPTIONS /closed");
}

#[test]
fn errors_of_the_host_can_be_read_by_pages_that_may() {
    let down = ([127, 0, 0, 1], 1).into();
    let proxy = Proxy::builder()
        .filter("{ plugin: cors, config: { origins: [https://app.example] } }")
        .route("/down", "down", down)
        .start();
    for (path, wanted) in [("/down", 502), ("/nowhere", 404)] {
        let (status, fields, _) = ask(&proxy, path, "GET", &[APP]);
        let ours = ["access-control-allow-origin: https://app.example", "vary: Origin"];
        assert_eq!((status, fields.as_slice()), (wanted, ours.map(str::to_owned).as_slice()), "{path}");
    }
}

#[test]
fn validate_warns_where_authentication_stands_before_cors() {
    let folder = tempfile::tempdir().unwrap();
    let keys = "{ plugin: auth-key, config: { file: { file: keys.txt } } }";
    let cors = "{ plugin: cors, config: { origins: [https://app.example] } }";
    let roles = "{ plugin: authz, config: { rules: [{ name: all, paths: [/*] }] } }";
    std::fs::write(folder.path().join("keys.txt"), "").unwrap();
    let validate = |chain: &[&str]| {
        let text = format!(
            "version: 1\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\nsites:\n  - chain: [{}]\n    \
             routes: [{{ path: /*, upstream: \"http://127.0.0.1:1\" }}]\n",
            chain.join(", ")
        );
        std::fs::write(folder.path().join("weir.yaml"), text).unwrap();
        let output = weir().current_dir(folder.path()).arg("validate").output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(validate(&[cors, keys, roles]), (Some(0), String::new()));
    for (chain, outer) in [([keys, cors], "auth-key"), ([roles, cors], "authz")] {
        let (code, said) = validate(&chain);
        let words =
            format!("`{outer}` refuses preflight requests, which carry no credentials, before `cors` can answer them");
        assert!(code == Some(0) && said.contains(&words), "{said}");
    }
}
