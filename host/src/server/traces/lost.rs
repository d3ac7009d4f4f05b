//! Spans that the collector never gets: counted, and said, but not over and over.

use std::time::Duration;

use tokio::time::Instant;

use crate::telemetry::traces::SPANS;

/// How long a further loss goes unsaid.
const SILENCE: Duration = Duration::from_secs(10);

/// What was lost and not said yet.
#[derive(Debug, Default)]
pub(super) struct Lost {
    spans: u64,
    why: String,
    said: Option<Instant>,
}

impl Lost {
    /// So many spans are lost.
    pub(super) fn add(&mut self, spans: u64, why: impl FnOnce() -> String) {
        if spans == 0 {
            return;
        }
        self.spans += spans;
        SPANS.add_dropped(spans);
        self.why = why();
        if self.said.is_none_or(|said| said.elapsed() >= SILENCE) {
            self.say();
        }
    }

    /// Says what was not said yet.
    pub(super) fn say(&mut self) {
        if self.spans > 0 {
            tracing::warn!("{} spans of traces were dropped: {}", self.spans, self.why);
            self.spans = 0;
            self.said = Some(Instant::now());
        }
    }
}
