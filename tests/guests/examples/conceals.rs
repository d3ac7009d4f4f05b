//! Conceals parameters, and tells in `x-said` what came of each and in `x-query` what the query is for filters that follow.
//! If the request has `x-refuse` it is refused then, with `x-late` the response's hook tries to conceal them.

use serde::Deserialize;
use weir::{Config, Fault, Flow, Reply, Request, Response, Result};

#[derive(Debug, Deserialize, Config)]
#[serde(deny_unknown_fields)]
struct Options {
    names: Vec<String>,
}

struct Conceals(Options);

#[weir::filter]
impl Conceals {
    fn configure(options: Options) -> std::result::Result<Self, Fault> {
        Ok(Self(options))
    }

    fn on_request(&self, request: &mut Request) -> Result {
        let said = self.conceal(request);
        request.set_header("x-said", said)?;
        request.set_header("x-query", request.query().unwrap_or_default())?;
        if request.header("x-refuse").is_some() {
            return Reply::new(401).send("refused");
        }
        Ok(Flow::Next)
    }

    fn on_response(&self, request: &Request, response: &mut Response) -> Result<()> {
        if request.header("x-late").is_some() {
            let said = self.0.names.first().map(|name| conceal(name));
            response.set_header("x-said", said.unwrap_or_default())?;
        }
        Ok(())
    }
}

impl Conceals {
    fn conceal(&self, request: &mut Request) -> String {
        let said = self.0.names.iter().map(|name| match request.conceal_parameter(name) {
            Ok(()) => "done".to_owned(),
            Err(refusal) => refusal.name().to_owned(),
        });
        said.collect::<Vec<_>>().join(" ")
    }
}

#[allow(unsafe_code, missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, clippy::pedantic)]
mod raw {
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
}

/// Where the SDK has no request to be changed.
fn conceal(name: &str) -> String {
    match raw::weir::filter::request::conceal_parameter(name) {
        Ok(()) => "done".to_owned(),
        Err(refusal) => refusal.name().to_owned(),
    }
}
