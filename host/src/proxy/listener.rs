//! A listener, as its connections on one worker know it.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use super::drain::Drain;
use crate::snapshot::Local;

/// What the connections of one listener share. It outlives reloads, and the listener itself by its last connection.
#[derive(Debug)]
pub struct Listener {
    /// Its place among the listeners of the worker's snapshot, by which sites are found.
    place: Cell<usize>,
    /// The last snapshot in which it was, if it is gone.
    last: OnceCell<Rc<Local>>,
    /// Tells its connections to end.
    pub drain: Rc<Drain>,
}

impl Listener {
    /// One at this place of the snapshot.
    pub fn new(place: usize) -> Rc<Self> {
        Rc::new(Self { place: Cell::new(place), last: OnceCell::new(), drain: Rc::default() })
    }

    /// It is at this place of the next snapshot.
    pub fn move_to(&self, place: usize) {
        self.place.set(place);
    }

    /// It is in no snapshot after this one. A request that still comes is served by it.
    pub fn leave(&self, last: Rc<Local>) {
        // One that has left does not leave again.
        let _ = self.last.set(last);
        self.drain.begin();
    }

    pub(super) fn place(&self) -> usize {
        self.place.get()
    }

    pub(super) fn last(&self) -> Option<&Rc<Local>> {
        self.last.get()
    }
}
