//! Writes variables and its slot in each hook, and shows what it finds there.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir::{Completion, Fault, Refusal, Request, Response, Result, exchange};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    /// Variables that it sets in `on_request`, and their values.
    #[serde(default)]
    set: BTreeMap<String, String>,
    /// Variables that it shows.
    #[serde(default)]
    show: Vec<String>,
}

struct Vars(Config);

#[weir::filter]
impl Vars {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<()> {
        for (name, value) in &self.0.set {
            let set = word(exchange::set_var(name, value));
            request.append_header("x-set", format!("{name} {set}"))?;
        }
        for shown in self.shown() {
            request.append_header("x-var", shown)?;
        }
        exchange::set_slot(format!("{}, asked", String::from_utf8_lossy(&exchange::slot())).as_bytes())?;
        exchange::note("variables-are-set");
        Ok(())
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        for shown in self.shown() {
            response.append_header("x-var", shown)?;
        }
        response.append_header("x-slot", exchange::slot())?;
        exchange::set_slot(format!("{}, answered", String::from_utf8_lossy(&exchange::slot())).as_bytes())?;
        for name in self.0.set.keys() {
            let removed = word(exchange::remove_var(name));
            response.append_header("x-removed", format!("{name} {removed}"))?;
        }
        Ok(())
    }

    fn on_complete(&self, _completion: &Completion) {
        let slot = exchange::slot();
        let set = self.0.set.keys().next().map_or("", |name| word(exchange::set_var(name, "too late")));
        weir::info!("at the end: slot {} vars {:?} set {set}", String::from_utf8_lossy(&slot), self.shown());
    }
}

impl Vars {
    fn shown(&self) -> Vec<String> {
        self.0.show.iter().map(|name| format!("{name}={}", exchange::var(name).unwrap_or("-".into()))).collect()
    }
}

fn word(result: std::result::Result<(), Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.name(), |()| "done")
}
