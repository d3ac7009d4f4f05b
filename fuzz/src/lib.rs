//! What must hold for any input. The targets give it random ones, and tests of the host the corpus and properties: they
//! include these files, so that nothing is said twice.

pub mod config;
pub mod paths;
