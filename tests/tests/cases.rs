//! `weir plugin test`: cases that hold, cases that do not, and what is said of them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use weir_tests::{guest, weir};

fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

/// A folder with this file of cases.
fn folder(cases: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("cases.yaml"), cases).unwrap();
    folder
}

fn test(filter: &Path, cases: &str, more: &[&str]) -> (i32, String, String) {
    let folder = folder(cases);
    run(weir()
        .args(["plugin", "test"])
        .arg(filter)
        .args(["--cases", "cases.yaml"])
        .args(more)
        .current_dir(folder.path()))
}

/// Cases of a guest, all of which must hold.
fn hold(name: &str, cases: &str) {
    let (code, said, error) = test(&guest(name), cases, &[]);
    assert_eq!(code, 0, "{said}{error}");
    assert!(said.ends_with(" hold, 0 do not\n"), "{said}");
}

/// What is different, as JSON, in the one case of a guest.
fn differences(name: &str, cases: &str) -> Vec<Value> {
    differences_of(&guest(name), cases)
}

fn differences_of(filter: &Path, cases: &str) -> Vec<Value> {
    let (code, said, error) = test(filter, cases, &["--json"]);
    assert_eq!(code, 1, "{said}{error}");
    let told: Value = serde_json::from_str(&said).unwrap();
    told["cases"][0]["differences"].as_array().unwrap().clone()
}

