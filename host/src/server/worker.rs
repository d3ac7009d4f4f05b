//! A worker: one thread that owns its connections, to clients and to upstreams, and its filter instances.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use super::State;
use super::calls::{self, Asked, Line};
use crate::clock;
use crate::crypto;
use crate::listen::{self, Arrival, Door, Id, Settings};
use crate::plugin::{Outbound, Station, Warm};
use crate::proxy;
use crate::snapshot::Local;
use crate::telemetry::access::{WorkerLog, WorkerSender};
use crate::telemetry::metrics::Seat;
use crate::telemetry::ring::Ring;
use crate::telemetry::traces::Sink;

/// How often idle upstream connections and instances are looked through.
const SWEEP: Duration = Duration::from_secs(10);

/// Filters run on the worker's stack; they may use 1 MiB of it, which is what language runtimes need.
const STACK: usize = 4 << 20;

/// The control thread's end of a worker.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) orders: mpsc::UnboundedSender<Order>,
    pub(super) door: Door,
    /// The way to its upstreams.
    pub(super) line: Arc<dyn Outbound>,
    /// The stories of its exchanges.
    pub(super) stories: Arc<Ring>,
    pub(super) thread: std::thread::JoinHandle<()>,
}

/// What the control thread tells a worker.
#[derive(Debug)]
pub(super) enum Order {
    /// Use this from now on, and say when it is done.
    Adopt(Adoption, oneshot::Sender<()>),
    /// Close what is left of a listener that is gone.
    Forget(Id),
    /// Let connections come to an end, and say when they have been told.
    Drain(oneshot::Sender<()>),
    /// Say that you look up from your work.
    Respond(oneshot::Sender<()>),
}

/// What a worker is to use.
#[derive(Debug)]
pub(super) struct Adoption {
    pub(super) state: Arc<State>,
    /// In the state's order.
    pub(super) listeners: Arc<[Id]>,
    /// First instances of what is new in it.
    pub(super) warm: Warm,
}

impl Worker {
    pub(super) fn start(
        index: usize,
        state: &Arc<State>,
        listeners: &Arc<[Id]>,
        log: WorkerSender,
        stories: Arc<Ring>,
        sink: Sink,
    ) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (connections, arrivals) = mpsc::unbounded_channel();
        let door = Door { connections, open: Arc::new(AtomicUsize::new(0)) };
        let (state, listeners) = (Arc::clone(state), Arc::clone(listeners));
        let (line, calls) = Line::open();
        // Some things are done once for all: the first worker stays as long as the server.
        let station = Station { outbound: Arc::clone(&line), ticks: index == 0 };
        let kept = Arc::clone(&stories);
        let runtime =
            move || Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
        let thread =
            std::thread::Builder::new().name(format!("weir-{index}")).stack_size(STACK).spawn(
                move || match runtime() {
                    Ok(runtime) => {
                        let _seat = Seat::take();
                        // What a thread's random bits grow from is gathered with the first of them, which takes more CPU
                        // time than a hook has. A system without any is told to who asks for some.
                        let _ = crypto::fill(&mut [0]);
                        let log = WorkerLog::new(log);
                        let told = (Rc::clone(&log), kept, sink);
                        runtime.block_on(work((state, listeners), inbox, arrivals, (station, calls), told));
                        // Ends the connections that are left; their exchanges leave records too.
                        log.end();
                        // A disk that does not answer keeps nobody from the end.
                        runtime.shutdown_background();
                        log.flush();
                    }
                    Err(error) => tracing::error!("a worker cannot start: {error}"),
                },
            )?;
        Ok(Self { orders, door, line, stories, thread })
    }

    /// Gives an order; what is given back waits until it is done. One that has ended does nothing.
    pub(super) fn ask(&self, order: impl FnOnce(oneshot::Sender<()>) -> Order) -> oneshot::Receiver<()> {
        let (done, told) = oneshot::channel();
        // Whoever waits is told at once that it has ended.
        let _ = self.orders.send(order(done));
        told
    }

    /// Waits for its end, which comes when nobody can give it orders or connections; what is open is closed.
    pub(super) fn join(self) {
        drop((self.orders, self.door));
        let _ = self.thread.join();
    }
}

