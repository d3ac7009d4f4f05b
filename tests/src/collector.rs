//! A collector of traces in Python, with OpenTelemetry's own messages.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

use crate::{Client, Running, command, get, python_program};

/// A running collector.
#[derive(Debug)]
pub struct Collector(Running);

impl Collector {
    /// Starts one that takes all that comes.
    pub fn start() -> Self {
        let python = python();
        Self(python_program(|| Command::new(&python), include_str!("collector.py")))
    }

    /// Where it takes spans.
    pub fn address(&self) -> SocketAddr {
        self.0.address
    }

    /// Answers the next requests so, one after the other: status, fields, whether only when it is released, and how many
    /// spans it rejects.
    pub fn next(&self, answers: &[(u16, Value, bool, u64)]) {
        self.post("/next", &serde_json::to_string(answers).unwrap());
    }

    /// Lets one answer go.
    pub fn release(&self) {
        self.post("/release", "");
    }

    fn post(&self, path: &str, body: &str) {
        let mut client = Client::connect(self.address());
        let length = body.len();
        client.send(format!("POST {path} HTTP/1.1\r\nHost: collector\r\nContent-Length: {length}\r\n\r\n{body}"));
        assert_eq!(client.reply().status, 200);
    }

    /// All spans, once there are so many.
    pub fn spans(&self, count: usize) -> Vec<Value> {
        self.ask("spans", count)
    }

    /// All requests, once there were so many, also those that it did not take.
    pub fn requests(&self, count: usize) -> Vec<Value> {
        self.ask("requests", count)
    }

    fn ask(&self, what: &str, count: usize) -> Vec<Value> {
        let reply = get(self.address(), &format!("/{what}/{count}"));
        let known: Vec<Value> = serde_json::from_slice(&reply.body).expect("the collector answers with JSON");
        assert!(known.len() >= count, "the collector got {} {what}, not {count}: {known:#?}", known.len());
        known
    }
}

/// A Python with OpenTelemetry's messages, under target/; it is made on demand.
fn python() -> PathBuf {
    static PYTHON: OnceLock<PathBuf> = OnceLock::new();
    PYTHON
        .get_or_init(|| {
            let has_it = |python: &Path| {
                let import = "from opentelemetry.proto.collector.trace.v1 import trace_service_pb2";
                let imported = Command::new(python).args(["-c", import]).stderr(Stdio::null()).status();
                imported.is_ok_and(|status| status.success())
            };
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/opentelemetry");
            let own = folder.join("bin/python3");
            if !has_it(&own) {
                let made = command("python3", "python3").args(["-m", "venv"]).arg(&folder).status();
                let got = Command::new(&own).args(["-m", "pip", "install", "-q", "opentelemetry-proto"]).status();
                assert!(
                    made.is_ok() && got.is_ok() && has_it(&own),
                    "this test needs Python's opentelemetry-proto: apt-get install python3-venv, and a package index"
                );
            }
            own
        })
        .clone()
}
