//! May ask an upstream, and does so if the request has `x-ask`: the path that it holds. Sets `x-answer` to what came.

use serde::Deserialize;
use weir::{Config, Fault, Request, Upstream};

#[derive(Debug, Deserialize, Config)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Whom to ask.
    upstream: Upstream,
}

struct Asker(Options);

#[weir::filter]
impl Asker {
    fn configure(options: Options) -> Result<Self, Fault> {
        Ok(Self(options))
    }

    fn on_request(&self, request: &mut Request) -> weir::Result<()> {
        let Some(path) = request.header_str("x-ask") else { return Ok(()) };
        let answer = match self.0.upstream.get(&path).send() {
            Ok(answer) => answer.status.to_string(),
            Err(error) => format!("{error:?}"),
        };
        request.set_header("x-answer", answer)?;
        Ok(())
    }
}
