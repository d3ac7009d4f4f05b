//! `transform`
mod json;
