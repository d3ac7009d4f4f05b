//! Does with its store what the request's `x-do` says, and answers with what came of it. It is what the stores' conformance
//! tests see a store through.
//!
//! Several operations, joined by `; `, are one batch; several steps are one `advance`. A word of keys and values is its
//! text, `0x` and hexadecimal digits, or a text as often as it says: `ab*500`.

use std::time::Duration;

use serde::Deserialize;
use weir::store::{Batch, Error, Outcome, Step};
use weir::{Config, Fault, Flow, Reply, Request, Result, Store};

#[derive(Debug, Deserialize, Config)]
#[serde(deny_unknown_fields)]
struct Options {
    #[serde(default)]
    store: Store,
}

struct Shelf(Store);

#[weir::filter]
impl Shelf {
    fn configure(options: Options) -> std::result::Result<Self, Fault> {
        Ok(Self(options.store))
    }

    fn on_request(&self, request: &Request) -> Result {
        let Some(wanted) = request.header_str("x-do") else { return Ok(Flow::Next) };
        let operations: Vec<Vec<&str>> = wanted.split("; ").map(|one| one.split(' ').collect()).collect();
        let said = match &operations[..] {
            all if all.iter().all(|words| words[0] == "advance") => self.advance(all),
            [one] => self.one(one),
            many => self.batch(many),
        };
        let said = said.unwrap_or_else(|error| error.name().to_owned());
        Reply::new(200).text(said).send("asked")
    }
}

impl Shelf {
    fn one(&self, words: &[&str]) -> std::result::Result<String, Error> {
        let store = &self.0;
        Ok(match words {
            ["get", key] => shown(store.get(&text(key))?),
            ["set", key, value, rest @ ..] => done(store.set(&text(key), bytes(value), ttl(rest))?),
            ["durable", key, value, rest @ ..] => done(store.set_durable(&text(key), bytes(value), ttl(rest))?),
            ["remove", key] => store.remove(&text(key))?.to_string(),
            ["add", key, by, rest @ ..] => store.increment(&text(key), number(by), ttl(rest))?.to_string(),
            ["subtract", key, by, rest @ ..] => store.decrement(&text(key), number(by), ttl(rest))?.to_string(),
            ["swap", key, from, to, rest @ ..] => {
                let (from, to) = (optional(from), optional(to));
                store.compare_and_swap(&text(key), from.as_deref(), to.as_deref(), ttl(rest))?.to_string()
            }
            _ => "what?".to_owned(),
        })
    }

    fn batch(&self, operations: &[Vec<&str>]) -> std::result::Result<String, Error> {
        let mut batch: Batch<'_> = self.0.batch();
        for words in operations {
            batch = match words.as_slice() {
                ["get", key] => batch.get(text(key)),
                ["set", key, value, rest @ ..] => batch.set(text(key), bytes(value), ttl(rest)),
                ["remove", key] => batch.remove(text(key)),
                ["add", key, by, rest @ ..] => batch.increment(text(key), number(by), ttl(rest)),
                ["subtract", key, by, rest @ ..] => batch.decrement(text(key), number(by), ttl(rest)),
                _ => return Ok("what?".to_owned()),
            };
        }
        let outcomes = batch.run()?;
        let words = outcomes.into_iter().map(|outcome| match outcome {
            Outcome::Value(value) => shown(value),
            Outcome::Done => done(()),
            Outcome::Removed(was_there) => was_there.to_string(),
            Outcome::Number(number) => number.to_string(),
            Outcome::Failed(error) => error.name().to_owned(),
        });
        Ok(words.collect::<Vec<_>>().join("; "))
    }

    /// `advance KEY FLOOR BY MOST [MILLISECONDS]`.
    fn advance(&self, operations: &[Vec<&str>]) -> std::result::Result<String, Error> {
        let steps: Vec<Step> = operations.iter().map(|words| step(words)).collect();
        let stands = self.0.advance(&steps)?;
        let words =
            stands.iter().map(|stand| format!("{} {}", stand.value, if stand.taken { "taken" } else { "left" }));
        Ok(words.collect::<Vec<_>>().join("; "))
    }
}

fn step(words: &[&str]) -> Step {
    let signed = |place: usize| words.get(place).and_then(|word| word.parse().ok()).unwrap_or_default();
    let key = words.get(1).map(|key| text(key)).unwrap_or_default();
    let step = Step::new(key, words.get(3).map(|by| number(by)).unwrap_or_default(), signed(4)).from(signed(2));
    match ttl(words.get(5..).unwrap_or_default()) {
        Some(ttl) => step.living(ttl),
        None => step,
    }
}

fn bytes(word: &str) -> Vec<u8> {
    if let Some(digits) = word.strip_prefix("0x") {
        return digits
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).unwrap_or_default())
            .collect();
    }
    match word.split_once('*') {
        Some((text, times)) => text.repeat(times.parse().unwrap_or_default()).into_bytes(),
        None => word.as_bytes().to_vec(),
    }
}

fn text(word: &str) -> String {
    String::from_utf8_lossy(&bytes(word)).into_owned()
}

/// `-` is none.
fn optional(word: &str) -> Option<Vec<u8>> {
    (word != "-").then(|| bytes(word))
}

fn number(word: &str) -> u64 {
    word.parse().unwrap_or_default()
}

fn ttl(words: &[&str]) -> Option<Duration> {
    words.first().map(|milliseconds| Duration::from_millis(number(milliseconds)))
}

/// A long value is told by its length.
fn shown(value: Option<Vec<u8>>) -> String {
    match value {
        None => "none".to_owned(),
        Some(value) if value.len() > 1000 => format!("{} bytes", value.len()),
        Some(value) => match String::from_utf8(value) {
            Ok(text) if !text.contains(char::is_control) => format!("={text}"),
            Ok(text) => hex(text.as_bytes()),
            Err(error) => hex(error.as_bytes()),
        },
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("=0x{digits}")
}

fn done((): ()) -> String {
    "done".to_owned()
}
