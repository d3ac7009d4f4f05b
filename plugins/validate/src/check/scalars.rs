//! What is said of a value by itself: its kind, what it is, and of numbers and texts.

use std::cmp::Ordering;

use super::{Check, Fits, words};
use crate::json::{self, At, Kind};
use crate::number::Number;
use crate::schema::{Rule, Types};

impl<'a> Check<'a> {
    #[inline(never)]
    pub(super) fn scalar(&mut self, rule: &'a Rule, at: At) -> Fits {
        match rule {
            Rule::Type(types) => self.kind(*types, at),
            Rule::Enum(values) => {
                let schemas = self.schemas;
                for (json, value) in values.iter().filter_map(|value| schemas.constant(*value)) {
                    if json::equal((json, value), (self.json, at), &mut self.steps)? {
                        return Ok(true);
                    }
                }
                self.misfit(at, "enum", |check| words::one_of(check.schemas, values))
            }
            Rule::Const(value) => {
                let Some((json, constant)) = self.schemas.constant(*value) else { return Ok(true) };
                if json::equal((json, constant), (self.json, at), &mut self.steps)? {
                    return Ok(true);
                }
                self.misfit(at, "const", |check| words::one_of(check.schemas, std::slice::from_ref(value)))
            }
            _ => match self.json.kind(at) {
                Kind::Number => self.number(rule, at),
                Kind::Text | Kind::Escaped => self.text(rule, at),
                _ => Ok(true),
            },
        }
    }

    fn kind(&mut self, types: Types, at: At) -> Fits {
        let fits = match self.json.kind(at) {
            Kind::Null => types.has(Types::NULL),
            Kind::True | Kind::False => types.has(Types::BOOLEAN),
            Kind::Text | Kind::Escaped => types.has(Types::STRING),
            Kind::Array => types.has(Types::ARRAY),
            Kind::Object => types.has(Types::OBJECT),
            Kind::Number => {
                types.has(Types::NUMBER)
                    || types.has(Types::INTEGER) && {
                        let text = self.json.text(at);
                        self.steps.take_bytes(text.len())?;
                        text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') || Number::read(text).is_whole()
                    }
            }
        };
        if fits { Ok(true) } else { self.misfit(at, "type", |_| format!("must be {}", types.words())) }
    }

    fn number(&mut self, rule: &'a Rule, at: At) -> Fits {
        let text = self.json.text(at);
        self.steps.take_bytes(text.len())?;
        match rule {
            Rule::Maximum(limit) if limit.compare(text) == Ordering::Greater => {
                self.misfit(at, "maximum", |_| format!("must be at most {}", limit.text()))
            }
            Rule::ExclusiveMaximum(limit) if limit.compare(text) != Ordering::Less => {
                self.misfit(at, "exclusiveMaximum", |_| format!("must be less than {}", limit.text()))
            }
            Rule::Minimum(limit) if limit.compare(text) == Ordering::Less => {
                self.misfit(at, "minimum", |_| format!("must be at least {}", limit.text()))
            }
            Rule::ExclusiveMinimum(limit) if limit.compare(text) != Ordering::Greater => {
                self.misfit(at, "exclusiveMinimum", |_| format!("must be greater than {}", limit.text()))
            }
            Rule::MultipleOf(divisor, of) if !divisor.divides(&Number::read(text)) => {
                self.misfit(at, "multipleOf", |_| format!("must be a multiple of {of}"))
            }
            _ => Ok(true),
        }
    }

    fn text(&mut self, rule: &'a Rule, at: At) -> Fits {
        let text = self.json.text(at);
        match rule {
            Rule::MaxLength(most) => {
                // A character has at least one byte.
                if text.len() <= *most as usize || self.length(text)? <= *most as usize {
                    return Ok(true);
                }
                self.misfit(at, "maxLength", |_| format!("must have at most {most} characters"))
            }
            Rule::MinLength(least) => {
                if text.len() >= *least as usize && self.length(text)? >= *least as usize {
                    return Ok(true);
                }
                self.misfit(at, "minLength", |_| format!("must have at least {least} characters"))
            }
            Rule::Pattern(pattern, written) => {
                if pattern.finds(text, &mut self.scratch, &mut self.steps)? {
                    return Ok(true);
                }
                self.misfit(at, "pattern", |_| format!("must match {}", words::shortened(written)))
            }
            Rule::Format(format) => {
                self.steps.take(2)?;
                self.steps.take_bytes(text.len().saturating_mul(4))?;
                if format.fits(text) {
                    return Ok(true);
                }
                self.misfit(at, "format", |_| format!("must be of the format {}", format.name()))
            }
            _ => Ok(true),
        }
    }

    /// In code points.
    fn length(&mut self, text: &str) -> Result<usize, crate::steps::TooComplex> {
        self.steps.take_bytes(text.len())?;
        Ok(text.chars().count())
    }
}
