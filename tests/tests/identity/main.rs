//! What filters that say who somebody is can rely on: fields that no client can forge, parameters that nobody else sees,
//! requests that all who wait for the same answer share, and key sets that another document leads to.

mod conceal;
mod follow;
mod own;
mod share;
