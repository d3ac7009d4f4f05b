//! Traces on their way to the collector: from what workers hand over to requests on a worker's connections.
//!
//! A thread of its own encodes and compresses, from the first configuration on that wants traces.

mod export;
mod lost;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::{oneshot, watch};
use tokio::time::Instant;

use crate::config::Traces;
use crate::plugin::Outbound;
use crate::telemetry::traces::{Sink, Waiting, queue};

/// At the end of the process a collector gets no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where traces go, and the way there.
#[derive(Clone, Debug)]
struct Way {
    traces: Arc<Traces>,
    line: Arc<dyn Outbound>,
}

/// The control thread's end.
#[derive(Debug)]
pub(super) struct Exporter {
    sink: Sink,
    /// Until the thread takes it.
    waiting: Option<Waiting>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    way: watch::Sender<Way>,
    end: watch::Sender<Option<Instant>>,
    done: oneshot::Receiver<()>,
}

impl Exporter {
    /// Nothing goes anywhere yet.
    pub(super) fn new() -> Self {
        let (sink, waiting) = queue();
        Self { sink, waiting: Some(waiting), running: None }
    }

    /// The workers' end.
    pub(super) fn sink(&self) -> Sink {
        self.sink.clone()
    }

    /// What is sent from now on goes there. Where nothing is traced any more, what is left goes where it would have gone,
    /// if that upstream is still there.
    pub(super) fn adopt(&mut self, traces: Option<&Traces>, line: Option<&Arc<dyn Outbound>>) {
        let Some(line) = line else { return };
        if let Some(running) = &self.running {
            running.way.send_modify(|way| {
                way.line = Arc::clone(line);
                if let Some(traces) = traces {
                    way.traces = Arc::new(traces.clone());
                }
            });
            return;
        }
        let Some((traces, waiting)) = traces.and_then(|traces| Some((traces, self.waiting.take()?))) else { return };
        match Running::start(Way { traces: Arc::new(traces.clone()), line: Arc::clone(line) }, waiting) {
            Ok(running) => self.running = Some(running),
            Err(error) => tracing::error!("traces are not sent, their thread cannot start: {error}"),
        }
    }

    /// Sends what waits, before this time; the workers must still be there.
    pub(super) async fn finish(self, deadline: Instant) {
        let Some(Running { way, end, done }) = self.running else { return };
        end.send_replace(Some(deadline.min(Instant::now() + PATIENCE)));
        let _ = done.await;
        drop(way);
    }
}

impl Running {
    fn start(way: Way, waiting: Waiting) -> std::io::Result<Self> {
        let (way, ways) = watch::channel(way);
        let (end, ending) = watch::channel(None);
        let (finished, done) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        std::thread::Builder::new().name("weir-traces".into()).spawn(move || {
            runtime.block_on(export::run(waiting, ways, ending));
            let _ = finished.send(());
        })?;
        Ok(Self { way, end, done })
    }
}
