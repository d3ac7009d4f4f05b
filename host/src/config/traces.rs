//! Where traces of exchanges go.

use std::time::Duration;

use http::{HeaderName, HeaderValue};

/// Traces, and the collector that they are sent to.
#[derive(Clone, Debug, PartialEq)]
pub struct Traces {
    /// The name of the collector's upstream.
    pub upstream: String,
    /// Path, and query if there is one, at the collector.
    pub path: String,
    /// What it is shown; the values are secrets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether what is sent is compressed.
    pub gzip: bool,
    /// From 0 to 1: how many exchanges are traced of those whose caller does not decide.
    pub sample: f64,
    /// Whether every caller may decide, not only trusted proxies.
    pub trusts_all: bool,
    /// What this proxy is called.
    pub service: String,
    /// How long the collector may take to answer.
    pub timeout: Duration,
    /// How long a batch that it does not take is sent again.
    pub retry: Duration,
    /// Spans that make a batch.
    pub batch_spans: usize,
    /// How long the first of a batch waits for others.
    pub batch_delay: Duration,
    /// Exchanges that may wait.
    pub queue_exchanges: usize,
    /// What they may take, in bytes.
    pub queue_size: usize,
}
