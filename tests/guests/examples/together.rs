//! Sets and removes variables in one call, and reads a field that may stand only once.

use serde::Deserialize;
use weir::{Fault, Request, Response, Result, Several, exchange};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    /// `name=value`, in this order; a name alone removes the variable.
    vars: Vec<String>,
    /// Variables that it shows.
    show: Vec<String>,
}

struct Together(Config);

#[weir::filter]
impl Together {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<()> {
        let vars = self.0.vars.iter().map(|var| match var.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (var.as_str(), None),
        });
        let set = exchange::set_vars(vars);
        request.set_header("x-set", set.map_or_else(|refusal| refusal.name(), |()| "done"))?;
        for name in &self.0.show {
            request.append_header("x-var", format!("{name}={}", exchange::var(name).unwrap_or("-".into())))?;
        }
        let sole = told(request.sole_header("x-once"));
        request.set_header("x-sole", sole)?;
        Ok(())
    }

    fn on_response(&self, response: &mut Response) -> Result<()> {
        let sole = told(response.sole_header("x-once"));
        response.set_header("x-sole", sole)?;
        Ok(())
    }
}

fn told(sole: std::result::Result<Option<Vec<u8>>, Several>) -> String {
    match sole {
        Ok(Some(value)) => String::from_utf8_lossy(&value).into_owned(),
        Ok(None) => "none".into(),
        Err(several) => several.to_string(),
    }
}
