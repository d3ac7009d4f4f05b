//! The rules of one kind, those that allow or those that deny, and which of them are about a request.
//!
//! Each thing that a rule can ask for narrows one set of rules: the path by a tree, method, roles and variables by what
//! they are. So what a request costs does not grow with every rule, but for `not`, `lacks` and `exists`, which are looked
//! at one by one in the rules that are left.

use super::condition::{Asked, Texts};
use super::path::Reading;
use super::pattern::{Part, Pattern};
use super::set::{Numbers, Set};
use super::tree::{Tree, fold};
use super::words::Words;
use crate::caller::{Caller, Names, Split};

/// A rule whose parts were checked.
#[derive(Debug)]
pub(crate) struct Rule {
    /// How operators know it: its name, or its place among all rules.
    pub(crate) name: String,
    pub(crate) patterns: Vec<Pattern>,
    /// None is any.
    pub(crate) methods: Vec<String>,
    /// None is any, and nobody.
    pub(crate) roles: Vec<String>,
    pub(crate) when: Vec<(String, Asked)>,
}

/// What a set is narrowed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Roles,
    Var(usize),
    List(usize, Split),
}

/// Rules by what they ask of the same thing.
#[derive(Debug)]
struct Index {
    by: By,
    /// Rules that ask nothing of it.
    free: Set,
    /// Where a value's rules are.
    values: Words,
    rules: Vec<Numbers>,
}

/// What is looked at rule by rule.
#[derive(Debug)]
enum Test {
    Not(usize, Vec<String>),
    Lacks(usize, Split, Vec<String>),
    Exists(usize, bool),
}

#[derive(Debug)]
pub(crate) struct Side {
    /// Whether spellings that some servers take for the same are the same, so that none of them is a way round.
    is_wide: bool,
    names: Vec<String>,
    tree: Tree,
    methods: Vec<(String, Set)>,
    other_methods: Set,
    indexes: Vec<Index>,
    tests: Vec<Vec<Test>>,
}

impl Side {
    /// The rules; wide ones are not got round by case, slashes or the spelling of a method.
    pub(crate) fn new(rules: Vec<Rule>, is_wide: bool, names: &mut Names) -> Self {
        let count = rules.len();
        let mut side = Self {
            is_wide,
            names: Vec::with_capacity(count),
            tree: Tree::new(),
            methods: Vec::new(),
            other_methods: Set::none(count),
            indexes: Vec::new(),
            tests: Vec::with_capacity(count),
        };
        for method in rules.iter().flat_map(|rule| rule.methods.iter().flat_map(|method| implied(method))) {
            if !side.methods.iter().any(|(known, _)| known == method) {
                side.methods.push((method.to_owned(), Set::none(count)));
            }
        }
        for (number, rule) in rules.into_iter().enumerate() {
            for pattern in &rule.patterns {
                let pattern = if is_wide { &wide(pattern) } else { pattern };
                side.tree.insert(pattern, (number, count), &mut |name| names.number(name));
            }
            side.insert_methods(number, &rule.methods);
            if !rule.roles.is_empty() {
                side.index(By::Roles, number, count, rule.roles);
            }
            let mut tests = Vec::new();
            for (var, asked) in rule.when {
                let split = asked.split.unwrap_or_else(|| Split::of(&var));
                let var = names.number(&var);
                if let Some(Texts(texts)) = asked.is {
                    side.index(By::Var(var), number, count, texts);
                }
                if let Some(Texts(texts)) = asked.contains {
                    side.index(By::List(var, split), number, count, texts);
                }
                tests.extend(asked.not.map(|Texts(texts)| Test::Not(var, texts)));
                tests.extend(asked.lacks.map(|Texts(texts)| Test::Lacks(var, split, texts)));
                tests.extend(asked.exists.map(|exists| Test::Exists(var, exists)));
            }
            side.tests.push(tests);
            side.names.push(rule.name);
        }
        side
    }

