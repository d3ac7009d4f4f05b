//! Which rules are about a path: a tree over segments, so that what it takes depends on the path and not on how many
//! rules there are.

use std::collections::BTreeMap;

use super::path::Reading;
use super::pattern::{Part, Pattern};
use super::set::{Numbers, Set};

/// What follows the segments so far.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    named: BTreeMap<Box<str>, Tree>,
    any: Option<Box<Tree>>,
    /// By the number of the variable.
    vars: Vec<(usize, Tree)>,
    /// Rules about the path that ends here.
    here: Numbers,
    /// Rules about this path and all below.
    below: Numbers,
}

impl Tree {
    /// Puts one of so many rules where its pattern leads; `var` gives variables their numbers.
    pub(crate) fn insert(&mut self, pattern: &Pattern, rule: (usize, usize), var: &mut impl FnMut(&str) -> usize) {
        let mut tree = self;
        for part in &pattern.parts {
            tree = match part {
                Part::Is(text) => tree.named.entry(text.as_str().into()).or_default(),
                Part::Any => tree.any.get_or_insert_default(),
                Part::Var(name) => tree.of_var(var(name)),
            };
        }
        let numbers = if pattern.is_prefix { &mut tree.below } else { &mut tree.here };
        numbers.push(rule.0, rule.1);
    }

    fn of_var(&mut self, var: usize) -> &mut Self {
        let at = self.vars.iter().position(|(known, _)| *known == var).unwrap_or_else(|| {
            self.vars.push((var, Self::default()));
            self.vars.len() - 1
        });
        &mut self.vars[at].1
    }

    /// Adds the rules about a path; `is_var` says whether a segment is a variable's value.
    pub(crate) fn find(&self, path: &[impl AsRef<str>], is_var: &impl Fn(usize, &str) -> bool, found: &mut Set) {
        #[cfg(test)]
        super::steps::one();
        self.below.add_to(found);
        let Some((segment, rest)) = path.split_first() else { return self.here.add_to(found) };
        let segment = segment.as_ref();
        if let Some(tree) = self.named.get(segment) {
            tree.find(rest, is_var, found);
        }
        if segment.is_empty() {
            return;
        }
        if let Some(tree) = &self.any {
            tree.find(rest, is_var, found);
        }
        for (var, tree) in &self.vars {
            if is_var(*var, segment) {
                tree.find(rest, is_var, found);
            }
        }
    }
}

/// A path as it is compared where case, runs of slashes and one at the end do not count.
pub(crate) fn fold(path: &Reading<'_>) -> Vec<String> {
    path.iter().filter(|segment| !segment.is_empty()).map(|segment| segment.to_ascii_lowercase()).collect()
}
