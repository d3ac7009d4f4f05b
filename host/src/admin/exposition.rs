//! Metrics as text: Prometheus' own format (0.0.4), and `OpenMetrics` 1.0.0.
//!
//! What the figures are is not decided here, only how they are written: stable order, escaping, and names whose samples
//! cannot be taken for those of another.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

/// Metrics of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// Without the `_total` of a counter.
    pub name: Cow<'static, str>,
    /// What it counts, for people.
    pub help: Cow<'static, str>,
    /// What kind it is.
    pub kind: Kind,
    /// In a stable order.
    pub series: Vec<Series>,
}

/// What kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many were how large.
    Histogram,
}

/// Names and values; values are shared by the series that have them.
pub type Labels = Vec<(Cow<'static, str>, Arc<str>)>;

/// One set of labels, and its value.
#[derive(Clone, Debug)]
pub struct Series {
    /// In a stable order.
    pub labels: Labels,
    /// As it was when it was looked at.
    pub value: Sample,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// A count.
    Whole(u64),
    /// A measure.
    Number(f64),
    /// Upper bounds, the last one infinite, with how many were at most so large, but above the bound before; and the sum.
    Buckets(Vec<(f64, u64)>, f64),
}

/// How it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' own.
    Prometheus,
    /// `OpenMetrics`.
    OpenMetrics,
}

impl Format {
    /// As `Content-Type` names it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

impl Kind {
    /// As the formats name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }

    /// What may be appended to the name of a family of this kind.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["", "_total", "_created"],
            Self::Gauge => &[""],
            Self::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        }
    }
}

/// Gives each family a name whose samples have names of their own: one that was declared by a filter must not be taken
/// for a part of another.
pub fn tell_apart(families: &mut [Family]) {
    let mut taken = HashSet::new();
    for family in families {
        let suffixes = family.kind.suffixes();
        let samples = |name: &str| suffixes.iter().map(|suffix| format!("{name}{suffix}")).collect::<Vec<_>>();
        let mut name = family.name.clone();
        while samples(&name).iter().any(|sample| taken.contains(sample)) {
            name = format!("{name}_{}", family.kind.word()).into();
        }
        taken.extend(samples(&name));
        family.name = name;
    }
}

/// All of it.
pub fn write(families: &[Family], format: Format) -> String {
    let mut text = String::new();
    for family in families {
        family.write(&mut text, format);
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

impl Family {
    fn write(&self, text: &mut String, format: Format) {
        let (name, kind) = (&self.name, self.kind.word());
        let samples = if self.kind == Kind::Counter { format!("{name}_total") } else { name.to_string() };
        let described = if format == Format::OpenMetrics { name } else { samples.as_str() };
        let _ = writeln!(text, "# TYPE {described} {kind}");
        if let Some(unit) = ["seconds", "bytes"].into_iter().find(|unit| name.ends_with(&format!("_{unit}")))
            && format == Format::OpenMetrics
        {
            let _ = writeln!(text, "# UNIT {described} {unit}");
        }
        let _ = write!(text, "# HELP {described} ");
        // In Prometheus' format a quote stands for itself here.
        escape(text, &self.help, format == Format::OpenMetrics);
        text.push('\n');
        for series in &self.series {
            let mut labels = String::new();
            for (index, (name, value)) in series.labels.iter().enumerate() {
                let comma = if index > 0 { "," } else { "" };
                let _ = write!(labels, "{comma}{name}=\"");
                escape(&mut labels, value, true);
                labels.push('"');
            }
            match &series.value {
                Sample::Whole(value) => line(text, &samples, &labels, value),
                Sample::Number(value) => line(text, &samples, &labels, &number(*value)),
                Sample::Buckets(buckets, sum) => {
                    let comma = if labels.is_empty() { "" } else { "," };
                    let mut count = 0;
                    for (bound, more) in buckets {
                        count += more;
                        let _ = writeln!(text, "{name}_bucket{{{labels}{comma}le=\"{}\"}} {count}", number(*bound));
                    }
                    line(text, &format!("{name}_sum"), &labels, &number(*sum));
                    line(text, &format!("{name}_count"), &labels, &count);
                }
            }
        }
    }
}

fn line(text: &mut String, name: &str, labels: &str, value: &dyn std::fmt::Display) {
    let _ = match labels {
        "" => writeln!(text, "{name} {value}"),
        labels => writeln!(text, "{name}{{{labels}}} {value}"),
    };
}

/// With a point and without an exponent, so that a bound is the same label in both formats.
fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "+Inf".into() } else { "-Inf".into() }
    } else {
        let text = value.to_string();
        if text.contains('.') { text } else { text + ".0" }
    }
}

fn escape(text: &mut String, value: &str, quotes: bool) {
    for character in value.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '"' if quotes => text.push_str("\\\""),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family(name: &'static str, kind: Kind, value: Sample) -> Family {
        let labels = vec![("path".into(), "a\\b\"c\nd".into())];
        Family { name: name.into(), help: "What\nit \"is\"\\.".into(), kind, series: vec![Series { labels, value }] }
    }

    #[test]
    fn both_formats_are_written_as_they_are_specified() {
        let families = [
            family("weir_answers", Kind::Counter, Sample::Whole(7)),
            family("weir_wait_seconds", Kind::Histogram, Sample::Buckets(vec![(1.0, 2), (f64::INFINITY, 1)], 9.5)),
        ];
        assert_eq!(
            write(&families, Format::Prometheus),
            "# TYPE weir_answers_total counter\n# HELP weir_answers_total What\\nit \"is\"\\\\.\n\
             weir_answers_total{path=\"a\\\\b\\\"c\\nd\"} 7\n\
             # TYPE weir_wait_seconds histogram\n# HELP weir_wait_seconds What\\nit \"is\"\\\\.\n\
             weir_wait_seconds_bucket{path=\"a\\\\b\\\"c\\nd\",le=\"1.0\"} 2\n\
             weir_wait_seconds_bucket{path=\"a\\\\b\\\"c\\nd\",le=\"+Inf\"} 3\n\
             weir_wait_seconds_sum{path=\"a\\\\b\\\"c\\nd\"} 9.5\n\
             weir_wait_seconds_count{path=\"a\\\\b\\\"c\\nd\"} 3\n"
        );
        let open = write(&families, Format::OpenMetrics);
        assert!(
            open.starts_with("# TYPE weir_answers counter\n# HELP weir_answers What\\nit \\\"is\\\"\\\\.\n"),
            "{open}"
        );
        assert!(open.contains("# UNIT weir_wait_seconds seconds\n"), "{open}");
        assert!(open.ends_with("# EOF\n"), "{open}");
    }

    #[test]
    fn no_name_can_be_taken_for_a_part_of_another() {
        let value = || Sample::Whole(1);
        let mut families = [
            family("weir_plugin_a_b", Kind::Counter, value()),
            family("weir_plugin_a_b", Kind::Gauge, value()),
            family("weir_plugin_a_b_total", Kind::Gauge, value()),
            family("weir_plugin_c_count", Kind::Gauge, value()),
            family("weir_plugin_c", Kind::Histogram, value()),
        ];
        tell_apart(&mut families);
        let names: Vec<&str> = families.iter().map(|family| &*family.name).collect();
        assert_eq!(
            names,
            [
                "weir_plugin_a_b",
                "weir_plugin_a_b_gauge",
                "weir_plugin_a_b_total_gauge",
                "weir_plugin_c_count",
                "weir_plugin_c_histogram"
            ]
        );
    }
}
