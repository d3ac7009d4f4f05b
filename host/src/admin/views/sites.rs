//! What is served, and what would become of a request.

use crate::admin::schema::view;

view! {
    /// Some of the sites, in the configuration's order.
    struct Sites {
        /// How many there are.
        total: usize,
        /// How many were passed over.
        offset: usize,
        /// The next ones.
        sites: Vec<Site>,
    }
}

view! {
    /// What one or several hosts serve.
    struct Site {
        /// Its name.
        name: String,
        /// Its hosts; `*` is any.
        hosts: Vec<String>,
        /// Names of its listeners; none means all.
        listeners: Option<Vec<String>>,
        /// What becomes of `%2F` in a path: `reject` or `keep`.
        encoded_slash: &'static str,
        /// Whether `//` counts as `/`.
        merge_slashes: bool,
        /// Names of its filters, outermost first.
        chain: Vec<String>,
        /// How many routes it has.
        routes: usize,
        /// Where it stands in the configuration.
        line: String,
    }
}

view! {
    /// Some of the routes, in the configuration's order.
    struct Routes {
        /// How many there are, of those that were asked for.
        total: usize,
        /// How many were passed over.
        offset: usize,
        /// The next ones.
        routes: Vec<Route>,
    }
}

view! {
    /// From requests to an upstream.
    struct Route {
        /// The name of its site.
        site: String,
        /// Its name.
        name: String,
        /// What the operator says of it.
        description: Option<String>,
        /// Its path: `/exact` or `/prefix/*`.
        path: String,
        /// Its methods; none means any.
        methods: Vec<String>,
        /// What fields must be.
        headers: Vec<Condition>,
        /// What parameters must be.
        query: Vec<Condition>,
        /// Settles ties; the higher wins.
        priority: i64,
        /// The name of its upstream; `none` if only filters answer.
        upstream: String,
        /// What is taken off the path; empty for nothing.
        strip_prefix: String,
        /// The Host that the upstream gets: `preserve`, `upstream` or a name.
        host_header: String,
        /// How long the parts of an exchange may take.
        timeouts: Timeouts,
        /// Bytes of a request's body.
        largest_body: u64,
        /// Names of its filters, outermost first.
        chain: Vec<String>,
        /// Where it stands in the configuration.
        line: String,
    }
}

view! {
    /// What a field or a parameter must be.
    struct Condition {
        /// Its name.
        name: String,
        /// `value`, `any` or `none`.
        wanted: &'static str,
        /// The value, if it is one.
        value: Option<String>,
    }
}

view! {
    /// How long the parts of an exchange may take, in milliseconds.
    struct Timeouts {
        /// To connect to an endpoint.
        connect_ms: u64,
        /// From the request's last byte to the response's head.
        response_ms: u64,
        /// Without a byte in the middle.
        idle_ms: u64,
        /// The whole exchange.
        total_ms: Option<u64>,
    }
}

view! {
    /// What would become of a request.
    struct Explanation {
        /// The name of the listener where it would arrive.
        listener: String,
        /// The name of the site that serves it.
        site: Option<String>,
        /// Its path in its one spelling.
        path: Option<String>,
        /// The route that takes it.
        route: Option<Route>,
        /// What the proxy answers by itself unless a filter does: status and code, as in `404 no-route`.
        answer: Option<String>,
        /// The methods that a route takes, if only the method is in the way.
        allow: Vec<String>,
        /// The filters in order.
        chain: Vec<Step>,
    }
}

view! {
    /// A filter on the way of a request.
    struct Step {
        /// Its name in the chain.
        name: String,
        /// Whether it is run.
        runs: bool,
        /// The `except` that keeps it from being run.
        except: Option<String>,
        /// The group of alternatives (`any_of`) that it is in, from 1: of each group one that lets pass is enough.
        any_of: Option<usize>,
        /// Where it stands in the configuration.
        line: String,
    }
}