    fn insert_methods(&mut self, number: usize, methods: &[String]) {
        for (name, set) in &mut self.methods {
            if methods.is_empty() || methods.iter().any(|method| implied(method).any(|implied| implied == name)) {
                set.insert(number);
            }
        }
        if methods.is_empty() {
            self.other_methods.insert(number);
        }
    }

    /// A rule that asks for one of these values.
    fn index(&mut self, by: By, number: usize, count: usize, values: Vec<String>) {
        let at = self.indexes.iter().position(|index| index.by == by).unwrap_or_else(|| {
            self.indexes.push(Index { by, free: Set::all(count), values: Words::default(), rules: Vec::new() });
            self.indexes.len() - 1
        });
        let index = &mut self.indexes[at];
        index.free.remove(number);
        for value in values {
            let at = index.values.number_or(&value, index.rules.len());
            if at == index.rules.len() {
                index.rules.push(Numbers::default());
            }
            index.rules[at].push(number, count);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The first rule that is about this request, by its name.
    pub(crate) fn find(&self, method: &str, path: &Reading<'_>, caller: &Caller<'_>) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        let mut left = Set::none(self.names.len());
        if self.is_wide {
            let is_var = |var, segment: &str| caller.var(var).is_some_and(|value| value.eq_ignore_ascii_case(segment));
            self.tree.find(&fold(path), &is_var, &mut left);
            self.narrow_by_method(&method.to_ascii_uppercase(), &mut left);
        } else {
            self.tree.find(path, &|var, segment| caller.var(var) == Some(segment), &mut left);
            self.narrow_by_method(method, &mut left);
        }
        for index in &self.indexes {
            if left.is_empty() {
                return None;
            }
            index.narrow(&mut left, caller);
        }
        left.iter().find(|rule| self.passes(*rule, caller)).and_then(|rule| self.names.get(rule)).map(String::as_str)
    }

    fn narrow_by_method(&self, method: &str, left: &mut Set) {
        let set = self.methods.iter().find(|(known, _)| known == method).map_or(&self.other_methods, |(_, set)| set);
        left.keep(set);
    }

    fn passes(&self, rule: usize, caller: &Caller<'_>) -> bool {
        #[cfg(test)]
        super::steps::one();
        let has = |texts: &[String], item: &str| texts.iter().any(|text| text == item);
        self.tests.get(rule).is_some_and(|tests| {
            tests.iter().all(|test| match test {
                Test::Not(var, texts) => !caller.var(*var).is_some_and(|value| has(texts, value)),
                Test::Lacks(var, split, texts) => !caller.list(*var, *split).iter().any(|item| has(texts, item)),
                Test::Exists(var, exists) => caller.var(*var).is_some() == *exists,
            })
        })
    }
}

impl Index {
    /// Takes away the rules that ask for something else; nothing is read if there are none that ask.
    fn narrow(&self, left: &mut Set, caller: &Caller<'_>) {
        if left.is_within(&self.free) {
            return;
        }
        let mut fitting = self.free.clone();
        let mut fits = |item: &str| {
            #[cfg(test)]
            super::steps::one();
            if let Some(numbers) = self.values.number(item).and_then(|at| self.rules.get(at)) {
                numbers.add_to(&mut fitting);
            }
        };
        match self.by {
            By::Roles => caller.roles().iter().for_each(|role| fits(role)),
            By::Var(var) => caller.var(var).into_iter().for_each(fits),
            By::List(var, split) => {
                caller.list(var, split).iter().for_each(|item| fits(item));
            }
        }
        left.keep(&fitting);
    }
}

/// The methods that a rule with this one is about.
fn implied(method: &str) -> impl Iterator<Item = &str> {
    [method].into_iter().chain((method == "GET").then_some("HEAD"))
}

/// The pattern of folded paths.
fn wide(pattern: &Pattern) -> Pattern {
    let parts = pattern.parts.iter().filter(|part| !matches!(part, Part::Is(text) if text.is_empty()));
    let fold = |part: &Part| match part {
        Part::Is(text) => Part::Is(text.to_ascii_lowercase()),
        other => other.clone(),
    };
    Pattern { parts: parts.map(fold).collect(), is_prefix: pattern.is_prefix }
}
