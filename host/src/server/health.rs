//! What probes are told: whether the workers respond, and whether new connections are wanted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::WeakUnboundedSender;
use tokio::sync::oneshot;

use super::worker::Order;
use crate::admin::{Health, Liveness, Readiness, Told};

/// A worker that has not looked up from its work for so long does not work: hooks have limits far below.
const BOUND: Duration = Duration::from_secs(2);

/// The process, seen from the control thread.
#[derive(Debug, Default)]
pub(super) struct Pulse {
    workers: RefCell<Vec<Rc<Felt>>>,
    is_serving: Cell<bool>,
    is_draining: Cell<bool>,
}

/// One worker's way to respond. At most one question is on its way for each probe that waits.
#[derive(Debug)]
struct Felt {
    orders: WeakUnboundedSender<Order>,
    /// A question that was not answered in time; it will be, if the worker comes back.
    overdue: RefCell<Option<oneshot::Receiver<()>>>,
}

impl Pulse {
    /// These are the workers from now on.
    pub(super) fn watch(&self, workers: impl Iterator<Item = WeakUnboundedSender<Order>>) {
        let felt = |orders| Rc::new(Felt { orders, overdue: RefCell::default() });
        self.workers.replace(workers.map(felt).collect());
    }

    /// All listeners accept.
    pub(super) fn serve(&self) {
        self.is_serving.set(true);
    }

    /// A drain has begun.
    pub(super) fn drain(&self) {
        self.is_draining.set(true);
    }
}

impl Health for Pulse {
    fn live(&self) -> Told<Liveness> {
        let workers = self.workers.borrow().clone();
        // At the end workers end before the door is closed.
        let is_draining = self.is_draining.get();
        Box::pin(async move {
            let deadline = tokio::time::Instant::now() + BOUND;
            let mut reasons = Vec::new();
            // Asked at once, waited for together.
            let questions: Vec<_> = workers.iter().map(|felt| felt.question()).collect();
            for (index, (felt, mut question)) in workers.iter().zip(questions).enumerate() {
                match tokio::time::timeout_at(deadline, &mut question).await {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) if is_draining => {}
                    Ok(Err(_)) => reasons.push(format!("the worker weir-{index} has ended")),
                    Err(_) => {
                        felt.overdue.replace(Some(question));
                        reasons.push(format!("the worker weir-{index} has not responded for {BOUND:?}"));
                    }
                }
            }
            Liveness { live: reasons.is_empty(), reasons }
        })
    }

    fn ready(&self) -> Readiness {
        let mut reasons = Vec::new();
        if !self.is_serving.get() {
            reasons.push("it is starting: not all listeners accept yet".to_owned());
        }
        if self.is_draining.get() {
            reasons.push("it is draining".to_owned());
        }
        Readiness { ready: reasons.is_empty(), reasons }
    }
}

impl Felt {
    fn question(&self) -> oneshot::Receiver<()> {
        self.overdue.take().unwrap_or_else(|| {
            let (answer, answered) = oneshot::channel();
            // A worker that has ended drops the answer.
            let _ = self.orders.upgrade().map(|orders| orders.send(Order::Respond(answer)));
            answered
        })
    }
}
