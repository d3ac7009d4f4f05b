//! Holds a value against compiled schemas: what does not fit, with its place and in words. Within a bounded number of steps
//! and a bounded depth, whatever the value and the schema.

mod arrays;
mod combined;
mod objects;
mod scalars;
mod words;

use crate::json::{At, Json, ROOT};
use crate::regex::Scratch;
use crate::schema::{Id, Rule, Schemas};
use crate::steps::{Steps, TooComplex};

/// Something about a value that does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// Where in the value: a JSON pointer.
    pub(crate) pointer: String,
    /// The keyword of the schema.
    pub(crate) keyword: &'static str,
    /// What would be right.
    pub(crate) detail: String,
}

/// The same while it is found.
struct Found {
    at: At,
    keyword: &'static str,
    detail: String,
}

/// Whether a value fits, if that can be said.
type Fits = Result<bool, TooComplex>;

/// Schemas that look at one another's values; each is a frame on the guest's small stack.
const DEEPEST: u32 = 400;

/// Rules that are looked at in the time of one step.
const RULES: usize = 4;

/// A value being looked at.
struct Check<'a> {
    schemas: &'a Schemas,
    json: &'a Json,
    steps: Steps,
    depth: u32,
    /// Above 0 only whether something fits counts: nothing is said.
    quiet: u32,
    found: Vec<Found>,
    most: usize,
    /// Resources that were entered, for `$dynamicRef`.
    scope: Vec<u32>,
    /// Members and items that keywords have looked at, of all objects and arrays that are open.
    evaluated: Vec<At>,
    scratch: Scratch,
}

/// What comes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fits,
    /// It does not, and this is why, as far as it is told.
    Misfits(Vec<Misfit>),
}

/// Whether a value fits; of what does not at most so much is told.
pub(crate) fn check(schemas: &Schemas, json: &Json, steps: u32, most: usize) -> Result<Verdict, TooComplex> {
    let mut check = Check {
        schemas,
        json,
        steps: Steps::new(steps),
        depth: 0,
        quiet: 0,
        found: Vec::new(),
        most,
        scope: Vec::new(),
        evaluated: Vec::new(),
        scratch: Scratch::default(),
    };
    if check.value(schemas.root(), ROOT)? {
        return Ok(Verdict::Fits);
    }
    let Check { found, mut steps, .. } = check;
    let told = |Found { at, keyword, detail }| {
        // What takes too long to find is not told.
        let pointer = json.pointer_within(at, &mut steps).ok()?;
        Some(Misfit { pointer, keyword, detail })
    };
    Ok(Verdict::Misfits(found.into_iter().map_while(told).collect()))
}

impl<'a> Check<'a> {
    /// Whether a value fits a schema.
    fn value(&mut self, id: Id, at: At) -> Fits {
        self.steps.take(1)?;
        let schemas = self.schemas;
        let Some(mut schema) = schemas.schema(id) else { return Ok(true) };
        // A mere reference needs no frame; none leads back to itself.
        while let [Rule::Ref(next)] = schema.rules.as_slice()
            && let Some(next) = schemas.schema(*next)
            && next.resource == schema.resource
        {
            schema = next;
        }
        if schema.rules.is_empty() {
            return Ok(true);
        }
        self.steps.take(u32::try_from(schema.rules.len() / RULES).unwrap_or(u32::MAX))?;
        if self.depth == DEEPEST {
            return Err(TooComplex);
        }
        self.depth += 1;
        let is_entered = self.scope.last() != Some(&schema.resource);
        if is_entered {
            self.scope.push(schema.resource);
        }
        let evaluated = self.evaluated.len();
        let mut fits = true;
        for rule in &schema.rules {
            if !self.rule(rule, at, evaluated)? {
                fits = false;
                // Who is not told gains nothing by knowing more.
                if self.quiet > 0 || self.found.len() >= self.most {
                    break;
                }
            }
        }
        if !fits {
            self.evaluated.truncate(evaluated);
        }
        if is_entered {
            self.scope.pop();
        }
        self.depth -= 1;
        Ok(fits)
    }

    /// The same without a word.
    fn quietly(&mut self, id: Id, at: At) -> Fits {
        self.quiet += 1;
        let fits = self.value(id, at);
        self.quiet -= 1;
        fits
    }

    /// Whether a member or an item fits; then it counts as looked at.
    fn inner(&mut self, id: Id, at: At) -> Fits {
        let evaluated = self.evaluated.len();
        let fits = self.value(id, at)?;
        self.evaluated.truncate(evaluated);
        if fits && self.schemas.follows_evaluated {
            self.evaluated.push(at);
        }
        Ok(fits)
    }

    /// Says that something does not fit.
    #[allow(clippy::unnecessary_wraps, reason = "rules end with it")]
    fn misfit(&mut self, at: At, keyword: &'static str, detail: impl FnOnce(&Self) -> String) -> Fits {
        if self.quiet == 0 && self.found.len() < self.most {
            let detail = detail(self);
            self.found.push(Found { at, keyword, detail });
        }
        Ok(false)
    }

    fn rule(&mut self, rule: &'a Rule, at: At, evaluated: usize) -> Fits {
        match rule {
            Rule::Never => self.misfit(at, "false", |_| "is not allowed here".to_owned()),
            Rule::Type(_)
            | Rule::Enum(_)
            | Rule::Const(_)
            | Rule::MultipleOf(..)
            | Rule::Maximum(_)
            | Rule::ExclusiveMaximum(_)
            | Rule::Minimum(_)
            | Rule::ExclusiveMinimum(_)
            | Rule::MaxLength(_)
            | Rule::MinLength(_)
            | Rule::Pattern(..)
            | Rule::Format(_) => self.scalar(rule, at),
            Rule::MaxProperties(_)
            | Rule::MinProperties(_)
            | Rule::Required(_)
            | Rule::DependentRequired(..)
            | Rule::DependentSchema(..)
            | Rule::Properties(_)
            | Rule::PropertyNames(_)
            | Rule::UnevaluatedProperties(_) => self.object(rule, at, evaluated),
            Rule::MaxItems(_)
            | Rule::MinItems(_)
            | Rule::UniqueItems
            | Rule::Items(..)
            | Rule::Contains { .. }
            | Rule::UnevaluatedItems(_) => self.array(rule, at, evaluated),
            Rule::Ref(id) => self.value(*id, at),
            Rule::DynamicRef(name, id) => {
                let schemas = self.schemas;
                let outermost = self.scope.iter().find_map(|resource| schemas.anchor(*resource, name));
                self.value(outermost.unwrap_or(*id), at)
            }
            Rule::AllOf(_) | Rule::AnyOf(_) | Rule::OneOf(_) | Rule::Not(_) | Rule::If(..) => self.combined(rule, at),
        }
    }

    /// Those of an object's or array's parts that nothing has looked at.
    fn unevaluated(&mut self, parts: Vec<At>, evaluated: usize) -> Result<Vec<At>, TooComplex> {
        let mut seen: Vec<At> = self.evaluated.get(evaluated..).unwrap_or_default().to_vec();
        seen.sort_unstable();
        self.steps.take(u32::try_from(seen.len() + parts.len()).unwrap_or(u32::MAX))?;
        Ok(parts.into_iter().filter(|at| seen.binary_search(at).is_err()).collect())
    }
}

#[cfg(test)]
mod tests;
