//! Rules as operators write them, and what is wrong with them.

use serde::Deserialize;
use weir::Faults;
use weir::source::Source;

use super::condition::{Condition, When};
use super::pattern::Pattern;
use super::side::Rule;

/// One rule: it is about requests to which all of it applies.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Written {
    /// What operators read of it, a word of small letters, digits and hyphens; by default `rule-N`, counted from 0.
    name: Option<String>,
    /// Who asks has one of these roles. By default whoever asks.
    #[serde(default)]
    roles: Vec<String>,
    /// By default all; GET is also HEAD.
    #[serde(default)]
    methods: Vec<String>,
    /// `/exact`, `/prefix/*`, with `*` for any segment and `{user.id}` for a variable's value. By default all.
    #[serde(default)]
    paths: Vec<String>,
    /// What variables must be.
    #[serde(default)]
    when: When,
    /// Such requests are refused, whatever allows them.
    #[serde(default)]
    deny: bool,
    /// Such requests are allowed: what a rule says that does not deny.
    allow: Option<bool>,
}

/// Of one request's many parts, a name in records.
const LONGEST_NAME: usize = 64;

impl Written {
    /// The rule, and whether it denies; what is wrong is noted.
    pub(crate) fn into_rule(self, number: usize, faults: &mut Faults) -> (Rule, bool) {
        let pointer = ["/rules/", &number.to_string()].concat();
        let mut fault = |at: &[&str], message: &str| faults.at(&[&pointer, &at.concat() as &str].concat(), message);
        if self.roles.is_empty() && self.methods.is_empty() && self.paths.is_empty() && self.when.0.is_empty() {
            fault(
                &[],
                "this is about every request; write `default` for that, or `roles`, `methods`, `paths` or `when`",
            );
        }
        match (self.allow, self.deny) {
            (Some(false), false) => fault(&["/allow"], "a rule that refuses says `deny: true`"),
            (Some(true), true) => fault(&["/allow"], "a rule either allows or denies; leave one of them out"),
            _ => {}
        }
        if let Some(name) = &self.name
            && !is_word(name)
        {
            fault(&["/name"], "a name is a word of small letters, digits and hyphens, at most 64 of them");
        }
        for (index, role) in self.roles.iter().enumerate() {
            if role.is_empty() {
                fault(&["/roles/", &index.to_string()], "a role has a name");
            }
        }
        for (index, method) in self.methods.iter().enumerate() {
            let is_method = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
            if method.is_empty() || !method.bytes().all(is_method) {
                let message = ["`", method, "` is not a method; methods are words of capitals, as GET"].concat();
                fault(&["/methods/", &index.to_string()], &message);
            }
        }
        let mut patterns = Vec::new();
        for (index, path) in self.paths.iter().enumerate() {
            match Pattern::parse(path) {
                Ok(pattern) => patterns.push(pattern),
                Err(message) => fault(&["/paths/", &index.to_string()], &message),
            }
        }
        if self.paths.is_empty() {
            patterns.push(Pattern::all());
        }
        let mut when = Vec::new();
        for (var, Condition(asked)) in self.when.0 {
            let at = ["/when/", &var.replace('~', "~0").replace('/', "~1")].concat();
            if !matches!(Source::parse(&var), Ok(Source::Var(_))) {
                fault(&[&at], &["`", &var, "` is not a variable's name; those are as in user.id"].concat());
            }
            if let Some((key, message)) = asked.fault() {
                fault(&[&at, key], message);
            }
            when.push((var, asked));
        }
        let name = self.name.unwrap_or_else(|| ["rule-", &number.to_string()].concat());
        (Rule { name, patterns, methods: self.methods, roles: self.roles, when }, self.deny)
    }
}

fn is_word(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_part)
}
