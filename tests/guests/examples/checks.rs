//! Checks the password that a request shows in `x-password` against a hash.

use serde::Deserialize;
use weir::{Fault, Flow, Reply, Request, Result, password};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    hash: String,
}

struct Checks(Config);

#[weir::filter]
impl Checks {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &Request) -> Result {
        if password::verify(&self.0.hash, request.header("x-password").unwrap_or_default())? {
            return Ok(Flow::Next);
        }
        Reply::new(401).send("wrong-password")
    }
}
