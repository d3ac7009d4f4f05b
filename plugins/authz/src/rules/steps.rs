//! How much was looked at, for tests of what a decision costs.

use std::cell::Cell;

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// One part of the tree, one value or one rule was looked at.
pub(crate) fn one() {
    STEPS.set(STEPS.get() + 1);
}

/// How many since this was asked last.
pub(crate) fn take() -> usize {
    STEPS.replace(0)
}
