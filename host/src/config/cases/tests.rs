//! Whatever a file of cases holds, it is read or refused.

use std::path::Path;

use super::{Cases, Source, parse};

/// Something of everything.
const ALL: &str = r#"defaults: { config: { a: 1 }, request: { headers: { x-a: [one, two] } } }
cases:
  - name: everything
    plugin: { limits: { cpu: 5ms }, isolation: fresh, grants: { vars: [user.] } }
    on_failure: open
    site: shop
    route: { path: /a/*, name: a, strip_prefix: true }
    upstreams: [auth]
    stores: [limits]
    secrets: { TOKEN: hush }
    documents: { keys.txt: one, none.txt: null, auth/keys: { text: a, refreshed: b } }
    kv: { limits: { count: 41, raw: { hex: 00ff } } }
    clock: 2026-01-31T12:34:56Z
    seed: 7
    random: 0a0b
    vars: { user.id: alice }
    http: [{ upstream: auth, method: GET, path: "/k*", times: 1, status: 200, body: { json: [1] }, delay: 1s }]
    steps:
      - name: first
        advance: 1m
        request:
          { method: POST, path: /a/b?c=d, host: h, body: { chunks: [a, b], breaks: true }, peer: 10.0.0.1, client: 10.0.0.2,
            trusted: true, tls: { version: TLSv1.2 }, listener: main, id: 0af7651916cd43dd8448eb211c80319c }
        upstream: { status: 404, headers: { x: y }, body: text, delay: 5ms, failure: closed }
        expect:
          { flow: answer, failure: trap, status: 200, headers: { a: true, b: false, c: { like: "*" } }, trailers: { t: x },
            body: { contains: [a, b] }, reason: { code: x, detail: { not: y } }, ended: complete, upstream: none,
            vars: { v: w }, kv: { limits: { count: 42 } }, log: [a, { level: warn, text: b }],
            metrics: { m: 1, n: [{ labels: { l: x }, value: 2 }] }, notes: [n],
            calls: [{ upstream: auth, method: GET, path: /k, headers: { h: i }, body: { hex: 00 } }] }
"#;

fn read(text: &str) -> Cases {
    let cases = parse(Source { path: "cases.yaml".into(), text: text.to_owned() });
    let address = ([127, 0, 0, 1], 1).into();
    for case in &cases.cases {
        // What it stands for can be said of any case that was read.
        let config = case.configuration(&cases.sources, "tried", Some(Path::new("/tried.wasm")), address);
        assert!(!config.faults.is_empty() || config.entries.len() == 1);
    }
    cases
}

#[test]
fn everything_that_can_be_written_is_read() {
    let cases = read(ALL);
    assert_eq!(cases.faults, []);
    let step = &cases.cases[0].steps[0];
    assert_eq!(step.request.head.headers.get_all("x-a").iter().count(), 2);
    assert_eq!(step.request.head.headers["x-forwarded-for"], "10.0.0.2");
    assert_eq!(step.expect.metrics.len(), 2);
}

#[test]
fn no_part_of_a_file_makes_reading_it_panic() {
    for (place, _) in ALL.char_indices() {
        read(&ALL[..place]);
        // A value that is another kind of value.
        if let Some(rest) = ALL[place..].strip_prefix(": ") {
            let end = rest.find([',', '}', '\n']).unwrap_or(rest.len());
            for odd in ["3", "[]", "{}", "[[x]]", "{ x: { y: z } }", "", "\"\"", "18446744073709551615ms"] {
                read(&format!("{}: {odd}{}", &ALL[..place], &rest[end..]));
            }
        }
    }
}
