//! What is said of arrays.

use super::{Check, Fits};
use crate::json::{self, At, Kind};
use crate::schema::{Id, Rule};

/// Up to so many items each is compared with each.
const FEW: u32 = 8;

impl<'a> Check<'a> {
    #[inline(never)]
    pub(super) fn array(&mut self, rule: &'a Rule, at: At, evaluated: usize) -> Fits {
        if self.json.kind(at) != Kind::Array {
            return Ok(true);
        }
        let count = self.json.count(at);
        match rule {
            Rule::MaxItems(most) if count > *most => {
                self.misfit(at, "maxItems", |_| format!("must have at most {most} items"))
            }
            Rule::MinItems(least) if count < *least => {
                self.misfit(at, "minItems", |_| format!("must have at least {least} items"))
            }
            Rule::UniqueItems => self.unique(at),
            Rule::Items(front, rest) => self.items(front, *rest, at),
            Rule::Contains { id, least, most, counts_as_evaluated } => {
                let (json, mut fitting) = (self.json, 0);
                for item in json.items(at) {
                    let evaluated = self.evaluated.len();
                    let fits = self.quietly(*id, item)?;
                    self.evaluated.truncate(evaluated);
                    if fits {
                        fitting += 1;
                        if self.schemas.follows_evaluated && *counts_as_evaluated {
                            self.evaluated.push(item);
                        }
                    }
                }
                if fitting < *least {
                    return self
                        .misfit(at, "contains", |_| format!("must contain at least {least} items of a certain form"));
                }
                match most {
                    Some(most) if fitting > *most => self
                        .misfit(at, "maxContains", |_| format!("must contain at most {most} items of a certain form")),
                    _ => Ok(true),
                }
            }
            Rule::UnevaluatedItems(id) => {
                let left = self.unevaluated(self.json.items(at).collect(), evaluated)?;
                self.each(left.into_iter(), *id)
            }
            _ => Ok(true),
        }
    }

    fn items(&mut self, front: &[Id], rest: Option<Id>, at: At) -> Fits {
        let mut items = self.json.items(at);
        let mut fits = true;
        for (id, item) in front.iter().zip(items.by_ref()) {
            fits &= self.inner(*id, item)?;
            if !fits && self.is_enough() {
                return Ok(false);
            }
        }
        match rest {
            // `zip` asks for an item only where there is a schema for it.
            Some(rest) => Ok(self.each(items, rest)? && fits),
            None => Ok(fits),
        }
    }

    /// Whether all these fit.
    pub(super) fn each(&mut self, items: impl Iterator<Item = At>, id: Id) -> Fits {
        let mut fits = true;
        for item in items {
            fits &= self.inner(id, item)?;
            if !fits && self.is_enough() {
                break;
            }
        }
        Ok(fits)
    }

    /// Whether nothing more is to be said.
    pub(super) fn is_enough(&self) -> bool {
        self.quiet > 0 || self.found.len() >= self.most
    }

    fn unique(&mut self, at: At) -> Fits {
        let json = self.json;
        let mut twice = None;
        if json.count(at) <= FEW {
            'items: for (index, item) in json.items(at).enumerate() {
                for other in json.items(at).take(index) {
                    if json::equal((json, other), (json, item), &mut self.steps)? {
                        twice = Some(item);
                        break 'items;
                    }
                }
            }
        } else {
            let mut sorted = Vec::with_capacity(json.count(at) as usize);
            for item in json.items(at) {
                sorted.push((json::fingerprint(json, item, &mut self.steps)?, item));
            }
            sorted.sort_unstable();
            'same: for same in sorted.chunk_by(|(one, _), (other, _)| one == other) {
                for (index, (_, item)) in same.iter().enumerate() {
                    for (_, other) in same.iter().take(index) {
                        if json::equal((json, *other), (json, *item), &mut self.steps)? {
                            twice = Some(*item);
                            break 'same;
                        }
                    }
                }
            }
        }
        match twice {
            Some(item) => {
                self.misfit(item, "uniqueItems", |_| "stands in the array before, and items must differ".to_owned())
            }
            None => Ok(true),
        }
    }
}
