//! The JSON Schema of a configuration, known when the filter is compiled.
//!
//! [`#[derive(weir::Config)]`](derive@crate::Config) makes a tree of constants of a type; `#[weir::filter]` writes it
//! as text into a section of the component. Nothing of it is there when the filter runs.

mod text;
mod types;

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use text::write;
#[doc(hidden)]
pub use text::{length, package, package_length, render};

/// A type that can stand in a filter's configuration. Derive it: [`#[derive(weir::Config)]`](derive@crate::Config).
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no schema, so it cannot stand in a filter's configuration",
    label = "no schema",
    note = "derive it beside serde's trait: `#[derive(serde::Deserialize, weir::Config)]`"
)]
pub trait Schema {
    /// What a value looks like.
    const SCHEMA: &'static Node;
    /// The type's `Default`, as JSON, where it is known.
    const DEFAULT: Option<&'static str> = None;
    /// Whether a field of this type may be left out.
    const OPTIONAL: bool = false;
}

/// A part of a schema.
#[derive(Debug)]
#[non_exhaustive]
pub enum Node {
    /// Anything.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer {
        /// The least.
        minimum: Option<i64>,
        /// The greatest.
        maximum: Option<u64>,
    },
    /// Any number.
    Number,
    /// Text.
    String,
    /// Text of this form, as a regular expression.
    Pattern(&'static str),
    /// Nothing but `null`.
    Null,
    /// A list of these.
    Array(&'static Node),
    /// Any keys with these.
    Map(&'static Node),
    /// Named keys.
    Object {
        /// All of them.
        properties: &'static [Property],
        /// Whether another key is a fault.
        closed: bool,
    },
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Exactly one of these.
    OneOf(&'static [&'static Node]),
    /// The first of these that fits.
    AnyOf(&'static [&'static Node]),
    /// This or `null`.
    Optional(&'static Node),
    /// This with a description.
    Described(&'static str, &'static Node),
    /// An object with one key more, whose value is this word.
    Tagged {
        /// The key.
        key: &'static str,
        /// The word.
        value: &'static str,
        /// The object.
        node: &'static Node,
    },
    /// Something that the host knows, in its own words: members of the schema's object.
    Marked(&'static str),
}

/// A key of an object.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What it is for; "" if nobody says.
    pub description: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it is if it is not there, as JSON.
    pub default: Option<&'static str>,
    /// Its value.
    pub node: &'static Node,
}
