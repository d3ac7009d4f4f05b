//! What filters count themselves: `weir_plugin_PLUGIN_NAME`, with labels that tell the entry.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::filters::entry_labels;
use super::{Family, Kind, Labels, Sample, Series};
use crate::plugin::{self, Metric, Value};
use crate::snapshot::Snapshot;

pub(super) fn collect(snapshot: &Snapshot) -> Vec<Family> {
    // Two plugins may come to the same name, and two entries of one plugin may declare different kinds under it: what is of
    // one kind is one family, whose labels tell them apart.
    let mut families: BTreeMap<(String, &str), Family> = BTreeMap::new();
    let mut entries: Vec<_> = snapshot.entries().iter().collect();
    entries.sort_by_key(|entry| (entry.owner(), entry.name.as_str()));
    for entry in entries {
        for (metric, values) in entry.counted() {
            let of = entry_labels(entry);
            let kind = kind(&metric);
            let name = name(&entry.plugin, &metric.name, kind);
            let family = families.entry((name.clone(), kind.word())).or_insert_with(|| Family {
                name: name.into(),
                help: metric.help.clone().into(),
                kind,
                series: Vec::new(),
            });
            for (own, value) in values {
                let mut labels = of.clone();
                for (label, value) in metric.labels.iter().zip(own) {
                    let label = free(label, &labels);
                    labels.push((label, value.into()));
                }
                family.series.push(Series { labels, value: sample(value, &metric) });
            }
        }
    }
    families.into_values().collect()
}

fn kind(metric: &Metric) -> Kind {
    match metric.kind {
        plugin::Kind::Counter => Kind::Counter,
        plugin::Kind::Gauge => Kind::Gauge,
        plugin::Kind::Histogram(_) => Kind::Histogram,
    }
}

/// The plugin's name with what names of metrics may have; a counter's `_total` is added where it is written.
fn name(plugin: &str, metric: &str, kind: Kind) -> String {
    let plugin = plugin.replace(|character: char| !character.is_ascii_alphanumeric(), "_");
    let metric = if kind == Kind::Counter { metric.strip_suffix("_total").unwrap_or(metric) } else { metric };
    format!("weir_plugin_{plugin}_{metric}")
}

/// A label's name that is not taken: as Prometheus does with labels of others.
fn free(label: &str, taken: &Labels) -> Cow<'static, str> {
    let mut free = label.to_owned();
    while free == "le" || free.starts_with("__") || taken.iter().any(|(name, _)| *name == free) {
        free = format!("exported_{}", free.trim_start_matches('_'));
    }
    free.into()
}

fn sample(value: Value, metric: &Metric) -> Sample {
    match (value, &metric.kind) {
        (Value::Counter(sum), _) => Sample::Whole(sum),
        (Value::Gauge(value), _) => Sample::Number(value),
        (Value::Histogram(counts, sum), plugin::Kind::Histogram(bounds)) => {
            Sample::Buckets(bounds.iter().copied().chain([f64::INFINITY]).zip(counts).collect(), sum)
        }
        (Value::Histogram(_, sum), _) => Sample::Number(sum),
    }
}
