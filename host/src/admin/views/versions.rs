//! Versions of plugins, and what became of a swap.

use super::chains::Use;
use crate::admin::schema::view;

view! {
    /// A component that serves under a plugin's name, or did.
    struct PluginVersion {
        /// From 1, in the order in which they came since the start.
        number: u64,
        /// SHA-256.
        digest: String,
        /// `bundled`, `uploaded`, or the path of its file.
        from: String,
        /// When it began to serve, in seconds since 1970.
        since: u64,
    }
}

view! {
    /// A component that does not serve again unless it is swapped in with `force`.
    struct RefusedComponent {
        /// SHA-256.
        digest: String,
        /// What it did.
        why: String,
        /// When, in seconds since 1970.
        at: u64,
    }
}

view! {
    /// How long the steps of a swap took, in milliseconds.
    struct SwapTimes {
        /// Receiving the component.
        receive_ms: u64,
        /// Waiting until changes before it were done.
        wait_ms: u64,
        /// Reading what it is and what it wants, and compiling it.
        compile_ms: u64,
        /// Configuring it for each of its filters, and making their first instances.
        configure_ms: u64,
        /// Until all workers used it for new exchanges.
        adopt_ms: u64,
    }
}

view! {
    /// What became of a swap.
    struct Swapped {
        /// The plugin's name.
        plugin: String,
        /// Whether another component serves now; if not, it was this one already.
        swapped: bool,
        /// What served.
        from: PluginVersion,
        /// What serves.
        to: PluginVersion,
        /// How many filters of chains are of it.
        filters: usize,
        /// The first of them.
        used_by: Vec<Use>,
        /// How long it is watched, in milliseconds; if it fails too often, the one before comes back.
        probation_ms: Option<u64>,
        /// How long the steps took.
        times: SwapTimes,
    }
}
