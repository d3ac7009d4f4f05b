//! Calls fields its own when it is configured. For each request it sets the first of them to `value`, fails if the request
//! has `x-trap`, or tries to own one more if it has `x-late`.

use serde::Deserialize;
use weir::{Config, Faults, Request, Result, setup};

#[derive(Debug, Deserialize, Config)]
#[serde(deny_unknown_fields)]
struct Options {
    own: Vec<String>,
    value: Option<String>,
}

struct Owns(Options);

#[weir::filter]
impl Owns {
    fn configure(options: Options) -> std::result::Result<Self, Faults> {
        let mut faults = Faults::default();
        for (index, name) in options.own.iter().enumerate() {
            if let Err(refusal) = setup::own_header(name) {
                faults.at(&format!("/own/{index}"), refusal.name());
            }
        }
        faults.or(Self(options))
    }

    fn on_request(&self, request: &mut Request) -> Result<()> {
        assert!(request.header("x-trap").is_none(), "asked to fail");
        if request.header("x-late").is_some() {
            setup::own_header("x-one-more")?;
        }
        if let (Some(name), Some(value)) = (self.0.own.first(), &self.0.value) {
            request.set_header(name, value)?;
        }
        Ok(())
    }
}
