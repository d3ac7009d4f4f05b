//! What clients, operators and other programs are told of limits.

use weir_tests::{Client, Origin, Scrape, command, weir};

use crate::{get_as, limited, served};

/// Until the end of windows that begin with the epoch.
fn left_of(window: u64) -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    window - now % window
}

#[test]
fn curl_reads_the_fields_whichever_http_it_speaks() {
    let (proxy, _origin) = limited("name: api, limit: 3, window: 744h", |builder| builder);
    let url = format!("http://{}/", proxy.address);
    for (version, left) in [("--http1.1", 2), ("--http2-prior-knowledge", 1), ("--http1.1", 0), ("--http1.1", -1)] {
        let before = left_of(744 * 3600);
        let output = command("curl", "curl").args(["-sS", "-i", "--max-time", "20", version, &url]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).to_lowercase();
        let after = left_of(744 * 3600);
        assert!(said.contains("ratelimit-policy: \"api\";q=3;w=2678400\r\n"), "{said}");
        let field = format!("ratelimit: \"api\";r={};t=", left.max(0));
        let told = said.split(&field).nth(1).unwrap_or_else(|| panic!("{field} is not in {said}"));
        let told: u64 = told.split("\r\n").next().unwrap().parse().unwrap();
        assert!((after..=before + 1).contains(&told), "{told} of {before}");
        let (status, wait) = (said.contains(" 429"), format!("retry-after: {told}\r\n"));
        assert_eq!((status, said.contains(&wait)), (left < 0, left < 0), "{said}");
        assert_eq!(said.contains("cache-control: no-store\r\n"), left < 0, "{said}");
    }
}

#[test]
fn operators_are_told_which_limit_it_was_and_never_whose_key() {
    let (proxy, _origin) = limited("limit: 1, window: 744h, key: header:x-api-key", |builder| builder);
    let mut client = Client::connect(proxy.address);
    let ask = |client: &mut Client| client.get("/", "X-Api-Key: sesame-open\r\n");
    assert_eq!((ask(&mut client).status, ask(&mut client).status), (200, 429));
    let record = proxy.record(2);
    assert_eq!(record["reason"], "limited");
    let detail = record["detail"].as_str().unwrap();
    assert!(detail.starts_with("`default` is used up for header:x-api-key; a request like this"), "{detail}");

    let admin = format!("http://{}", Scrape::of(&proxy.log).address());
    let id = record["exchange"].as_str().unwrap();
    let output = weir().args(["why", id, "--admin", &admin]).output().unwrap();
    let why = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(why.contains("limited") && why.contains(detail), "{why}");
    assert!(!why.contains("sesame"), "{why}");

    let figures = Scrape::of(&proxy.log).now();
    let count =
        |name: &str, labels: &[(&str, &str)]| figures.sum(&format!("weir_plugin_rate_limit_{name}_total"), labels);
    assert_eq!((count("admitted", &[]), count("limited", &[("limit", "default")])), (1.0, 1.0), "{}", figures.text);
}

#[test]
fn a_household_has_one_network_and_one_counter() {
    let (proxy, _origin) = limited("limit: 2, window: 744h", |builder| builder);
    assert_eq!(served(&proxy, "2001:db8:0:1::1", 1), 1);
    assert_eq!(served(&proxy, "2001:db8:0:1:ffff::77", 5), 1);
    assert_eq!(served(&proxy, "2001:db8:0:2::1", 5), 2);
    assert_eq!(served(&proxy, "192.0.2.1", 5), 2);
}

#[test]
fn answers_are_charged_by_what_was_sent() {
    let origin = Origin::text("x".repeat(5000).leak());
    let (proxy, _other) = limited("limit: 8, window: 744h, cost: { answer: 1KiB }", |builder| {
        builder.route("/big", "big", origin.address)
    });
    let mut client = Client::connect(proxy.address);
    let left = |reply: &weir_tests::Reply| reply.header("ratelimit").unwrap().split(";t=").next().unwrap().to_owned();
    let reply = client.get("/big", "");
    assert_eq!((reply.status, left(&reply).as_str()), (200, "\"default\";r=7168"));
    // It is charged when it is over: its record is written then, too.
    proxy.record(1);
    let reply = client.get("/", "");
    assert_eq!((reply.status, left(&reply).as_str()), (200, "\"default\";r=2048"));
    proxy.record(2);
    assert_eq!(client.get("/big", "").status, 200);
    proxy.record(3);
    assert_eq!(client.get("/", "").status, 429);
}

#[test]
fn a_dry_run_is_told_to_operators_only() {
    let (proxy, _origin) = limited("limit: 1, window: 744h, dry_run: true", |builder| builder);
    for _ in 0..3 {
        let reply = get_as(&proxy, "192.0.2.1");
        assert_eq!((reply.status, reply.header("ratelimit")), (200, None));
    }
    proxy.log.wait_many("would refuse with 429", 2);
    let figures = Scrape::of(&proxy.log).now();
    assert_eq!(figures.sum("weir_plugin_rate_limit_would_limit_total", &[]), 2.0);
}
