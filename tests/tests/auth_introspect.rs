//! `auth-introspect` in the running proxy, with an authorization server that is a process of its own.

use std::net::TcpStream;
use std::time::Instant;

use serde_json::{Value, json};
use weir_tests::{Authority, Client, Issuer, Origin, PATIENCE, Proxy, ProxyBuilder, Reply, Scrape, weir};

const ENDPOINT: &str = "/introspect";
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

/// A proxy that asks the issuer, before an upstream that says what it is sent; `/open` is not guarded.
struct Guarded {
    proxy: Proxy,
    origin: Origin,
    secret: tempfile::NamedTempFile,
}

impl Guarded {
    /// With more keys of `config`, and more keys of the entry.
    fn with(issuer: &Issuer, config: &str, entry: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Self {
        Self::at(&issuer.upstream(), config, entry, build)
    }

    fn at(upstream: &str, config: &str, entry: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> Self {
        let origin = Origin::text("from the upstream\n");
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), "an introspection secret").unwrap();
        let client = format!("{{ id: weir, secret: {{ file: \"{}\" }} }}", secret.path().display());
        let filter = format!(
            "{{ plugin: auth-introspect, except: [/open], {entry}\
             config: {{ endpoint: {{ upstream: auth, path: {ENDPOINT} }}, client: {client}, {config} }} }}"
        );
        let builder = Proxy::builder()
            .top("admin: { address: \"127.0.0.1:0\" }")
            .upstream("auth", upstream)
            .filter(&filter)
            .route("/*", "app", origin.address);
        Self { proxy: build(builder).start(), origin, secret }
    }

    fn start(issuer: &Issuer, config: &str) -> Self {
        Self::with(issuer, config, "", |builder| builder.top("workers: 1"))
    }

    /// A GET with this token, on a connection of its own.
    fn get(&self, token: &str) -> Reply {
        Client::connect(self.proxy.address).get("/", &bearer(token))
    }

    /// The record of the exchange that this is the answer of.
    fn record(&self, reply: &Reply) -> Value {
        let id = reply.header("x-request-id").expect("an answer of the proxy's names its exchange");
        serde_json::from_str(&self.proxy.access.wait(id)).unwrap()
    }

    /// Waits until a request with this token is answered so.
    fn until(&self, token: &str, status: u16) -> Reply {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let reply = self.get(token);
            if reply.status == status {
                return reply;
            }
            assert!(Instant::now() < deadline, "it is still {}", reply.status);
        }
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// What an answer is, as far as its client can tell.
fn told(reply: &Reply) -> (u16, Option<&str>, String) {
    (reply.status, reply.header("www-authenticate"), reply.text())
}

const UNAVAILABLE: (u16, Option<&str>, &str) = (503, None, "Not available now\n");

fn is_told(reply: &Reply, (status, challenge, text): (u16, Option<&str>, &str)) {
    assert_eq!(told(reply), (status, challenge, text.to_owned()));
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert_eq!(reply.header("retry-after").is_some(), status == 503);
}

fn ada() -> Value {
    json!({ "active": true, "sub": "ada", "username": "Ada L", "scope": "read" })
}

#[test]
fn the_endpoint_decides_and_the_upstream_learns_who_asks() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    let guarded = Guarded::start(&issuer, "headers: { x-user: sub, x-name: username, x-tenant: tenant }");
    let forged = "X-User: root\r\nx_user: root\r\nX-Tenant: all\r\n";
    let mut client = Client::connect(guarded.proxy.address);
    let reply = client.get("/", &[&bearer(TOKEN), forged].concat());
    assert_eq!(reply.text(), "from the upstream\n");
    let received = guarded.origin.next();
    let seen = ["x-user", "x_user", "x-name", "x-tenant"].map(|name| received.header(name));
    assert_eq!(seen, [Some("ada"), None, Some("Ada%20L"), None]);
    // Nor on a path that the filter is not asked about.
    client.get("/open", forged);
    let received = guarded.origin.next();
    assert_eq!(["x-user", "x_user", "x-tenant"].map(|name| received.header(name)), [None; 3]);

