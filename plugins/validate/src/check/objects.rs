//! What is said of objects.

use super::{Check, Fits};
use crate::json::At;
use crate::schema::{Properties, Rule};

impl<'a> Check<'a> {
    #[inline(never)]
    pub(super) fn object(&mut self, rule: &'a Rule, at: At, evaluated: usize) -> Fits {
        let json = self.json;
        if !json.is_object(at) {
            return Ok(true);
        }
        let count = json.count(at);
        match rule {
            Rule::MaxProperties(most) if count > *most => {
                self.misfit(at, "maxProperties", |_| format!("must have at most {most} members"))
            }
            Rule::MinProperties(least) if count < *least => {
                self.misfit(at, "minProperties", |_| format!("must have at least {least} members"))
            }
            Rule::Required(names) => self.required(names, at, "required"),
            Rule::DependentRequired(name, names) => {
                if self.has(at, name)? {
                    self.required(names, at, "dependentRequired")
                } else {
                    Ok(true)
                }
            }
            Rule::DependentSchema(name, id) => {
                if self.has(at, name)? {
                    self.value(*id, at)
                } else {
                    Ok(true)
                }
            }
            Rule::Properties(properties) => self.properties(properties, at),
            Rule::PropertyNames(id) => self.names(*id, at),
            Rule::UnevaluatedProperties(id) => {
                let left = self.unevaluated(json.members(at).map(|(_, value)| value).collect(), evaluated)?;
                self.each(left.into_iter(), *id)
            }
            _ => Ok(true),
        }
    }

    fn has(&mut self, at: At, name: &str) -> Fits {
        self.steps.take(1 + self.json.count(at) / 8)?;
        Ok(self.json.member(at, name).is_some())
    }

    fn required(&mut self, names: &[Box<str>], at: At, keyword: &'static str) -> Fits {
        self.steps.take(self.json.count(at) + u32::try_from(names.len() / 8).unwrap_or(u32::MAX))?;
        let mut is_there = vec![false; names.len()];
        for (name, _) in self.json.members(at) {
            if let Ok(index) = names.binary_search_by(|known| (**known).cmp(name))
                && let Some(is_there) = is_there.get_mut(index)
            {
                *is_there = true;
            }
        }
        let mut fits = true;
        for (name, _) in names.iter().zip(is_there).filter(|(_, is_there)| !is_there) {
            fits = self.misfit(at, keyword, |_| format!("the member `{name}` is missing"))?;
            if self.is_enough() {
                break;
            }
        }
        Ok(fits)
    }

    fn properties(&mut self, properties: &'a Properties, at: At) -> Fits {
        let mut fits = true;
        self.steps.take(self.json.count(at))?;
        for (name, value) in self.json.members(at) {
            let mut is_known = false;
            if let Ok(index) = properties.named.binary_search_by(|(known, _)| (**known).cmp(name))
                && let Some((_, id)) = properties.named.get(index)
            {
                is_known = true;
                fits &= self.inner(*id, value)?;
            }
            for (pattern, id) in &properties.patterns {
                if pattern.finds(name, &mut self.scratch, &mut self.steps)? {
                    is_known = true;
                    fits &= self.inner(*id, value)?;
                }
            }
            if !is_known && let Some(id) = properties.additional {
                fits &= self.inner(id, value)?;
            }
            if !fits && self.is_enough() {
                break;
            }
        }
        Ok(fits)
    }

    /// A name is a text before its value, and a value like any other.
    fn names(&mut self, id: u32, at: At) -> Fits {
        for (_, value) in self.json.members(at) {
            let evaluated = self.evaluated.len();
            let fits = self.quietly(id, value - 1)?;
            self.evaluated.truncate(evaluated);
            if !fits {
                return self
                    .misfit(value, "propertyNames", |_| "the name of this member is not of the right form".to_owned());
            }
        }
        Ok(true)
    }
}
