//! Operations that are done in one going through a document, because none of them sees what another one made.

use super::mask::Mask;
use super::path::{Path, Step};
use super::pattern::{self, Patterns};

/// What is done where a path ends.
#[derive(Debug)]
pub(super) enum Act {
    Remove,
    /// The new key, with its quotes.
    Rename(String),
    /// A member that has the new key already goes, where this bit's path ended beside it.
    Collide(u64),
    /// Puts in the value with this number.
    Set(usize),
    /// The mask with this number.
    Mask(usize),
    /// Only remembers where it is.
    Find,
}

/// What is put where a member is missing: the steps from it on, before and behind the value.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) bit: u64,
    pub(super) before: String,
    pub(super) behind: String,
    pub(super) value: usize,
}

/// What is done in one going through.
#[derive(Debug, Default)]
pub(super) struct Pass {
    pub(super) patterns: Patterns,
    /// By the bit of its path's end.
    pub(super) acts: Vec<(u64, Act)>,
    pub(super) missing: Vec<Missing>,
    /// Ends, by what is done there.
    pub(super) removes: u64,
    pub(super) renames: u64,
    pub(super) collides: u64,
    pub(super) values: u64,
    /// Steps before which a member, or an element, may have to go.
    pub(super) loses_members: u64,
    pub(super) loses_elements: u64,
    /// Steps whose member is made if it is missing.
    pub(super) makes: u64,
}

impl Pass {
    /// Whether there is room for operations on these paths.
    pub(super) fn has_room<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> bool {
        self.patterns.has_room(paths.map(|path| pattern::width(&path.0)).sum())
    }

    pub(super) fn remove(&mut self, path: &Path) {
        let end = self.add(path, Act::Remove);
        self.removes |= end;
        self.loses(end >> 1);
    }

    /// Gives a member another key.
    pub(super) fn rename(&mut self, path: &Path, to: &str) {
        let end = self.add(path, Act::Rename(super::mask::quoted(to, "")));
        self.renames |= end;
        self.loses_members |= end >> 1;
        let there = self.add(&path.beside(to), Act::Collide(end));
        self.collides |= there;
        self.loses_members |= there >> 1;
    }

    /// Puts a value in the path's place, and makes members that are missing on the way.
    pub(super) fn set(&mut self, path: &Path, value: usize) {
        let end = self.add(path, Act::Set(value));
        self.values |= end;
        // A value that is not there for a request removes what stands there.
        self.loses(end >> 1);
        let mut bit = end;
        let mut before = String::new();
        let mut behind = String::new();
        for step in path.0.iter().rev() {
            let Step::Key(key, index) = step else { break };
            bit >>= 1;
            let opened = if before.is_empty() { "" } else { "{" };
            before = [&super::mask::quoted(key, ""), ":", opened, &before].concat();
            self.makes |= bit;
            self.missing.push(Missing { bit, before: before.clone(), behind: behind.clone(), value });
            behind.push('}');
            // Nobody can say whether this was to be a list.
            if index.is_some() {
                break;
            }
        }
    }

    pub(super) fn mask(&mut self, path: &Path, mask: usize) {
        self.values |= self.add(path, Act::Mask(mask));
    }

    pub(super) fn find(path: &Path) -> Self {
        let mut pass = Self::default();
        pass.values |= pass.add(path, Act::Find);
        pass
    }

    /// The bit of the path's end.
    fn add(&mut self, path: &Path, act: Act) -> u64 {
        let end = 1 << (self.patterns.add(&path.0) + pattern::width(&path.0) - 1);
        self.acts.push((end, act));
        end
    }

    fn loses(&mut self, last: u64) {
        if self.patterns.may_be_member(last) {
            self.loses_members |= last;
        }
        if self.patterns.may_be_element(last) {
            self.loses_elements |= last;
        }
    }

    pub(super) fn act(&self, end: u64) -> Option<&Act> {
        self.acts.iter().find(|(bit, _)| *bit == end).map(|(_, act)| act)
    }
}

/// What passes need besides the document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a> {
    /// JSON by number; what is not there for this request is none.
    pub(super) values: &'a [Option<&'a str>],
    pub(super) masks: &'a [Mask],
}
