//! Says who the user is, if it may; then answers who it is, if it is configured to.

use serde::Deserialize;
use weir::{Fault, Flow, Reply, Result, exchange};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    answers: bool,
}

struct Forge(Config);

#[weir::filter]
impl Forge {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self) -> Result {
        if self.0.answers {
            let user = exchange::var("user.id");
            return Reply::new(200).text(format!("{user:?}")).send("told");
        }
        for name in ["user.id", "auth.role", "other.x", "forge", "forge.mine"] {
            let result = exchange::set_var(name, "root");
            weir::info!("{name}: {}", result.map_or_else(|refusal| refusal.name(), |()| "done"));
        }
        Ok(Flow::Next)
    }
}
