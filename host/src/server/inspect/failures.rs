//! What failed lately, and what is put aside.

use super::chains::on_failure;
use super::{InForce, millis};
use crate::admin::{Failure, Failures, Quarantine, Quarantined};
use crate::telemetry::failures;

/// The last failures.
pub(in crate::server) fn failures() -> Failures {
    let view = |kept: Vec<failures::Failure>| kept.into_iter().map(view).collect();
    Failures { filters: view(failures::filters()), upstreams: view(failures::upstreams()) }
}

fn view(failure: failures::Failure) -> Failure {
    Failure {
        name: failure.name,
        at: failure.at,
        code: failure.code.to_owned(),
        words: failure.words,
        exchange: failure.exchange,
        times: failure.times,
        first_ms: millis(failure.first.elapsed()),
        last_ms: millis(failure.last.elapsed()),
    }
}

impl InForce {
    pub(in crate::server) fn quarantine(&self) -> Quarantine {
        let entries = self.config.entries.iter().zip(self.snapshot.entries());
        let aside = entries.filter_map(|(entry, filter)| Some((entry, filter.quarantined()?)));
        let filters = aside.map(|(entry, (left, times))| {
            let (site, route) = entry.owner.clone();
            Quarantined {
                site,
                route,
                filter: entry.name.clone(),
                plugin: entry.component.plugin.clone(),
                left_ms: millis(left),
                times,
                on_failure: on_failure(entry),
            }
        });
        Quarantine { filters: filters.collect() }
    }
}
