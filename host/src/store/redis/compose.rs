//! Operations as commands. What the limits of this room forbid is not sent.

use bytes::Bytes;

use super::super::{Error, MOST_OPERATIONS, Operation, Options, Step, check_key, check_value};
use super::cluster::slot;
use super::link::Request;
use super::resp;
use super::script::{self, Script};

/// Milliseconds that a value may live at most: servers count them from 1970, in 64 bits.
const LONGEST_LIFE: u64 = 1 << 53;

/// One command, as it is sent.
pub(super) struct Asked {
    /// Of its keys, in a cluster.
    pub(super) slot: u16,
    pub(super) request: Request,
    /// To be sent instead if the server has forgotten the script.
    pub(super) in_full: Option<Request>,
}

/// An operation of a batch: what it is told, and its command unless it is refused.
pub(super) type Composed = (Kind, Result<Asked, Error>);

/// What an operation of a batch is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Get,
    Set,
    Delete,
    Increment,
}

/// Writes down operations with keys that begin alike.
pub(super) struct Composer<'a> {
    prefix: &'a str,
    owner: &'a str,
}

impl<'a> Composer<'a> {
    pub(super) fn new(prefix: &'a str, owner: &'a str) -> Self {
        Self { prefix, owner }
    }

    /// The owner's length stands before it, so no owner's key can be taken for another's.
    fn key(&self, key: &str) -> Result<Vec<u8>, Error> {
        check_key(key)?;
        let Self { prefix, owner } = self;
        Ok(format!("{prefix}{}:{owner}:{key}", owner.len()).into_bytes())
    }

    pub(super) fn get(&self, key: &str) -> Result<Asked, Error> {
        let key = self.key(key)?;
        Ok(plain(&key, &[b"GET", &key]))
    }

    pub(super) fn set(&self, key: &str, value: &[u8], options: Options) -> Result<Asked, Error> {
        check_value(value)?;
        if options.durable {
            return Err(Error::Unsupported);
        }
        let key = self.key(key)?;
        Ok(match options.ttl {
            None => plain(&key, &[b"SET", &key, value]),
            // Servers know no life of 0 milliseconds.
            Some(0) => plain(&key, &[b"DEL", &key]),
            Some(ttl) => plain(&key, &[b"SET", &key, value, b"PX", life(ttl).as_bytes()]),
        })
    }

    pub(super) fn delete(&self, key: &str) -> Result<Asked, Error> {
        let key = self.key(key)?;
        Ok(plain(&key, &[b"DEL", &key]))
    }

    pub(super) fn increment(&self, key: &str, by: i64, ttl: Option<u64>) -> Result<Asked, Error> {
        let key = self.key(key)?;
        let by = by.to_string();
        Ok(match ttl {
            None => plain(&key, &[b"INCRBY", &key, by.as_bytes()]),
            Some(ttl) => scripted(&script::ADD, &[&key], &[by.as_bytes(), life(ttl).as_bytes()]),
        })
    }

    pub(super) fn swap(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> Result<Asked, Error> {
        check_value(new.unwrap_or_default())?;
        if options.durable {
            return Err(Error::Unsupported);
        }
        let key = self.key(key)?;
        let is = |value: Option<&[u8]>| if value.is_some() { b"1" } else { b"0" };
        let ttl = options.ttl.map(life).unwrap_or_default();
        let (was, is_new) = (is(expected), is(new));
        let arguments: [&[u8]; 5] =
            [was, expected.unwrap_or_default(), is_new, new.unwrap_or_default(), ttl.as_bytes()];
        Ok(scripted(&script::SWAP, &[&key], &arguments))
    }

    /// One for each operation. Scripts are sent in full: one that was forgotten would be run after those behind it.
    pub(super) fn batch(&self, operations: &[Operation<'_>]) -> Result<Vec<Composed>, Error> {
        if operations.len() > MOST_OPERATIONS {
            return Err(Error::TooLarge);
        }
        let one = |operation: &Operation<'_>| match *operation {
            Operation::Get(key) => (Kind::Get, self.get(key)),
            Operation::Set(key, value, options) => (Kind::Set, self.set(key, value, options)),
            Operation::Delete(key) => (Kind::Delete, self.delete(key)),
            Operation::Increment(key, by, ttl) => (Kind::Increment, self.increment(key, by, ttl)),
        };
        Ok(operations.iter().map(one).map(|(kind, asked)| (kind, asked.map(Asked::in_full))).collect())
    }

    /// One for all steps in a row whose keys are in the same slot; `together` if slots do not matter.
    pub(super) fn advance(&self, steps: &[Step<'_>], together: bool) -> Result<Vec<Asked>, Error> {
        let mut rows: Vec<(u16, Vec<Vec<u8>>, Vec<String>)> = Vec::new();
        for step in steps {
            let key = self.key(step.key)?;
            let slot = if together { 0 } else { slot(&key) };
            if rows.last().is_none_or(|(last, ..)| *last != slot) {
                rows.push((slot, Vec::new(), Vec::new()));
            }
            let Some((_, keys, arguments)) = rows.last_mut() else { continue };
            keys.push(key);
            let ttl = step.ttl.map(life).unwrap_or_default();
            arguments.extend([step.floor.to_string(), step.by.to_string(), step.most.to_string(), ttl]);
        }
        let row = |(_, keys, arguments): &(u16, Vec<Vec<u8>>, Vec<String>)| {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let arguments: Vec<&[u8]> = arguments.iter().map(String::as_bytes).collect();
            scripted(&script::ADVANCE, &keys, &arguments)
        };
        Ok(rows.iter().map(row).collect())
    }
}

impl Asked {
    fn in_full(self) -> Self {
        let Self { slot, request, in_full } = self;
        Self { slot, request: in_full.unwrap_or(request), in_full: None }
    }
}

fn life(ttl: u64) -> String {
    ttl.min(LONGEST_LIFE).to_string()
}

fn plain(key: &[u8], parts: &[&[u8]]) -> Asked {
    Asked { slot: slot(key), request: request(parts), in_full: None }
}

fn scripted(script: &Script, keys: &[&[u8]], arguments: &[&[u8]]) -> Asked {
    let count = keys.len().to_string();
    let with = |command: &[u8], script: &str| {
        let head = [command, script.as_bytes(), count.as_bytes()];
        let parts: Vec<&[u8]> = head.into_iter().chain(keys.iter().copied()).chain(arguments.iter().copied()).collect();
        request(&parts)
    };
    let slot = keys.first().map_or(0, |key| slot(key));
    Asked { slot, request: with(b"EVALSHA", script.digest), in_full: Some(with(b"EVAL", script.text)) }
}

fn request(parts: &[&[u8]]) -> Request {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 16).sum());
    resp::command(&mut bytes, parts);
    Request { bytes: Bytes::from(bytes), commands: 1 }
}
