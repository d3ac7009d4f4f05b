//! Uses what never waits beside the messages: stores, metrics, clock, random, hashes, secrets, completion and ticks.

use std::time::Duration;

use serde::Deserialize;
use weir::crypto::{self, Hash};
use weir::metrics::Counter;
use weir::{Completion, Fault, Reply, Result, Secret, Store, clock, exchange, random, setup};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    store: Store,
    secret: Secret,
}

struct Ledger {
    config: Config,
    answers: Counter<1>,
}

#[weir::filter]
impl Ledger {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        setup::tick(Duration::from_millis(100));
        Ok(Self { config, answers: setup::counter("answers", "Answers made", ["kind"])? })
    }

    fn on_request(&self) -> Result {
        let count = self.config.store.increment("count", 1, Some(Duration::from_secs(60)))?;
        self.answers.add(["ledger"], 1);
        exchange::set_var("ledger.count", count.to_string())?;
        let digest = crypto::digest(Hash::Sha256, b"");
        let mac = self.config.secret.hmac(Hash::Sha256, b"")?;
        let is_known = self.config.secret.equals("sesame")?;
        let is_random = random::bytes(16) != random::bytes(16);
        let is_now = clock::now() > Duration::from_secs(1 << 30) && clock::monotonic() <= clock::monotonic();
        let text = format!("{count} {:02x} {} {is_known} {is_random} {is_now}", digest[0], mac.len());
        Reply::new(200).text(text).trailer("x-trailer", "behind").send("counted")
    }

    fn on_complete(&self, completion: &Completion) {
        weir::info!("complete: {:?} {:?}", completion.status, completion.ended);
    }

    fn on_tick(&self) {
        weir::info!("tick");
    }
}
