//! How changes stand in the file: records, one for each commit, that are whole or not there. No file in here.
//!
//! ```text
//! record   length u32, CRC-32 of the payload u32, CRC-32 of these eight bytes u32, payload
//! payload  milliseconds since 1970 u64, then changes
//! change   kind u8, then by kind:
//!   OWNER  length u32, text: whose the changes behind it are
//!   GONE   key
//!   BYTES  life u64, key, length u32, bytes
//!   NUMBER life u64, key, i64
//! key      length u16, text
//! life     milliseconds since 1970 at which it is gone; all bits set: never
//! ```
//!
//! All numbers are little-endian. The head has a checksum of its own, so that its length can be believed: a record that
//! reaches beyond the file's end was being written when the process ended, and is not a record whose length was damaged.

use std::sync::Arc;

use bytes::Bytes;

use super::super::memory::{Change, Written};
use super::super::{MOST_KEY, MOST_VALUE};

/// Bytes before the payload.
pub(super) const HEAD: usize = 12;

const OWNER: u8 = 1;
const GONE: u8 = 2;
const BYTES: u8 = 3;
const NUMBER: u8 = 4;

/// Of values that are kept as long as there is room. What is to live that long is not told from it.
const NEVER: u64 = u64::MAX;

/// A record in the making.
#[derive(Debug)]
pub(super) struct Record {
    bytes: Vec<u8>,
    /// Whose changes come next.
    owner: Option<Arc<str>>,
}

impl Record {
    /// A record of this moment, without a change so far.
    pub(super) fn new(now: u64) -> Self {
        let mut bytes = vec![0; HEAD];
        bytes.extend(now.to_le_bytes());
        Self { bytes, owner: None }
    }

    pub(super) fn add(&mut self, change: &Change) {
        if self.owner.as_ref() != Some(&change.owner) {
            self.bytes.push(OWNER);
            self.text32(change.owner.as_bytes());
            self.owner = Some(Arc::clone(&change.owner));
        }
        match &change.state {
            None => {
                self.bytes.push(GONE);
                self.key(&change.key);
            }
            Some((Written::Bytes(value), expires)) => {
                self.living(BYTES, *expires, &change.key);
                self.text32(value);
            }
            Some((Written::Number(number), expires)) => {
                self.living(NUMBER, *expires, &change.key);
                self.bytes.extend(number.to_le_bytes());
            }
        }
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// The record as it stands in the file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        let payload = &self.bytes[HEAD..];
        let length = u32::try_from(payload.len()).expect("what may wait is far less than 4 GiB");
        let sum = crc32fast::hash(payload);
        self.bytes[..4].copy_from_slice(&length.to_le_bytes());
        self.bytes[4..8].copy_from_slice(&sum.to_le_bytes());
        let head = crc32fast::hash(&self.bytes[..8]);
        self.bytes[8..HEAD].copy_from_slice(&head.to_le_bytes());
        self.bytes
    }

    fn living(&mut self, kind: u8, expires: Option<u64>, key: &str) {
        self.bytes.push(kind);
        self.bytes.extend(expires.unwrap_or(NEVER).to_le_bytes());
        self.key(key);
    }

    fn key(&mut self, key: &str) {
        let length = u16::try_from(key.len()).expect("keys have 1 KiB at most");
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(key.as_bytes());
    }

    fn text32(&mut self, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).expect("values have 64 KiB at most, and owners are names of entries");
        self.bytes.extend(length.to_le_bytes());
        self.bytes.extend(bytes);
    }
}

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the payload.
    pub(super) length: usize,
    sum: u32,
}

impl Head {
    /// None if these bytes are no head.
    pub(super) fn read(bytes: &[u8; HEAD]) -> Option<Self> {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let is_whole = crc32fast::hash(&bytes[..8]) == number(8);
        is_whole.then(|| Self { length: number(0) as usize, sum: number(4) })
    }

    /// Whether this is its payload.
    pub(super) fn fits(&self, payload: &[u8]) -> bool {
        payload.len() == self.length && crc32fast::hash(payload) == self.sum
    }
}

