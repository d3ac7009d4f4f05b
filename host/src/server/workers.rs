//! The workers of a server: they come and go with configurations, but for the first, which does what is done once for all.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc::WeakUnboundedSender;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::Instant;

use super::State;
use super::worker::{Adoption, Order, Worker};
use crate::listen::{Doors, Id};
use crate::plugin::{Outbound, Warm};
use crate::telemetry::access::AccessLog;
use crate::telemetry::ring::Ring;
use crate::telemetry::traces::Sink;

/// How often it is looked whether what is to end has ended.
const LOOK: Duration = Duration::from_millis(10);

/// Longer than a filter's hook usually runs: a worker that is in one ends behind it.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// All workers.
#[derive(Debug)]
pub(super) struct Workers {
    all: Vec<Worker>,
    /// Those who get no new connections.
    leaving: Vec<Leaving>,
    doors: Doors,
    log: AccessLog,
    /// What was told of exchanges, by the worker's place: it stays when the worker goes.
    stories: Vec<Arc<Ring>>,
    /// Where traced exchanges go.
    sink: Sink,
}

/// A worker whose connections come to an end.
#[derive(Debug)]
struct Leaving {
    open: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Workers {
    /// None yet. What they trace will go there.
    pub(super) fn none(sink: Sink) -> std::io::Result<Self> {
        Ok(Self {
            all: Vec::new(),
            leaving: Vec::new(),
            doors: Rc::default(),
            log: AccessLog::start()?,
            stories: Vec::new(),
            sink,
        })
    }

    /// Where records go.
    pub(super) fn log(&self) -> &AccessLog {
        &self.log
    }

    /// Where connections go in.
    pub(super) fn doors(&self) -> &Doors {
        &self.doors
    }

    /// What was told of exchanges.
    pub(super) fn stories(&self) -> &[Arc<Ring>] {
        &self.stories
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Clients' connections that are open.
    pub(super) fn connections(&self) -> usize {
        let leaving = self.leaving.iter().map(|leaving| &leaving.open);
        self.all.iter().map(|worker| &worker.door.open).chain(leaving).map(|open| open.load(Ordering::Relaxed)).sum()
    }

    /// The ways to give them orders.
    pub(super) fn orders(&self) -> impl Iterator<Item = WeakUnboundedSender<Order>> {
        self.all.iter().map(|worker| worker.orders.downgrade())
    }

    /// The way to each one's upstreams; the first is for what is done once for all.
    pub(super) fn lines(&self) -> Vec<Arc<dyn Outbound>> {
        self.all.iter().map(|worker| Arc::clone(&worker.line)).collect()
    }

    /// Those that are missing; they begin with this state. They get no connections before they are taken on.
    pub(super) fn start(&self, state: &Arc<State>, listeners: &Arc<[Id]>) -> std::io::Result<Vec<Worker>> {
        let missing = self.all.len()..state.config.workers;
        let start = |index| {
            let stories = self.stories.get(index).map_or_else(Arc::default, Arc::clone);
            Worker::start(index, state, listeners, self.log.worker(), stories, self.sink.clone())
        };
        missing.map(start).collect()
    }

    /// Has everybody use this state, and takes new ones on; those who are too many leave within the grace.
    pub(super) async fn adopt(
        &mut self,
        state: &Arc<State>,
        listeners: &Arc<[Id]>,
        (new, warm): (Vec<Worker>, Vec<Warm>),
        grace: Duration,
    ) {
        let too_many = self.all.split_off(state.config.workers.min(self.all.len()));
        let mut warm = warm.into_iter();
        let asked: Vec<_> = self
            .all
            .iter()
            .map(|worker| {
                let (state, listeners) = (Arc::clone(state), Arc::clone(listeners));
                let warm = warm.next().unwrap_or_default();
                worker.ask(|done| Order::Adopt(Adoption { state, listeners, warm }, done))
            })
            .collect();
        for adopted in asked {
            let _ = adopted.await;
        }
        self.all.extend(new);
        let new = self.all.iter().skip(self.stories.len()).map(|worker| Arc::clone(&worker.stories));
        self.stories.extend(new);
        self.doors.replace(self.all.iter().map(|worker| worker.door.clone()).collect());
        self.leaving.retain(|leaving| !leaving.task.is_finished());
        self.leaving.extend(too_many.into_iter().map(|worker| {
            let open = Arc::clone(&worker.door.open);
            Leaving { open, task: spawn_local(leave(worker, grace)) }
        }));
    }

    /// Once a listener that is gone has no connection left, or its grace is over, workers forget it.
    pub(super) fn forget(&self, listener: Id, is_used: impl Fn() -> bool + 'static, grace: Duration) {
        let orders: Vec<_> = self.all.iter().map(|worker| worker.orders.downgrade()).collect();
        spawn_local(async move {
            quiet(grace, is_used).await;
            for orders in orders.iter().filter_map(WeakUnboundedSender::upgrade) {
                let _ = orders.send(Order::Forget(listener));
            }
        });
    }

    /// Has exchanges in progress end, and nothing begin any more.
    pub(super) async fn drain(&self) {
        for worker in &self.all {
            let _ = worker.ask(Order::Drain).await;
        }
    }

    /// Closes what is left, and waits until all records are written that there are, but not for ever.
    pub(super) async fn end(self) {
        let Self { all, leaving, log, .. } = self;
        for Leaving { task, .. } in leaving {
            // With it goes the worker's last order.
            task.abort();
        }
        let ended = tokio::task::spawn_blocking(move || {
            all.into_iter().for_each(Worker::join);
            log.finish();
        });
        if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
            tracing::warn!("a worker did not end within {LAST_WORDS:?}: its last records are lost");
        }
    }
}

/// The worker's connections come to an end, and then it does.
async fn leave(worker: Worker, grace: Duration) {
    let _ = worker.ask(Order::Drain).await;
    let open = Arc::clone(&worker.door.open);
    quiet(grace, || open.load(Ordering::Relaxed) > 0).await;
    let _ = tokio::task::spawn_blocking(|| worker.join()).await;
}

/// Waits until nothing is in use, for so long at most.
async fn quiet(grace: Duration, is_used: impl Fn() -> bool) {
    let deadline = Instant::now() + grace;
    while is_used() && Instant::now() < deadline {
        tokio::time::sleep(LOOK).await;
    }
}
