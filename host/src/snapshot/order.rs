//! Chains that are in an order that cannot have been meant: warnings, for an operator may know better.
//!
//! A plugin says which place in a chain it is made for: `edge`, `network`, `compression`, `cors`, `authentication`,
//! `authorization`, `limits`, `cache`, `validation`, `transformation` or `answer`, from the outside in. Another order is
//! fine as a rule; here are the pairs that leak or cannot work.

use std::collections::BTreeSet;

use crate::config::{self, Config, Fault, Link, Place};

/// A filter of a chain.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// Its name in the chain.
    pub name: &'a str,
    /// The place that its plugin is made for, if it says so.
    pub place: Option<&'a str>,
    /// Where the entry stands in the file.
    pub at: Place,
    /// The group of alternatives that it is in.
    pub any_of: Option<usize>,
}

/// What is wrong with two filters that are in this order. `{outer}` and `{inner}` stand for their names.
struct Pair {
    outer: &'static str,
    inner: &'static str,
    why: &'static str,
}

const LEAK: &str = "answers from `{outer}` reach callers that `{inner}` would refuse";
const PREFLIGHT: &str =
    "`{outer}` refuses preflight requests, which carry no credentials, before `{inner}` can answer them";
const COMPRESSED: &str = "`{outer}` sees bodies that `{inner}` has compressed";

const PAIRS: [Pair; 8] = [
    Pair { outer: "cache", inner: "network", why: LEAK },
    Pair { outer: "cache", inner: "authentication", why: LEAK },
    Pair { outer: "cache", inner: "authorization", why: LEAK },
    Pair {
        outer: "authorization",
        inner: "authentication",
        why: "`{outer}` decides before `{inner}` has found out who asks",
    },
    Pair { outer: "authentication", inner: "cors", why: PREFLIGHT },
    Pair { outer: "authorization", inner: "cors", why: PREFLIGHT },
    // Responses pass the innermost filter first.
    Pair { outer: "transformation", inner: "compression", why: COMPRESSED },
    Pair { outer: "validation", inner: "compression", why: COMPRESSED },
];

/// What is to be said of all chains; `place` tells the place that an entry's plugin is made for. What holds for a site's
/// chain and for that of its routes is said once.
pub fn of<'a>(config: &'a Config, place: impl Fn(usize) -> Option<&'a str>) -> Vec<Fault> {
    let placed = |(link, any_of): (&Link, Option<usize>)| {
        let entry = &config.entries[link.entry];
        Placed { name: &entry.name, place: place(link.entry), at: entry.place, any_of }
    };
    let chains = config
        .sites
        .iter()
        .flat_map(|site| std::iter::once(&site.chain).chain(site.routes.iter().map(|route| &route.chain)));
    let mut seen = BTreeSet::new();
    chains
        .flat_map(|chain| warnings(&chain.iter().zip(config::groups(chain)).map(placed).collect::<Vec<_>>()))
        .filter(|warning| seen.insert((warning.place, warning.message.clone())))
        .collect()
}

