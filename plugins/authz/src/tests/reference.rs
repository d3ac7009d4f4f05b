//! Rules decide as they would if each was looked at by itself, and without looking at each.

use serde_json::{Value, json};
use weir::testing::Host;

use super::{ask, filter, said};
use crate::rules::steps;

/// Numbers that are the same in each run.
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Self {
        Self(0x5EED)
    }

    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % most as u64).unwrap()
    }

    fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// Up to two of them.
    fn some(&mut self, of: &[&str]) -> Vec<String> {
        (0..self.below(3)).map(|_| self.one(of).to_owned()).collect()
    }
}

const SEGMENTS: [&str; 5] = ["a", "b", "c", "ada", "B"];
const ROLES: [&str; 4] = ["admin", "editor", "user", "guest"];
const METHODS: [&str; 4] = ["GET", "HEAD", "PUT", "DELETE"];

fn rule(chance: &mut Chance, number: usize) -> Value {
    let mut paths = Vec::new();
    for _ in 0..chance.below(3) {
        let mut path = String::new();
        for _ in 0..chance.below(4) {
            path = path + "/" + chance.one(&["a", "b", "c", "B", "*", "{user.id}"]);
        }
        paths.push(if chance.below(2) == 0 || path.is_empty() { path + "/*" } else { path });
    }
    let mut when = json!({});
    if chance.below(3) == 0 {
        when["user.tier"] = chance.one(&["gold", "tin"]).into();
    }
    if chance.below(4) == 0 {
        when["auth.scope"] = json!({ chance.one(&["contains", "lacks"]): "write" });
    }
    let mut rule = json!({
        "name": format!("n{number}"), "paths": paths, "roles": chance.some(&ROLES), "methods": chance.some(&METHODS),
        "when": when, "deny": chance.below(5) == 0,
    });
    if ["paths", "roles", "methods"].iter().all(|key| rule[key] == json!([])) && rule["when"] == json!({}) {
        rule["roles"] = json!(["admin"]);
    }
    rule
}

/// A request, as the reference sees it.
struct Asked {
    method: String,
    path: Vec<String>,
    roles: Vec<String>,
    tier: Option<String>,
    scope: Vec<String>,
}

/// What the README says, word for word.
fn is_about(rule: &Value, asked: &Asked) -> bool {
    let texts = |key: &str| -> Vec<String> { serde_json::from_value(rule[key].clone()).unwrap() };
    let denies = rule["deny"] == true;
    let method = |known: &String| *known == asked.method || (known == "GET" && asked.method == "HEAD");
    let path = |pattern: &String| {
        let (fixed, is_prefix) = pattern.strip_suffix("/*").map_or((pattern.as_str(), false), |fixed| (fixed, true));
        let parts: Vec<&str> = fixed.split('/').skip(1).collect();
        let is = |(part, segment): (&&str, &String)| match *part {
            "*" => true,
            "{user.id}" => segment == "ada",
            text if denies => text.eq_ignore_ascii_case(segment),
            text => text == segment,
        };
        let fits = if is_prefix { asked.path.len() >= parts.len() } else { asked.path.len() == parts.len() };
        fits && parts.iter().zip(&asked.path).all(is)
    };
    let is_one = |list: Vec<String>, is: &dyn Fn(&String) -> bool| list.is_empty() || list.iter().any(is);
    let has_scope = asked.scope.iter().any(|scope| scope == "write");
    is_one(texts("roles"), &|role| asked.roles.contains(role))
        && is_one(texts("methods"), &method)
        && is_one(texts("paths"), &path)
        && rule["when"].get("user.tier").is_none_or(|tier| tier.as_str() == asked.tier.as_deref())
        && rule["when"].get("auth.scope").is_none_or(|scope| scope.get("contains").is_some() == has_scope)
}

