//! Types for configurations that every other filter needs, and the reader of configurations.

// A reader of its own, because the usual one tells lines and columns of the JSON, which mean nothing to the operator,
// and is more code than the rest of a small filter: a configuration with one text added 42 KB to a component, here it
// is 14. The text is the host's own, so what only a broken writer could have written is not looked for.

mod json;
mod number;
mod parts;
mod problem;
mod raw;
mod units;
mod value;

use serde::de::Deserialize;

use crate::Fault;

pub use raw::JsonText;
pub use units::{Duration, Size};
pub use value::Json;

/// Reads a configuration; a fault has the place of what is wrong.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Fault> {
    let mut reader = json::Reader::new(text);
    T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(problem::Problem::into_fault)
}

#[cfg(test)]
mod tests;
