//! Schemas of schemas.

use super::{Check, Fits};
use crate::json::At;
use crate::schema::Rule;

impl<'a> Check<'a> {
    #[inline(never)]
    pub(super) fn combined(&mut self, rule: &'a Rule, at: At) -> Fits {
        match rule {
            Rule::AllOf(ids) => {
                let mut fits = true;
                for id in ids {
                    fits &= self.value(*id, at)?;
                    if !fits && self.quiet > 0 {
                        break;
                    }
                }
                Ok(fits)
            }
            Rule::AnyOf(ids) => {
                let mut fits = false;
                for id in ids {
                    fits |= self.quietly(*id, at)?;
                    // Each that fits looks at members of its own.
                    if fits && !self.schemas.follows_evaluated {
                        break;
                    }
                }
                if fits { Ok(true) } else { self.none_fits(ids, at, "anyOf") }
            }
            Rule::OneOf(ids) => {
                let mut fitting = 0;
                for id in ids {
                    fitting += u32::from(self.quietly(*id, at)?);
                    if fitting > 1 {
                        return self.misfit(at, "oneOf", |_| {
                            "must fit exactly one of the alternatives, and fits several".to_owned()
                        });
                    }
                }
                if fitting == 1 { Ok(true) } else { self.none_fits(ids, at, "oneOf") }
            }
            Rule::Not(id) => {
                let evaluated = self.evaluated.len();
                let fits = self.quietly(*id, at)?;
                self.evaluated.truncate(evaluated);
                if fits { self.misfit(at, "not", |_| "must not be of this form".to_owned()) } else { Ok(true) }
            }
            Rule::If(condition, then, otherwise) => {
                let next = if self.quietly(*condition, at)? { then } else { otherwise };
                next.map_or(Ok(true), |id| self.value(id, at))
            }
            _ => Ok(true),
        }
    }

    /// Where there is one alternative only, what is wrong with it says more.
    fn none_fits(&mut self, ids: &[u32], at: At, keyword: &'static str) -> Fits {
        match ids {
            [only] if self.quiet == 0 => self.value(*only, at),
            _ => self.misfit(at, keyword, |_| "fits none of the alternatives".to_owned()),
        }
    }
}
