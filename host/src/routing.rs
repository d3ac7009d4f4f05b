//! From a request to the site and the route that serve it. Knows nothing of what a route leads to.
//!
//! The most specific wins, whatever the order in the file: the best-matching site first and finally (bound to the listener,
//! exact host, wildcard, any), in it the exact path, then the longest prefix, then more conditions, then priority.
//! What a look-up costs depends on the request's path, not on the number of routes.

mod conditions;
mod hosts;

use http::{HeaderMap, Method};
use rustc_hash::FxHashMap;

use crate::config::{Conditions, Config, PathPattern};

pub use conditions::Mismatch;
use hosts::Hosts;
pub use hosts::bare as bare_host;

/// All sites and their routes.
#[derive(Debug)]
pub struct Router {
    hosts: Hosts,
    sites: Vec<Site>,
}

/// What of a request routes look at.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Normalized.
    pub path: &'a str,
    /// As sent.
    pub query: Option<&'a str>,
    /// As sent.
    pub method: &'a Method,
    /// As sent.
    pub headers: &'a HeaderMap,
}

/// Which route serves a request, by its index in the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// This one.
    Route(usize),
    /// None, but some would if the method were one of these.
    Method(Vec<Method>),
    /// None.
    Nothing,
}

impl Router {
    /// The router of a configuration.
    pub fn new(config: &Config) -> Self {
        Self { hosts: Hosts::new(config), sites: config.sites.iter().map(Site::new).collect() }
    }

    /// The site that serves a host on a listener. The host is as `Host` has it.
    pub fn site(&self, listener: usize, host: &str) -> Option<usize> {
        self.hosts.find(listener, host)
    }

    /// The route of a site that serves the request.
    pub fn route(&self, site: usize, asked: &Asked<'_>) -> Found {
        self.sites[site].find(asked)
    }

    /// Why a route does not match, if it does not; for people who ask.
    pub fn mismatch(&self, site: usize, route: usize, asked: &Asked<'_>) -> Option<Mismatch> {
        let site = &self.sites[site];
        if !site.patterns[route].matches(asked.path) {
            return Some(Mismatch::Path);
        }
        conditions::mismatch(&site.conditions[route], asked, &conditions::method(asked))
    }
}

/// The routes of a site. Those of one path stand side by side in `order`, the best first.
#[derive(Debug)]
struct Site {
    exact: FxHashMap<Box<str>, Candidates>,
    prefixes: FxHashMap<Box<str>, Candidates>,
    /// Bytes of the longest prefix: what is behind them need not be looked at.
    longest: usize,
    order: Vec<u32>,
    conditions: Vec<Conditions>,
    patterns: Vec<PathPattern>,
}

/// A range of `Site::order`.
#[derive(Clone, Copy, Debug)]
struct Candidates {
    start: u32,
    end: u32,
    /// The first has no conditions: there is nothing to look at.
    is_free: bool,
}

impl Site {
    fn new(site: &crate::config::Site) -> Self {
        let mut groups: FxHashMap<&PathPattern, Vec<usize>> = FxHashMap::default();
        for (index, route) in site.routes.iter().enumerate() {
            groups.entry(&route.path).or_default().push(index);
        }
        let mut built = Self {
            exact: FxHashMap::default(),
            prefixes: FxHashMap::default(),
            longest: 0,
            order: Vec::with_capacity(site.routes.len()),
            conditions: site.routes.iter().map(|route| route.conditions.clone()).collect(),
            patterns: site.routes.iter().map(|route| route.path.clone()).collect(),
        };
        for (pattern, mut routes) in groups {
            let rank = |index: &usize| {
                let route = &site.routes[*index];
                (std::cmp::Reverse(route.conditions.count()), std::cmp::Reverse(route.priority))
            };
            routes.sort_by_key(rank);
            let short = |length| u32::try_from(length).unwrap_or(u32::MAX);
            let start = short(built.order.len());
            let is_free = site.routes[routes[0]].conditions.count() == 0;
            built.order.extend(routes.into_iter().map(short));
            let candidates = Candidates { start, end: short(built.order.len()), is_free };
            match pattern {
                PathPattern::Exact(path) => drop(built.exact.insert(path.as_str().into(), candidates)),
                PathPattern::Prefix(path) => {
                    built.longest = built.longest.max(path.len());
                    built.prefixes.insert(path.as_str().into(), candidates);
                }
            }
        }
        built
    }

    fn find(&self, asked: &Asked<'_>) -> Found {
        let mut allowed = Vec::new();
        if !self.exact.is_empty()
            && let Some(candidates) = self.exact.get(asked.path)
            && let Some(route) = self.best(*candidates, asked, &mut allowed)
        {
            return Found::Route(route);
        }
        let mut prefix = Some(self.longest_prefix(asked.path));
        while let Some(path) = prefix {
            if let Some(candidates) = self.prefixes.get(path)
                && let Some(route) = self.best(*candidates, asked, &mut allowed)
            {
                return Found::Route(route);
            }
            prefix = path.rfind('/').map(|end| &path[..end]);
        }
        if allowed.is_empty() { Found::Nothing } else { Found::Method(allowed) }
    }

    /// The longest part of the path that could be a prefix of a route, cut at a slash.
    fn longest_prefix<'a>(&self, path: &'a str) -> &'a str {
        if path.len() <= self.longest {
            return path;
        }
        match path.as_bytes()[..=self.longest].iter().rposition(|byte| *byte == b'/') {
            Some(end) => &path[..end],
            None => path,
        }
    }

    fn best(&self, candidates: Candidates, asked: &Asked<'_>, allowed: &mut Vec<Method>) -> Option<usize> {
        let order = &self.order[candidates.start as usize..candidates.end as usize];
        if candidates.is_free {
            return Some(order[0] as usize);
        }
        let method = conditions::method(asked);
        for route in order.iter().map(|route| *route as usize) {
            let conditions = &self.conditions[route];
            match conditions::mismatch(conditions, asked, &method) {
                None => return Some(route),
                Some(Mismatch::Method) => conditions::allow(conditions, allowed),
                Some(_) => {}
            }
        }
        None
    }
}
