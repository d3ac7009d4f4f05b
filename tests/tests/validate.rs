//! `validate` in the running proxy: what fits goes on as it came, and nothing that anybody sends harms others.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use weir_tests::{Client, Origin, Proxy, ProxyBuilder, Reply, Scrape, command, get, python_origin, until, weir};

/// A proxy before an upstream that says that it served.
fn proxy(config: &str, build: impl FnOnce(ProxyBuilder) -> ProxyBuilder) -> (Proxy, Origin) {
    let origin = Origin::text("served\n");
    let builder = Proxy::builder()
        .top("workers: 2")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .filter(&format!("{{ plugin: validate, config: {{ {config} }} }}"));
    (build(builder).route("/*", "app", origin.address).start(), origin)
}

/// A POST of these bytes, with more lines of the header.
fn post(proxy: &Proxy, body: &[u8], more: &str) -> Reply {
    let length = body.len();
    let head = format!("POST / HTTP/1.1\r\nHost: test.example\r\nConnection: close\r\nContent-Length: {length}\r\n");
    let mut client = Client::connect(proxy.address);
    client.send([head.as_bytes(), more.as_bytes(), b"\r\n", body].concat());
    client.reply()
}

const JSON: &str = "Content-Type: application/json\r\n";

fn posted(proxy: &Proxy, body: &str) -> Reply {
    post(proxy, body.as_bytes(), JSON)
}

/// Answers with what it was sent.
const ECHO: &str = "
def do_POST(self):
    length = self.headers['Content-Length']
    def chunk():
        bytes = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return bytes
    body = self.rfile.read(int(length)) if length else b''.join(iter(chunk, b''))
    self.send_response(200)
    self.send_header('Content-Type', self.headers['X-Answer'] or 'application/json')
    self.send_header('Content-Length', str(len(body)))
    self.end_headers()
    self.wfile.write(body)
";

/// What curl gets for these bytes: the status and the body.
fn curl(proxy: &Proxy, body: &[u8], fields: &[&str]) -> (u16, Vec<u8>) {
    let mut curl = command("curl", "curl");
    curl.args(["-sS", "--max-time", "20", "-o", "-", "-w", "%{stderr}%{http_code}", "--data-binary", "@-"]);
    for field in fields {
        curl.args(["-H", field]);
    }
    let mut curl = curl
        .arg(format!("http://{}/orders", proxy.address))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    curl.stdin.take().unwrap().write_all(body).unwrap();
    let output = curl.wait_with_output().unwrap();
    let status = String::from_utf8_lossy(&output.stderr).parse().unwrap_or_else(|_| panic!("{output:?}"));
    (status, output.stdout)
}

#[test]
fn what_fits_goes_on_byte_for_byte_between_foreign_peers() {
    let origin = python_origin(ECHO);
    let schema = "schema: { required: [id], properties: { id: { type: integer, multipleOf: 0.1 } } }";
    let proxy = Proxy::builder()
        .filter(&format!("{{ plugin: validate, config: {{ request: {{ {schema} }}, response: {{ {schema} }} }} }}"))
        .route("/*", "app", origin.address)
        .start();
    let json = "Content-Type: application/json";
    let odd =
        " {\t\"id\" : 9007199254740993.0e0,\r\n \"a\\u0062\": [1.50, -0, 1E400],\n\"\u{e4}\":\"\\/\"} \n".as_bytes();
    assert_eq!(curl(&proxy, odd, &[json]), (200, odd.to_vec()));
    let chunked = "Transfer-Encoding: chunked";
    assert_eq!(curl(&proxy, odd, &[json, chunked]), (200, odd.to_vec()));
    let (status, body) = curl(&proxy, b"{\"id\": 0.55, \"card\": \"4111\"}", &[json]);
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &told["status"], &told["title"]), (400, &json!(400), &json!("Bad Request")));
    assert_eq!(
        told["errors"],
        json!([
            { "pointer": "#/id", "detail": "must be an integer", "keyword": "type" },
            { "pointer": "#/id", "detail": "must be a multiple of 0.1", "keyword": "multipleOf" },
        ])
    );
    // The upstream's answer is looked at, too.
    let (status, body) = curl(&proxy, odd, &[json, "X-Answer: text/html"]);
    let told: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &told["detail"]), (502, &json!("The answer of the server behind is not as it should be")));
}

