//! From the configuration's JSON to the filter's type, with the place of what is wrong.
//!
//! A reader of its own, because the usual one tells lines and columns of the JSON, which mean nothing to the operator,
//! and is more code than the rest of a small filter (40 KiB of component, twice that with the places). The text is
//! the host's own, so what only a broken writer could have written is not looked for.

mod json;
mod problem;

use serde::de::Deserialize;

use crate::Fault;

/// Reads a configuration.
pub(crate) fn read<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Fault> {
    let mut reader = json::Reader::new(text);
    T::deserialize(&mut reader).and_then(|value| reader.end().map(|()| value)).map_err(problem::Problem::into_fault)
}

#[cfg(test)]
mod tests;
