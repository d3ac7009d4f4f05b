//! Appends its configured name to `x-mark`, on the request and on the response: shows order and who ran.

use serde::Deserialize;
use weir::{Fault, Refusal, Request, Response};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    name: String,
}

struct Mark(String);

#[weir::filter]
impl Mark {
    fn configure(config: Config) -> Result<Self, Fault> {
        Ok(Self(config.name))
    }

    fn on_request(&self, request: &mut Request) -> Result<(), Refusal> {
        request.append_header("x-mark", &self.0)
    }

    fn on_response(&self, response: &mut Response) -> Result<(), Refusal> {
        response.append_header("x-mark", &self.0)
    }
}
