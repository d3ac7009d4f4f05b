//! How the proxy is, in one look.

use crate::admin::schema::view;

view! {
    /// How the proxy is.
    struct Status {
        /// Of this weir.
        version: &'static str,
        /// Of its process.
        pid: u32,
        /// What it serves.
        config: String,
        /// Seconds since its start.
        uptime: u64,
        /// Its threads.
        workers: usize,
        /// Whether it comes to its end and should be sent nobody any more.
        is_draining: bool,
        /// Clients' connections that are open.
        connections: usize,
        /// Where clients connect.
        listeners: Vec<ListenerStatus>,
        /// How many sites are served.
        sites: usize,
        /// How many routes there are.
        routes: usize,
        /// How many filters there are in all chains.
        filters: usize,
        /// What filters count: the first 1000 values.
        counts: Vec<Count>,
        /// Where filters keep what they share.
        stores: Vec<StoreStatus>,
        /// Those that are on servers.
        remote_stores: Vec<RemoteStoreStatus>,
        /// Filters' instances that live, in use or idle.
        instances: usize,
        /// Access records that could not be written.
        lost_records: u64,
        /// Lines of the log that could not be written.
        lost_lines: u64,
        /// What is not as the configuration says, because somebody ordered it.
        drift: Vec<Drift>,
        /// The last reload of the configuration, if there was one.
        reload: Option<Reload>,
        /// How often something was taken over, or not.
        reloads: Reloads,
        /// What could not be taken over, until it can.
        failures: Vec<Refusal>,
    }
}

view! {
    /// How many changes there were since the start: reloads, and files that changed.
    struct Reloads {
        /// That were taken over.
        done: u64,
        /// That were not; what ran before ran on.
        failed: u64,
    }
}

view! {
    /// A change that was not made.
    struct Refusal {
        /// `configuration`, or `files`: those that the configuration in force names.
        what: &'static str,
        /// Seconds ago.
        ago: u64,
        /// What is wrong.
        report: String,
    }
}

view! {
    /// A listener.
    struct ListenerStatus {
        /// Its name.
        name: String,
        /// `http` or `https`.
        scheme: &'static str,
        /// Address and port, as bound.
        address: String,
    }
}

view! {
    /// A store of this machine.
    struct StoreStatus {
        /// Its name.
        name: String,
        /// How many values it holds.
        values: u64,
        /// Their bytes.
        bytes: u64,
        /// Bytes that it may hold.
        limit: u64,
        /// Its file, if it has one.
        file: Option<StoreFile>,
    }
}

view! {
    /// The file of a store.
    struct StoreFile {
        /// Its bytes, what is out of date included.
        bytes: u64,
        /// Values whose last change is not on the disk yet.
        waiting: u64,
        /// What is wrong with it.
        fault: Option<String>,
    }
}

view! {
    /// A store on servers.
    struct RemoteStoreStatus {
        /// Its name.
        name: String,
        /// Its servers, as far as they are known.
        servers: Vec<StoreServer>,
    }
}

view! {
    /// A server of a store.
    struct StoreServer {
        /// Host and port; the name that sentinels know it by.
        server: String,
        /// Whether it answers.
        up: bool,
        /// Why it does not.
        fault: Option<String>,
    }
}

view! {
    /// Something that is not as the configuration says.
    struct Drift {
        /// What kind of thing: `endpoint` or `plugin`.
        kind: &'static str,
        /// Which.
        name: String,
        /// How it is, and how it becomes again what the configuration says.
        words: String,
    }
}

view! {
    /// One value that a filter counts.
    struct Count {
        /// The entry's name.
        filter: String,
        /// The metric's name.
        metric: String,
        /// Names and values.
        labels: Vec<Label>,
        /// The sum or the last value; of a histogram the sum of what was observed.
        value: f64,
        /// Of a histogram; else empty.
        buckets: Vec<Bucket>,
    }
}

view! {
    /// A label.
    struct Label {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    }
}

view! {
    /// A bucket of a histogram.
    struct Bucket {
        /// Its upper bound; none for what is above all bounds.
        bound: Option<f64>,
        /// How many values were at most so large, but above the bound before.
        count: u64,
    }
}

view! {
    /// How a reload went.
    struct Reload {
        /// Seconds ago.
        ago: u64,
        /// What was wrong; then what ran before runs on.
        report: Option<String>,
    }
}

view! {
    /// What became of the order to drain.
    struct Drained {
        /// Whether it has begun.
        draining: bool,
    }
}

view! {
    /// What became of the order to have another process take over.
    struct Upgraded {
        /// Whether one did.
        upgraded: bool,
        /// Its number.
        pid: Option<u32>,
        /// Why none did; then the process that was asked goes on.
        report: Option<String>,
    }
}

view! {
    /// What became of the order to reload.
    struct Reloaded {
        /// Whether the configuration as it is now serves.
        reloaded: bool,
        /// What is wrong with it, if it does not; then what ran before runs on.
        report: Option<String>,
        /// What became of plugins by it.
        notes: Vec<String>,
    }
}