/// Bytes that Python makes of others.
fn python(program: &str) -> Vec<u8> {
    let output = command("python3", "python3").args(["-c", program]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn what_is_compressed_is_decoded_within_its_bounds() {
    let (proxy, origin) = proxy("request: { schema: { type: array } }, max: 1000B", |builder| builder);
    let gzip =
        |body: &str| python(&format!("import gzip, sys; sys.stdout.buffer.write(gzip.compress(({body}).encode()))"));
    for coding in ["gzip", "X-Gzip"] {
        let reply = post(&proxy, &gzip("'[1, 2]'"), &format!("{JSON}Content-Encoding: {coding}\r\n"));
        assert_eq!(reply.status, 200, "{reply:?}");
        let received = origin.next();
        assert_eq!((received.body.as_slice(), received.header("content-encoding")), (&b"[1, 2]"[..], None));
    }
    let coded = format!("{JSON}Content-Encoding: gzip\r\n");
    for (body, status) in [
        (gzip("'{}'"), 400),
        (gzip("'[' + ' ' * 2000 + ']'"), 413),
        (gzip("'[' + ' ' * (50 << 20) + ']'"), 400),
        (gzip("'[1, 2]'")[..20].to_vec(), 400),
        (b"[1, 2]".to_vec(), 400),
    ] {
        let reply = post(&proxy, &body, &coded);
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, Some("application/problem+json")),
            "{reply:?}"
        );
    }
    for coding in ["br, gzip", "compress"] {
        let reply = post(&proxy, b"[]", &format!("{JSON}Content-Encoding: {coding}\r\n"));
        assert_eq!(
            (reply.status, reply.header("accept-encoding")),
            (415, Some("gzip, br, zstd, deflate")),
            "{coding} {reply:?}"
        );
    }
    assert!(origin.arrived().is_empty());
}

/// A schema with the dear keywords, each under a member of its own.
const DEAR: &str = r##"request: { schema: {
    properties: {
        unique: { uniqueItems: true },
        tree: { $ref: "#/$defs/tree" },
        steep: { $ref: "#/$defs/steep" },
        pattern: { pattern: "^(([a-z])+.)+[A-Z]([a-z])+$" },
        many: { patternProperties: { "(a+)+$": true, "^.*b.*c$": true, "x": true }, additionalProperties: true },
        big: { multipleOf: 0.0001 },
        number: { maximum: 1e300 },
        regex: { format: regex },
        mail: { format: email },
        template: { format: uri-template },
        open: { unevaluatedProperties: false, anyOf: [ { patternProperties: { "^a": true } }, true ] },
        any: true
    },
    $defs: {
        tree: { anyOf: [
            { allOf: [ { additionalProperties: { $ref: "#/$defs/tree" } }, { required: [x] } ] },
            { allOf: [ { additionalProperties: { $ref: "#/$defs/tree" } }, { required: [y] } ] }
        ] },
        steep: { allOf: [ { anyOf: [ { oneOf: [ { not: { not: { if: true, then: { allOf: [ { anyOf: [ { items: { $ref: "#/$defs/steep" } } ] } ] } } } } ] } ] } ] }
    }
} }, formats: assert"##;

