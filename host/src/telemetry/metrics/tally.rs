//! Counting by words that the program itself knows.

use std::sync::OnceLock;

use super::Counter;

/// More words than there are of any kind.
const MOST: usize = 39;

/// Counts by word. The words stand in the program, so there are few; one that finds no room is counted as `other`.
#[derive(Debug)]
pub struct Tally {
    words: [(OnceLock<&'static str>, Counter); MOST],
    others: Counter,
}

impl Default for Tally {
    fn default() -> Self {
        Self::new()
    }
}

impl Tally {
    /// Nothing was counted.
    pub const fn new() -> Self {
        Self { words: [const { (OnceLock::new(), Counter::new()) }; MOST], others: Counter::new() }
    }

    /// Counts one more of this word.
    pub fn add(&self, word: &'static str) {
        let known = self.words.iter().find(|(known, _)| *known.get_or_init(|| word) == word);
        known.map_or(&self.others, |(_, count)| count).add(1);
    }

    /// The words that were counted.
    pub fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let words = self.words.iter().map_while(|(word, count)| Some((*word.get()?, count.get())));
        words.chain([("other", self.others.get())].into_iter().filter(|(_, count)| *count > 0))
    }
}