    let invalid = Some(r#"Bearer realm="weir", error="invalid_token""#);
    is_told(&client.get("/", &bearer("unknown")), (401, invalid, "Unauthorized\n"));
    is_told(&client.get("/", ""), (401, Some(r#"Bearer realm="weir""#), "Unauthorized\n"));
    let twice = [bearer(TOKEN), bearer(TOKEN)].concat();
    let unclear = Some(r#"Bearer realm="weir", error="invalid_request""#);
    is_told(&client.get("/", &twice), (400, unclear, "Bad Request\n"));
    is_told(&client.get("/", &bearer(&"a".repeat(8193))), (401, invalid, "Unauthorized\n"));
    assert_eq!(guarded.origin.arrived().len(), 0);

    let asked = issuer.requests(ENDPOINT, 2);
    let bodies: Vec<&str> = asked.iter().map(|asked| asked["body"].as_str().unwrap()).collect();
    assert_eq!(bodies, [format!("token={TOKEN}"), "token=unknown".to_owned()]);
    assert_eq!((&asked[0]["method"], &asked[0]["fields"]["accept"]), (&json!("POST"), &json!("application/json")));
}

#[test]
fn scopes_claims_issuer_and_audience_are_demanded() {
    let issuer = Issuer::start();
    let guarded = Guarded::start(
        &issuer,
        "scopes: [read, write], required_claims: [{ tenant: [acme] }], issuer: us, audience: [api], realm: api",
    );
    let good = json!({ "active": true, "scope": "write read", "tenant": "acme", "iss": "us", "aud": ["x", "api"] });
    let invalid = Some(r#"Bearer realm="api", error="invalid_token""#);
    let scopes = Some(r#"Bearer realm="api", error="insufficient_scope", scope="read write""#);
    for (member, value, answer, reason) in [
        ("scope", json!("read"), (403, scopes, "Forbidden\n"), "insufficient-scope"),
        ("tenant", json!("other"), (403, None, "Forbidden\n"), "claim-missing"),
        ("iss", json!("them"), (401, invalid, "Unauthorized\n"), "wrong-issuer"),
        ("aud", json!("web"), (401, invalid, "Unauthorized\n"), "wrong-audience"),
        ("exp", json!(1_000_000_000), (401, invalid, "Unauthorized\n"), "token-expired"),
        ("nbf", json!(9_000_000_000_u64), (401, invalid, "Unauthorized\n"), "token-not-yet-valid"),
    ] {
        let mut claims = good.clone();
        claims[member] = value;
        let token = format!("without-{member}");
        issuer.introspects(&token, &claims);
        let reply = guarded.get(&token);
        is_told(&reply, answer);
        assert_eq!(guarded.record(&reply)["reason"], reason);
    }
    issuer.introspects(TOKEN, &good);
    assert_eq!(guarded.get(TOKEN).status, 200);
}

#[test]
fn who_does_not_know_the_client_lets_nobody_in_and_only_the_operator_learns_why() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    issuer.client(&json!({ "id": "weir", "secret": "another one" }));
    let guarded = Guarded::start(&issuer, "optional: true");
    let reply = guarded.get(TOKEN);
    is_told(&reply, UNAVAILABLE);
    let record = guarded.record(&reply);
    assert_eq!((&record["by"], &record["reason"]), (&json!("auth-introspect"), &json!("introspection-failed")));
    assert_eq!(record["detail"], "`auth` answers POST /introspect with 401; look at `client`");
    let scrape = Scrape::of(&guarded.proxy.log);
    let why = weir().args(["why", "last", "--admin", &format!("http://{}", scrape.address())]).output().unwrap();
    let why = String::from_utf8_lossy(&why.stdout).into_owned();
    assert!(
        why.contains("503 by `auth-introspect` (introspection-failed)") && why.contains("look at `client`"),
        "{why}"
    );
    let code = [("filter", "auth-introspect"), ("reason", "introspection-failed")];
    let figures = scrape.until("counted", |figures| figures.sum("weir_filter_answers_total", &code) > 0.5);
    // Neither the token nor what keeps it from the endpoint is anywhere.
    let said = [guarded.proxy.log.so_far(), guarded.proxy.access.so_far(), vec![why, figures.text]].concat().join("\n");
    for hidden in [TOKEN, "an introspection secret", "invalid_client"] {
        assert!(!said.contains(hidden), "{hidden} is in {said}");
    }
    // The operator mends it.
    std::fs::write(guarded.secret.path(), "another one").unwrap();
    guarded.proxy.signal("HUP");
    guarded.until(TOKEN, 200);
}

#[test]
fn a_token_in_a_query_is_seen_by_nobody_else() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    let guarded = Guarded::start(&issuer, "from: [bearer, \"query:access_token\"]");
    let mut client = Client::connect(guarded.proxy.address);
    assert_eq!(client.get(&format!("/a?b=1&access%5Ftoken={TOKEN}&c"), "").status, 200);
    assert_eq!(guarded.origin.next().line, "GET /a?b=1&c HTTP/1.1");
    let twice = client.get(&format!("/a?access_token={TOKEN}"), &bearer(TOKEN));
    assert_eq!(twice.status, 400);
    guarded.record(&twice);
    let records = guarded.proxy.access.so_far().join("\n");
    assert!(!records.contains(TOKEN) && records.contains("access_token=*"), "{records}");
}

#[test]
fn an_answer_is_kept_for_all_workers_and_a_withdrawn_token_ends_with_it() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    let kept = Guarded::with(&issuer, "", "", |builder| builder.top("workers: 2"));
    for _ in 0..20 {
        assert_eq!((kept.get(TOKEN).status, kept.get("unknown").status), (200, 401));
    }
    assert_eq!(issuer.count(ENDPOINT), 2);

    let brief = Guarded::start(&issuer, "cache: 1s, cache_inactive: 1s");
    let begun = Instant::now();
    assert_eq!(brief.get(TOKEN).status, 200);
    issuer.introspects(TOKEN, &json!({ "active": false }));
    brief.until(TOKEN, 401);
    // Not before the answer was old, and not asked about for each of those requests.
    assert!(begun.elapsed().as_secs() >= 1, "{:?}", begun.elapsed());
    assert_eq!(issuer.count(ENDPOINT), 4);
    issuer.introspects(TOKEN, &ada());
    brief.until(TOKEN, 200);
}

#[test]
fn nothing_is_kept_that_the_endpoint_forbids_nor_beyond_the_tokens_end() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    issuer.answer(ENDPOINT, &json!({ "when": TOKEN, "fields": { "Cache-Control": "no-store" } }));
    let guarded = Guarded::start(&issuer, "leeway: 0s");
    for count in 1..5 {
        assert_eq!((guarded.get(TOKEN).status, issuer.count(ENDPOINT)), (200, count));
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    issuer.introspects("brief", &json!({ "active": true, "exp": now + 3 }));
    assert_eq!(guarded.get("brief").status, 200);
    let reply = guarded.until("brief", 401);
    assert_eq!(guarded.record(&reply)["reason"], "token-expired");
    // Once for the first request, and again only about its end: the store's clock and that of the day are a moment apart.
    assert!((5..=8).contains(&issuer.count(ENDPOINT)), "{}", issuer.count(ENDPOINT));
}

#[test]
fn a_hundred_with_one_new_token_reach_the_endpoint_once() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    issuer.answer(ENDPOINT, &json!({ "hold": true }));
    let entry = "limits: { instances: 128 }, ";
    let guarded = Guarded::with(&issuer, "", entry, |builder| builder.top("workers: 2"));
    let mut clients: Vec<Client> = (0..100).map(|_| Client::connect(guarded.proxy.address)).collect();
    for client in &mut clients {
        client.send(format!("GET / HTTP/1.1\r\nHost: test.example\r\n{}\r\n", bearer(TOKEN)));
    }
    let filter = [("filter", "auth-introspect")];
    let scrape = Scrape::of(&guarded.proxy.log);
    scrape.until("all wait", |figures| figures.sum("weir_filter_instances_busy", &filter) > 99.5);
    issuer.mend(ENDPOINT);
    assert!(clients.iter_mut().all(|client| client.reply().status == 200));
    assert_eq!(issuer.count(ENDPOINT), 1);
}

#[test]
fn an_endpoint_that_fails_lets_nobody_in_and_those_who_are_known_go_on() {
    let issuer = Issuer::start();
    issuer.introspects("known", &ada());
    let guarded = Guarded::start(&issuer, "timeout: 300ms");
    assert_eq!(guarded.get("known").status, 200);
    for (number, (how, detail)) in [
        (json!({ "status": 500 }), "with 500"),
        (json!({ "status": 302, "fields": { "Location": "/jwks" } }), "with 302"),
        (json!({ "text": "<html>{\"active\":true}" }), "it is not JSON"),
        (json!({ "huge": 1_000_000 }), "answers with more than 64 KiB"),
        (json!({ "json": { "active": "true" } }), "neither true nor false"),
        (json!({ "hold": true }), "does not answer in time"),
        (json!({ "hang_up": true }), "cannot be reached, or breaks off"),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.answer(ENDPOINT, &how);
        let token = format!("new-{number}");
        issuer.introspects(&token, &ada());
        let reply = guarded.get(&token);
        is_told(&reply, UNAVAILABLE);
        let record = guarded.record(&reply);
        assert_eq!(record["reason"], "introspection-failed");
        assert!(record["detail"].as_str().unwrap().contains(detail), "{record}");
        assert_eq!(guarded.get("known").status, 200);
        issuer.mend(ENDPOINT);
        // It rests for a second, no longer.
        guarded.until(&token, 200);
    }
}

#[test]
fn one_that_is_down_is_tried_now_and_then_and_found_when_it_is_back() {
    let issuer = Issuer::start();
    let guarded = Guarded::start(&issuer, "");
    issuer.answer(ENDPOINT, &json!({ "status": 503 }));
    let begun = Instant::now();
    for number in 0..200 {
        assert_eq!(guarded.get(&format!("new-{number}")).status, 503);
    }
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let asked = issuer.count(ENDPOINT);
    assert!((5..=8 + seconds).contains(&asked), "{asked} in {seconds} s");
    issuer.mend(ENDPOINT);
    issuer.introspects(TOKEN, &ada());
    guarded.until(TOKEN, 200);
    assert_eq!(guarded.get("another").status, 401);

    // Nobody is there at all.
    drop(issuer);
    is_told(&guarded.get("one-more"), UNAVAILABLE);
    assert_eq!(guarded.get(TOKEN).status, 200);
}

#[test]
fn a_flood_of_invented_tokens_is_bounded_and_harms_no_other() {
    let issuer = Issuer::start();
    issuer.introspects("known", &ada());
    let guarded = Guarded::with(&issuer, "rate: 20", "", |builder| builder.top("workers: 2"));
    assert_eq!(guarded.get("known").status, 200);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for flood in 0..4 {
            let address = guarded.proxy.address;
            scope.spawn(move || {
                let mut client = Client::connect(address);
                let mut limited = 0;
                for number in 0..500 {
                    let status = client.get("/", &bearer(&format!("invented-{flood}-{number}"))).status;
                    assert!([401, 503].contains(&status), "{status}");
                    limited += usize::from(status == 503);
                }
                assert!(limited > 0);
            });
        }
        let mut other = Client::connect(guarded.proxy.address);
        for _ in 0..50 {
            assert_eq!((other.get("/open", "").status, other.get("/", &bearer("known")).status), (200, 200));
        }
    });
    let seconds = usize::try_from(begun.elapsed().as_secs()).unwrap();
    let asked = issuer.count(ENDPOINT);
    // Two workers may look at the count at the same time.
    assert!(asked <= 25 * (seconds + 2), "{asked} in {seconds} s");
    let code = [("filter", "auth-introspect"), ("reason", "introspection-limited")];
    Scrape::of(&guarded.proxy.log).until("counted", |figures| figures.sum("weir_filter_answers_total", &code) > 0.5);
}

#[test]
fn the_endpoint_is_asked_over_tls_and_must_be_who_it_says() {
    let authority = Authority::new();
    let issuer = Issuer::over_tls(&authority);
    issuer.introspects(TOKEN, &ada());
    let trusting = Guarded::start(&issuer, "");
    assert_eq!(trusting.get(TOKEN).status, 200);
    let stranger = Authority::new();
    let wary = format!("{{ endpoints: [\"{}\"], tls: {{ ca: \"{}\" }} }}", issuer.url(), stranger.file().display());
    let guarded = Guarded::at(&wary, "", "", |builder| builder.top("workers: 1"));
    is_told(&guarded.get(TOKEN), UNAVAILABLE);
    assert_eq!(issuer.count(ENDPOINT), 1);
}

#[test]
fn a_client_that_goes_takes_nobody_with_it() {
    let issuer = Issuer::start();
    issuer.introspects(TOKEN, &ada());
    issuer.answer(ENDPOINT, &json!({ "hold": true }));
    let guarded = Guarded::start(&issuer, "");
    let mut first = Client::of(TcpStream::connect(guarded.proxy.address).unwrap());
    first.send(format!("GET / HTTP/1.1\r\nHost: test.example\r\n{}\r\n", bearer(TOKEN)));
    issuer.requests(ENDPOINT, 1);
    let mut second = Client::connect(guarded.proxy.address);
    second.send(format!("GET / HTTP/1.1\r\nHost: test.example\r\n{}\r\n", bearer(TOKEN)));
    let scrape = Scrape::of(&guarded.proxy.log);
    let busy = |count: f64| {
        scrape.until("they wait", |figures| {
            (figures.sum("weir_filter_instances_busy", &[("filter", "auth-introspect")]) - count).abs() < 0.5
        });
    };
    busy(2.0);
    drop(first);
    busy(1.0);
    issuer.mend(ENDPOINT);
    assert_eq!((second.reply().status, issuer.count(ENDPOINT)), (200, 1));
}