#[test]
fn no_body_makes_the_filter_fail_or_holds_its_worker() {
    // A busy machine takes longer; what is counted are steps, on every machine as many.
    let origin = Origin::text("served\n");
    let config = DEAR.replace('\n', " ");
    let proxy = Proxy::builder()
        .top("workers: 2")
        .top("admin: { address: \"127.0.0.1:0\" }")
        .filter(&format!("{{ plugin: validate, limits: {{ cpu: 200ms }}, config: {{ {config} }} }}"))
        .route("/*", "app", origin.address)
        .start();
    let fill = 1_000_000;
    let list = |item: &str, count: usize| format!("[{}{item}]", format!("{item},").repeat(count - 1));
    let names = |count: usize, form: &dyn Fn(usize) -> String| {
        format!("{{{}}}", (0..count).map(|index| format!("\"{}\":0", form(index))).collect::<Vec<_>>().join(","))
    };
    let nested = |open: &str, close: &str, count: usize| format!("{}0{}", open.repeat(count), close.repeat(count));
    let distinct =
        |count: usize| format!("[{}]", (0..count).map(|item| item.to_string()).collect::<Vec<_>>().join(","));
    let mut bodies = vec![
        "[".repeat(fill),
        "{\"a\":".repeat(fill / 5),
        "\"".to_owned() + &"\\".repeat(fill),
        format!("\"{}\"", "\\u0041".repeat(fill / 6)),
        "1".repeat(fill),
        format!("1e{}", "9".repeat(fill)),
        " ".repeat(fill),
        list("[]", fill / 3),
        list("0", fill / 2),
        names(80_000, &|index| format!("n{index}")),
        names(20_000, &|index| format!("n{}", index / 2)),
    ];
    for (member, value) in [
        ("unique", list("{\"a\":[1,2,3]}", 20_000)),
        ("unique", distinct(40_000)),
        ("unique", list("[[[[[[]]]]]]", 10_000)),
        ("unique", format!("[{0},{0}]", list("[]", 30_000))),
        ("tree", nested("{\"a\":", "}", 60)),
        ("tree", names(50_000, &|index| format!("t{index}"))),
        ("steep", nested("[", "]", 62)),
        ("steep", list("[]", 50_000)),
        ("pattern", format!("\"{}!\"", "a".repeat(900_000))),
        ("pattern", format!("\"{}!\"", "aA".repeat(5_000))),
        ("many", names(30_000, &|index| format!("{}{index}", "a".repeat(20)))),
        ("big", "9".repeat(900_000)),
        ("big", format!("1e-{}", "9".repeat(900_000))),
        ("big", "1e999999999999".to_owned()),
        ("number", format!("{}e999999999", "9".repeat(900_000))),
        ("regex", format!("\"{}\"", "(".repeat(900_000))),
        ("regex", format!("\"{}a{}\"", "(".repeat(24), "){9}".repeat(24))),
        ("regex", format!("\"{}\"", "(a{1000}){1000}".repeat(10))),
        ("regex", format!("\"{}\"", "\\\\p{L}".repeat(40))),
        ("mail", format!("\"{}\"", "a@".repeat(400_000))),
        ("template", format!("\"{}\"", "{a}".repeat(300_000))),
        ("open", names(40_000, &|index| format!("a{index}"))),
        ("any", list("\"\u{1F600}\"", 60_000)),
    ] {
        bodies.push(format!("{{\"{member}\":{value}}}"));
    }
    for body in &bodies {
        let reply = posted(&proxy, body);
        let start: String = body.chars().take(30).collect();
        assert!([200, 400, 413].contains(&reply.status), "{start} {reply:?}");
        assert!(reply.body.len() < 4_000, "{start} {}", reply.text());
        assert_eq!(posted(&proxy, "{\"any\": []}").status, 200, "{start}");
    }
    let figures = Scrape::of(&proxy.log).now();
    assert_eq!(figures.sum("weir_filter_failures_total", &[]), 0.0);
    assert!(figures.sum("weir_plugin_validate_misfits_total", &[("reason", "too-complex")]) > 5.0);
    assert!(origin.arrived().len() >= bodies.len());
}

/// A chain of schemas, each of which leads to the next one by one of these ways in turn; the last leads to the first.
fn chain(length: usize, ways: &[fn(Value) -> Value]) -> Value {
    let definitions = (0..length).map(|index| {
        let next = json!({ "$ref": format!("#/$defs/s{}", (index + 1) % length) });
        (format!("s{index}"), ways[index % ways.len()](next))
    });
    json!({ "$ref": "#/$defs/s0", "$defs": definitions.collect::<serde_json::Map<_, _>>() })
}

