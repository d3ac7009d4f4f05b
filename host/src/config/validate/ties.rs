//! Ties: two sites, or two routes of a site, that a request could meet and that nothing orders.

use std::collections::HashMap;

use super::Check;
use crate::config::{Conditions, Config, Fault, Host, PathPattern, Route, Site, Wanted};

pub(super) fn find(check: &mut Check, config: &Config) {
    sites(check, config);
    for site in &config.sites {
        routes(check, site);
    }
}

fn sites(check: &mut Check, config: &Config) {
    let all: Vec<usize> = (0..config.listeners.len()).collect();
    // Bound and unbound sites never tie: the bound one is asked first.
    let mut seen: HashMap<(usize, bool, &Host), &Site> = HashMap::new();
    for site in &config.sites {
        let mut is_told = false;
        for listener in site.listeners.as_ref().unwrap_or(&all) {
            for host in &site.hosts {
                let Some(first) = seen.insert((*listener, site.listeners.is_some(), host), site) else { continue };
                if is_told || std::ptr::eq(first, site) {
                    continue;
                }
                is_told = true;
                let Some(on) = config.listeners.get(*listener) else { continue };
                let what = if *host == Host::Any { "any host".to_owned() } else { format!("`{host}`") };
                check.faults.push(
                    Fault::new(site.place, format!("two sites serve {what} on the listener `{}`", on.name))
                        .also(first.place, "the other one")
                        .help("put their routes into one site, or bind each to listeners of its own"),
                );
            }
        }
    }
}

fn routes(check: &mut Check, site: &Site) {
    let mut groups: HashMap<(&PathPattern, usize, i64), Vec<&Route>> = HashMap::new();
    for route in &site.routes {
        let group = groups.entry((&route.path, route.conditions.count(), route.priority)).or_default();
        if let Some(first) = group.iter().find(|first| could_meet(&first.conditions, &route.conditions)) {
            let message = if first.conditions == route.conditions {
                format!("there is a route `{}` with the same conditions already", route.path)
            } else {
                format!(
                    "a request could meet both this route and another `{}`, and neither is more specific",
                    route.path
                )
            };
            check.faults.push(
                Fault::new(route.place, message)
                    .also(first.place, "the other one")
                    .help("remove one, make their conditions exclude each other, or say which wins: `priority: 1`"),
            );
        }
        group.push(route);
    }
}

/// Whether some request fulfils both.
fn could_meet(one: &Conditions, other: &Conditions) -> bool {
    // GET implies HEAD.
    let allows = |conditions: &Conditions, method: &http::Method| {
        conditions.methods.contains(method)
            || *method == http::Method::HEAD && conditions.methods.contains(&http::Method::GET)
    };
    let methods = one.methods.is_empty()
        || other.methods.is_empty()
        || one.methods.iter().any(|method| allows(other, method))
        || other.methods.iter().any(|method| allows(one, method));
    methods && agree(&one.headers, &other.headers) && agree(&one.query, &other.query)
}

fn agree<N: PartialEq, T: PartialEq>(one: &[(N, Wanted<T>)], other: &[(N, Wanted<T>)]) -> bool {
    one.iter().all(|(name, wanted)| {
        other.iter().filter(|(known, _)| known == name).all(|(_, known)| match (wanted, known) {
            (Wanted::Is(one), Wanted::Is(other)) => one == other,
            (Wanted::None, Wanted::None) => true,
            (Wanted::None, _) | (_, Wanted::None) => false,
            _ => true,
        })
    })
}
