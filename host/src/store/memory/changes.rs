//! What has changed in a shard since somebody last took it away: the last state of each value, for whoever keeps values beyond
//! this process.
//!
//! In order of the first change of each; a value that changes again has its place already, which it knows by itself. So
//! counting up costs no look-up more, and what waits is no longer than what there are values.

use std::sync::Arc;

use super::shard::Written;

/// How a value stands.
#[derive(Clone, Debug)]
pub(in crate::store) struct Change {
    pub(in crate::store) owner: Arc<str>,
    pub(in crate::store) key: Arc<str>,
    /// With when it is gone; none if it has been removed.
    pub(in crate::store) state: State,
}

pub(in crate::store) type State = Option<(Written, Option<u64>)>;

/// Where a value stands among the changes: of which round, and its place. Round 0 never is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Noted {
    round: u32,
    place: u32,
}

#[derive(Debug)]
pub(super) struct Changes {
    all: Vec<Change>,
    round: u32,
    bytes: usize,
    room: usize,
    is_refused: bool,
}

impl Changes {
    /// From behind this round on: values may still know their places in those before.
    pub(super) fn new(room: usize, last_round: u32) -> Self {
        Self { all: Vec::new(), round: next(last_round), bytes: 0, room, is_refused: false }
    }

    pub(super) fn round(&self) -> u32 {
        self.round
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether no more may come.
    pub(super) fn is_full(&self) -> bool {
        self.is_refused || self.bytes >= self.room
    }

    pub(super) fn refuse(&mut self, is_refused: bool) {
        self.is_refused = is_refused;
    }

    pub(super) fn take(&mut self) -> Vec<Change> {
        self.round = next(self.round);
        self.bytes = 0;
        std::mem::take(&mut self.all)
    }

    /// A value has changed again; false if it stands nowhere yet.
    pub(super) fn again(&mut self, noted: Noted, state: &State) -> bool {
        if noted.round != self.round {
            return false;
        }
        let Some(change) = self.all.get_mut(noted.place as usize) else { return false };
        self.bytes += weight(state);
        self.bytes -= weight(&change.state);
        change.state.clone_from(state);
        true
    }

    /// Where the next one will stand.
    pub(super) fn next(&self) -> Noted {
        Noted { round: self.round, place: u32::try_from(self.all.len()).unwrap_or(u32::MAX) }
    }

    pub(super) fn push(&mut self, change: Change) {
        self.bytes += size_of::<Change>() + change.key.len() + weight(&change.state);
        self.all.push(change);
    }
}

/// A value that has not changed for four thousand million rounds may be taken for one that has in this one; at twenty a second
/// those are seven years.
fn next(round: u32) -> u32 {
    round.checked_add(1).unwrap_or(1)
}

/// Bytes of a value.
fn weight(state: &State) -> usize {
    match state {
        Some((Written::Bytes(bytes), _)) => bytes.len(),
        _ => 0,
    }
}
