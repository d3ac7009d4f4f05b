//! Metrics as others read them: the formats, the documents, the dashboard and the alerts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use weir_tests::{Client, Figures, Origin, Pem, Proxy, Scrape, command, free_port, get};

/// Figures that need more than this test does: hooks are timed in exchanges that are looked at closely.
const UNSEEN: [(&str, &str); 3] = [
    ("weir_filter_duration_seconds", "`site`, `route`, `filter`, `plugin`, `hook`"),
    ("weir_filter_set_aside_total", "`site`, `route`, `filter`, `plugin`, `reason`"),
    ("weir_filter_waited_seconds_total", "`site`, `route`, `filter`, `plugin`, `hook`"),
];

/// Installed with Debian's packages.
fn promtool() -> Command {
    command("promtool", "prometheus")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A proxy in which everything that can be counted has happened.
fn busy() -> (Proxy, Scrape) {
    let (pem, origin, folder) = (Pem::new(), Origin::text("hello"), tempfile::tempdir().unwrap());
    pem.write("a", "a", &["a.example"]);
    fs::write(folder.path().join("list"), "a list").unwrap();
    let document = format!("document: {{ file: \"{}\" }}", folder.path().join("list").display());
    let endless = Origin::raw(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n");
        while stream.write_all(&[0; 1 << 13]).is_ok() {}
        false
    });
    let proxy = Proxy::builder()
        .top("admin: { address: \"127.0.0.1:0\" }")
        .top("workers: 1")
        .top(&format!("stores: {{ kept: {{ file: kept.db }}, away: {{ redis: \"redis://{}\" }} }}", nobody()))
        .listener("secure", &pem.listener(&["a"]))
        .upstream("app", &format!("{{ endpoints: [\"http://{}\", \"http://{}\"] }}", origin.address, nobody()))
        .route_to("/app", "app", "")
        .route("/endless", "endless", endless.address)
        .route_to("/asks", "app", &format!("add: [{{ plugin: keeper, config: {{ {document} }} }}]"))
        .route_to("/fails", "app", "add: [{ plugin: fail, config: { hook: on-request, how: panic } }]")
        .route_to("/away", "app", "add: [{ plugin: shelf, config: { store: away } }]")
        .plugin("shelf", "shelf", "")
        .plugin("keeper", "keeper", "")
        .plugin("fail", "fail", "")
        .guest("figures", "figures", "")
        .start();
    let scrape = Scrape::of(&proxy.log);
    for path in ["/app", "/app", "/app", "/asks", "/none"] {
        get(proxy.address, path);
    }
    Client::connect(proxy.address).get("/away", "X-Do: get a\r\n");
    assert_eq!(Client::connect(proxy.address).get("/fails", "X-Fail: 1\r\nX-Label: a\"b\\c\r\n").status, 500);
    let mut leaving = Client::connect(proxy.address);
    leaving.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    leaving.head();
    drop(leaving);
    let secure = proxy.listener("secure");
    let mut curl = command("curl", "curl");
    assert!(curl.args(["-sk", &format!("https://{secure}/app")]).output().unwrap().status.success());
    drop(TcpStream::connect(secure).unwrap());
    scrape.until("all of it", |figures| {
        figures.count("weir_listener_tls_handshake_failures_total", &[]) > 0
            && figures.count("weir_route_ended_early_total", &[]) > 0
            && figures.count("weir_document_last_success_timestamp_seconds", &[]) > 0
            && figures.sum("weir_route_requests_in_progress", &[]) < 0.5
    });
    (proxy, scrape)
}

