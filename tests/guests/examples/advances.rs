//! Takes steps of numbers, as `x-steps` says (`key floor by most milliseconds`, joined by commas), and answers with where they
//! stand.

use std::time::Duration;

use serde::Deserialize;
use weir::store::Step;
use weir::{Config, Fault, Flow, Reply, Request, Result, Store};

#[derive(Debug, Deserialize, Config)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    store: Store,
}

struct Advances(Store);

#[weir::filter]
impl Advances {
    fn configure(options: Options) -> std::result::Result<Self, Fault> {
        Ok(Self(options.store))
    }

    fn on_request(&self, request: &Request) -> Result {
        let Some(steps) = request.header_str("x-steps") else { return Ok(Flow::Next) };
        let Some(steps) = steps.split(", ").map(step).collect::<Option<Vec<_>>>() else {
            return Reply::new(400).text("what?").send("asked");
        };
        let said = match self.0.advance(&steps) {
            Ok(stands) => {
                let words = stands.iter().map(|stand| format!("{} {}", stand.value, stand.taken));
                words.collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.name().to_owned(),
        };
        Reply::new(200).text(said).send("asked")
    }
}

fn step(text: &str) -> Option<Step> {
    let words: Vec<_> = text.split(' ').collect();
    let [key, floor, by, most, ttl] = words[..] else { return None };
    let step = Step::new(key, by.parse().ok()?, most.parse().ok()?).from(floor.parse().ok()?);
    Some(step.living(Duration::from_millis(ttl.parse().ok()?)))
}
