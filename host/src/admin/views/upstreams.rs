//! The servers behind the proxy, and what filters have of them.

use crate::admin::schema::view;

view! {
    /// Some of the upstreams, in the configuration's order.
    struct Upstreams {
        /// How many there are.
        total: usize,
        /// How many were passed over.
        offset: usize,
        /// The next ones.
        upstreams: Vec<Upstream>,
    }
}

view! {
    /// Servers that do the same.
    struct Upstream {
        /// Its name; of one that stands in its route, the URL.
        name: String,
        /// Which endpoint is asked: `round-robin`, `least-connections` or `ip-hash`.
        balance: &'static str,
        /// The servers.
        endpoints: Vec<Endpoint>,
    }
}

view! {
    /// A server.
    struct Endpoint {
        /// Host and port.
        name: String,
        /// Scheme, host and port.
        url: String,
        /// Its share, compared with the others'.
        weight: u32,
        /// Exchanges that it serves just now.
        in_progress: usize,
        /// For so many milliseconds others are preferred, because it could not be reached.
        avoided_ms: Option<u64>,
        /// Whether it gets no new exchanges, by order.
        draining: bool,
    }
}

view! {
    /// Some of the texts that are kept fresh for filters.
    struct Documents {
        /// How many there are.
        total: usize,
        /// How many were passed over.
        offset: usize,
        /// The next ones.
        documents: Vec<Document>,
    }
}

view! {
    /// A text that is kept fresh for a filter.
    struct Document {
        /// The site's name.
        site: String,
        /// The route, if the filter is its own.
        route: Option<String>,
        /// The filter's name in the chain.
        filter: String,
        /// Where it stands in the filter's configuration, as a JSON pointer.
        pointer: String,
        /// Where it comes from.
        source: String,
        /// How often it is fetched.
        interval_ms: u64,
        /// Counts its changes; 0 if there is no good copy yet.
        version: u64,
        /// Bytes of the good copy.
        bytes: Option<usize>,
        /// Milliseconds since the good copy was fetched.
        age_ms: Option<u64>,
        /// Why the last fetch failed, if it did.
        error: Option<String>,
    }
}