/// Type, labels and meaning by name, as Weir shows them.
fn described(figures: &Figures) -> BTreeMap<String, (String, String, String)> {
    let mut described = BTreeMap::new();
    let lines = figures.text.lines().filter(|line| line.starts_with('#'));
    let (mut types, mut helps) = (BTreeMap::new(), BTreeMap::new());
    for line in lines {
        let (kind, rest) = line[2..].split_once(' ').unwrap();
        let (name, text) = rest.split_once(' ').unwrap();
        match kind {
            "TYPE" => assert!(types.insert(name, text).is_none(), "{name} has two types"),
            _ => assert!(helps.insert(name, text).is_none(), "{name} has two texts"),
        }
    }
    for (name, kind) in types.iter().filter(|(name, _)| !name.starts_with("weir_plugin_")) {
        let sample = if *kind == "histogram" { format!("{name}_count") } else { (*name).to_owned() };
        // In the order in which they are written.
        let line = figures
            .text
            .lines()
            .find(|line| line.strip_prefix(&sample).is_some_and(|rest| rest.starts_with(['{', ' '])));
        let labels = match line.map(|line| line[sample.len()..].to_owned()) {
            Some(series) => series
                .split('{')
                .nth(1)
                .map(|labels| {
                    let names = labels.split("\",").filter_map(|label| label.split('=').next());
                    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                })
                .unwrap_or_default(),
            None => UNSEEN
                .iter()
                .find(|(unseen, _)| unseen == name)
                .unwrap_or_else(|| panic!("{name} has no sample"))
                .1
                .to_owned(),
        };
        described.insert((*name).to_owned(), ((*kind).to_owned(), labels, helps[name].to_owned()));
    }
    described
}

