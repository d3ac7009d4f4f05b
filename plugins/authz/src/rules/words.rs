//! Numbers by words. There is one such map for all that rules are found by, because each kind of map is code of its own.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub(crate) struct Words(BTreeMap<Box<str>, usize>);

impl Words {
    pub(crate) fn number(&self, word: &str) -> Option<usize> {
        self.0.get(word).copied()
    }

    /// The word's number, which is this one if it has none yet.
    pub(crate) fn number_or(&mut self, word: &str, number: usize) -> usize {
        *self.0.entry(word.into()).or_insert(number)
    }
}
