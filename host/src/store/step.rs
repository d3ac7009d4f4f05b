//! Numbers that must not go beyond a bound: what a step is, and what it comes to. The same for every store.

use super::{Error, check_key};

/// Steps of one call.
pub const MOST_STEPS: usize = 64;

/// Whole numbers up to here are exact as doubles, too: a remote store's scripts compute in those.
const EXACT: i64 = 1 << 53;

/// A step of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// Whose number.
    pub key: &'a str,
    /// What a value that is not there, or is below it, counts as.
    pub floor: i64,
    /// What is added.
    pub by: u64,
    /// What the sum may be at most.
    pub most: i64,
    /// Milliseconds until the value is gone, counted anew when the step is taken.
    pub ttl: Option<u64>,
}

/// Where a number stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stand {
    /// The sum if it was taken, else what the value counts as.
    pub value: i64,
    /// Whether anything was added.
    pub taken: bool,
}

impl Step<'_> {
    /// Whether it can be tried at all.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_key(self.key)?;
        let is_exact = |number: i64| (-EXACT..=EXACT).contains(&number);
        let by = i64::try_from(self.by).is_ok_and(is_exact);
        if by && is_exact(self.floor) && is_exact(self.most) { Ok(()) } else { Err(Error::NotANumber) }
    }

    /// What a step that was checked comes to with this value.
    pub(super) fn from(&self, value: Option<i64>) -> Result<Stand, Error> {
        if value.is_some_and(|value| !(-EXACT..=EXACT).contains(&value)) {
            return Err(Error::NotANumber);
        }
        let value = value.map_or(self.floor, |value| value.max(self.floor));
        // Both are within 2^53, so the sum is far from the end of 64 bits.
        let sum = value.saturating_add_unsigned(self.by);
        let taken = sum <= self.most;
        Ok(Stand { value: if taken { sum } else { value }, taken })
    }
}

/// Whether these can be tried.
pub(super) fn check_steps(steps: &[Step<'_>]) -> Result<(), Error> {
    if steps.len() > MOST_STEPS {
        return Err(Error::TooLarge);
    }
    steps.iter().try_for_each(Step::check)
}