/// A payload: when it was written, and its changes one after the other.
#[derive(Debug)]
pub(super) struct Payload<'a> {
    pub(super) time: u64,
    rest: &'a [u8],
    owner: Option<Arc<str>>,
}

impl<'a> Payload<'a> {
    pub(super) fn read(mut bytes: &'a [u8]) -> Option<Self> {
        let time = number(&mut bytes)?;
        Some(Self { time, rest: bytes, owner: None })
    }

    fn change(&mut self) -> Option<Change> {
        loop {
            let kind = take(&mut self.rest, 1)?[0];
            if kind == OWNER {
                self.owner = Some(Arc::from(std::str::from_utf8(text32(&mut self.rest)?).ok()?));
                continue;
            }
            let expires = match kind {
                GONE => NEVER,
                BYTES | NUMBER => number(&mut self.rest)?,
                _ => return None,
            };
            let length = take(&mut self.rest, 2)?;
            let length = usize::from(u16::from_le_bytes([length[0], length[1]]));
            let key = std::str::from_utf8(take(&mut self.rest, length)?).ok().filter(|key| key.len() <= MOST_KEY)?;
            let written = match kind {
                BYTES => {
                    let value = Some(text32(&mut self.rest)?).filter(|value| value.len() <= MOST_VALUE)?;
                    Some(Written::Bytes(Bytes::copy_from_slice(value)))
                }
                NUMBER => Some(Written::Number(number(&mut self.rest)?.cast_signed())),
                _ => None,
            };
            let state = written.map(|written| (written, (expires != NEVER).then_some(expires)));
            return Some(Change { owner: self.owner.clone()?, key: Arc::from(key), state });
        }
    }
}

impl Iterator for Payload<'_> {
    /// None if it cannot be understood; nothing comes after that.
    type Item = Option<Change>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let change = self.change();
        if change.is_none() {
            self.rest = &[];
        }
        Some(change)
    }
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    take(bytes, 8)?.try_into().ok().map(u64::from_le_bytes)
}

fn text32<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = take(bytes, 4)?.try_into().ok().map(u32::from_le_bytes)?;
    take(bytes, length as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(owner: &str, key: &str, state: Option<(Written, Option<u64>)>) -> Change {
        Change { owner: owner.into(), key: key.into(), state }
    }

    fn told(change: &Change) -> String {
        format!("{change:?}")
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let changes = [
            change("a", "key", Some((Written::Bytes(Bytes::from_static(b"\0\xff")), None))),
            change("a", "", Some((Written::Number(i64::MIN), Some(17)))),
            change("b", &"k".repeat(MOST_KEY), Some((Written::Bytes(vec![7; MOST_VALUE].into()), Some(0)))),
            change("a", "key", None),
        ];
        let mut record = Record::new(42);
        for change in &changes {
            record.add(change);
        }
        let bytes = record.finish();
        let head = Head::read(bytes[..HEAD].try_into().unwrap()).unwrap();
        assert!(head.fits(&bytes[HEAD..]));
        let payload = Payload::read(&bytes[HEAD..]).unwrap();
        assert_eq!(payload.time, 42);
        let read: Vec<String> = payload.map(|change| told(&change.unwrap())).collect();
        assert_eq!(read, changes.iter().map(told).collect::<Vec<_>>());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let mut record = Record::new(42);
        record.add(&change("owner", "key", Some((Written::Bytes(Bytes::from_static(b"value")), Some(5)))));
        let bytes = record.finish();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let head = Head::read(flipped[..HEAD].try_into().unwrap());
            assert!(head.is_none_or(|head| !head.fits(&flipped[HEAD..])), "bit {bit}");
        }
    }

    #[test]
    fn what_no_weir_writes_ends_the_reading() {
        for bytes in [&[9_u8][..], &[GONE], &[GONE, 1, 0, b'a'], &[OWNER, 1, 0, 0, 0, 0xff], &[OWNER, 9, 0, 0, 0]] {
            let payload = [&[0; 8][..], bytes].concat();
            let changes: Vec<_> = Payload::read(&payload).unwrap().collect();
            assert!(matches!(changes[..], [None]), "{bytes:?} {changes:?}");
        }
        assert!(Payload::read(&[0; 7]).is_none());
    }
}
