//! Many paths at once, as bits of one word: each bit is a step that may come next, or the end of a path. A step down is a
//! few operations on the word, however many paths there are.

use super::path::Step;
use super::token::unescaped;

/// Paths that are looked for together.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Bits that are in use.
    used: u32,
    /// Where every path begins.
    pub(super) first: u64,
    /// Steps that a member with this key takes; sorted by key.
    keys: Vec<(Box<str>, u64)>,
    /// A bit for each length of a key, 63 for all that are longer.
    lengths: u64,
    indexes: Vec<(u32, u64)>,
    each: u64,
    each_element: u64,
    deep: u64,
    /// The ends.
    pub(super) ends: u64,
}

/// A bit for each step and for the end.
pub(super) const MOST: u32 = 64;

/// Bits that a path takes.
pub(super) fn width(steps: &[Step]) -> u32 {
    u32::try_from(steps.len()).unwrap_or(MOST) + 1
}

impl Patterns {
    /// One path more, for which there is room; the bit of its first step. That of its end comes after those of all steps.
    pub(super) fn add(&mut self, steps: &[Step]) -> u32 {
        let first = self.used;
        for (bit, step) in (first..).zip(steps) {
            let bit = 1 << bit;
            match step {
                Step::Key(key, index) => {
                    self.lengths |= length(key.len());
                    let place = self.keys.iter().position(|(other, _)| other == key).unwrap_or(self.keys.len());
                    if place == self.keys.len() {
                        self.keys.push((key.clone(), 0));
                    }
                    if let Some((_, bits)) = self.keys.get_mut(place) {
                        *bits |= bit;
                    }
                    self.indexes.extend(index.map(|index| (index, bit)));
                }
                Step::Index(index) => self.indexes.push((*index, bit)),
                Step::Each => self.each |= bit,
                Step::EachElement => self.each_element |= bit,
                Step::Deep => self.deep |= bit,
            }
        }
        self.used += width(steps);
        self.ends |= 1 << (self.used - 1);
        self.first |= 1 << first;
        self.first |= (self.first & self.deep) << 1;
        first
    }

    pub(super) fn has_room(&self, width: u32) -> bool {
        self.used + width <= MOST
    }

    /// Which of the steps that may come next a member with this key takes.
    #[inline]
    pub(super) fn member(&self, states: u64, key: &str, has_escapes: bool) -> u64 {
        let mut taken = self.each;
        if has_escapes {
            taken |= self.named(&unescaped(key));
        } else if self.lengths & length(key.len()) != 0 {
            taken |= self.named(key);
        }
        states & taken
    }

    fn named(&self, key: &str) -> u64 {
        self.keys.iter().find(|(other, _)| **other == *key).map_or(0, |(_, bits)| *bits)
    }

    /// Which of them the element with this index takes.
    #[inline]
    pub(super) fn element(&self, states: u64, index: u32) -> u64 {
        let numbered = self.indexes.iter().filter(|(other, _)| *other == index).fold(0, |all, (_, bit)| all | bit);
        states & (self.each | self.each_element | numbered)
    }

    /// What may come next behind these steps, ends among it.
    #[inline]
    pub(super) fn behind(&self, states: u64, taken: u64) -> u64 {
        let next = taken << 1 | states & self.deep;
        next | (next & self.deep) << 1
    }

    /// Whether the step may be an element's.
    pub(super) fn may_be_element(&self, bit: u64) -> bool {
        (self.each | self.each_element) & bit != 0 || self.indexes.iter().any(|(_, bits)| bits & bit != 0)
    }

    /// Whether the step may be a member's.
    pub(super) fn may_be_member(&self, bit: u64) -> bool {
        self.each & bit != 0 || self.keys.iter().any(|(_, bits)| bits & bit != 0)
    }
}

#[inline]
fn length(length: usize) -> u64 {
    1 << length.min(63)
}