/// Where a worker receives the connections of one listener: what new ones use, and what all share.
struct Reception {
    settings: Arc<Settings>,
    listener: Rc<proxy::Listener>,
}

/// The receptions of a worker, those of listeners that are gone among them until they are forgotten.
#[derive(Clone, Default)]
struct Receptions(Rc<RefCell<HashMap<Id, Reception>>>);

impl Receptions {
    fn of(&self, id: Id) -> Option<(Arc<Settings>, Rc<proxy::Listener>)> {
        let receptions = self.0.borrow();
        receptions.get(&id).map(|reception| (Arc::clone(&reception.settings), Rc::clone(&reception.listener)))
    }

    /// Tells all connections to come to an end.
    fn drain(&self) {
        self.0.borrow().values().for_each(|reception| reception.listener.drain.begin());
    }

    /// Closes what is left of a listener that is gone.
    fn forget(&self, id: Id) {
        if let Some(reception) = self.0.borrow_mut().remove(&id) {
            reception.listener.drain.end();
        }
    }

    /// Has them be those of this state. The listeners that it does not have are in the snapshot before for the last time.
    fn become_of(&self, state: &State, listeners: &[Id], before: &Rc<Local>) {
        let mut receptions = self.0.borrow_mut();
        for (id, reception) in receptions.iter() {
            if !listeners.contains(id) {
                reception.listener.leave(Rc::clone(before));
            }
        }
        for (place, (id, settings)) in listeners.iter().zip(&state.listeners).enumerate() {
            let settings = Arc::clone(settings);
            match receptions.get_mut(id) {
                Some(reception) => {
                    reception.settings = settings;
                    reception.listener.move_to(place);
                }
                None => drop(receptions.insert(*id, Reception { settings, listener: proxy::Listener::new(place) })),
            }
        }
    }
}

/// A worker's life: connections and orders come in, until both ends are closed.
async fn work(
    (state, listeners): (Arc<State>, Arc<[Id]>),
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
    (station, calls): (Station, mpsc::UnboundedReceiver<Asked>),
    (log, stories, sink): (Rc<WorkerLog>, Arc<Ring>, Sink),
) {
    let local = Local::new(Arc::clone(&state.snapshot), &station, Warm::default(), None).await;
    let worker = Rc::new(proxy::Worker::new(local, log, stories, sink));
    spawn_local(calls::serve(calls, Rc::clone(&worker)));
    let receptions = Receptions::default();
    receptions.become_of(&state, &listeners, &worker.local());
    // The control thread frees it.
    drop(state);
    spawn_local(clock::run());
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            arrival = arrivals.recv() => {
                let Some(arrival) = arrival else { break };
                // Otherwise its listener is gone, and its grace over.
                if let Some((settings, listener)) = receptions.of(arrival.listener) {
                    spawn_local(listen::serve(Rc::clone(&worker), arrival, settings, listener));
                }
            }
            order = orders.recv() => match order {
                Some(Order::Adopt(adoption, done)) => {
                    let (worker, receptions, station) = (Rc::clone(&worker), receptions.clone(), station.clone());
                    spawn_local(async move {
                        let Adoption { state, listeners, warm } = adoption;
                        let before = worker.local();
                        let local = Local::new(Arc::clone(&state.snapshot), &station, warm, Some(&before)).await;
                        // From here to the end nothing comes in between.
                        worker.adopt(local);
                        receptions.become_of(&state, &listeners, &before);
                        drop(state);
                        let _ = done.send(());
                        Local::retire(before).await;
                    });
                }
                Some(Order::Forget(id)) => {
                    receptions.forget(id);
                }
                Some(Order::Drain(done)) => {
                    receptions.drain();
                    let _ = done.send(());
                }
                Some(Order::Respond(done)) => drop(done.send(())),
                None => break,
            },
            _ = sweep.tick() => {
                let local = worker.local();
                local.upstreams.iter().for_each(|pool| pool.sweep());
                local.pools.sweep();
            }
        }
    }
}
