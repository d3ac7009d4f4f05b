//! Asks an upstream about each request and passes on what it says in `x-asked`. With `x-fail` it spins or recurses instead,
//! with `many` it asks so often at each tick.

use std::hint::black_box;
use std::time::Duration;

use serde::Deserialize;
use weir::{Fault, Request, Result, Upstream, setup, upstream};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    upstream: Upstream,
    #[serde(default)]
    many: u32,
}

struct Asks(Config);

#[weir::filter]
impl Asks {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        if config.many > 0 {
            setup::tick(Duration::from_millis(100));
        }
        Ok(Self(config))
    }

    fn on_request(&self, request: &mut Request) -> Result<()> {
        match request.header_str("x-fail").as_deref() {
            Some("spin") => loop {
                black_box(0);
            },
            Some("recurse") => _ = black_box(deeper(1)),
            Some(other) => return Err(weir::Error::new(other)),
            None => {}
        }
        let answer = self.0.upstream.get("/asked").send()?;
        request.set_header("x-asked", answer.body)?;
        Ok(())
    }

    fn on_tick(&self) {
        let calls = (0..self.0.many).map(|_| self.0.upstream.get("/tick"));
        let done = upstream::send_all(calls).into_iter().flatten().count();
        weir::info!("{done} of {} requests in a tick", self.0.many);
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth + 1))) + 1
}
