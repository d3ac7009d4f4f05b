//! The macros of `weir-sdk`; use them through it.
//!
//! They work on what stands in the source and know no types: what a parameter must be is said in the expansion, with
//! the author's own span, and checked by the compiler.

mod config;
mod filter;
mod rename;
mod serde_attributes;
mod signature;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, ItemImpl};

/// Makes a type the component's filter: the methods of its impl block are the hooks, and only those that are there are
/// exported. What the hooks take and return stands in the documentation of `weir-sdk`.
// An attribute on the impl block sees which hooks are there; a trait with defaulted methods could not, and every
// filter would pay for hooks that do nothing.
#[proc_macro_attribute]
pub fn filter(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let block = syn::parse_macro_input!(item as ItemImpl);
    filter::expand(&arguments.into(), &block).into()
}

/// Derives the JSON Schema of a configuration: what editors and `weir validate` know of it, and what its fields grant.
///
/// Doc comments become descriptions. Of serde's attributes `default`, `rename`, `rename_all`, `rename_all_fields`,
/// `deny_unknown_fields`, `tag`, `content`, `untagged`, `transparent`, `from`, `try_from` and `skip` are followed; one
/// that changes what is read in a way that is not understood here is an error.
///
/// * `#[weir(default = 10)]` on a field says in the schema what the field is when it is left out, where that cannot be seen
///   from its type (`#[serde(default = "ten")]`).
/// * `#[weir(like = String)]` on a field gives it the schema of another type, where serde reads it with a function.
#[proc_macro_derive(Config, attributes(serde, weir))]
pub fn config(item: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(item as DeriveInput);
    config::expand(&input).into()
}
