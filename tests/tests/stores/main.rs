//! The words of `wit/kv.wit`, for every kind of store: one suite, through a filter in the sandbox of a running proxy.
//!
//! A kind of store is a [`backend::Backend`]; [`conforms!`] makes a test of each part of the suite for it.

mod backend;
mod bed;
mod disk;
mod file;
mod killed;
mod memory;
mod redis;
mod servers;
mod suite;
mod unreachable;
