//! Collecting what was counted, for whoever shows it. What exists, under which name and with which labels, stands here
//! and in docs/metrics.md; a test compares both.
//!
//! Labels are bounded: names of the configuration, and words that the program knows. What comes from clients never
//! becomes one. What a filter says (reasons, labels of its own) is, up to a limit.

mod filters;
mod listeners;
mod plugins;
mod process;
mod routes;
mod upstreams;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use super::swap::Swaps;
use super::{Server, State};
use crate::admin::exposition::{Family, Kind, Labels, Sample, Series, tell_apart};
use crate::listen::Gate;
use crate::telemetry::log;
use crate::telemetry::metrics::Distribution;

/// Where the figures are; a look at them takes long if there is much, and needs nobody's thread.
pub(super) struct Figures {
    state: Arc<State>,
    listeners: Vec<(String, Arc<Gate>)>,
    /// Access records, and lines of the log.
    lost: (u64, u64),
    /// Good ones, and those that failed.
    reloads: (u64, u64),
    swaps: Swaps,
    /// Whether the last one was adopted; so is the first configuration.
    is_good: bool,
    /// When the process began to serve, and when what is served was adopted.
    adopted: (SystemTime, SystemTime),
}

impl Server {
    /// Where the figures are now.
    pub(super) fn figures(&self) -> Figures {
        Figures {
            state: Arc::clone(&self.state),
            listeners: self.listeners.iter().map(|bound| (bound.name.clone(), Arc::clone(&bound.gate))).collect(),
            lost: (self.workers.log().lost(), log::lost()),
            reloads: (self.reloads.done, self.reloads.failed),
            swaps: self.swaps,
            is_good: self.reloads.configuration.is_none() && self.reloads.files.is_none(),
            adopted: self.adopted,
        }
    }
}

impl Figures {
    /// All of them, in a stable order; without those of each route if so wanted.
    pub(super) fn collect(&self, with_routes: bool) -> Vec<Family> {
        let snapshot = &self.state.snapshot;
        let mut families = process::collect(self);
        families.extend(listeners::collect(&self.listeners));
        if with_routes {
            families.extend(routes::collect(snapshot));
        }
        families.extend(upstreams::collect(snapshot));
        families.extend(filters::collect(snapshot));
        families.extend(plugins::collect(snapshot));
        tell_apart(&mut families);
        families
    }
}

fn counter(name: &'static str, help: &'static str) -> Family {
    Family { name: name.into(), help: help.into(), kind: Kind::Counter, series: Vec::new() }
}

fn gauge(name: &'static str, help: &'static str) -> Family {
    Family { kind: Kind::Gauge, ..counter(name, help) }
}

fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { kind: Kind::Histogram, ..counter(name, help) }
}

/// Labels of what is described.
fn labels<const COUNT: usize>(of: [(&'static str, &str); COUNT]) -> Labels {
    of.into_iter().map(|(name, value)| (Cow::Borrowed(name), Arc::from(value))).collect()
}

impl Family {
    fn add(&mut self, labels: &Labels, value: Sample) {
        self.series.push(Series { labels: labels.clone(), value });
    }

    fn whole(&mut self, labels: &Labels, value: u64) {
        self.add(labels, Sample::Whole(value));
    }

    /// With one more label.
    fn split(&mut self, labels: &Labels, name: &'static str, word: &str, value: u64) {
        let mut labels = labels.clone();
        labels.push((name.into(), word.into()));
        self.series.push(Series { labels, value: Sample::Whole(value) });
    }

    /// What was never observed is not shown.
    fn observed(&mut self, labels: &Labels, distribution: Option<Distribution>) {
        if let Some(Distribution { buckets, sum }) = distribution {
            self.add(labels, Sample::Buckets(buckets, sum));
        }
    }
}