#[test]
fn foreign_readers_understand_both_formats() {
    let (_proxy, scrape) = busy();
    let mut check = promtool().args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(scrape.text("/metrics", "").as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // What filters are called and declare is theirs.
    let ours: Vec<&str> = said.lines().filter(|line| !line.starts_with("weir_plugin_")).collect();
    assert!(ours.is_empty(), "{said}");

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("text"), scrape.text("/metrics", "")).unwrap();
    let open = scrape.text("/metrics", "Accept: application/openmetrics-text; version=1.0.0\r\n");
    assert!(open.ends_with("\n# EOF\n"));
    fs::write(folder.path().join("open"), open).unwrap();
    let script = "
from prometheus_client.parser import text_string_to_metric_families as text
from prometheus_client.openmetrics.parser import text_string_to_metric_families as om
for read, name in (text, 'text'), (om, 'open'):
    families = list(read(open(name).read()))
    samples = [sample for family in families for sample in family.samples]
    label = [s.labels['what'] for s in samples if s.name == 'weir_plugin_figures_hits_total' and s.labels['what']]
    kinds = {f.name: f.type for f in families}
    print(len(families), label, kinds['weir_listener_connections'], kinds['weir_gateway_latency_seconds'])
";
    let mut python = command("/usr/bin/python3", "python3 python3-prometheus-client");
    let output = python.args(["-c", script]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let families = described(&scrape.now()).len() + 4;
    let expected = format!("{families} ['a\"b\\\\c'] gauge histogram\n").repeat(2);
    assert_eq!(
        said,
        expected,
        "{} (apt-get install python3-prometheus-client)",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn every_metric_is_described_in_its_document() {
    let (_proxy, scrape) = busy();
    let mut table = String::from("| name | type | labels | what it is |\n| --- | --- | --- | --- |\n");
    for (name, (kind, labels, help)) in described(&scrape.now()) {
        let help = help.replace('|', "\\|");
        writeln!(table, "| `{name}` | {kind} | {labels} | {help} |").unwrap();
    }
    let file = root().join("docs/metrics.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once("<!-- the metrics -->\n").expect("the table has its place");
    let (written, after) = rest.split_once("<!-- to here -->\n").expect("the table has an end");
    if std::env::var_os("WEIR_BLESS").is_some() {
        let text = format!("{before}<!-- the metrics -->\n{table}<!-- to here -->\n{after}");
        fs::write(&file, text).unwrap();
    } else {
        assert_eq!(written, table, "docs/metrics.md (WEIR_BLESS=1 rewrites the table)");
    }
}

/// The names of metrics in a text of expressions.
fn names(text: &str) -> BTreeSet<String> {
    let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("weir_") || word.starts_with("process_")).map(str::to_owned).collect()
}

/// Names that samples can have.
fn known(figures: &Figures) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (name, (kind, ..)) in described(figures) {
        if kind == "histogram" {
            known.extend(["bucket", "sum", "count"].map(|suffix| format!("{name}_{suffix}")));
        } else {
            known.insert(name);
        }
    }
    known
}

/// Every expression in a dashboard.
fn expressions(value: &serde_json::Value, found: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(members) => {
            for (key, value) in members {
                match value.as_str().filter(|_| key == "expr") {
                    Some(expression) => found.push(expression.to_owned()),
                    None => expressions(value, found),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_and_the_alerts_are_about_metrics_that_exist() {
    let (_proxy, scrape) = busy();
    let known = known(&scrape.now());
    let folder = root().join("examples/monitoring");
    let dashboard = fs::read_to_string(folder.join("dashboard.json")).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&dashboard).unwrap();
    let mut found = Vec::new();
    expressions(&parsed, &mut found);
    assert!(found.len() > 40, "{} expressions", found.len());
    let alerts = fs::read_to_string(folder.join("alerts.yml")).unwrap();
    for (file, text) in [("dashboard.json", &dashboard), ("alerts.yml", &alerts)] {
        let unknown: Vec<String> = names(text).difference(&known).cloned().collect();
        assert!(unknown.is_empty(), "{file} names {unknown:?}");
        assert!(names(text).len() > 10);
    }
    // Prometheus reads them, with what Grafana puts in the place of its variables.
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (number, expression) in found.iter().enumerate() {
        let expression = expression.replace("$__rate_interval", "1m");
        let expression =
            ["instance", "site", "route"].iter().fold(expression, |text, name| text.replace(&format!("${name}"), ".*"));
        assert!(!expression.contains('$'), "{expression}");
        writeln!(rules, "      - {{ record: \"panel_{number}\", expr: {} }}", serde_json::Value::from(expression))
            .unwrap();
    }
    let scratch = tempfile::tempdir().unwrap();
    fs::write(scratch.path().join("rules.yml"), rules).unwrap();
    let output = promtool().args(["check", "rules"]).arg(scratch.path().join("rules.yml")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_alert_fires_in_its_test() {
    let folder = root().join("examples/monitoring");
    let output = promtool().current_dir(&folder).args(["test", "rules", "alerts_test.yml"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = promtool().current_dir(&folder).args(["check", "config", "prometheus.yml"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (alerts, tests) =
        ["alerts.yml", "alerts_test.yml"].map(|file| fs::read_to_string(folder.join(file)).unwrap()).into();
    let mut count = 0;
    for name in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(
            tests.contains(&format!("        alertname: {name}\n        exp_alerts:\n          - ")),
            "{name} never fires"
        );
        assert!(tests.contains(&format!("alertname: {name}, exp_alerts: [] ")), "{name} is never quiet");
        count += 1;
    }
    assert!(count >= 10);
}

#[test]
fn prometheus_itself_reads_a_running_proxy() {
    let (_proxy, scrape) = busy();
    let folder = tempfile::tempdir().unwrap();
    let config = fs::read_to_string(root().join("examples/monitoring/prometheus.yml")).unwrap();
    let config = config.replace("127.0.0.1:8489", &scrape.address().to_string());
    fs::write(folder.path().join("prometheus.yml"), config).unwrap();
    fs::copy(root().join("examples/monitoring/alerts.yml"), folder.path().join("alerts.yml")).unwrap();
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut prometheus = command("prometheus", "prometheus")
        .current_dir(folder.path())
        .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
        .arg(format!("--web.listen-address={address}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + weir_tests::PATIENCE;
    let answer = loop {
        // Until it has started, and looked.
        let output = promtool()
            .args([
                "query",
                "instant",
                &format!("http://{address}"),
                "sum by (route) (weir_route_requests_total{route=\"/app\"})",
            ])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if said.contains("=>") || std::time::Instant::now() > deadline {
            break said;
        }
    };
    prometheus.kill().unwrap();
    prometheus.wait().unwrap();
    assert!(answer.starts_with("{route=\"/app\"} => 4 "), "{answer}");
}

#[test]
fn readers_get_what_they_accept() {
    let origin = Origin::text("x");
    let proxy = Proxy::builder().top("admin: { address: \"127.0.0.1:0\" }").route("/*", "app", origin.address).start();
    let scrape = Scrape::of(&proxy.log);
    get(proxy.address, "/");
    proxy.record(1);
    let asked = |path: &str, more: &str| {
        let mut client = Client::connect(scrape.address());
        client.send(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{more}\r\n", scrape.address()));
        client.reply()
    };
    let kind = |more: &str| asked("/metrics", more).header("content-type").unwrap().to_owned();
    assert_eq!(kind(""), "text/plain; version=0.0.4; charset=utf-8");
    let prometheus = "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n";
    assert_eq!(kind(prometheus), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let zipped = asked("/metrics", "Accept-Encoding: gzip\r\n");
    assert_eq!((zipped.header("content-encoding"), &zipped.body[..2]), (Some("gzip"), &[0x1f, 0x8b][..]));
    assert!(zipped.header("vary").unwrap().contains("accept-encoding"));
    let mut gunzip = command("gzip", "gzip").arg("-dc").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gunzip.stdin.take().unwrap().write_all(&zipped.body).unwrap();
    let mut plain = String::new();
    gunzip.stdout.take().unwrap().read_to_string(&mut plain).unwrap();
    gunzip.wait().unwrap();
    assert_eq!(Figures::read(plain).sum("weir_listener_requests_total", &[]), 1.0);
    assert_eq!(asked("/metrics", "Accept-Encoding: gzip;q=0\r\n").header("content-encoding"), None);
    assert!(asked("/metrics?routes=1", "").text().contains("\nweir_route_requests_total{"));
    let without = asked("/metrics?routes=0", "").text();
    assert!(!without.contains("weir_route_") && without.contains("\nweir_upstream_requests_total{"), "{without}");
    assert_eq!((asked("/metrics?routes=2", "").status, asked("/metrics?more=1", "").status), (400, 400));
}

#[test]
fn the_token_guards_metrics_too() {
    let origin = Origin::text("x");
    let text = Proxy::builder()
        .top("admin: { address: \"127.0.0.1:0\", token: { file: token } }")
        .route("/*", "app", origin.address)
        .text("127.0.0.1:0");
    let proxy = Proxy::of(&text, &[("token", "a-token-that-is-long-enough-to-be-one")]);
    let scrape = Scrape::of(&proxy.log);
    let mut client = Client::connect(scrape.address());
    client.send(format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", scrape.address()));
    let refused = client.reply();
    assert_eq!(refused.status, 401);
    assert!(!refused.text().contains("weir_build_info"));
    let token = "Authorization: Bearer a-token-that-is-long-enough-to-be-one\r\n";
    assert!(scrape.text("/metrics", token).contains("weir_build_info"));
}

#[test]
fn of_ten_thousand_routes_only_those_that_are_used_are_shown() {
    let origin = Origin::text("x");
    let routes: String =
        (0..10_000).map(|number| format!("      - {{ path: /r{number}/*, upstream: app }}\n")).collect();
    let text = format!(
        "version: 1\nadmin: {{ address: \"127.0.0.1:0\" }}\nlisteners: {{ main: {{ address: \"127.0.0.1:0\" }} }}\n\
         upstreams: {{ app: {{ endpoints: [\"http://{}\"] }} }}\nsites:\n  - routes:\n{routes}",
        origin.address
    );
    let proxy = Proxy::of(&text, &[]);
    let scrape = Scrape::of(&proxy.log);
    let empty = scrape.now().text.len();
    get(proxy.address, "/r7/");
    get(proxy.address, "/r9000/");
    proxy.record(2);
    let figures = scrape.now();
    assert_eq!(figures.count("weir_route_requests_total", &[]), 2);
    assert_eq!(figures.sum("weir_route_requests_total", &[("route", "/r9000/*")]), 1.0);
    assert!(figures.text.len() < empty + 20_000, "{} bytes", figures.text.len());
}
