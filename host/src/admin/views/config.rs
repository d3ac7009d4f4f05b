//! The configuration in force, and where clients connect by it.

use serde_json::Value;

use crate::admin::schema::view;

view! {
    /// The configuration in force. Secrets, and what may be one, are hidden.
    struct Configuration {
        /// The files that it was read from, the first with what they include.
        sources: Vec<String>,
        /// What they say, merged; `${NAME}` stands as it is written. None if it is too large to show.
        config: Option<Value>,
    }
}

view! {
    /// Where clients connect.
    struct Listeners {
        /// By name.
        listeners: Vec<Listener>,
    }
}

view! {
    /// A listener.
    struct Listener {
        /// Its name.
        name: String,
        /// `http` or `https`.
        scheme: &'static str,
        /// Address and port, as bound.
        address: String,
        /// Connections that are open.
        connections: usize,
        /// How many it may have.
        most_connections: usize,
        /// Bytes of a request's head.
        largest_head: usize,
        /// From a connection's idleness to the end of a request's head.
        head_ms: u64,
        /// The port of https that requests are redirected to.
        redirect: Option<u16>,
        /// Peers whose word about the client counts.
        trusted_proxies: Vec<String>,
        /// The files of its certificates.
        certificates: Vec<String>,
    }
}