#[test]
fn what_goes_too_deep_is_refused_before_the_stack_ends() {
    type Way = fn(Value) -> Value;
    let inside: Way = |next| json!({ "additionalProperties": next });
    let ways: [(&str, Way); 9] = [
        ("allOf", |next| json!({ "allOf": [next, true] })),
        ("anyOf", |next| json!({ "anyOf": [false, next] })),
        ("oneOf", |next| json!({ "oneOf": [next] })),
        ("not", |next| json!({ "not": { "not": next } })),
        ("if", |next| json!({ "if": true, "then": next })),
        ("condition", |next| json!({ "if": next, "then": true })),
        ("dependentSchemas", |next| json!({ "dependentSchemas": { "a": next } })),
        ("beside", |next| json!({ "$ref": next["$ref"], "required": ["a"] })),
        ("unevaluated", |next| json!({ "allOf": [next], "unevaluatedProperties": true })),
    ];
    let nested = format!("{}1{}", "{\"a\":".repeat(64), "}".repeat(64));
    let mut cases = Vec::new();
    let mut case = |name: &str, ways: &[fn(Value) -> Value], body: &str, reason: Option<&str>| {
        cases.push(json!({
            "name": name,
            // Time for the schema, which is larger than any in use; the stack is what it is.
            "plugin": { "limits": { "cpu": "1s" } },
            "config": { "request": { "schema": chain(630, ways) } },
            "request": { "method": "POST", "headers": { "Content-Type": "application/json" }, "body": body },
            "expect": reason.map_or_else(|| json!({ "flow": "next" }), |reason| json!({ "reason": reason })),
        }));
    };
    for (name, way) in ways {
        // Six looks at the same value for each step into it.
        case(name, &[way, way, way, way, way, way, inside], &nested, Some("too-complex"));
    }
    let all: Vec<fn(Value) -> Value> = ways.iter().map(|(_, way)| *way).chain([inside]).collect();
    case("all of them", &all, &nested, Some("too-complex"));
    let ways: [fn(Value) -> Value; 4] = [
        |next| json!({ "properties": { "a": next } }),
        |next| json!({ "patternProperties": { "a": next } }),
        |next| json!({ "properties": {}, "unevaluatedProperties": next }),
        |next| json!({ "propertyNames": true, "additionalProperties": next }),
    ];
    for (index, way) in ways.iter().enumerate() {
        case(&format!("members {index}"), &[*way], &nested, None);
    }
    let ways: [fn(Value) -> Value; 4] = [
        |next| json!({ "items": next }),
        |next| json!({ "prefixItems": [next] }),
        |next| json!({ "contains": next }),
        |next| json!({ "unevaluatedItems": next }),
    ];
    let nested = format!("{}1{}", "[".repeat(64), "]".repeat(64));
    for (index, way) in ways.iter().enumerate() {
        case(&format!("items {index}"), &[*way], &nested, None);
    }
    let deep = &nested[1..nested.len() - 1];
    case("the same", &[|_| json!({ "uniqueItems": true })], &format!("[{deep},{deep}]"), Some("unfit"));
    hold(&cases);
}

/// Runs these cases of the filter, all of which must hold.
fn hold(cases: &[Value]) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cases.yaml");
    fs::write(&file, json!({ "cases": cases }).to_string()).unwrap();
    let output = weir().args(["plugin", "test", "validate", "--cases"]).arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let failed: Vec<&str> = said.lines().filter(|line| !line.starts_with("holds")).take(60).collect();
    assert_eq!(output.status.code(), Some(0), "{}", failed.join("\n"));
}

