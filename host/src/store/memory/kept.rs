//! What the store in memory does for whoever keeps its values beyond this process.

use super::shard::Place;
use super::{Change, Memory, Ordering, Shard, locked};

/// A way through all values, in pieces, while others are served.
#[derive(Debug)]
pub(in crate::store) struct Walk {
    shard: usize,
    place: Place,
}

impl Walk {
    /// The beginning of the way.
    pub(in crate::store) fn new() -> Self {
        Self { shard: 0, place: Place::Expiring(None) }
    }
}

impl Memory {
    /// From here on changes are noted, about so many bytes of them until they are taken; beyond that they are refused as
    /// [`Error::Unavailable`](super::Error::Unavailable).
    pub(in crate::store) fn note_changes(&self, room: usize) {
        self.each(|shard| shard.note_changes(room / self.shards.len()));
    }

    /// Changes are noted no more.
    pub(in crate::store) fn note_nothing(&self) {
        self.each(Shard::note_nothing);
    }

    /// Whether changes are refused, because those before them cannot be kept.
    pub(in crate::store) fn refuse_changes(&self, are_refused: bool) {
        self.each(|shard| shard.refuse_changes(are_refused));
    }

    /// What has changed since this was last asked, in all shards as at one moment.
    pub(in crate::store) fn take_changes(&self) -> Vec<Vec<Change>> {
        // Nobody else ever holds two shards.
        let mut all: Vec<_> = self.shards.iter().map(locked).collect();
        all.iter_mut().map(|shard| shard.take_changes()).collect()
    }

    /// How many values have changed since then.
    pub(in crate::store) fn changed(&self) -> usize {
        self.shards.iter().map(|shard| locked(shard).changed()).sum()
    }

    /// Forgets everything.
    pub(in crate::store) fn clear(&self) {
        self.each(Shard::clear);
    }

    /// Makes a value what it was kept as; now is when that was.
    pub(in crate::store) fn restore(&self, change: Change, now: u64) -> Result<(), super::Error> {
        let Change { owner, key, state } = change;
        let mut shard = locked(&self.shards[self.place(&owner, &key)]);
        match state {
            Some((written, expires)) => shard.put_until(&owner, &key, written, expires, now),
            None => shard.delete(&owner, &key, now).map(|_| ()),
        }
    }

    /// Another bound.
    pub(in crate::store) fn resize(&self, bytes: usize) {
        self.size.store(bytes, Ordering::Relaxed);
        self.each(|shard| shard.resize(bytes / self.shards.len()));
    }

    /// Drops what has expired and what is beyond the bound. Nobody waits for more than one piece of it.
    pub(in crate::store) fn trim(&self) {
        /// Some hundredths of a millisecond.
        const PIECE: usize = 64;
        for shard in &self.shards {
            // Another lock each time, so that others come in between.
            while locked(shard).trim(PIECE, (self.now)()) {}
        }
    }

    /// The next values that live, at most so many; none at the end of the way. A value that is written meanwhile may be missing:
    /// it is among the changes.
    pub(in crate::store) fn next(&self, walk: &mut Walk, pieces: usize) -> Option<Vec<Change>> {
        while let Some(shard) = self.shards.get(walk.shard) {
            let place = std::mem::replace(&mut walk.place, Place::Expiring(None));
            let (found, next) = locked(shard).walk(place, pieces, (self.now)());
            match next {
                Some(next) => walk.place = next,
                None => walk.shard += 1,
            }
            if !found.is_empty() {
                return Some(found);
            }
        }
        None
    }

    fn each(&self, act: impl Fn(&mut Shard)) {
        self.shards.iter().for_each(|shard| act(&mut locked(shard)));
    }
}
