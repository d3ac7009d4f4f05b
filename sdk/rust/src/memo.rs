//! What was found out before, kept in an instance's memory for as long as it holds.

use std::time::Duration;

use crate::random;

/// A bounded cache: values by keys of bytes, each until its time is over. When there is no more room, what was not asked for
/// the longest goes first.
///
/// Keys are compared whole, and nobody can choose keys that fall together: they are hashed with random bits, taken when the
/// first value comes (in `configure` there are none). Times are what the filter passes, from one clock of its choice.
///
/// An instance has its own, another one begins with none: it makes work rarer, and nothing may depend on it.
///
/// ```
/// use std::time::Duration;
/// use weir::memo::Memo;
///
/// # weir::testing::Host::new().enter(|| {
/// // 100 values, of 64 KiB with their keys.
/// let mut verified = Memo::new(100, 64 << 10);
/// let now = weir::clock::now();
/// verified.insert(b"token", "ada".to_owned(), 3, now + Duration::from_secs(60), now);
/// assert_eq!(verified.get(b"token", now).map(String::as_str), Some("ada"));
/// assert_eq!(verified.get(b"token", now + Duration::from_secs(60)), None);
/// # });
/// ```
#[derive(Debug)]
pub struct Memo<V> {
    most_entries: usize,
    most_bytes: usize,
    bytes: usize,
    /// None until there is a value.
    seed: Option<u64>,
    /// The first entry of each chain, by the low bits of its hash.
    chains: Vec<Place>,
    entries: Vec<Entry<V>>,
    newest: Place,
    oldest: Place,
}

#[derive(Debug)]
struct Entry<V> {
    hash: u64,
    key: Box<[u8]>,
    value: V,
    bytes: usize,
    until: Duration,
    /// The next one of its chain.
    chained: Place,
    newer: Place,
    older: Place,
}

/// An entry, by its index.
type Place = Option<usize>;

/// What an entry takes beside its key and what its value holds elsewhere.
const ENTRY: usize = 96;

impl<V> Memo<V> {
    /// Room for so many values, and for so many bytes of keys and values. With 0 of either nothing is kept.
    pub const fn new(entries: usize, bytes: usize) -> Self {
        Self {
            most_entries: entries,
            most_bytes: bytes,
            bytes: 0,
            seed: None,
            chains: Vec::new(),
            entries: Vec::new(),
            newest: None,
            oldest: None,
        }
    }

    /// How many values there are, whether or not their time is over.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The value, if there is one and its time is not over.
    pub fn get(&mut self, key: &[u8], now: Duration) -> Option<&V> {
        let hash = hash(self.seed?, key);
        let place = self.find(hash, key)?;
        if self.entries.get(place)?.until <= now {
            self.remove_at(place);
            return None;
        }
        if self.newest != Some(place) {
            self.unlink(place);
            self.link(place);
        }
        self.entries.get(place).map(|entry| &entry.value)
    }

    /// Keeps a value until its time is over, in place of one that is there. `bytes` is what it holds beside its own size. One
    /// that is too large for all the room is not kept, nor is one whose time is over.
    pub fn insert(&mut self, key: &[u8], value: V, bytes: usize, until: Duration, now: Duration) {
        let seed = *self.seed.get_or_insert_with(random::number);
        let hash = hash(seed, key);
        if let Some(place) = self.find(hash, key) {
            self.remove_at(place);
        }
        let bytes = bytes.saturating_add(key.len()).saturating_add(ENTRY + size_of::<V>());
        if bytes > self.most_bytes || self.most_entries == 0 || until <= now {
            return;
        }
        while self.entries.len() >= self.most_entries || self.bytes + bytes > self.most_bytes {
            let Some(oldest) = self.oldest else { return };
            self.remove_at(oldest);
        }
        self.grow();
        let place = self.entries.len();
        self.bytes += bytes;
        self.entries.push(Entry {
            hash,
            key: key.into(),
            value,
            bytes,
            until,
            chained: None,
            newer: None,
            older: None,
        });
        self.chain(place);
        self.link(place);
    }

    /// Forgets a value.
    pub fn remove(&mut self, key: &[u8]) {
        let place = self.seed.and_then(|seed| self.find(hash(seed, key), key));
        if let Some(place) = place {
            self.remove_at(place);
        }
    }

