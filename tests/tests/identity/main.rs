//! What filters that say who somebody is can rely on: fields that no client can forge, parameters that nobody else sees,
//! requests that all who wait for the same answer share, key sets that another document leads to, variables that are set
//! together, and fields that stand only once.

mod conceal;
mod follow;
mod own;
mod share;
mod together;
