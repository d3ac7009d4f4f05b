//! Asks an upstream for the path in `x-get` together with all who have the same `x-key`, as often as `x-times` says one after
//! the other, and answers with what came.

use std::time::Duration;

use serde::Deserialize;
use weir::{Config, Fault, Flow, Reply, Request, Result, Upstream};

#[derive(Debug, Deserialize, Config)]
#[serde(deny_unknown_fields)]
struct Options {
    upstream: Option<Upstream>,
    /// Milliseconds.
    timeout: Option<u64>,
}

struct Shares(Options);

#[weir::filter]
impl Shares {
    fn configure(options: Options) -> std::result::Result<Self, Fault> {
        Ok(Self(options))
    }

    fn on_request(&self, request: &Request) -> Result {
        let Some(key) = request.header_str("x-key") else { return Ok(Flow::Next) };
        // A key that is longer than a header may be.
        let key = if key == "long" { "x".repeat(1025) } else { key };
        let unknown = Upstream::from("unknown");
        let times = request.header_str("x-times").and_then(|times| times.parse().ok()).unwrap_or(1);
        let mut said = Vec::new();
        for _ in 0..times {
            let path = request.header_str("x-get").unwrap_or_else(|| "/shared".to_owned());
            let mut call = self.0.upstream.as_ref().unwrap_or(&unknown).get(path);
            if let Some(timeout) = self.0.timeout {
                call = call.timeout(Duration::from_millis(timeout));
            }
            if let Some(bytes) = request.header_str("x-max").and_then(|bytes| bytes.parse().ok()) {
                call = call.max_body(bytes);
            }
            said.push(match call.send_shared(&key) {
                Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
                Err(error) => error.name().to_owned(),
            });
        }
        Reply::new(200).text(said.join(", ")).send("shared")
    }
}
