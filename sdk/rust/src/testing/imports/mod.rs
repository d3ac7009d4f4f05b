//! The contract's imports, as functions on the test's host: one module for each interface, with the names and types that
//! the generated bindings have.

mod exchange_side;
mod machine;
mod messages;
mod shared;

pub(crate) use exchange_side::{completion, exchange, reply, resumption, variables};
pub(crate) use machine::{clock, crypto, log, metrics, password, random, secrets, setup};
pub(crate) use messages::{body, chunks, request, response};
pub(crate) use shared::{documents, files, http_client, kv};
