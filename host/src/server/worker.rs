//! A worker: one thread that owns its connections, to clients and to upstreams, and its filter instances.

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
use crate::listen::{self, Arrival, Door, Drain};
use crate::plugin::Outbound;
use crate::proxy;
use crate::snapshot::Local;
use crate::telemetry::access::{WorkerLog, WorkerSender};
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
    Adopt(Arc<State>, oneshot::Sender<()>),
    /// Let connections come to an end, and say when they have been told.
    Drain(oneshot::Sender<()>),
}

impl Worker {
    pub(super) fn start(index: usize, state: &Arc<State>, log: WorkerSender, sink: Sink) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (connections, arrivals) = mpsc::unbounded_channel();
        let door = Door { connections, open: Arc::new(AtomicUsize::new(0)) };
        let state = Arc::clone(state);
        let (line, calls) = Line::open();
        let outbound = Arc::clone(&line);
        let stories = Arc::new(Ring::default());
        let kept = Arc::clone(&stories);
        let runtime =
            move || Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
        let thread =
            std::thread::Builder::new().name(format!("weir-{index}")).stack_size(STACK).spawn(
                move || match runtime() {
                    Ok(runtime) => {
                        let log = WorkerLog::new(log);
                        runtime.block_on(work(
                            state,
                            inbox,
                            arrivals,
                            (outbound, calls),
                            (Rc::clone(&log), kept, sink),
                        ));
                        // Ends the connections that are left; their exchanges leave records too.
                        drop(runtime);
                        log.flush();
                    }
                    Err(error) => tracing::error!("a worker cannot start: {error}"),
                },
            )?;
        Ok(Self { orders, door, line, stories, thread })
    }
}

/// A worker's life: connections and orders come in, until both ends are closed.
async fn work(
    mut state: Arc<State>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut arrivals: mpsc::UnboundedReceiver<Arrival>,
    (outbound, calls): (Arc<dyn Outbound>, mpsc::UnboundedReceiver<Asked>),
    (log, stories, sink): (Rc<WorkerLog>, Arc<Ring>, Sink),
) {
    let local = Local::new(Arc::clone(&state.snapshot), &outbound, None);
    let worker = Rc::new(proxy::Worker::new(local, log, stories, sink));
    spawn_local(calls::serve(calls, Rc::clone(&worker)));
    let drain = Rc::new(Drain::default());
    spawn_local(clock::run());
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            arrival = arrivals.recv() => {
                let Some(arrival) = arrival else { break };
                if let Some(settings) = state.listeners.get(arrival.listener) {
                    spawn_local(listen::serve(Rc::clone(&worker), arrival, Arc::clone(settings), Rc::clone(&drain)));
                }
            }
            order = orders.recv() => match order {
                Some(Order::Adopt(new, done)) => {
                    worker.adopt(Local::new(Arc::clone(&new.snapshot), &outbound, Some(&worker.local())));
                    state = new;
                    let _ = done.send(());
                }
                Some(Order::Drain(done)) => {
                    drain.begin();
                    let _ = done.send(());
                }
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
