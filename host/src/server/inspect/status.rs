//! How the proxy is, in one look.

use std::time::Instant;

use super::super::reload::Failure;
use super::super::{Server, State};
use crate::admin;
use crate::plugin::{Kind, Value};
use crate::store::redis::{Redis, ServerState};
use crate::store::{Kept, Store};
use crate::telemetry::log;

impl Server {
    /// How it is, in a line.
    pub fn summary(&self) -> String {
        let serving = format!("serving {} listeners", self.addresses().count());
        match self.reloads.configuration.as_ref().or(self.reloads.files.as_ref()) {
            Some(Failure { report, .. }) => {
                format!("{serving}; the last change was refused: {}", report.lines().next().unwrap_or(""))
            }
            None => serving,
        }
    }

    /// How it is.
    pub fn status(&self) -> admin::Status {
        let (sites, routes, filters) = self.state.snapshot.size();
        let reloads = &self.reloads;
        let ago = |at: &Instant| at.elapsed().as_secs();
        let failure = |what, failure: &Option<Failure>| {
            failure.as_ref().map(|failure| admin::Refusal {
                what,
                ago: ago(&failure.at),
                report: failure.report.clone(),
            })
        };
        let of_plugins = self.versions.iter().filter_map(|(_, history)| failure("files", &history.failure));
        let of_configuration = failure("configuration", &reloads.configuration);
        let reload = match (&of_configuration, &reloads.last) {
            (Some(failure), _) => Some(admin::Reload { ago: failure.ago, report: Some(failure.report.clone()) }),
            (None, last) => last.as_ref().map(|last| admin::Reload { ago: ago(last), report: None }),
        };
        admin::Status {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            config: self.source.name.clone(),
            uptime: self.started.elapsed().as_secs(),
            workers: self.workers.count(),
            is_draining: self.is_draining,
            connections: self.workers.connections(),
            listeners: self.addresses().map(listener).collect(),
            sites,
            routes,
            filters,
            counts: counts(&self.state),
            stores: stores(&self.state),
            remote_stores: remote_stores(&self.state),
            instances: self.engine.instances(),
            lost_records: self.workers.log().lost(),
            lost_lines: log::lost(),
            drift: self.in_force().drift().into_iter().chain(self.versions.drift()).collect(),
            reload,
            reloads: admin::Reloads { done: reloads.done, failed: reloads.failed },
            failures: of_configuration.into_iter().chain(failure("files", &reloads.files)).chain(of_plugins).collect(),
        }
    }
}

fn listener((name, scheme, address): (&str, &'static str, std::net::SocketAddr)) -> admin::ListenerStatus {
    admin::ListenerStatus { name: name.to_owned(), scheme, address: address.to_string() }
}

fn stores(state: &State) -> Vec<admin::StoreStatus> {
    let view = |(name, store): (&str, &dyn Store)| {
        let usage = store.usage();
        let file = |kept: Kept| admin::StoreFile { bytes: kept.bytes, waiting: kept.waiting, fault: kept.fault };
        admin::StoreStatus {
            name: name.to_owned(),
            values: usage.values as u64,
            bytes: usage.bytes as u64,
            limit: store.size() as u64,
            file: store.kept().map(file),
        }
    };
    let mut stores: Vec<_> = state.snapshot.stores().map(view).collect();
    stores.sort_by(|one, other| one.name.cmp(&other.name));
    stores
}

fn remote_stores(state: &State) -> Vec<admin::RemoteStoreStatus> {
    let server = |ServerState { server, is_up, fault }| admin::StoreServer { server, up: is_up, fault };
    let view = |(name, store): (&str, &Redis)| admin::RemoteStoreStatus {
        name: name.to_owned(),
        servers: store.servers().into_iter().map(server).collect(),
    };
    let mut stores: Vec<_> = state.snapshot.remotes().map(view).collect();
    stores.sort_by(|one, other| one.name.cmp(&other.name));
    stores
}

/// More than anybody reads: the metrics have all.
const MOST_COUNTS: usize = 1000;

fn counts(state: &State) -> Vec<admin::Count> {
    let mut counts = Vec::new();
    for (filter, (metric, values)) in state.snapshot.counted() {
        for (labels, value) in values {
            if counts.len() == MOST_COUNTS {
                return counts;
            }
            #[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
            let (value, buckets) = match (&value, &metric.kind) {
                (Value::Counter(sum), _) => (*sum as f64, Vec::new()),
                (Value::Gauge(value), _) => (*value, Vec::new()),
                (Value::Histogram(counts, sum), Kind::Histogram(bounds)) => {
                    let bounds = bounds.iter().copied().map(Some).chain([None]);
                    let bucket = |(bound, count): (Option<f64>, &u64)| admin::Bucket { bound, count: *count };
                    (*sum, bounds.zip(counts).map(bucket).collect())
                }
                (Value::Histogram(_, sum), _) => (*sum, Vec::new()),
            };
            let labels = metric.labels.iter().cloned().zip(labels);
            let labels = labels.map(|(name, value)| admin::Label { name, value }).collect();
            counts.push(admin::Count {
                filter: filter.to_owned(),
                metric: metric.name.clone(),
                labels,
                value,
                buckets,
            });
        }
    }
    counts
}
