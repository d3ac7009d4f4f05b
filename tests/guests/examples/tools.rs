//! Uses what every filter has (metrics, clock, random, crypto) as the request's `x-do` says, and answers with what came
//! of it.

use weir::crypto::{self, Hash, PublicKey, Signature};
use weir::metrics::{Counter, Gauge, Histogram};
use weir::{Fault, Reply, Request, Result, clock, random, setup};

#[allow(unsafe_code, missing_docs, unreachable_pub, missing_debug_implementations, clippy::all, clippy::pedantic)]
mod raw {
    wit_bindgen::generate!({ path: "../../wit", world: "capabilities" });
}

struct Tools {
    counter: Counter<1>,
    gauge: Gauge,
    histogram: Histogram,
    refused: String,
}

/// The public key of RFC 8032, 7.1, test 2; its message is the byte 0x72.
const KEY: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
const SIGNATURE: &str = "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c\
                         387b2eaeb4302aeeb00d291612bb0c00";

#[weir::filter]
impl Tools {
    fn configure() -> std::result::Result<Self, Fault> {
        let refused = [
            setup::counter("Bad name", "", []).err(),
            setup::counter("many", "", ["a", "b", "c", "d", "e", "f", "g", "h", "i"]).err(),
            setup::histogram("down", "", [], &[2.0, 1.0]).err(),
        ];
        Ok(Self {
            counter: setup::counter("seen", "Seen.", ["what"])?,
            gauge: setup::gauge("level", "Level.", [])?,
            histogram: setup::histogram("size", "Sizes.", [], &[1.0, 2.0])?,
            refused: refused.map(|refusal| refusal.map_or("done", |refusal| refusal.name())).join(" "),
        })
    }

    fn on_request(&self, request: &Request) -> Result {
        let what = request.header_str("x-do").unwrap_or_default();
        let said = match what.as_str() {
            "metrics" => {
                self.counter.add(["this"], 2);
                self.gauge.set([], 0.5);
                self.histogram.observe([], 1.5);
                self.refused.clone()
            }
            "metrics-undeclared" => {
                raw::weir::filter::metrics::add(7, &[], 1);
                String::new()
            }
            "metrics-labels" => {
                raw::weir::filter::metrics::add(0, &[], 1);
                String::new()
            }
            "metrics-kind" => {
                raw::weir::filter::metrics::set(0, &["x".into()], 1.0);
                String::new()
            }
            "metrics-late" => {
                let _ = setup::counter("late", "", []);
                String::new()
            }
            "clock" => {
                let (now, before) = (clock::now(), clock::monotonic());
                format!("{} {}", now.as_secs(), clock::monotonic() >= before)
            }
            "random" => {
                let (one, other) = (random::bytes(32), random::bytes(32));
                format!("{} {}", one.len(), one != other && random::number() != random::number())
            }
            "draw" => hex(&random::bytes(16)),
            "random-much" => random::bytes(65_537).len().to_string(),
            "digest" => hex(&crypto::digest(Hash::Sha256, b"abc")),
            "hmac" => {
                let (mac, equal) = (crypto::hmac(Hash::Sha256, b"key", b"data")?, crypto::equal("one", "one"));
                format!("{} {equal} {}", hex(&mac), crypto::equal("one", "two"))
            }
            "hmac-secret" => refusal(weir::Secret::from("/none").hmac(Hash::Sha256, b"data")).to_owned(),
            "verify" => {
                let key = PublicKey::ed25519(bytes(KEY))?;
                let good = key.verify(Signature::Eddsa, &[0x72], &bytes(SIGNATURE))?;
                let bad = key.verify(Signature::Eddsa, &[0x73], &bytes(SIGNATURE))?;
                let other = refusal(key.verify(Signature::Es256, &[0x72], &bytes(SIGNATURE)));
                format!("{good} {bad} {other} {}", refusal(PublicKey::p256(vec![4; 65])))
            }
            "verify-without" => {
                let verified =
                    raw::weir::filter::crypto::verify(9, raw::weir::filter::crypto::Signature::Eddsa, &[], &[]);
                format!("{verified:?}")
            }
            "keys" => {
                let keys: Vec<_> = (0..300).map_while(|_| PublicKey::ed25519(bytes(KEY)).ok()).collect();
                let refused = refusal(PublicKey::ed25519(bytes(KEY)));
                format!("{} {refused}", keys.len())
            }
            _ => "what?".to_owned(),
        };
        Reply::new(200).text(said).send("asked")
    }
}

fn refusal<T>(result: std::result::Result<T, weir::Refusal>) -> &'static str {
    result.map_or_else(|refusal| refusal.name(), |_| "done")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}
