//! What a shard does for whoever keeps its values beyond this process: it notes what changes, and shows piece by piece what it
//! holds.

use std::ops::Bound;
use std::sync::Arc;

use super::super::changes::{Change, Changes};
use super::{Shard, Tended, Value};

/// Which values the next piece of a walk has.
#[derive(Clone, Debug)]
pub(in crate::store::memory) enum Place {
    /// With a time to live: those behind this one.
    Expiring(Option<(u64, u64)>),
    /// Without: of these owners, the last one first; behind this turn.
    Lasting(Vec<Arc<str>>, Option<u64>),
}

impl Shard {
    /// Forgets everything.
    pub(in crate::store::memory) fn clear(&mut self) {
        *self = Self::new(self.most);
    }

    /// From here on changes are noted, so many bytes of them until they are taken.
    pub(in crate::store::memory) fn note_changes(&mut self, room: usize) {
        self.changes = Some(Changes::new(room, self.last_round));
    }

    /// Changes are noted no more.
    pub(in crate::store::memory) fn note_nothing(&mut self) {
        self.last_round = self.changes.take().map_or(self.last_round, |changes| changes.round());
    }

    /// Whether changes are refused, because those before them cannot be kept.
    pub(in crate::store::memory) fn refuse_changes(&mut self, are_refused: bool) {
        if let Some(changes) = &mut self.changes {
            changes.refuse(are_refused);
        }
    }

    /// What has changed since this was last asked.
    pub(in crate::store::memory) fn take_changes(&mut self) -> Vec<Change> {
        self.changes.as_mut().map(Changes::take).unwrap_or_default()
    }

    /// How many values have changed since then.
    pub(in crate::store::memory) fn changed(&self) -> usize {
        self.changes.as_ref().map_or(0, Changes::len)
    }

    /// Another bound. What is beyond it goes when there is a next value, or in [`Shard::trim`].
    pub(in crate::store::memory) fn resize(&mut self, most: usize) {
        self.most = most;
    }

    /// Drops so many at most of what has expired and of what is beyond the bound; says whether there may be more.
    pub(in crate::store::memory) fn trim(&mut self, pieces: usize, now: u64) -> bool {
        for _ in 0..pieces {
            let is_beyond = self.usage.bytes > self.most;
            if self.tend(now) == Tended::Nothing && !(is_beyond && self.evict(None)) {
                return false;
            }
        }
        true
    }

    /// Some of the values that live; and where the next ones are, if there may be more. A value that is written during a walk
    /// may be missing in it: it is among the changes.
    pub(in crate::store::memory) fn walk(&self, place: Place, pieces: usize, now: u64) -> (Vec<Change>, Option<Place>) {
        let mut found = Vec::with_capacity(pieces);
        match place {
            Place::Expiring(after) => {
                let mut last = None;
                for (at, (owner, key)) in self.expiring.range((behind(after), Bound::Unbounded)).take(pieces) {
                    last = Some(*at);
                    found.extend(self.as_change(owner, key, now));
                }
                let owners = || self.owners.keys().cloned().collect();
                (found, Some(last.map_or_else(|| Place::Lasting(owners(), None), |last| Place::Expiring(Some(last)))))
            }
            Place::Lasting(mut owners, after) => {
                let Some(owner) = owners.last() else { return (found, None) };
                let mut last = None;
                let all =
                    self.owners.get(owner).map(|holding| holding.lasting.range((behind(after), Bound::Unbounded)));
                for (turn, key) in all.into_iter().flatten().take(pieces) {
                    last = Some(*turn);
                    found.extend(self.as_change(owner, key, now));
                }
                if last.is_none() {
                    owners.pop();
                }
                (found, Some(Place::Lasting(owners, last)))
            }
        }
    }

    fn as_change(&self, owner: &Arc<str>, key: &Arc<str>, now: u64) -> Option<Change> {
        let value = self.owners.get(owner)?.values.get(key).filter(|value| value.lives(now))?;
        let state = Some((value.written.clone(), value.expires));
        Some(Change { owner: Arc::clone(owner), key: Arc::clone(key), state })
    }

    /// Notes how a value stands now.
    pub(super) fn note(&mut self, owner: &str, key: &str) {
        let Some(changes) = &mut self.changes else { return };
        let Some(value) = self.owners.get_mut(owner).and_then(|holding| holding.values.get_mut(key)) else { return };
        let state = Some((value.written.clone(), value.expires));
        if changes.again(value.noted, &state) {
            return;
        }
        value.noted = changes.next();
        let names = self.owners.get_key_value(owner);
        let names = names.and_then(|(owner, holding)| Some((owner, holding.values.get_key_value(key)?.0)));
        if let Some((owner, key)) = names {
            changes.push(Change { owner: Arc::clone(owner), key: Arc::clone(key), state });
        }
    }

    /// Notes that a value is gone.
    pub(super) fn note_removal(&mut self, owner: &str, key: Arc<str>, value: &Value) {
        if let Some(changes) = &mut self.changes
            && !changes.again(value.noted, &None)
        {
            changes.push(Change { owner: Arc::from(owner), key, state: None });
        }
    }
}

/// From there on, without it.
fn behind<T>(place: Option<T>) -> Bound<T> {
    place.map_or(Bound::Unbounded, Bound::Excluded)
}
