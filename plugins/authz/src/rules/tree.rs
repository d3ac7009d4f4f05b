//! Which rules are about a path: a tree over segments, so that what it takes depends on the path and not on how many
//! rules there are.

use std::borrow::Cow;

use super::path::Reading;
use super::pattern::{Part, Pattern};
use super::set::{Numbers, Set};
use super::words::Words;

/// A tree over the segments of paths. Places in it are numbers; the first is that of all paths.
#[derive(Debug)]
pub(crate) struct Tree(Vec<Place>);

/// What follows the segments so far.
#[derive(Debug, Default)]
struct Place {
    named: Words,
    any: Option<usize>,
    /// By the number of the variable.
    vars: Vec<(usize, usize)>,
    /// Rules about the path that ends here.
    here: Numbers,
    /// Rules about this path and all below.
    below: Numbers,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self(vec![Place::default()])
    }

    /// Puts one of so many rules where its pattern leads; `var` gives variables their numbers.
    pub(crate) fn insert(&mut self, pattern: &Pattern, rule: (usize, usize), var: &mut impl FnMut(&str) -> usize) {
        let mut at = 0;
        for part in &pattern.parts {
            let (next, place) = (self.0.len(), &mut self.0[at]);
            at = match part {
                Part::Is(text) => place.named.number_or(text, next),
                Part::Any => *place.any.get_or_insert(next),
                Part::Var(name) => {
                    let var = var(name);
                    let known = place.vars.iter().find(|(known, _)| *known == var).map(|(_, at)| *at);
                    known.unwrap_or_else(|| {
                        place.vars.push((var, next));
                        next
                    })
                }
            };
            if at == next {
                self.0.push(Place::default());
            }
        }
        let place = &mut self.0[at];
        let numbers = if pattern.is_prefix { &mut place.below } else { &mut place.here };
        numbers.push(rule.0, rule.1);
    }

    /// Adds the rules about a path; `is_var` says whether a segment is a variable's value.
    pub(crate) fn find(&self, path: &[impl AsRef<str>], is_var: &impl Fn(usize, &str) -> bool, found: &mut Set) {
        self.find_from(0, path, is_var, found);
    }

    fn find_from(&self, at: usize, path: &[impl AsRef<str>], is_var: &impl Fn(usize, &str) -> bool, found: &mut Set) {
        #[cfg(test)]
        super::steps::one();
        let Some(place) = self.0.get(at) else { return };
        place.below.add_to(found);
        let Some((segment, rest)) = path.split_first() else { return place.here.add_to(found) };
        let segment = segment.as_ref();
        if let Some(next) = place.named.number(segment) {
            self.find_from(next, rest, is_var, found);
        }
        if segment.is_empty() {
            return;
        }
        if let Some(next) = place.any {
            self.find_from(next, rest, is_var, found);
        }
        for (var, next) in &place.vars {
            if is_var(*var, segment) {
                self.find_from(*next, rest, is_var, found);
            }
        }
    }
}

/// A path as it is compared where case, runs of slashes and one at the end do not count.
pub(crate) fn fold<'a>(path: &'a Reading<'_>) -> Vec<Cow<'a, str>> {
    let fold = |segment: &'a Cow<'_, str>| {
        if segment.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(segment.to_ascii_lowercase())
        } else {
            Cow::Borrowed(segment.as_ref())
        }
    };
    path.iter().filter(|segment| !segment.is_empty()).map(fold).collect()
}
