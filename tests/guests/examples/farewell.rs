//! Tells its upstream that an exchange is over, and waits for the answer.

use serde::Deserialize;
use weir::{Completion, Fault, Upstream};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    upstream: Upstream,
}

struct Farewell(Config);

#[weir::filter]
impl Farewell {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_complete(&self, _: &Completion) {
        let answer = self.0.upstream.call("GET", "/farewell").send();
        weir::info!("farewell answered {:?}", answer.map(|answer| answer.status).ok());
    }
}
