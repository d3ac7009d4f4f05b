//! Uses what its configuration could grant, and does not; and a metric that nobody declared, if the request has `x-metric`.

use serde::Deserialize;
use weir::{Document, Fault, Reply, Request, Result, Secret, Store, Upstream};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "what matters is their kind, in the schema")]
struct Config {
    upstream: Option<Upstream>,
    store: Option<Store>,
    document: Option<Document>,
    secret: Option<Secret>,
}

/// What the SDK has no words for.
mod raw {
    #![allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
    pub(super) use self::weir::filter::*;
}

struct Undeclared;

#[weir::filter]
impl Undeclared {
    fn configure(_config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self)
    }

    fn on_request(&self, request: &Request) -> Result {
        if request.header("x-metric").is_some() {
            raw::metrics::add(7, &[], 1);
        }
        let called = Upstream::from("app").get("/").send();
        let lines = [
            format!("upstream {}", called.map_or_else(|error| error.name(), |_| "done")),
            format!("store {}", Store::from("others").get("key").map_or_else(|error| error.name(), |_| "done")),
            format!("document {}", Document::from("0").read().map_or_else(|error| error.name(), |_| "done")),
            format!("secret {}", Secret::from("0").reveal().map_or_else(|error| error.name(), |_| "done")),
            format!("equals {}", Secret::from("").equals("").map_or_else(|error| error.name(), |_| "done")),
        ];
        Reply::new(200).text(lines.join("\n")).send("told")
    }
}
