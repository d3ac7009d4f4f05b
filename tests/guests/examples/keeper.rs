//! Uses the store, the secret and the document that it was granted, or those that it was not, as the request's `x-do`
//! says, and answers with what came of it.

use std::time::Duration;

use serde::Deserialize;
use weir::store::Outcome;
use weir::{Document, Fault, Reply, Request, Result, Resumed, Secret, Store, crypto};

#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct Config {
    store: Option<Store>,
    secret: Option<Secret>,
    document: Option<Document>,
    /// Seconds.
    every: Option<u64>,
}

struct Keeper {
    store: Store,
    secret: Secret,
    document: Document,
}

#[weir::filter]
impl Keeper {
    fn configure(config: Config) -> std::result::Result<Self, Fault> {
        if let (Some(document), Some(seconds)) = (&config.document, config.every) {
            document.keep_fresh(Duration::from_secs(seconds))?;
        }
        Ok(Self {
            store: config.store.unwrap_or("local".into()),
            secret: config.secret.unwrap_or("/secret".into()),
            document: config.document.unwrap_or("/document".into()),
        })
    }

    fn on_request(&self, request: &mut Request) -> Result {
        let what = request.header_str("x-do").unwrap_or_default();
        let said = match what.split(' ').collect::<Vec<_>>().as_slice() {
            ["get", key] => self.get(key),
            ["set", key, value] => said(self.store.set(key, value, None)),
            ["set-for", key, value, milliseconds] => {
                let time = Duration::from_millis(milliseconds.parse().unwrap_or_default());
                said(self.store.set(key, value, Some(time)))
            }
            ["remove", key] => said(self.store.remove(key)),
            ["add", key, by] => said(self.store.increment(key, by.parse().unwrap_or_default(), None)),
            ["subtract", key, by] => said(self.store.decrement(key, by.parse().unwrap_or_default(), None)),
            ["swap", key, from, to] => {
                said(self.store.compare_and_swap(key, Some(from.as_bytes()), Some(to.as_bytes()), None))
            }
            ["durable", key] => said(self.store.set_durable(key, "x", None)),
            ["long", bytes] => said(self.store.set("long", vec![b'x'; bytes.parse().unwrap_or_default()], None)),
            ["batch"] => self.batch(),
            ["fill"] => {
                let keys: Vec<String> = (0..30).map(|number| format!("fill {number}")).collect();
                for key in &keys {
                    let _ = self.store.set(key, vec![b'x'; 60_000], None);
                }
                keys.iter().filter(|key| matches!(self.store.get(key), Ok(Some(_)))).count().to_string()
            }
            ["other", name] => said(Store::from(*name).get("key")),
            ["secret", guess] => match self.secret.equals(guess) {
                Ok(is_right) => {
                    let mac = crypto::hmac(crypto::Hash::Sha256, &self.secret.reveal()?, b"data")?;
                    format!("{is_right} {}", mac == self.secret.hmac(crypto::Hash::Sha256, b"data")?)
                }
                Err(refusal) => {
                    let others = (self.secret.reveal().err(), self.secret.hmac(crypto::Hash::Sha256, b"data").err());
                    format!("{} {}", refusal.name(), others == (Some(refusal), Some(refusal)))
                }
            },
            ["read"] => self.read(),
            ["refresh"] => match self.document.refresh() {
                Ok(flow) => return Ok(flow),
                Err(error) => error.refusal().map_or("failed", |refusal| refusal.name()).to_owned(),
            },
            _ => "what?".to_owned(),
        };
        Reply::new(200).text(said).send("asked")
    }

    fn on_resume(&self, resumed: &mut Resumed) -> Result {
        Reply::new(200).text(format!("{:?} {}", resumed.outcome, self.read())).send("asked")
    }

    fn on_complete(&self, _completion: &weir::Completion) {
        let refused = self.document.refresh().err().and_then(|error| error.refusal());
        weir::info!("refresh at the end: {}", refused.map_or("done", |refusal| refusal.name()));
    }
}

impl Keeper {
    fn get(&self, key: &str) -> String {
        match self.store.get(key) {
            Ok(value) => value.map_or("none".into(), |value| String::from_utf8_lossy(&value).into_owned()),
            Err(error) => error.name().to_owned(),
        }
    }

    fn batch(&self) -> String {
        let batch = self.store.batch().set("b", "1", None).increment("n", 5, None).decrement("n", 2, None);
        let outcomes = match batch.get("b").remove("b").get("b").run() {
            Ok(outcomes) => outcomes,
            Err(error) => return error.name().to_owned(),
        };
        let words = outcomes.iter().map(|outcome| match outcome {
            Outcome::Value(value) => {
                value.as_ref().map_or("none".into(), |value| String::from_utf8_lossy(value).into_owned())
            }
            Outcome::Done => "done".into(),
            Outcome::Removed(was_there) => was_there.to_string(),
            Outcome::Number(number) => number.to_string(),
            Outcome::Failed(error) => error.name().to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    fn read(&self) -> String {
        match (self.document.version(), self.document.read()) {
            (Ok(version), Ok(Some(text))) => {
                let (is_dated, is_same) = (text.fetched > Duration::from_secs(1_000_000_000), version == text.version);
                format!("{version} {is_dated} {is_same} {}", String::from_utf8_lossy(&text.bytes).trim())
            }
            (Ok(version), Ok(None)) => format!("{version} none"),
            (Err(refusal), _) | (_, Err(refusal)) => refusal.name().to_owned(),
        }
    }
}

fn said<T: std::fmt::Debug>(result: std::result::Result<T, weir::store::Error>) -> String {
    result.map_or_else(|error| error.name().to_owned(), |value| format!("{value:?}"))
}
