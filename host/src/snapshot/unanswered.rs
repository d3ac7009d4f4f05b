//! Routes whose requests nobody answers: they lead to no upstream, and no filter of theirs is made to answer.
//!
//! Only warnings: what a filter does, only it knows.

use std::collections::BTreeSet;

use crate::config::{Config, Fault};

/// What is to be said of all routes; `answers` tells whether an entry's filter is made to answer.
pub(super) fn of(config: &Config, answers: impl Fn(usize) -> bool) -> Vec<Fault> {
    let routes = config.sites.iter().flat_map(|site| &site.routes);
    let silent =
        |route: &&crate::config::Route| route.upstream.is_none() && !route.chain.iter().any(|link| answers(link.entry));
    let mut seen = BTreeSet::new();
    routes
        .filter(silent)
        .filter(|route| seen.insert(route.place))
        .map(|route| {
            let message = "nobody answers requests of this route: its `upstream` is `none`, and no filter of its chain is \
                           made to answer";
            Fault::new(route.place, message)
                .help("add one, as in `add: [{ plugin: respond, config: { body: hello } }]`, or name an upstream")
        })
        .collect()
}
