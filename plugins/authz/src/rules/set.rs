//! Sets of rules by their numbers, sixty-four of which are looked at in one step.

const BITS: usize = u64::BITS as usize;

/// A set of the numbers below a count that never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Set(Box<[u64]>);

impl Set {
    /// None of so many.
    pub(crate) fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(BITS)].into())
    }

    /// All of so many.
    pub(crate) fn all(count: usize) -> Self {
        let mut set = Self::none(count);
        (0..count).for_each(|number| set.insert(number));
        set
    }

    pub(crate) fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / BITS) {
            *word |= 1 << (number % BITS);
        }
    }

    pub(crate) fn remove(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / BITS) {
            *word &= !(1 << (number % BITS));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Keeps those that are in the other one, too.
    pub(crate) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether all of them are in the other one.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(word, other)| word & !other == 0)
    }

    /// The numbers, the least first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(at, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                (left != 0).then(|| {
                    let bit = left.trailing_zeros() as usize;
                    left &= left - 1;
                    at * BITS + bit
                })
            })
        })
    }
}

/// Numbers that are added to a set: as a list as long as that is the shorter way.
#[derive(Debug, Default)]
pub(crate) enum Numbers {
    #[default]
    None,
    Few(Vec<usize>),
    Many(Set),
}

impl Numbers {
    /// One more, of so many that there can be.
    pub(crate) fn push(&mut self, number: usize, count: usize) {
        match self {
            Self::None => *self = Self::Few(vec![number]),
            Self::Many(set) => set.insert(number),
            Self::Few(few) if few.len() < count.div_ceil(BITS) => few.push(number),
            Self::Few(_) => {
                let mut set = Set::none(count);
                self.add_to(&mut set);
                set.insert(number);
                *self = Self::Many(set);
            }
        }
    }

    pub(crate) fn add_to(&self, set: &mut Set) {
        match self {
            Self::None => {}
            Self::Few(few) => few.iter().for_each(|number| set.insert(*number)),
            Self::Many(many) => set.add(many),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Numbers, Set};

    #[test]
    fn a_set_holds_what_was_put_in_whatever_way() {
        for count in [1, 63, 64, 65, 1000] {
            let wanted: Vec<usize> = (0..count).filter(|number| number % 7 == 0 || *number + 1 == count).collect();
            let mut numbers = Numbers::default();
            for number in &wanted {
                numbers.push(*number, count);
            }
            let mut set = Set::none(count);
            assert!(set.is_empty());
            numbers.add_to(&mut set);
            assert_eq!(set.iter().collect::<Vec<_>>(), wanted, "of {count}");

            let mut first = Set::none(count);
            first.insert(0);
            assert!(first.is_within(&set));
            first.keep(&Set::none(count));
            assert!(first.is_empty());
        }
    }
}