#[test]
fn time_passes_only_when_a_case_lets_it_pass() {
    hold(
        "keeper",
        "
defaults: { config: { store: local } }
cases:
  - name: a value is gone when its time is over, and not before
    steps:
      - { request: { headers: { x-do: set-for k v 60000 } }, expect: { body: (), kv: { local: { k: v } } } }
      - { advance: 59s, request: { headers: { x-do: get k } }, expect: { body: v } }
      - { advance: 1s, request: { headers: { x-do: get k } }, expect: { body: none, kv: { local: { k: false } } } }
",
    );
    hold(
        "tools",
        "
cases:
  - name: the clock is the case's
    clock: 2030-06-01T12:00:00Z
    steps:
      - { request: { headers: { x-do: clock } }, expect: { body: { contains: \"1906545600 \" } } }
      - { advance: 90s, request: { headers: { x-do: clock } }, expect: { body: { contains: \"1906545690 \" } } }
",
    );
    hold(
        "every",
        "
cases:
  - name: ticks come as time passes
    config: { tick: 10000 }
    steps:
      - { advance: 9s, expect: { log: [called on-request, called on-response, called on-complete] } }
      - { advance: 1s, expect: { log: [called on-tick, called on-request] } }
      - { advance: 20s, expect: { log: [called on-tick, called on-tick, called on-request] } }
",
    );
}

#[test]
fn a_case_gives_documents_secrets_and_what_stores_hold() {
    hold(
        "keeper",
        "
cases:
  - name: what a store holds at first
    config: { store: limits }
    kv: { limits: { count: 41 } }
    request: { headers: { x-do: add count 1 } }
    expect: { body: \"42\", kv: { limits: { count: \"42\" } } }
  - name: stores are empty again in the next case
    config: { store: limits }
    stores: [limits]
    request: { headers: { x-do: get count } }
    expect: { body: none }
  - name: a secret
    config: { secret: { env: TOKEN_OF_NOBODY } }
    secrets: { TOKEN_OF_NOBODY: hush }
    request: { headers: { x-do: secret hush } }
    expect: { body: true true }
  - name: a document that changes
    config: { document: { file: keys.txt } }
    documents: { keys.txt: one }
    steps:
      - { request: { headers: { x-do: read } }, expect: { body: 1 true true one } }
      - { documents: { keys.txt: two }, request: { headers: { x-do: read } }, expect: { body: 2 true true two } }
  - name: a document that is fetched anew when the filter asks for it
    upstreams: [auth]
    config: { document: { upstream: auth, path: /keys } }
    documents: { auth/keys: { text: old, refreshed: new } }
    steps:
      - { request: { headers: { x-do: read } }, expect: { body: 1 true true old } }
      # Not more often than once a second.
      - { request: { headers: { x-do: refresh } }, expect: { body: \"Ended::Done 1 true true old\" } }
      - { advance: 1s, request: { headers: { x-do: refresh } }, expect: { body: \"Ended::Done 2 true true new\" } }
  - name: a document that another one leads to is given as what it is
    upstreams: [auth, certs]
    config: { document: { upstream: auth, path: /oidc, follow: { pointer: /jwks_uri, upstream: certs } } }
    documents: { auth/oidc: these keys }
    request: { headers: { x-do: read } }
    expect: { body: 1 true true these keys }
  - name: a document that cannot be had
    config: { document: { file: keys.txt } }
    documents: { keys.txt: null }
    steps:
      - { request: { headers: { x-do: read } }, expect: { body: 0 none } }
      - { advance: 5s, request: { headers: { x-do: refresh } }, expect: { body: \"Ended::Failed 0 none\" } }
",
    );
    let folder = folder(
        "
cases:
  - name: a file that no case speaks of is read
    config: { document: { file: keys.txt } }
    request: { headers: { x-do: read } }
    expect: { body: 1 true true from the disk }
",
    );
    fs::write(folder.path().join("keys.txt"), "from the disk").unwrap();
    let (code, said, error) = run(weir()
        .args(["plugin", "test"])
        .arg(guest("keeper"))
        .args(["--cases"])
        .arg(folder.path().join("cases.yaml")));
    assert_eq!(code, 0, "{said}{error}");
}

#[test]
fn random_bits_are_the_same_each_time() {
    let cases = "
cases:
  - name: the first bytes are given, and the rest follows
    random: 000102030405060708090a0b0c0d0e0f
    request: { headers: { x-do: draw } }
    expect: { body: 000102030405060708090a0b0c0d0e0f }
";
    hold("tools", cases);
    let said = |seed: u32| {
        let cases = format!(
            "cases: [{{ name: x, seed: {seed}, request: {{ headers: {{ x-do: draw }} }}, expect: {{ body: \"\" }} }}]"
        );
        differences("tools", &cases)[0]["got"].as_str().unwrap().to_owned()
    };
    let drawn = said(1);
    assert_eq!(drawn.len(), 32, "{drawn}");
    assert_eq!(said(1), drawn);
    assert_ne!(said(2), drawn);
}

#[test]
fn requests_of_the_filters_own_are_answered_by_the_case() {
    hold(
        "caller",
        "
defaults:
  config: { upstream: auth, timeout: 1000, max_body: 20 }
cases:
  - name: the first answer that fits
    http:
      - { upstream: auth, path: /other }
      - { upstream: auth, method: POST, path: \"/a*\", body: posted }
      - { upstream: auth, path: /a, times: 1, status: 201, body: first }
      - { upstream: auth, path: /a, body: again }
    request: { headers: { x-get: \"/a /a POST:/a?b\" } }
    expect:
      body: 201 first, 200 again, 200 posted
      calls:
        - { upstream: auth, method: GET, path: /a, headers: { x-own: \"yes\" }, body: asked }
        - { path: /a }
        - { method: POST, path: /a?b }
  - name: none is answered
    http:
      - { upstream: auth, path: /late, delay: 2s }
      - { upstream: auth, path: /gone, failure: unreachable }
      - { upstream: auth, path: /silent, failure: timeout }
      - { upstream: auth, path: /long, body: more than twenty bytes of it }
    request: { headers: { x-get: /late /gone /silent /long } }
    expect: { body: 'timed-out, failed, timed-out, too-large' }
  - name: none is made
    request: { headers: {} }
    http: [{ upstream: auth }]
    expect: { calls: [], flow: next }
",
    );
    hold(
        "shares",
        "
cases:
  - name: shared requests as well
    config: { upstream: auth }
    http: [{ upstream: auth, path: /shared, times: 2, body: yes }, { upstream: auth, failure: timeout }]
    request: { headers: { x-key: k, x-times: 3 } }
    expect: { body: '200 yes, 200 yes, timed-out', calls: [{ path: /shared }, { path: /shared }, { path: /shared }] }
",
    );
    hold(
        "owns",
        "
cases:
  - name: fields that are the filter's own do not come from clients
    config: { own: [x-user-id] }
    request: { headers: { X-User-Id: root, x-a: kept } }
    expect: { upstream: { headers: { x-a: kept, x-user-id: false } } }
",
    );
    let odd = differences(
        "caller",
        "
cases:
  - name: nobody says what comes
    config: { upstream: auth }
    upstreams: [auth]
    request: { headers: { x-get: /a } }
",
    );
    assert_eq!(odd[0]["what"], "http");
    assert_eq!(odd[0]["expected"], "an answer to GET /a of upstream `auth`");
}

#[test]
fn bodies_come_in_pieces_and_break_off_as_a_case_says() {
    hold(
        "pieces",
        "
cases:
  - name: a response in pieces
    config: { on: response, act: tag, tag: t }
    upstream: { body: { chunks: [one, two, three] } }
    expect: { body: t(one)t(two)t(three) }
  - name: a request in pieces
    config: { on: request, act: tag, tag: t }
    request: { method: POST, body: { chunks: [one, two] } }
    expect: { upstream: { body: t(one)t(two) } }
  - name: a response that is refused in its middle
    config: { on: response, act: refuse }
    upstream: { body: { chunks: [one, \"two!\"] } }
    expect: { status: 200, body: one, ended: filter-cut, reason: too-loud }
  - name: a response that breaks off
    config: { on: response }
    upstream: { body: { chunks: [one], breaks: true } }
    expect: { body: ONE, ended: upstream-broke }
  - name: a filter that fails in the middle
    config: { on: response, act: trap }
    upstream: { body: { chunks: [one, \"two!\"] } }
    expect: { flow: failed, failure: trap, ended: filter-cut }
",
    );
    hold(
        "every",
        "
cases:
  - name: bodies are buffered, and all hooks run
    config: { arms: true }
    request: { method: POST, body: hello }
    upstream: { body: world! }
    expect:
      log:
        - called on-request
        - called on-request-chunk 5 true
        - called on-resume request
        - called on-response
        - called on-response-chunk 6 true
        - called on-resume response
        - called on-complete
",
    );
}

#[test]
fn variables_notes_grants_and_counts_can_be_looked_at() {
    hold(
        "vars",
        "
cases:
  - name: what is granted is written, what was there is read
    plugin: { grants: { vars: [user.] } }
    config: { set: { user.id: alice, auth.role: admin }, show: [tenant] }
    vars: { tenant: acme }
    expect:
      upstream: { headers: { x-set: [auth.role denied, user.id done], x-var: tenant=acme } }
      vars: { tenant: acme, auth.role: false, user.id: false }
      notes: [variables-are-set]
      log: [{ level: info, text: { contains: at the end } }]
",
    );
    hold(
        "tools",
        "
cases:
  - name: counts go on from step to step
    request: { headers: { x-do: metrics } }
    steps:
      - expect: { metrics: { seen: 2, level: 0.5, size: 1 } }
      - expect: { metrics: { seen: [{ labels: { what: this }, value: 4 }, { labels: { what: that }, value: 0 }] } }
",
    );
    hold(
        "count",
        "
cases:
  - name: steps share an instance
    steps: [{ expect: { body: \"1\" } }, { expect: { body: \"2\" } }]
  - name: cases do not
    expect: { body: \"1\" }
  - name: nor do steps where each call has an instance of its own
    plugin: { isolation: fresh }
    steps: [{ expect: { body: \"1\" } }, { expect: { body: \"1\" } }]
",
    );
}

#[test]
fn failures_are_as_the_proxy_has_them_and_never_pass_unseen() {
    hold(
        "trap",
        "
cases:
  - name: a failure ends the exchange
    request: { headers: { x-trap: request } }
    expect: { flow: failed, failure: trap, status: 500, upstream: none }
  - name: or does not, where the operator says so
    on_failure: open
    request: { headers: { x-trap: request } }
    expect: { flow: failed, status: 200, upstream: { method: GET } }
",
    );
    hold(
        "spin",
        "
cases:
  - name: limits hold
    plugin: { limits: { cpu: 5ms } }
    request: { headers: { x-spin: \"1\" } }
    expect: { failure: cpu-limit }
",
    );
    let unseen = differences("trap", "cases: [{ name: x, request: { headers: { x-trap: response } } }]");
    assert_eq!(unseen.len(), 1, "{unseen:?}");
    assert_eq!((&unseen[0]["what"], &unseen[0]["expected"]), (&"failure".into(), &"none".into()));
    assert!(unseen[0]["got"].as_str().unwrap().contains("asked to trap"), "{unseen:?}");
}

#[test]
fn what_nobody_expects_makes_a_case_fail() {
    let said = |filter: &Path, case: &str| {
        let told = differences_of(filter, &format!("cases: [{{ name: x, {case} }}]"));
        told.iter().map(|it| it["what"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let broken = "config: { deny_list: { file: list.txt } }, documents: { list.txt: no network }";
    assert_eq!(said(Path::new("ip-filter"), broken), ["log"]);
    let refused = "config: { on: response, act: refuse }, upstream: { body: { chunks: [a, \"b!\"] } }";
    assert_eq!(said(&guest("pieces"), refused), ["ended"]);
    assert_eq!(said(&guest("keeper"), "documents: { no-such.txt: x }"), ["documents"]);
}

#[test]
fn what_the_upstream_does_not_do_is_a_cases_to_say() {
    hold(
        "pass",
        "
cases:
  - name: the upstream cannot be reached, and then it can
    steps:
      - { upstream: { failure: unreachable }, expect: { status: 502, upstream: none } }
      - { upstream: { status: 201, body: here }, expect: { status: 201, body: here } }
      - { upstream: { failure: closed }, expect: { status: 502 } }
      - { upstream: { failure: timeout }, expect: { status: 504 } }
  - name: paths and prefixes are as the proxy has them
    route: { path: /api/*, strip_prefix: true, name: api }
    request: { path: /api/a/../b?c=d, headers: { X-Forwarded-For: 6.6.6.6, Connection: x-hop, X-Hop: \"1\" } }
    expect:
      upstream: { path: /b?c=d, headers: { x-forwarded-for: 192.0.2.1, x-hop: false, host: example.com } }
",
    );
}

#[test]
fn what_differs_is_told_with_its_line() {
    let cases = "cases:
  - name: wrong in many ways
    upstream: { headers: { x-a: [one, two] }, body: { json: { a: 1, b: 2 } } }
    expect:
      status: 404
      flow: answer
      headers: { x-a: one, x-b: true }
      body: { json: { a: 1, b: 3 } }
      upstream: none
      vars: { user.id: alice }
      log: [never said]
";
    let told = differences("pass", cases);
    let told: Vec<[&str; 4]> =
        told.iter().map(|it| ["place", "what", "expected", "got"].map(|key| it[key].as_str().unwrap())).collect();
    assert_eq!(
        told,
        [
            ["cases.yaml:6", "flow", "answer", "next"],
            ["cases.yaml:5", "status", "404", "200"],
            ["cases.yaml:7", "headers.x-a", "one", "`one`, `two`"],
            ["cases.yaml:7", "headers.x-b", "anything", "nothing"],
            ["cases.yaml:8", "body", "{\n  \"a\": 1,\n  \"b\": 3\n}", "{\n  \"a\": 1,\n  \"b\": 2\n}"],
            ["cases.yaml:9", "upstream", "no request", "GET /"],
            ["cases.yaml:10", "vars.user.id", "alice", "nothing"],
            ["cases.yaml:11", "log", "any level: with `never said` in it", "`info: saw 0 bytes`"],
        ]
    );
    let (code, said, error) = test(&guest("pass"), cases, &[]);
    assert_eq!(code, 1);
    assert!(error.contains("cases that do not hold: 1 of 1"), "{error}");
    assert!(said.contains("FAILS  wrong in many ways"), "{said}");
    // Of a long text, what differs.
    assert!(said.contains("      \"a\": 1,\n    -   \"b\": 3\n    +   \"b\": 2\n      }\n"), "{said}");
}

#[test]
fn faults_of_the_file_are_told_at_once_and_with_their_places() {
    let (code, _, error) = test(
        &guest("pass"),
        "
defaults: { requst: { path: / } }
cases:
  - name: one
    expect: { staus: 200, flow: nxt }
  - nam: two
    request: { path: no-slash, peer: nobody }
",
        &[],
    );
    assert_eq!(code, 2);
    for said in [
        "unknown key `requst`",
        "did you mean `request`?",
        "unknown key `staus`",
        "`nxt` is not a way to go on",
        "did you mean `next`?",
        "unknown key `nam`",
        "`no-slash` is not a path",
        "`nobody` is not an IP address",
        "cases.yaml:5:15",
    ] {
        assert!(error.contains(said), "{said} is not in\n{error}");
    }
    let (code, said, _) = test(&guest("pieces"), "cases:\n  - name: refused\n    config: { on: respnse }\n", &[]);
    assert_eq!(code, 1);
    assert!(said.contains("cases.yaml:3:19") && said.contains("respnse"), "{said}");
    let (code, _, error) = test(&guest("pass"), "cases: [{ name: a }]", &["--filter", "b"]);
    assert_eq!((code, error.contains("no case in cases.yaml has `b` in its name")), (2, true), "{error}");
    let (code, _, error) = run(weir().args(["plugin", "test"]).arg(guest("pass")));
    assert_eq!((code, error.contains("cases.yaml")), (2, true), "{error}");
}

#[test]
fn a_configuration_that_is_to_be_refused() {
    hold("pieces", "cases: [{ name: x, config: { on: nowhere }, expect: { faults: [nowhere] } }]");
    let taken = differences("pieces", "cases: [{ name: x, config: { on: request }, expect: { faults: [nowhere] } }]");
    assert_eq!(taken[0]["got"], "no fault: the filter takes it");
    let another = differences("pieces", "cases: [{ name: x, config: { on: nowhere }, expect: { faults: [] } }]");
    assert_eq!(another[0]["expected"], "no other fault");
}

#[test]
fn defaults_are_merged_part_by_part_and_null_takes_away() {
    hold(
        "pass",
        "
defaults:
  request: { headers: { x-a: a, x-b: b } }
  expect: { status: 200 }
cases:
  - name: merged
    request: { headers: { x-b: null, x-c: c } }
    expect: { upstream: { headers: { x-a: a, x-b: false, x-c: c } } }
  - name: as they are
    expect: { upstream: { headers: { x-a: a, x-b: b, x-c: false } } }
",
    );
}
