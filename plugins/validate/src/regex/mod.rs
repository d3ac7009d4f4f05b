//! Regular expressions as ECMA-262 writes them, in time that grows with the text and the expression only: there is no going
//! back, so no text makes a pattern slow. What that cannot express is refused, not misunderstood.

mod categories;
mod parse;
mod program;
mod set;

pub(crate) use program::{Program, Scratch};

#[cfg(test)]
mod tests;
