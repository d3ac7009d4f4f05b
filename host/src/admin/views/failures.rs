//! What failed, and what is put aside because of it.

use crate::admin::schema::view;

view! {
    /// The last failures of each kind, the newest first. One that repeats is counted, not repeated.
    struct Failures {
        /// Of filters.
        filters: Vec<Failure>,
        /// Of upstreams.
        upstreams: Vec<Failure>,
    }
}

view! {
    /// Something that failed.
    struct Failure {
        /// The filter's or the upstream's name.
        name: String,
        /// Where: the filter's hook, or the endpoint.
        at: String,
        /// What kind of failure.
        code: String,
        /// What happened, the last time.
        words: String,
        /// The exchange, the last time, if there was one.
        exchange: Option<String>,
        /// How often.
        times: u64,
        /// Milliseconds since the first time.
        first_ms: u64,
        /// Milliseconds since the last time.
        last_ms: u64,
    }
}

view! {
    /// Filters that are not called for a while, because they failed too often.
    struct Quarantine {
        /// They, by site, route and name.
        filters: Vec<Quarantined>,
    }
}

view! {
    /// A filter that is not called for a while.
    struct Quarantined {
        /// The site's name.
        site: String,
        /// The route, if the filter is its own.
        route: Option<String>,
        /// The filter's name in the chain.
        filter: String,
        /// Its plugin's name.
        plugin: String,
        /// For so many milliseconds yet.
        left_ms: u64,
        /// How often in a row it was put aside.
        times: u32,
        /// What becomes of exchanges meanwhile: `closed` or `open`.
        on_failure: &'static str,
    }
}
