//! Secrets of every form, planted in a configuration, and every view looked through for them.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;
use weir_tests::{Client, Lines, Origin, command, guest, weir};

use super::curl;

/// What must never be seen.
const PLANTED: &str = "xyzzy";

/// Every path that shows something, from the API's own document.
fn views(url: &str, bearer: &str, story: &str) -> Vec<(String, String)> {
    let get = |path: &str| {
        let output =
            command("curl", "curl").args(["-sS", "-i", "-H", bearer, &format!("{url}{path}")]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (_, document) = curl(&["-H", bearer, &format!("{url}/openapi.json")]);
    let mut paths: Vec<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    paths.retain(|path| document["paths"][path]["get"].is_object());
    assert!(paths.len() >= 16, "{paths:?}");
    let filled = |path: String| match path.as_str() {
        "/explain" => "/explain?host=a.example&path=/private".to_owned(),
        path => path.replace("{upstream}", "app").replace("{id}", story),
    };
    paths.into_iter().map(filled).map(|path| (path.clone(), get(&path))).collect()
}

#[test]
fn no_view_ever_shows_a_secret() {
    let origin = Origin::text("x");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("token", &format!("{PLANTED}-token"));
    write("key", &format!("{PLANTED}-file"));
    write(
        "conf.yaml",
        &format!("chains: {{ unused: [{{ plugin: respond, config: {{ body: {PLANTED}-unused }} }}] }}\n"),
    );
    let text = format!(
        r#"version: 1
x-pasted: {PLANTED}-own
include: [conf.yaml]
admin: {{ address: "127.0.0.1:0", token: {{ file: token }} }}
listeners: {{ main: {{ address: "127.0.0.1:0", x-note: {PLANTED}-note }} }}
upstreams: {{ app: {{ endpoints: ["http://{origin}"] }} }}
plugins: {{ keeper: {{ file: "{keeper}" }} }}
sites:
  - host: a.example
    chain:
      - {{ plugin: keeper, config: {{ secret: {{ file: key }}, document: {{ file: page }} }} }}
      - {{ plugin: keeper, name: other, config: {{ secret: {{ env: PLANTED_BY_ENV }} }} }}
      - plugin: respond
        except: [/*]
        config:
          status: 200
          body: "see https://user:{PLANTED}-url@b.example/ for ${{PLANTED_BY_ENV}}"
          headers:
            authorization: Bearer {PLANTED}-header
            x-api-key: "{PLANTED}-key"
      - plugin: respond
        name: pem
        except: [/*]
        config:
          body: |
            -----BEGIN PRIVATE KEY-----
            {PLANTED}-pem
    routes:
      - {{ path: /*, upstream: app }}
      - {{ path: /private, upstream: app, headers: {{ authorization: "Bearer {PLANTED}-route" }}, query: {{ token: {PLANTED}-query }} }}
"#,
        origin = origin.address,
        keeper = guest("keeper").display(),
    );
    write("weir.yaml", &text);
    let mut child = weir()
        .current_dir(folder.path())
        .arg("run")
        .env("PLANTED_BY_ENV", format!("{PLANTED}-env"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (log, access) = (Lines::of(child.stderr.take().unwrap()), Lines::of(child.stdout.take().unwrap()));
    let line: Value = serde_json::from_str(&log.wait("are answered on")).unwrap();
    let url = format!("http://{}", line["address"].as_str().unwrap());
    let bearer = format!("Authorization: Bearer {PLANTED}-token");
    // A refusal, so that there is a story of somebody who showed a secret.
    let main: Value = serde_json::from_str(&log.wait("(main)")).unwrap();
    let main: SocketAddr = main["address"].as_str().unwrap().parse().unwrap();
    let shows = format!("Authorization: Bearer {PLANTED}-client\r\nCookie: {PLANTED}-cookie\r\n");
    let story = Client::connect(main).get("/a%2fb", &shows).header("x-request-id").unwrap().to_owned();
    access.wait(&story);
    let look = || {
        for (path, shown) in views(&url, &bearer, &story) {
            assert!(shown.starts_with("HTTP/1.1 200"), "{path}: {shown}");
            assert!(!shown.contains(PLANTED), "{path} shows a secret: {shown}");
        }
    };
    look();
    // What is no secret is shown all the same, with what stands for those.
    let (_, config) = curl(&["-H", &bearer, &format!("{url}/config")]);
    let chain = &config["config"]["sites"][0]["chain"];
    assert_eq!(chain[0]["config"]["secret"]["file"], "key");
    assert_eq!(chain[1]["config"]["secret"]["env"], "PLANTED_BY_ENV");
    assert_eq!(chain[2]["config"]["status"], 200);
    assert_eq!(chain[2]["config"]["body"], "see https://(hidden)@b.example/ for ${PLANTED_BY_ENV}");
    assert_eq!(chain[2]["config"]["headers"]["authorization"], "(hidden)");
    assert_eq!(config["config"]["chains"]["unused"][0]["config"]["body"], "(hidden)");
    assert_eq!(config["config"]["admin"]["token"]["file"], "token");
    assert!(config["config"].get("x-pasted").is_none() && config["config"].get("include").is_none());
    assert_eq!(config["sources"].as_array().unwrap().len(), 2);
    let (_, chains) = curl(&["-H", &bearer, &format!("{url}/chains")]);
    let filters = &chains["chains"][0]["filters"];
    assert_eq!(filters[2]["config"]["body"], "see https://(hidden)@b.example/ for ${PLANTED_BY_ENV}");
    assert_eq!(filters[2]["config"]["status"], 200);

    // A secret that is written where none may stand: the reload's report shows its line without it.
    write("weir.yaml", &text.replace("{ file: token }", &format!("{PLANTED}-plain")));
    let reload = command("curl", "curl")
        .args(["-sS", "-H", &bearer, "--json", "{}", &format!("{url}/reload")])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&reload.stdout).into_owned();
    assert!(said.contains("a secret does not stand in the configuration") && said.contains("***"), "{said}");
    assert!(!said.contains(PLANTED), "{said}");
    look();
    let mut kill = Command::new("kill");
    assert!(kill.args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    let log = log.so_far().join("\n");
    assert!(!log.contains(PLANTED), "the log shows a secret: {log}");
}
