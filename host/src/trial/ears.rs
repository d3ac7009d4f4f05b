//! What is logged while a case runs: lines of the filter, its notes, its failures, and what the host says beside.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// One thing that was logged.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    pub(super) level: String,
    pub(super) text: String,
    filter: Option<String>,
    pub(super) hook: Option<String>,
    kind: Option<String>,
}

/// Listens to one thread.
#[derive(Clone, Debug, Default)]
pub(super) struct Ears(Arc<Mutex<Heards>>);

#[derive(Debug, Default)]
struct Heards {
    all: Vec<Heard>,
    /// From here on it is the running step's.
    step: usize,
}

impl Ears {
    /// A step begins.
    pub(super) fn begin(&self) {
        let mut heard = self.lock();
        heard.step = heard.all.len();
    }

    /// What was heard in this step.
    pub(super) fn step(&self) -> Vec<Heard> {
        let heard = self.lock();
        heard.all[heard.step..].to_vec()
    }

    /// All of it, as people read it.
    pub(super) fn all(&self) -> Vec<String> {
        self.lock().all.iter().map(Heard::line).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Heards> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heard {
    /// Whether the filter said so itself.
    pub(super) fn is_line(&self) -> bool {
        self.filter.is_some() && self.hook.is_none() && self.kind.is_none()
    }

    /// Whether it is why a hook decided as it did.
    pub(super) fn is_note(&self) -> bool {
        self.filter.is_some() && self.hook.is_some() && self.kind.is_none()
    }

    /// How the filter failed, if this says so.
    pub(super) fn failure(&self) -> Option<&str> {
        self.kind.as_deref().filter(|_| self.filter.is_some())
    }

    fn line(&self) -> String {
        let mut line = format!("{:5} ", self.level);
        if self.is_note() {
            line += "note ";
        } else if self.filter.is_none() {
            line += "host: ";
        }
        line + &self.text
    }
}

impl Subscriber for Ears {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG && metadata.target().starts_with(env!("CARGO_CRATE_NAME"))
    }

    fn event(&self, event: &Event<'_>) {
        let mut heard = Heard { level: event.metadata().level().as_str().to_lowercase(), ..Heard::default() };
        event.record(&mut heard);
        self.lock().all.push(heard);
    }

    // Nothing in this crate opens spans.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Heard {
    fn record_str(&mut self, field: &Field, value: &str) {
        let slot = match field.name() {
            "filter" => &mut self.filter,
            "hook" => &mut self.hook,
            "kind" => &mut self.kind,
            _ => return,
        };
        *slot = Some(value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _ = write!(self.text, "{value:?}");
        } else {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}
