//! An exchange's place in its trace: what the request says of that, what the upstream is told, and what is handed over
//! when the exchange is over.

use http::{Version, header};

use super::Worker;
use super::record::{Ongoing, Outcome};
use super::story::story;
use crate::plugin::Exchange;
use crate::snapshot::Local;
use crate::telemetry::traces::{self, Room, Sink, Trace};

/// What a traced exchange keeps until its end.
#[derive(Debug)]
pub(super) struct Recording {
    trace: Trace,
    state: String,
    sink: Sink,
    room: Room,
}

impl Ongoing {
    /// Goes on with the request's trace or begins one, where exchanges are traced at all. Before any filter runs.
    pub(super) fn begin_trace(&mut self, worker: &Worker, local: &Local) {
        let Some(tracing) = local.snapshot.tracing else { return };
        let headers = &self.exchange.request.headers;
        let trace = worker.tracer.begin(tracing.sampling, self.exchange.peer.is_trusted, headers);
        if trace.is_sampled() {
            let (state, sink) = (trace.state(headers), worker.sink.clone());
            self.outcome.recording = Some(Box::new(Recording { trace, state, sink, room: tracing.room }));
            self.exchange.trail.begin();
        }
        self.trace = Some(trace);
    }
}

impl Recording {
    /// The trace, as collectors name it.
    pub(super) fn trace_id(&self) -> String {
        self.trace.id()
    }

    /// The exchange is over.
    pub(super) fn end(&self, exchange: &Exchange, outcome: &Outcome, duration: std::time::Duration) {
        let story = outcome.why_cut.with(|cut| story(exchange, outcome, &outcome.verdict(exchange, cut), duration));
        let agent = exchange.request.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|agent| agent.to_str().ok()).map(|agent| agent.chars().take(256).collect());
        let traced = traces::Exchange {
            trace: self.trace,
            state: self.state.clone(),
            story: story.cut(),
            scheme: exchange.peer.scheme,
            version: match exchange.request.version {
                Version::HTTP_2 => "2",
                Version::HTTP_11 => "1.1",
                _ => "1.0",
            },
            peer: exchange.peer.address,
            agent,
        };
        self.sink.offer(Box::new(traced), self.room);
    }
}
