//! From a path to where it leads. Knows nothing of HTTP but the path, and nothing of what it leads to.

use std::collections::HashMap;

use crate::config::PathPattern;

/// Routes by path: an exact one wins, then the longest prefix, whatever the file's order.
#[derive(Debug)]
pub struct Routes<T> {
    exact: HashMap<String, T>,
    prefixes: HashMap<String, T>,
}

impl<T> Routes<T> {
    /// Routes for these patterns, each of which stands there once.
    pub fn new(routes: impl IntoIterator<Item = (PathPattern, T)>) -> Self {
        let mut table = Self { exact: HashMap::new(), prefixes: HashMap::new() };
        for (pattern, target) in routes {
            match pattern {
                PathPattern::Exact(path) => table.exact.insert(path, target),
                PathPattern::Prefix(path) => table.prefixes.insert(path, target),
            };
        }
        table
    }

    /// Where the path leads. Costs a look-up per segment, however many routes there are.
    pub fn find(&self, path: &str) -> Option<&T> {
        if let Some(target) = self.exact.get(path) {
            return Some(target);
        }
        let mut prefix = path;
        loop {
            if let Some(target) = self.prefixes.get(prefix) {
                return Some(target);
            }
            prefix = &prefix[..prefix.rfind('/')?];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_route_wins() {
        let exact = |path: &str| (PathPattern::Exact(path.into()), path.to_owned());
        let prefix = |path: &str| (PathPattern::Prefix(path.into()), format!("{path}/*"));
        let routes = Routes::new([prefix("/a"), exact("/a/b"), prefix("/a/b"), exact("/")]);
        for (path, expected) in [
            ("/", Some("/")),
            ("/a", Some("/a/*")),
            ("/a/", Some("/a/*")),
            ("/ab", None),
            ("/a/b", Some("/a/b")),
            ("/a/b/", Some("/a/b/*")),
            ("/a/bc", Some("/a/*")),
            ("/a/b/c/d", Some("/a/b/*")),
            ("*", None),
            ("", None),
        ] {
            assert_eq!(routes.find(path).map(String::as_str), expected, "{path}");
        }
        assert_eq!(Routes::new([prefix("")]).find("/x").map(String::as_str), Some("/*"));
    }
}