    /// Forgets all values.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.chains.clear();
        (self.bytes, self.newest, self.oldest) = (0, None, None);
    }

    fn find(&self, hash: u64, key: &[u8]) -> Place {
        let mut place = *self.chains.get(self.chain_of(hash))?;
        loop {
            let entry = self.entries.get(place?)?;
            if entry.hash == hash && *entry.key == *key {
                return place;
            }
            place = entry.chained;
        }
    }

    /// There are as many chains as a power of two.
    #[allow(clippy::cast_possible_truncation, reason = "the low bits are enough")]
    fn chain_of(&self, hash: u64) -> usize {
        hash as usize & self.chains.len().wrapping_sub(1)
    }

    /// Makes the chains twice as many if they have become long.
    fn grow(&mut self) {
        if self.entries.len() < self.chains.len() {
            return;
        }
        let chains = (self.chains.len() * 2).max(16);
        self.chains.clear();
        self.chains.resize(chains, None);
        for place in 0..self.entries.len() {
            self.chain(place);
        }
    }

    /// Puts an entry at the head of its chain.
    fn chain(&mut self, place: usize) {
        let Some(hash) = self.entries.get(place).map(|entry| entry.hash) else { return };
        let chain = self.chain_of(hash);
        let Some(first) = self.chains.get_mut(chain) else { return };
        let next = first.replace(place);
        if let Some(entry) = self.entries.get_mut(place) {
            entry.chained = next;
        }
    }

    /// Makes what points at an entry in its chain point elsewhere.
    fn point_elsewhere(&mut self, hash: u64, place: usize, to: Place) {
        let chain = self.chain_of(hash);
        let Some(mut at) = self.chains.get(chain).copied() else { return };
        if at == Some(place) {
            if let Some(first) = self.chains.get_mut(chain) {
                *first = to;
            }
            return;
        }
        while let Some(entry) = at.and_then(|at| self.entries.get_mut(at)) {
            if entry.chained == Some(place) {
                entry.chained = to;
                return;
            }
            at = entry.chained;
        }
    }

    /// Puts an entry at the newest end.
    fn link(&mut self, place: usize) {
        let older = self.newest.replace(place);
        if let Some(entry) = self.entries.get_mut(place) {
            (entry.newer, entry.older) = (None, older);
        }
        match older.and_then(|older| self.entries.get_mut(older)) {
            Some(entry) => entry.newer = Some(place),
            None => self.oldest = Some(place),
        }
    }

    /// Takes an entry out of the order.
    fn unlink(&mut self, place: usize) {
        let Some((newer, older)) = self.entries.get(place).map(|entry| (entry.newer, entry.older)) else { return };
        self.join(newer, older);
    }

    fn join(&mut self, newer: Place, older: Place) {
        match newer.and_then(|newer| self.entries.get_mut(newer)) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match older.and_then(|older| self.entries.get_mut(older)) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Forgets an entry; the last one takes its place.
    fn remove_at(&mut self, place: usize) {
        let Some((hash, next)) = self.entries.get(place).map(|entry| (entry.hash, entry.chained)) else { return };
        self.point_elsewhere(hash, place, next);
        self.unlink(place);
        let gone = self.entries.swap_remove(place);
        self.bytes -= gone.bytes;
        let moved = self.entries.len();
        let Some((hash, newer, older)) = self.entries.get(place).map(|last| (last.hash, last.newer, last.older)) else {
            return;
        };
        self.point_elsewhere(hash, moved, Some(place));
        match newer.and_then(|newer| self.entries.get_mut(newer)) {
            Some(entry) => entry.older = Some(place),
            None => self.newest = Some(place),
        }
        match older.and_then(|older| self.entries.get_mut(older)) {
            Some(entry) => entry.newer = Some(place),
            None => self.oldest = Some(place),
        }
    }
}

/// Sixteen bytes at a time, each folded into what was there by a multiplication whose halves are both used, as wyhash does. Who
/// does not know the seed cannot find keys with the same hash.
fn hash(seed: u64, key: &[u8]) -> u64 {
    let secret = seed ^ ODD;
    let mut hash = fold(secret, key.len() as u64 ^ seed.rotate_left(32));
    let mut rest = key;
    while let Some((words, behind)) = rest.split_first_chunk::<16>() {
        hash = folded(hash, secret, *words);
        rest = behind;
    }
    let mut last = [0; 16];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    fold(folded(hash, secret, last), secret)
}

#[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
fn folded(hash: u64, secret: u64, words: [u8; 16]) -> u64 {
    let words = u128::from_le_bytes(words);
    let (one, other) = (words as u64, (words >> 64) as u64);
    fold(one ^ secret, other ^ hash)
}

/// Bits without a pattern: those of pi.
const ODD: u64 = 0x243F_6A88_85A3_08D3;

#[allow(clippy::cast_possible_truncation, reason = "both halves are used")]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests;