#[test]
fn the_tree_says_what_looking_at_each_rule_says() {
    let mut chance = Chance::new();
    for _ in 0..40 {
        let rules: Vec<Value> = (0..=chance.below(150)).map(|number| rule(&mut chance, number)).collect();
        let config = json!({ "rules": rules }).to_string();
        let filter = filter(&config);
        for _ in 0..100 {
            let asked = Asked {
                method: chance.one(&METHODS).to_owned(),
                path: (0..=chance.below(4)).map(|_| chance.one(&SEGMENTS).to_owned()).collect(),
                roles: chance.some(&ROLES),
                tier: [None, Some("gold".to_owned()), Some("tin".to_owned())][chance.below(3)].clone(),
                scope: chance.some(&["read", "write"]),
            };
            let first = |denies: bool| {
                let is_it = |rule: &&Value| (rule["deny"] == true) == denies && is_about(rule, &asked);
                rules.iter().find(is_it).map(|rule| rule["name"].as_str().unwrap())
            };
            let wanted = if first(true).is_some() { "denied" } else { first(false).unwrap_or("no-rule") };
            let (held, scope) = (json!(asked.roles).to_string(), asked.scope.join(" "));
            let mut vars = vec![("user.id", "ada"), ("auth.roles", &held), ("auth.scope", &scope)];
            vars.extend(asked.tier.as_deref().map(|tier| ("user.tier", tier)));
            let path = format!("/{}", asked.path.join("/"));
            let host = ask(&filter, &vars, &asked.method, &path);
            assert_eq!(said(&host), wanted, "{} {path} by {vars:?} with {config}", asked.method);
            if let Some(rule) = first(true) {
                assert_eq!(host.reply.unwrap().detail, format!("the rule `{rule}` denies it"));
            }
        }
    }
}

/// How much is looked at for one request with so many rules of this kind.
fn steps_of(count: usize, rule: impl Fn(usize) -> Value, vars: &[(&str, &str)], path: &str) -> usize {
    let rules: Vec<Value> = (0..count).map(rule).collect();
    let filter = filter(&json!({ "rules": rules }).to_string());
    let mut host = Host::new();
    host.request.path(path);
    host.vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    steps::take();
    host.on_request(&filter);
    assert!(host.reply.is_none(), "{:?}", host.reply);
    steps::take()
}

#[test]
fn a_thousand_rules_cost_no_more_looks_than_ten() {
    let by_path = |number| json!({ "paths": [format!("/service-{number}/items/*")], "roles": ["user"] });
    let by_role = |number| json!({ "paths": ["/items/*"], "roles": [format!("role-{number}")] });
    let by_value = |number| json!({ "paths": ["/items/*"], "when": { "user.tenant": format!("tenant-{number}") } });
    let by_all = |number: usize| {
        json!({ "paths": ["/{user.id}/*"], "roles": ["user"], "methods": ["GET"],
                                         "when": { "auth.scope": { "contains": format!("scope-{number}") } } })
    };
    let user: &[(&str, &str)] = &[("user.id", "ada"), ("auth.role", "user"), ("auth.scope", "scope-7 scope-9")];
    for (what, few, many) in [
        (
            "paths",
            steps_of(10, by_path, user, "/service-9/items/1"),
            steps_of(1000, by_path, user, "/service-9/items/1"),
        ),
        (
            "roles",
            steps_of(10, by_role, &[("auth.role", "role-9")], "/items/1"),
            steps_of(1000, by_role, &[("auth.role", "role-9")], "/items/1"),
        ),
        (
            "values",
            steps_of(10, by_value, &[("user.tenant", "tenant-9")], "/items/1"),
            steps_of(1000, by_value, &[("user.tenant", "tenant-9")], "/items/1"),
        ),
        ("all", steps_of(10, by_all, user, "/ada/x"), steps_of(1000, by_all, user, "/ada/x")),
    ] {
        assert_eq!(few, many, "{what}");
        assert!(few < 10, "{what}: {few}");
    }
}

#[test]
fn ten_thousand_rules_on_one_path_can_be_read() {
    let rule = |number| json!({ "paths": ["/items/*"], "roles": [format!("role-{number}"), "all"] });
    assert!(steps_of(10_000, rule, &[("auth.roles", r#"["all","role-9999"]"#)], "/items/1") < 10);
}
