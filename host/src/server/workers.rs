//! The workers of a server: they come and go with configurations, but for the first, which does what is done once for all.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc::WeakUnboundedSender;
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::Instant;

use super::State;
use super::worker::{Adoption, Order, Worker};
use crate::listen::{Doors, Id};
use crate::plugin::{Outbound, Warm};
use crate::telemetry::access::AccessLog;

/// How often it is looked whether what is to end has ended.
const LOOK: Duration = Duration::from_millis(10);

/// All workers.
#[derive(Debug)]
pub(super) struct Workers {
    all: Vec<Worker>,
    /// Those who get no new connections.
    leaving: Vec<JoinHandle<()>>,
    doors: Doors,
    log: AccessLog,
}

impl Workers {
    /// None yet.
    pub(super) fn none() -> std::io::Result<Self> {
        Ok(Self { all: Vec::new(), leaving: Vec::new(), doors: Rc::default(), log: AccessLog::start()? })
    }

    /// Where connections go in.
    pub(super) fn doors(&self) -> &Doors {
        &self.doors
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// Clients' connections that are open.
    pub(super) fn connections(&self) -> usize {
        self.all.iter().map(|worker| worker.door.open.load(Ordering::Relaxed)).sum()
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
        missing.map(|index| Worker::start(index, state, listeners, self.log.worker())).collect()
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
        self.doors.replace(self.all.iter().map(|worker| worker.door.clone()).collect());
        self.leaving.retain(|task| !task.is_finished());
        self.leaving.extend(too_many.into_iter().map(|worker| spawn_local(leave(worker, grace))));
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

    /// Lets exchanges in progress end, and closes what is left after the grace.
    pub(super) async fn end(self, grace: Duration) {
        let deadline = Instant::now() + grace;
        for worker in &self.all {
            let _ = worker.ask(Order::Drain).await;
        }
        tracing::info!("draining: exchanges in progress may end, within {grace:?}");
        quiet(grace, || self.connections() > 0).await;
        let left = self.connections();
        if left > 0 {
            tracing::warn!("closing {left} connections that are still busy after {grace:?}");
        }
        self.doors.borrow_mut().clear();
        for task in self.leaving {
            if tokio::time::timeout_at(deadline, task).await.is_err() {
                tracing::warn!("closing connections of a worker that was to leave");
            }
        }
        for worker in self.all {
            worker.join();
        }
        self.log.finish();
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
