//! wip
#![allow(dead_code)]
mod check;
mod format;
mod json;
mod number;
mod regex;
mod schema;
mod steps;
mod uri;

#[cfg(test)]
mod tests;
