//! The entry's `config`, and what becomes of it.

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserializer, MapAccess, Visitor};
use weir::schema::{Node, Schema};
use weir::source::Source;
use weir::{Faults, fields};

use crate::answer::Answers;
use crate::caller::{Names, Split};
use crate::rules::{self, Rules};
use crate::{Authz, policy};

/// The entry's `config`.
#[derive(Debug, Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// What is allowed and what is denied, whatever the order: one that denies wins.
    #[serde(default)]
    rules: Vec<rules::Written>,
    /// What becomes of requests that no rule is about.
    #[weir(default = "deny")]
    #[serde(default)]
    default: Option<Default>,
    /// Variables that hold roles, together.
    #[serde(default = "roles")]
    #[weir(default = ["auth.roles", "auth.role"])]
    roles: Vec<Roles>,
    /// A server that is asked about what the rules let through, or about everything if there are none.
    endpoint: Option<policy::Written>,
    /// What becomes of requests with a header that names another method.
    #[serde(default)]
    #[weir(default = "refuse")]
    method_override: Override,
    /// The status for those who are refused, 400 to 499.
    #[serde(default = "forbidden")]
    #[weir(default = 403)]
    status: u16,
    /// What those who are refused read.
    #[serde(default = "message")]
    #[weir(default = "Forbidden")]
    message: String,
    /// `WWW-Authenticate` of a 401 for those who are refused and have no `user.id`; by default they get `status`.
    challenge: Option<String>,
    /// Refuse nobody; the log says who would have been.
    #[serde(default)]
    dry_run: bool,
}

/// What becomes of requests that no rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Default {
    Deny,
    Allow,
}

/// What becomes of requests that name another method in a header.
#[derive(Clone, Copy, Debug, std::default::Default, PartialEq, Eq, Deserialize, weir::Config)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Override {
    /// They are refused if a rule looks at methods.
    #[default]
    Refuse,
    /// They go on: no server behind this one looks at such headers.
    Keep,
}

/// A variable that holds roles: its name, or with how it becomes a list.
#[derive(Debug)]
struct Roles {
    var: String,
    split: Split,
}

/// A variable, and how its text becomes a list.
#[derive(Deserialize, weir::Config)]
#[serde(deny_unknown_fields)]
struct InFull {
    /// Its name.
    var: String,
    /// What is between its items.
    split: Split,
}

impl Schema for Roles {
    const SCHEMA: &'static Node = &Node::AnyOf(&[&Node::String, InFull::SCHEMA]);
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visits;

        impl<'de> Visitor<'de> for Visits {
            type Value = Roles;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a variable's name, or `var` and `split`")
            }

            fn visit_str<E: serde::de::Error>(self, var: &str) -> Result<Roles, E> {
                String::deserialize(StrDeserializer::new(var)).map(|var| Roles { split: Split::of(&var), var })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Roles, A::Error> {
                InFull::deserialize(MapAccessDeserializer::new(map))
                    .map(|written| Roles { var: written.var, split: written.split })
            }
        }

        deserializer.deserialize_any(Visits)
    }
}

fn roles() -> Vec<Roles> {
    ["auth.roles", "auth.role"].map(|var| Roles { var: var.to_owned(), split: Split::of(var) }).into()
}

fn forbidden() -> u16 {
    403
}

fn message() -> String {
    "Forbidden".to_owned()
}

/// More would be a policy that belongs behind an endpoint.
const MOST_RULES: usize = 10_000;

/// Of a message.
const LONGEST: usize = 4 << 10;

impl Config {
    /// The filter; what is wrong is noted.
    pub(crate) fn into_filter(self, faults: &mut Faults) -> Authz {
        self.check(faults);
        let mut names = Names::new(self.roles.into_iter().map(|roles| (roles.var, roles.split)));
        let (mut denying, mut allowing, mut known) = (Vec::new(), Vec::new(), Vec::new());
        let has_rules = !self.rules.is_empty();
        for (number, written) in self.rules.into_iter().enumerate() {
            let (rule, denies) = written.into_rule(number, faults);
            known.push((rule.name.clone(), number));
            if denies { &mut denying } else { &mut allowing }.push(rule);
        }
        known.sort_unstable();
        for [(before, _), (name, number)] in known.array_windows() {
            if before == name {
                let message = ["another rule has the name `", name, "`"].concat();
                faults.at(&["/rules/", &number.to_string(), "/name"].concat(), &message);
            }
        }
        // Without rules everything is the endpoint's to decide.
        let is_open = self.default == Some(Default::Allow) || !has_rules;
        let rules = Rules::new(denying, allowing, is_open, &mut names);
        let endpoint = self.endpoint.and_then(|written| written.into_endpoint(&mut names, faults));
        Authz {
            refuses_overrides: self.method_override == Override::Refuse && (rules.has_methods() || endpoint.is_some()),
            reads_paths: rules.has_paths() || endpoint.is_some(),
            rules,
            endpoint,
            names,
            answers: Answers { status: self.status, message: self.message, challenge: self.challenge },
            is_dry: self.dry_run,
        }
    }

    fn check(&self, faults: &mut Faults) {
        if self.rules.is_empty() && self.endpoint.is_none() {
            faults.at("", "nothing says who may do what; write `rules`, `endpoint`, or both");
        }
        if self.rules.is_empty() && self.default.is_some() {
            faults.at("/default", "this is about requests that no rule is about, but there are no rules");
        }
        if self.rules.len() > MOST_RULES {
            faults.at("/rules", "there are at most 10,000 rules");
        }
        for (index, roles) in self.roles.iter().enumerate() {
            if !matches!(Source::parse(&roles.var), Ok(Source::Var(_))) {
                let message = ["`", &roles.var, "` is not a variable's name; those are as in auth.roles"].concat();
                faults.at(&["/roles/", &index.to_string()].concat(), &message);
            }
        }
        if !(400..500).contains(&self.status) {
            faults.at("/status", "those who are refused get a status from 400 to 499");
        }
        if self.status == 401 {
            faults.at(
                "/status",
                "a 401 says how to do better: write `challenge` for it, and leave `status` to the others",
            );
        }
        if self.message.len() > LONGEST {
            faults.at("/message", "a message has at most 4 KiB");
        }
        match self.challenge.as_deref() {
            Some("") => faults.at("/challenge", "a challenge names a scheme, as `Bearer realm=\"api\"`"),
            Some(challenge) => fields::check_value(faults, "/challenge", challenge),
            None => {}
        }
    }
}
