//! The contract's types, and where a component exports its hooks.
//!
//! Written by hand, not generated from `wit/`: the functions that a filter calls on every request take their strings and
//! bytes where they lie in its memory, which generated bindings would copy first. wasmtime compares every type and
//! function with the component's own when it is linked, so a slip here is an error at load.

// Some are made by components only.
#![allow(dead_code)]

mod data;
mod words;

pub(super) use data::{
    Call, Candidate, Document, Fault, MacKey, Operation, Outcome, PublicKey, Reason, Response, Stand, Step, Summary,
    Tls, Variable,
};
pub(super) use words::{
    Awaited, CallError, Coding, Ended, Ending, Flow, Hash, Hook, KvError, Level, Message, Missing, Origin,
    PasswordError, Refusal, Signature,
};
