//! Answers as its configuration says, in `on_request` or `on_response`.

use serde::Deserialize;
use weir::{Fault, Flow, Reply, Response, Result};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    status: u16,
    #[serde(default)]
    body: String,
    #[serde(default)]
    on_response: bool,
}

struct Answer(Config);

#[weir::filter]
impl Answer {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        if (200..600).contains(&config.status) {
            Ok(Self(config))
        } else {
            Err(Fault::at("/status", format!("{} is not a final status; 200 to 599 are", config.status)))
        }
    }

    fn on_request(&self) -> Result {
        if self.0.on_response { Ok(Flow::Next) } else { self.answer() }
    }

    fn on_response(&self, _response: &mut Response) -> Result {
        if self.0.on_response { self.answer() } else { Ok(Flow::Next) }
    }
}

impl Answer {
    fn answer(&self) -> Result {
        Reply::new(self.0.status).text(self.0.body.clone()).detail("as configured").send("configured")
    }
}
