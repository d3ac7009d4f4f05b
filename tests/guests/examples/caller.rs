//! Sends requests of its own: one for each target in the request's `x-get`, all at once, and answers with what came.

use std::time::Duration;

use serde::Deserialize;
use weir::{Fault, Flow, Reply, Request, Result, Upstream, upstream};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    upstream: Option<Upstream>,
    /// Milliseconds.
    timeout: Option<u64>,
    max_body: Option<u32>,
    /// Goes on without an answer of its own.
    #[serde(default)]
    passes: bool,
}

struct Caller(Config);

#[weir::filter]
impl Caller {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &Request) -> Result {
        let Some(targets) = request.header_str("x-get") else { return Ok(Flow::Next) };
        let unknown = Upstream::from("unknown");
        let upstream = self.0.upstream.as_ref().unwrap_or(&unknown);
        let calls = targets.split(' ').map(|target| {
            let (method, target) = target.split_once(':').unwrap_or(("GET", target));
            let mut call = upstream.call(method, target).header("x-own", "yes").body("asked");
            if let Some(name) = request.header_str("x-field") {
                call = call.header(name, "x");
            }
            if let Some(timeout) = self.0.timeout {
                call = call.timeout(Duration::from_millis(timeout));
            }
            match self.0.max_body {
                Some(bytes) => call.max_body(bytes),
                None => call,
            }
        });
        let answers = upstream::send_all(calls).into_iter().map(|answer| match answer {
            Ok(answer) => format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(error) => error.name().to_owned(),
        });
        let said = answers.collect::<Vec<_>>().join(", ");
        if self.0.passes {
            return Ok(Flow::Next);
        }
        Reply::new(200).text(said).send("called")
    }
}
