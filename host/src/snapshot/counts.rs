//! What is counted under names of the configuration, taken over from the snapshot before: a reload resets nothing.

use std::collections::HashMap;
use std::sync::Arc;

use super::Snapshot;
use crate::telemetry::metrics::{EachWorker, Endpoint, Route};

type Named<T> = HashMap<(String, String), Arc<EachWorker<T>>>;

/// The counters by name, those that were there before and those that are new.
#[derive(Debug)]
pub(super) struct Counts {
    workers: usize,
    /// By site and route.
    routes: Named<Route>,
    /// By upstream and endpoint.
    endpoints: Named<Endpoint>,
}

impl Counts {
    /// Those of the snapshot before, for so many workers.
    pub(super) fn new(workers: usize, before: Option<&Snapshot>) -> Self {
        let mut counts = Self { workers, routes: Named::new(), endpoints: Named::new() };
        for serving in before.into_iter().flat_map(Snapshot::serving) {
            let name = (serving.site.clone(), serving.route.clone());
            counts.routes.insert(name, Arc::clone(&serving.counts));
        }
        for upstream in before.into_iter().flat_map(|before| &before.upstreams) {
            for counted in upstream.counted() {
                let name = (upstream.name().to_owned(), counted.endpoint);
                counts.endpoints.insert(name, Arc::clone(counted.counts));
            }
        }
        counts
    }

    /// Those of a route; of the requests that no route takes, if its name is empty. Routes of one name share theirs.
    pub(super) fn route(&mut self, site: &str, route: &str) -> Arc<EachWorker<Route>> {
        let new = || Arc::new(EachWorker::new(self.workers));
        Arc::clone(self.routes.entry((site.to_owned(), route.to_owned())).or_insert_with(new))
    }

    /// Those of an endpoint.
    pub(super) fn endpoint(&mut self, upstream: &str, endpoint: String) -> Arc<EachWorker<Endpoint>> {
        let new = || Arc::new(EachWorker::new(self.workers));
        Arc::clone(self.endpoints.entry((upstream.to_owned(), endpoint)).or_insert_with(new))
    }
}