/// What is to be said of a chain, whose outermost filter is the first.
pub fn warnings(chain: &[Placed<'_>]) -> Vec<Fault> {
    let mut found = Vec::new();
    for (index, outer) in chain.iter().enumerate() {
        for inner in &chain[index + 1..] {
            let is_this = |pair: &&Pair| outer.place == Some(pair.outer) && inner.place == Some(pair.inner);
            // A request passes one of two alternatives.
            let are_alternatives = outer.any_of.is_some() && outer.any_of == inner.any_of;
            if let Some(pair) = PAIRS.iter().find(is_this).filter(|_| !are_alternatives) {
                let message = pair.why.replace("{outer}", outer.name).replace("{inner}", inner.name);
                let help = format!("put `{}` before `{}`", inner.name, outer.name);
                found.push(Fault::new(outer.at, message).also(inner.at, "comes after it").help(help));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{PAIRS, Placed, of, warnings};
    use crate::config::{Place, Report, Source, parse};

    /// From the outside in.
    const USUAL: [&str; 11] = [
        "edge",
        "network",
        "compression",
        "cors",
        "authentication",
        "authorization",
        "limits",
        "cache",
        "validation",
        "transformation",
        "answer",
    ];

    fn said(places: &[&str]) -> Vec<String> {
        let chain: Vec<Placed<'_>> = places
            .iter()
            .map(|place| Placed { name: place, place: Some(place), at: Place::default(), any_of: None })
            .collect();
        warnings(&chain).into_iter().map(|fault| format!("{}; {}", fault.message, fault.help.unwrap())).collect()
    }

    #[test]
    fn the_usual_order_is_fine() {
        assert_eq!(said(&USUAL), Vec::<String>::new());
        assert!(PAIRS.iter().all(|pair| USUAL.contains(&pair.outer) && USUAL.contains(&pair.inner)));
    }

    #[test]
    fn orders_that_leak_or_cannot_work_are_told_with_what_to_do() {
        let leak = |inner| {
            vec![format!(
                "answers from `cache` reach callers that `{inner}` would refuse; put `{inner}` before `cache`"
            )]
        };
        for inner in ["network", "authentication", "authorization"] {
            assert_eq!(said(&["cache", inner]), leak(inner));
        }
        let decides = "`authorization` decides before `authentication` has found out who asks; \
                       put `authentication` before `authorization`";
        assert_eq!(said(&["authorization", "authentication"]), [decides]);
        for outer in ["authentication", "authorization"] {
            let preflight = format!(
                "`{outer}` refuses preflight requests, which carry no credentials, before `cors` can answer them; \
                 put `cors` before `{outer}`"
            );
            assert_eq!(said(&[outer, "cors"]), [preflight]);
        }
        for outer in ["transformation", "validation"] {
            let compressed =
                format!("`{outer}` sees bodies that `compression` has compressed; put `compression` before `{outer}`");
            assert_eq!(said(&[outer, "compression"]), [compressed]);
        }
    }

    #[test]
    fn filters_between_do_not_hide_a_pair_and_other_orders_are_the_operators() {
        assert_eq!(said(&["cache", "limits", "authentication", "edge", "authorization"]).len(), 2);
        assert_eq!(said(&["answer", "limits", "network", "edge", "authentication", "authentication"]), [""; 0]);
        assert_eq!(said(&["cache", "authentification"]), [""; 0]);
        let alternative = |place| Placed { name: place, place: Some(place), at: Place::default(), any_of: Some(1) };
        assert_eq!(warnings(&["authorization", "authentication"].map(alternative)), []);
        let unplaced = |name| Placed { name, place: None, at: Place::default(), any_of: None };
        assert_eq!(warnings(&[unplaced("cache"), unplaced("authentication")]), []);
    }

    #[test]
    fn all_chains_are_looked_at_and_nothing_is_said_twice() {
        let text = "version: 1\nlisteners: { public: { address: 127.0.0.1:8080 } }\nsites:\n  - chain:\n      \
                    - { plugin: request-id, name: store }\n      - { plugin: request-id, name: login }\n    routes:\n      \
                    - { path: /a, upstream: http://127.0.0.1:9000 }\n      \
                    - { path: /b, upstream: http://127.0.0.1:9000, without: [login] }\n      \
                    - { path: /c, upstream: http://127.0.0.1:9000, add: [{ plugin: request-id, name: roles }] }\n";
        let config = parse(Source { path: "weir.yaml".into(), text: text.to_owned() });
        assert_eq!(config.faults, []);
        let place = |index: usize| match config.entries[index].name.as_str() {
            "store" => Some("cache"),
            "login" => Some("authentication"),
            _ => Some("authorization"),
        };
        let shown = Report::warnings(&config.sources, of(&config, place)).render(false);
        let wanted = "\
warning: answers from `store` reach callers that `login` would refuse
 --> weir.yaml:5:37
  |
5 |       - { plugin: request-id, name: store }
  |                                     ^^^^^
6 |       - { plugin: request-id, name: login }
  |                                     ----- comes after it
  |
  = help: put `login` before `store`

warning: answers from `store` reach callers that `roles` would refuse
  --> weir.yaml:5:37
   |
 5 |       - { plugin: request-id, name: store }
   |                                     ^^^^^
...
10 |       - { path: /c, upstream: http://127.0.0.1:9000, add: [{ plugin: request-id, name: roles }] }
   |                                                                                        ----- comes after it
   |
   = help: put `roles` before `store`";
        assert_eq!(shown, wanted);
    }
}
