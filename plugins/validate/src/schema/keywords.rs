//! What each keyword says, and whether it is written as its draft has it.

use super::compile::Compiler;
use super::draft::Draft;
use super::registry::Spot;
use super::{Constant, Id, Limit, Properties, Rule, Types};
use crate::format::Format;
use crate::json::{At, Json, Kind};
use crate::number::{Divisor, Number};
use crate::regex::Program;

/// One keyword with its value.
struct Keyword<'a> {
    json: &'a Json,
    document: usize,
    /// Where the schema stands, and where the keyword's value.
    schema: At,
    value: At,
    resource: u32,
    draft: Draft,
}

impl Keyword<'_> {
    fn spot(&self) -> Spot {
        (self.document, self.value)
    }
}

impl Compiler<'_> {
    /// The rules of the schema there, in the order in which they are best looked at.
    pub(super) fn keywords(&mut self, (document, schema): Spot, resource: u32) -> Vec<Rule> {
        let Some((json, of)) = self.json((document, schema)).zip(self.registry.resource(resource)) else {
            return Vec::new();
        };
        let (draft, validates) = (of.draft, of.validates);
        let asserts = match self.options.formats {
            Some(asserts) => asserts || of.asserts_formats,
            None => of.asserts_formats || draft == Draft::Seven,
        };
        let at = |value| Keyword { json, document, schema, value, resource, draft };
        if !draft.ref_has_siblings()
            && let Some(value) = json.member(schema, "$ref")
        {
            return self.referred((document, value), resource).map(|(_, id)| Rule::Ref(id)).into_iter().collect();
        }
        let mut rules = Vec::new();
        for (name, value) in json.members(schema) {
            let keyword = at(value);
            let rule = if validates { self.assertion(name, &keyword) } else { None };
            let rule = rule.or_else(|| self.applicator(name, &keyword));
            rules.extend(rule);
            match name {
                "format" if asserts => {
                    rules.extend(json.string(value).and_then(Format::named).map(Rule::Format));
                }
                "dependentRequired" if validates && draft == Draft::TwentyTwenty => {
                    self.dependencies(&keyword, &mut rules);
                }
                "dependentSchemas" if draft == Draft::TwentyTwenty => self.dependencies(&keyword, &mut rules),
                "dependencies" => self.dependencies(&keyword, &mut rules),
                "format" if json.string(value).is_none() => self.fault(keyword.spot(), "`format` is a text"),
                _ => {}
            }
        }
        rules.extend(self.properties(&at(schema)));
        rules.extend(self.items(&at(schema)));
        rules.sort_by_key(order);
        self.follows_evaluated |=
            rules.iter().any(|rule| matches!(rule, Rule::UnevaluatedItems(_) | Rule::UnevaluatedProperties(_)));
        rules
    }

    /// What a keyword says of the value itself.
    fn assertion(&mut self, name: &str, keyword: &Keyword<'_>) -> Option<Rule> {
        let Keyword { json, document, value, .. } = *keyword;
        Some(match name {
            "type" => Rule::Type(self.types(keyword)?),
            "const" => Rule::Const(Constant { document, at: value }),
            "enum" if json.kind(value) == Kind::Array => {
                Rule::Enum(json.items(value).map(|at| Constant { document, at }).collect())
            }
            "enum" => return self.wrong(keyword, "`enum` is a list of values"),
            "maximum" => Rule::Maximum(self.limit(keyword)?),
            "exclusiveMaximum" => Rule::ExclusiveMaximum(self.limit(keyword)?),
            "minimum" => Rule::Minimum(self.limit(keyword)?),
            "exclusiveMinimum" => Rule::ExclusiveMinimum(self.limit(keyword)?),
            "multipleOf" => {
                let text = self.number(keyword)?;
                match Divisor::of(&Number::read(text)) {
                    Some(divisor) => Rule::MultipleOf(divisor, text.into()),
                    None => return self.wrong(keyword, "`multipleOf` is a number above 0 with at most 18 digits"),
                }
            }
            "maxLength" => Rule::MaxLength(self.count(keyword)?),
            "minLength" => Rule::MinLength(self.count(keyword)?),
            "pattern" => {
                let Some(pattern) = json.string(value) else { return self.wrong(keyword, "a pattern is a text") };
                Rule::Pattern(Box::new(self.pattern(keyword.spot(), pattern)?), pattern.into())
            }
            "maxItems" => Rule::MaxItems(self.count(keyword)?),
            "minItems" => Rule::MinItems(self.count(keyword)?),
            "uniqueItems" => match json.kind(value) {
                Kind::True => Rule::UniqueItems,
                Kind::False => return None,
                _ => return self.wrong(keyword, "`uniqueItems` is `true` or `false`"),
            },
            "maxProperties" => Rule::MaxProperties(self.count(keyword)?),
            "minProperties" => Rule::MinProperties(self.count(keyword)?),
            "required" => Rule::Required(self.names(keyword.spot())?),
            _ => return None,
        })
    }

    /// What a keyword says by other schemas, where it stands alone.
    fn applicator(&mut self, name: &str, keyword: &Keyword<'_>) -> Option<Rule> {
        let Keyword { json, document, schema, value, resource, draft } = *keyword;
        let sibling = |name| json.member(schema, name);
        Some(match name {
            "$ref" => Rule::Ref(self.referred(keyword.spot(), resource)?.1),
            "$dynamicRef" if draft == Draft::TwentyTwenty => {
                let (found, id) = self.referred(keyword.spot(), resource)?;
                let name = json.string(value).map(|reference| crate::uri::split(reference).1).unwrap_or_default();
                let resource = self.registry.located.get(&found).copied().unwrap_or_default();
                match self.registry.dynamic.get(&(resource, name.to_owned())) {
                    Some(anchor) if *anchor == found => Rule::DynamicRef(name.into(), id),
                    _ => Rule::Ref(id),
                }
            }
            "allOf" => Rule::AllOf(self.schemas(keyword)?),
            "anyOf" => Rule::AnyOf(self.schemas(keyword)?),
            "oneOf" => Rule::OneOf(self.schemas(keyword)?),
            "not" => Rule::Not(self.id(keyword.spot())),
            "if" => {
                let [then, otherwise] = ["then", "else"].map(|name| sibling(name).map(|at| self.id((document, at))));
                if then.is_none() && otherwise.is_none() && draft == Draft::Seven {
                    return None;
                }
                Rule::If(self.id(keyword.spot()), then, otherwise)
            }
            "propertyNames" => Rule::PropertyNames(self.id(keyword.spot())),
            "contains" => {
                let is_new = draft == Draft::TwentyTwenty;
                let validates = self.registry.resource(resource).is_some_and(|resource| resource.validates);
                let mut count = |name| {
                    let value = sibling(name).filter(|_| is_new && validates)?;
                    self.count(&Keyword { json, document, schema, value, resource, draft })
                };
                let (least, most) = (count("minContains").unwrap_or(1), count("maxContains"));
                Rule::Contains { id: self.id(keyword.spot()), least, most, counts_as_evaluated: is_new }
            }
            "unevaluatedItems" if draft == Draft::TwentyTwenty => Rule::UnevaluatedItems(self.id(keyword.spot())),
            "unevaluatedProperties" if draft == Draft::TwentyTwenty => {
                Rule::UnevaluatedProperties(self.id(keyword.spot()))
            }
            _ => return None,
        })
    }

    fn properties(&mut self, of: &Keyword<'_>) -> Option<Rule> {
        let Keyword { json, document, schema, .. } = *of;
        let mut properties = Properties::default();
        let mut is_there = false;
        if let Some(value) = json.member(schema, "properties") {
            is_there = true;
            self.object((document, value), "properties");
            properties.named = json.members(value).map(|(name, at)| (name.into(), self.id((document, at)))).collect();
            properties.named.sort();
        }
        if let Some(value) = json.member(schema, "patternProperties") {
            is_there = true;
            self.object((document, value), "patternProperties");
            for (pattern, at) in json.members(value) {
                if let Some(program) = self.pattern((document, at), pattern) {
                    properties.patterns.push((program, self.id((document, at))));
                }
            }
        }
        if let Some(at) = json.member(schema, "additionalProperties") {
            is_there = true;
            properties.additional = Some(self.id((document, at)));
        }
        is_there.then(|| Rule::Properties(Box::new(properties)))
    }

    fn items(&mut self, of: &Keyword<'_>) -> Option<Rule> {
        let Keyword { json, document, schema, draft, .. } = *of;
        let items = json.member(schema, "items");
        let (front, rest) = match (draft, items) {
            (Draft::TwentyTwenty, rest) => (json.member(schema, "prefixItems"), rest),
            (Draft::Seven, Some(items)) if json.kind(items) == Kind::Array => {
                (Some(items), json.member(schema, "additionalItems"))
            }
            (Draft::Seven, rest) => (None, rest),
        };
        if front.is_none() && rest.is_none() {
            return None;
        }
        if let Some(at) = front
            && json.kind(at) != Kind::Array
        {
            self.fault((document, at), "`prefixItems` is a list of schemas");
        }
        let front = front.map(|at| json.items(at).collect()).unwrap_or_default();
        let front = self.ids(document, front);
        Some(Rule::Items(front, rest.map(|at| self.id((document, at)))))
    }

    fn dependencies(&mut self, keyword: &Keyword<'_>, rules: &mut Vec<Rule>) {
        let Keyword { json, document, value, .. } = *keyword;
        self.object(keyword.spot(), "this");
        for (name, at) in json.members(value) {
            rules.extend(if json.kind(at) == Kind::Array {
                self.names((document, at)).map(|names| Rule::DependentRequired(name.into(), names))
            } else {
                Some(Rule::DependentSchema(name.into(), self.id((document, at))))
            });
        }
    }

    fn wrong<T>(&mut self, keyword: &Keyword<'_>, what: &str) -> Option<T> {
        self.fault(keyword.spot(), what);
        None
    }

    fn object(&mut self, spot: Spot, name: &str) {
        if !self.json(spot).is_some_and(|json| json.is_object(spot.1)) {
            self.fault(spot, format!("`{name}` is an object, each member of which is a schema"));
        }
    }

    fn schemas(&mut self, keyword: &Keyword<'_>) -> Option<Vec<Id>> {
        let Keyword { json, document, value, .. } = *keyword;
        if json.kind(value) != Kind::Array || json.count(value) == 0 {
            return self.wrong(keyword, "this is a list of schemas, which is not empty");
        }
        Some(self.ids(document, json.items(value).collect()))
    }

    fn pattern(&mut self, spot: Spot, pattern: &str) -> Option<Program> {
        match Program::new(pattern) {
            Ok(program) => Some(program),
            Err(why) => {
                self.fault(spot, format!("the pattern `{}` cannot be used: {why}", shortened(pattern)));
                None
            }
        }
    }

    fn names(&mut self, spot: Spot) -> Option<Vec<Box<str>>> {
        let json = self.json(spot)?;
        let names: Option<Vec<Box<str>>> = json.items(spot.1).map(|at| json.string(at).map(Into::into)).collect();
        match names {
            Some(mut names) if json.kind(spot.1) == Kind::Array => {
                names.sort();
                names.dedup();
                Some(names)
            }
            _ => {
                self.fault(spot, "this is a list of names");
                None
            }
        }
    }

    fn number<'k>(&mut self, keyword: &Keyword<'k>) -> Option<&'k str> {
        let Keyword { json, value, .. } = *keyword;
        if json.kind(value) != Kind::Number {
            return self.wrong(keyword, "this is a number");
        }
        Some(json.text(value))
    }

    fn limit(&mut self, keyword: &Keyword<'_>) -> Option<Limit> {
        self.number(keyword).map(Limit::new)
    }

    fn count(&mut self, keyword: &Keyword<'_>) -> Option<u32> {
        match Number::read(self.number(keyword)?).as_count() {
            Some(count) => Some(count),
            None => self.wrong(keyword, "this is a whole number from 0 on"),
        }
    }

    fn types(&mut self, keyword: &Keyword<'_>) -> Option<Types> {
        let Keyword { json, value, .. } = *keyword;
        let bit = |name: &str| Types::NAMES.iter().position(|(known, _)| *known == name).map(|bit| 1 << bit);
        let bits: Option<u8> = match json.kind(value) {
            Kind::Array => {
                json.items(value).map(|at| json.string(at).and_then(bit)).try_fold(0, |all, bit| Some(all | bit?))
            }
            _ => json.string(value).and_then(bit),
        };
        match bits {
            Some(bits) => Some(Types(bits)),
            None => self.wrong(
                keyword,
                "a type is one of `string`, `integer`, `number`, `boolean`, `null`, `array` and `object`, or a list of them",
            ),
        }
    }
}

/// Cheap rules first, for what does not fit is most often told by them; those that depend on all others last.
fn order(rule: &Rule) -> u8 {
    match rule {
        Rule::Never | Rule::Type(_) => 0,
        Rule::Ref(_) | Rule::DynamicRef(..) => 2,
        Rule::AllOf(_) | Rule::AnyOf(_) | Rule::OneOf(_) | Rule::Not(_) | Rule::If(..) => 3,
        Rule::DependentSchema(..) | Rule::Contains { .. } | Rule::UniqueItems => 4,
        Rule::UnevaluatedItems(_) | Rule::UnevaluatedProperties(_) => 5,
        _ => 1,
    }
}

/// The beginning of what may be long.
fn shortened(text: &str) -> String {
    text.chars().take(60).collect()
}
