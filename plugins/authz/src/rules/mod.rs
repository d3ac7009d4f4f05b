//! Rules: what a request may do by its method, its path and who asks. An explicit refusal wins over whatever allows.
//!
//! Knows nothing of answers, nor of the policy endpoint.

mod condition;
mod path;
mod pattern;
mod set;
mod side;
#[cfg(test)]
pub(crate) mod steps;
mod tree;
mod words;
mod written;

pub(crate) use written::Written;

use std::slice;

use path::Readings;
use side::Side;

use crate::caller::{Caller, Names};

/// All rules of an entry.
#[derive(Debug)]
pub(crate) struct Rules {
    denying: Side,
    allowing: Side,
    /// Whether what no rule is about is allowed.
    is_open: bool,
    /// Whether a rule looks at methods: then a request must not have two.
    has_methods: bool,
    has_paths: bool,
}

/// What the rules say, with the name of the one that says so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict<'a> {
    Allowed(&'a str),
    /// No rule is about it, and that is allowed.
    Open,
    Denied(&'a str),
    /// No rule is about it.
    Unruled,
    /// It depends on how the path is read, or nobody can say. And why.
    Ambiguous(String),
}

impl Rules {
    pub(crate) fn new(denying: Vec<side::Rule>, allowing: Vec<side::Rule>, is_open: bool, names: &mut Names) -> Self {
        let has = |asks: fn(&side::Rule) -> bool| denying.iter().chain(&allowing).any(asks);
        let has_methods = has(|rule| !rule.methods.is_empty());
        let has_paths = has(|rule| rule.patterns.iter().any(|pattern| *pattern != pattern::Pattern::all()));
        Self {
            denying: Side::new(denying, true, names),
            allowing: Side::new(allowing, false, names),
            is_open,
            has_methods,
            has_paths,
        }
    }

    pub(crate) fn has_paths(&self) -> bool {
        self.has_paths
    }

    pub(crate) fn has_methods(&self) -> bool {
        self.has_methods
    }

    /// Decides. A path that can be read in several ways is denied if it is so by one of them, and allowed only if it is
    /// so by all. Where nobody looks at paths there is none.
    pub(crate) fn decide(&self, method: &str, path: Option<&str>, caller: &Caller<'_>) -> Verdict<'_> {
        let readings = match path.map(path::read) {
            None => Readings::default(),
            Some(Ok(readings)) => readings,
            Some(Err(why)) => return Verdict::Ambiguous(why.to_owned()),
        };
        let all = slice::from_ref(&readings.exact).iter().chain(&readings.others);
        if let Some(rule) = all.into_iter().find_map(|reading| self.denying.find(method, reading, caller)) {
            return Verdict::Denied(rule);
        }
        let allows = |reading| self.allowing.find(method, reading, caller);
        match allows(&readings.exact) {
            None if self.is_open => Verdict::Open,
            None => Verdict::Unruled,
            Some(rule) => match readings.others.iter().find(|reading| !self.is_open && allows(reading).is_none()) {
                None => Verdict::Allowed(rule),
                Some(reading) => {
                    let why = ["it can be read as `/", &reading.join("/"), "`, which no rule allows"].concat();
                    Verdict::Ambiguous(why)
                }
            },
        }
    }
}
