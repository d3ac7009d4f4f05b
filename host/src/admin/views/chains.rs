//! Filters in their chains, and the plugins that they are of.

use serde_json::Value;

use super::versions::{PluginVersion, RefusedComponent};
use crate::admin::schema::view;

view! {
    /// Some of the chains: those of sites, and those of routes that differ from their site's.
    struct Chains {
        /// How many there are, of those that were asked for.
        total: usize,
        /// How many were passed over.
        offset: usize,
        /// The next ones.
        chains: Vec<Chain>,
    }
}

view! {
    /// Filters in order.
    struct Chain {
        /// The site's name.
        site: String,
        /// The route's name, if it is not the site's chain.
        route: Option<String>,
        /// Outermost first.
        filters: Vec<Filter>,
    }
}

view! {
    /// A filter of a chain.
    struct Filter {
        /// Its name in the chain.
        name: String,
        /// Its plugin's name.
        plugin: String,
        /// Its plugin's version, if it says one.
        version: Option<String>,
        /// SHA-256 of its component.
        digest: String,
        /// Where it stands in the configuration.
        line: String,
        /// Where the route changes it.
        changed: Option<String>,
        /// Paths for which it is not run.
        except: Vec<String>,
        /// The group of alternatives (`any_of`) that it is in, from 1: of each group one that lets pass is enough.
        any_of: Option<usize>,
        /// The name of that group, if it has one.
        group: Option<String>,
        /// What becomes of an exchange whose filter fails: `closed` or `open`.
        on_failure: &'static str,
        /// Whether calls share instances: `pooled` or `fresh`.
        isolation: &'static str,
        /// Whether its hooks may wait.
        waits: bool,
        /// Prefixes of variables that it may write besides its own.
        vars: Vec<String>,
        /// What its instances may use.
        limits: FilterLimits,
        /// When it is put aside; none is never.
        quarantine: Option<QuarantineRule>,
        /// Its configuration, without secrets.
        config: Value,
    }
}

view! {
    /// What the instances of a filter may use. Where it says so, each worker has as much.
    struct FilterLimits {
        /// CPU time of one hook.
        cpu_ms: u64,
        /// Time of one hook that waits.
        wait_ms: u64,
        /// CPU time of reading its configuration.
        configure_ms: u64,
        /// Time of compiling it.
        compile_ms: u64,
        /// How long an exchange waits for an instance.
        queue_ms: u64,
        /// Memory of one instance.
        memory_bytes: usize,
        /// What may be buffered of one body.
        body_bytes: usize,
        /// Instances of a filter that waits, per worker.
        instances: usize,
        /// Exchanges that wait, per worker.
        waiting: usize,
        /// Bodies that keep an instance to themselves, per worker.
        pins: usize,
        /// Files that are open for its answers, per worker.
        files: usize,
        /// Requests of its own for one exchange.
        calls: usize,
        /// Label sets of one of its metrics.
        series: usize,
        /// Calls after which an instance is replaced.
        recycle_calls: u64,
        /// Memory from which on an idle instance is replaced.
        recycle_memory_bytes: usize,
    }
}

view! {
    /// When a filter that fails too often is put aside.
    struct QuarantineRule {
        /// Of a hundred calls so many failed.
        percent: u32,
        /// Fewer calls tell nothing.
        calls: u32,
        /// How long a call counts.
        window_ms: u64,
        /// How long it is put aside at first.
        first_ms: u64,
        /// How long at most.
        longest_ms: u64,
    }
}

view! {
    /// Some of the plugins, by name.
    struct Plugins {
        /// How many there are.
        total: usize,
        /// How many were passed over.
        offset: usize,
        /// The next ones.
        plugins: Vec<Plugin>,
    }
}

view! {
    /// A plugin that is declared or used.
    struct Plugin {
        /// Its name in the configuration.
        name: String,
        /// `bundled`, or the path of its file.
        source: String,
        /// SHA-256 of its component that serves.
        digest: Option<String>,
        /// The version that it says it has.
        version: Option<String>,
        /// What it says that it does.
        description: Option<String>,
        /// How many filters of chains are of it.
        filters: usize,
        /// The first of them.
        used_by: Vec<Use>,
        /// What serves.
        serves: Option<PluginVersion>,
        /// What served before and can be gone back to; the newest last.
        before: Vec<PluginVersion>,
        /// What is not to serve again.
        refused: Vec<RefusedComponent>,
        /// How long what serves is still watched, in milliseconds.
        probation_ms: Option<u64>,
        /// SHA-256 of what the configuration names, as far as it was looked at.
        configured: Option<String>,
        /// Why the last change of its file was not taken, until one is.
        failure: Option<String>,
    }
}

view! {
    /// Where a plugin is used.
    struct Use {
        /// The site's name.
        site: String,
        /// The route, if the filter is its own.
        route: Option<String>,
        /// The filter's name in the chain.
        filter: String,
    }
}