#[test]
fn schemas_in_files_count_when_they_change_and_broken_ones_do_not() {
    let origin = Origin::text("served\n");
    // What was before a broken one is what the same worker had.
    let builder = Proxy::builder()
        .top("workers: 1")
        .filter("{ plugin: validate, config: { request: { document: { file: order.json } }, schemas: { id: { document: { file: id.json } } } } }")
        .route("/*", "app", origin.address);
    let proxy = Proxy::of(
        &builder.text("127.0.0.1:0"),
        &[("order.json", r#"{"properties": {"id": {"$ref": "id"}}}"#), ("id.json", r#"{"type": "integer"}"#)],
    );
    assert_eq!((posted(&proxy, r#"{"id": 1}"#).status, posted(&proxy, r#"{"id": "a"}"#).status), (200, 400));
    fs::write(proxy.path("id.json"), r#"{"type": "string"}"#).unwrap();
    until("the new schema counts", || posted(&proxy, r#"{"id": "a"}"#).status == 200);
    assert_eq!(posted(&proxy, r#"{"id": 1}"#).status, 400);
    fs::write(proxy.path("id.json"), r#"{"type": "text"}"#).unwrap();
    until("the broken one is told", || {
        posted(&proxy, r#"{"id": "a"}"#);
        proxy.log.so_far().concat().contains("what was before counts")
    });
    assert_eq!((posted(&proxy, r#"{"id": 1}"#).status, posted(&proxy, r#"{"id": "a"}"#).status), (400, 200));
}

#[test]
fn without_a_schema_nothing_goes_on_and_with_one_it_does() {
    let origin = Origin::text("served\n");
    let builder = Proxy::builder()
        .filter("{ plugin: validate, config: { request: { document: { file: order.json } } } }")
        .route("/*", "app", origin.address);
    let proxy = Proxy::of(&builder.text("127.0.0.1:0"), &[("order.json", r#"{"type": 1}"#)]);
    let reply = posted(&proxy, "{}");
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")), "{reply:?}");
    assert_eq!(get(proxy.address, "/").status, 200);
    fs::write(proxy.path("order.json"), r#"{"type": "object"}"#).unwrap();
    until("there is a sound one", || posted(&proxy, "{}").status == 200);
    assert_eq!(posted(&proxy, "[]").status, 400);
}

#[test]
fn records_stories_and_metrics_say_what_was_wrong_and_not_what_was_sent() {
    let config = "request: { schema: { properties: { card: { type: string, pattern: \"^[0-9]{16}$\" } } } }, \
                  query: { properties: { limit: { type: integer, maximum: 9 } } }";
    let (proxy, origin) = proxy(config, |builder| builder.top("why: { sample: 1 }"));
    let reply = posted(&proxy, r#"{"card": "4111-hush"}"#);
    assert_eq!(reply.status, 400);
    let told: Value = serde_json::from_slice(&reply.body).unwrap();
    let id = told["request_id"].as_str().unwrap();
    let record: Value = serde_json::from_str(&proxy.access.wait(id)).unwrap();
    assert_eq!((&record["reason"], &record["status"]), (&json!("unfit"), &json!(400)));
    assert_eq!(record["detail"], "The body does not fit its schema: #/card must match ^[0-9]{16}$");
    let line: Value = serde_json::from_str(&proxy.log.wait("are answered on")).unwrap();
    let admin = format!("http://{}", line["address"].as_str().unwrap());
    let output = weir().args(["why", id, "--admin", &admin]).output().unwrap();
    let story = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(story.contains("answer (unfit)"), "{story}");
    for text in [story, record.to_string(), reply.text(), proxy.log.so_far().concat()] {
        assert!(!text.contains("hush"), "{text}");
    }
    let reply = get(proxy.address, "/?limit=10");
    assert_eq!(reply.status, 400);
    let told: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!(told["errors"], json!([{ "parameter": "limit", "detail": "must be at most 9", "keyword": "maximum" }]));
    let figures = Scrape::of(&proxy.log).now();
    for reason in ["unfit", "unfit-query"] {
        let labels = [("message", "request"), ("reason", reason)];
        assert_eq!(figures.sum("weir_plugin_validate_misfits_total", &labels), 1.0, "{reason}");
        assert_eq!(figures.sum("weir_filter_answers_total", &[("filter", "validate"), ("reason", reason)]), 1.0);
    }
    assert!(origin.arrived().is_empty());
}

#[test]
fn faults_of_schemas_are_shown_at_their_lines() {
    let folder = tempfile::tempdir().unwrap();
    let text = "version: 1
listeners: { main: { address: 127.0.0.1:0 } }
sites:
  - chain:
      - plugin: validate
        config:
          request:
            schema:
              properties:
                a: { type: text }
                b: { pattern: \"(?=a)\" }
          query: { $ref: other }
    routes: [{ path: /*, upstream: http://127.0.0.1:1 }]
";
    fs::write(folder.path().join("weir.yaml"), text).unwrap();
    let output = weir().arg("validate").current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    for (place, words) in [
        ("weir.yaml:10:", "a type is one of"),
        ("weir.yaml:11:", "look-ahead"),
        ("weir.yaml:12:", "`other` leads nowhere"),
    ] {
        assert!(said.contains(place) && said.contains(words), "{place} {words}\n{said}");
    }
}

/// Whether a schema may refer to documents that are not part of it.
fn refers_elsewhere(schema: &Value) -> bool {
    let text = schema.to_string();
    text.contains("localhost:1234") || text.contains("\"$ref\":\"http")
}

#[test]
fn the_public_suite_passes_in_the_sandbox() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/json-schema-suite/json/tests");
    assert!(suite.is_dir(), "the JSON-Schema-Test-Suite is missing; .ci/run says how to get it");
    for (draft, name) in [("2020-12", "draft2020-12"), ("07", "draft7")] {
        let mut files: Vec<_> = fs::read_dir(suite.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
        files.sort();
        let mut cases = Vec::new();
        for file in files {
            let groups: Vec<Value> = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            for group in groups.into_iter().filter(|group| !refers_elsewhere(&group["schema"])) {
                let step = |test: &Value| {
                    let status = if test["valid"] == true { 200 } else { 400 };
                    json!({
                        "name": test["description"],
                        "request": {
                            "method": "POST",
                            "headers": { "Content-Type": "application/json" },
                            "body": test["data"].to_string(),
                        },
                        "expect": { "status": status },
                    })
                };
                let steps: Vec<Value> = group["tests"].as_array().unwrap().iter().map(step).collect();
                let file = file.file_name().unwrap().to_string_lossy();
                cases.push(json!({
                    "name": format!("{file} {}: {}", cases.len(), group["description"].as_str().unwrap()),
                    "config": { "request": { "schema": group["schema"] }, "draft": draft, "formats": "annotate" },
                    "steps": steps,
                }));
            }
        }
        assert!(cases.len() > 150, "{}", cases.len());
        hold(&cases);
    }
}
