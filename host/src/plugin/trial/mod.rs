//! What a trial gives filters in the world's place, and what it looks at afterwards: chance, documents, ticks, variables.
//!
//! Filters that are tried run as they always do: on the same engine, linked to the same capabilities, within the same
//! limits. Only what would differ from one time to the next comes from here. Nothing of it is reached while a proxy
//! serves.

mod chance;
mod shelf;
mod ticks;
mod variables;

pub(super) use chance::Chance;
pub use chance::Given as GivenChance;
pub use shelf::Shelf;
pub use variables::Variables;
