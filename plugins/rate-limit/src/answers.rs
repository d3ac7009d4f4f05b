//! What those are told who have to wait, and what operators read about it. No value of a key stands in either.

use serde::Deserialize;
use weir::store::Error;
use weir::{Reply, Result};

use crate::counters::Refusal;
use crate::limit::Asked;
use crate::rate::seconds;

/// How refusals are worded.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) format: Format,
}

/// What the body of a refusal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Format {
    /// The message, as plain text.
    #[default]
    Text,
    /// Problem details (RFC 9457) that name the limits.
    Problem,
}

/// What the draft registers for a quota that is used up.
const EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";

/// What it registers where the server is what lacks something.
const REDUCED: &str = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

impl Answers {
    /// One of the limits is used up. The fields are `RateLimit-Policy` and `RateLimit`, if clients are told of them.
    pub(crate) fn limited(
        &self,
        asked: &[Asked<'_>],
        refusals: &[Refusal],
        fields: Option<(String, String)>,
        key: &str,
    ) -> Result {
        let names = names(asked, refusals);
        let wait = seconds(longest(refusals)).max(1).to_string();
        let reply = Reply::new(self.status).header("cache-control", "no-store").header("retry-after", wait.as_str());
        let reply = match fields {
            Some((policy, limits)) => reply.header("ratelimit-policy", policy).header("ratelimit", limits),
            None => reply,
        };
        let reply = self.body(reply, self.status, EXCEEDED, &self.message, &names);
        reply.detail(detail(asked, refusals, key)).send("limited")
    }

    /// Nobody knows whether there are permits.
    pub(crate) fn unknown(&self, store: &str, error: Error) -> Result {
        let (code, why) = match error {
            Error::TooLarge => ("store-full", "has no room for one more number"),
            _ => ("store-failed", error.name()),
        };
        let reply = Reply::new(503).header("cache-control", "no-store").header("retry-after", "1");
        let reply = self.body(reply, 503, REDUCED, "Not available now", &[]);
        reply.detail(["the store `", store, "`: ", why].concat()).send(code)
    }

    fn body(&self, reply: Reply, status: u16, kind: &str, message: &str, names: &[&str]) -> Reply {
        match self.format {
            Format::Text => reply.text([message, "\n"].concat()),
            Format::Problem => {
                let names: Vec<String> = names.iter().map(|name| ["\"", name, "\""].concat()).collect();
                let problem = [
                    "{\"type\":\"",
                    kind,
                    "\",\"title\":",
                    &quoted(message),
                    ",\"status\":",
                    &status.to_string(),
                    ",\"violated-policies\":[",
                    &names.join(","),
                    "]}",
                ];
                reply.header("content-type", "application/problem+json").body(problem.concat())
            }
        }
    }
}

/// The limits that are used up, and who asked by which key.
pub(crate) fn detail(asked: &[Asked<'_>], refusals: &[Refusal], key: &str) -> String {
    let names = names(asked, refusals).join("`, `");
    let wait = seconds(longest(refusals)).max(1).to_string();
    ["`", &names, "` is used up for ", key, "; a request like this can go on in ", &wait, "s"].concat()
}

/// The limit that lets through last.
pub(crate) fn last(refusals: &[Refusal]) -> Option<Refusal> {
    refusals.iter().copied().max_by_key(|refusal| refusal.wait)
}

fn longest(refusals: &[Refusal]) -> i64 {
    last(refusals).map_or(0, |refusal| refusal.wait)
}

fn names<'a>(asked: &[Asked<'a>], refusals: &[Refusal]) -> Vec<&'a str> {
    refusals.iter().filter_map(|refusal| asked.get(refusal.index)).map(|asked| asked.limit.name.as_str()).collect()
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            // Nothing that a message needs.
            _ if character.is_control() => quoted.push(' '),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}
