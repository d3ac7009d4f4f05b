//! What servers answer, as the contract has it. What it does not know is `unavailable`, and told in the log.

use super::super::{Error, Outcome};
use super::Redis;
use super::compose;
use super::health::Kind;
use super::resp::Value;

/// Codes that may stand within the words of a script's failure; older servers put them there.
const CODES: [&str; 9] =
    ["WRONGTYPE", "OOM", "READONLY", "NOPERM", "MISCONF", "NOREPLICAS", "CLUSTERDOWN", "MASTERDOWN", "BUSY"];

impl Redis {
    /// The reply, if the server did what it was asked.
    pub(super) fn checked(&self, value: Value) -> Result<Value, Error> {
        match value {
            Value::Error(words) => Err(self.refused(&words)),
            value => Ok(value),
        }
    }

    pub(super) fn number(&self, value: &Value) -> Result<i64, Error> {
        match value {
            Value::Number(number) => Ok(*number),
            Value::Text(text) => {
                let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
                number.ok_or_else(|| self.unexpected())
            }
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn text(&self, value: Value) -> Result<Option<bytes::Bytes>, Error> {
        match value {
            Value::Text(text) => Ok(Some(text)),
            Value::Nil => Ok(None),
            _ => Err(self.unexpected()),
        }
    }

    pub(super) fn outcome(&self, kind: compose::Kind, value: Value) -> Result<Outcome, Error> {
        Ok(match kind {
            compose::Kind::Get => Outcome::Value(self.text(value)?),
            compose::Kind::Set => Outcome::Done,
            compose::Kind::Delete => Outcome::Deleted(self.number(&value)? != 0),
            compose::Kind::Increment => Outcome::Number(self.number(&value)?),
        })
    }

    pub(super) fn unexpected(&self) -> Error {
        self.counts.failed(Kind::Refused);
        self.refusals.tell(&self.settings.name, "UNEXPECTED", "it answers what it was not asked");
        Error::Unavailable
    }

    fn refused(&self, words: &str) -> Error {
        if ["NOTANUMBER", "not an integer", "would overflow"].iter().any(|part| words.contains(part)) {
            return Error::NotANumber;
        }
        let first = words.split(' ').next().unwrap_or_default();
        let code = CODES.into_iter().find(|code| first == "ERR" && words.contains(code)).unwrap_or(first);
        self.counts.failed(Kind::Refused);
        match code {
            // Of a script that adds: what is there is no number.
            "WRONGTYPE" => {
                self.refusals.tell(&self.settings.name, code, words);
                return Error::NotANumber;
            }
            "READONLY" | "NOAUTH" => self.find_again(),
            _ => {}
        }
        let help = match code {
            "MOVED" | "ASK" => "; it is one of a cluster: write `redis: { cluster: [...] }`",
            "NOPERM" => {
                "; its user needs +get +set +del +incrby +eval +evalsha +exists, and the keys that begin with its prefix"
            }
            "OOM" => "; give it more memory, or a `maxmemory-policy` that lets values with a time to live go",
            "READONLY" => "; it is a replica",
            _ => "",
        };
        self.refusals.tell(&self.settings.name, code, &format!("{words}{help}"));
        if code == "OOM" { Error::TooLarge } else { Error::Unavailable }
    }
}

/// Whether a script is to be sent in full.
pub(super) fn has_forgotten(value: &Value) -> bool {
    matches!(value, Value::Error(words) if words.starts_with("NOSCRIPT"))
}
