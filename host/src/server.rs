//! The composition root: binds, starts the workers, swaps what they use, drains.

mod calls;
mod door;
mod inspect;
mod orders;
mod state;
mod traces;
mod why;
mod worker;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};

use crate::admin;
use crate::config::{Config, Fault, Listener, Place, Report};
use crate::listen::{self, Door, Entrance, Gate};
use crate::plugin::{Document, Engine};
use crate::telemetry::access::AccessLog;

use door::AdminDoor;
pub use state::State;
use traces::Exporter;
use worker::{Order, Worker};

/// Where the configuration comes from, as often as it is asked for.
#[derive(Clone)]
pub struct Source {
    /// For people.
    pub name: String,
    /// Reads it; slow.
    pub load: Arc<dyn Fn() -> Config + Send + Sync>,
}

/// A running proxy. Its methods belong on one control thread.
#[derive(Debug)]
pub struct Server {
    source: Source,
    engine: Arc<Engine>,
    state: Arc<State>,
    listeners: Vec<Bound>,
    acceptors: Vec<JoinHandle<()>>,
    workers: Vec<Worker>,
    log: AccessLog,
    exporter: Exporter,
    started: Instant,
    admin: Option<AdminDoor>,
    orders: Option<mpsc::Receiver<admin::Order>>,
    /// When the last reload was, and what was wrong.
    reloaded: Option<(Instant, Option<String>)>,
}

/// A listener as it was asked for, and what became of it.
#[derive(Debug)]
struct Bound {
    listener: Listener,
    address: SocketAddr,
    gate: Arc<Gate>,
}

impl Server {
    /// Binds, loads the filters and serves. On return every address accepts.
    pub async fn start(source: Source, engine: Arc<Engine>) -> anyhow::Result<Self> {
        let (state, config) = build(load(&source).await, Arc::clone(&engine), None).await?;
        let (mut listeners, mut entrances, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        for (index, listener) in config.listeners.into_iter().enumerate() {
            let socket = listen::bind(listener.address).and_then(TcpListener::from_std);
            match socket.and_then(|socket| Ok((socket.local_addr()?, socket))) {
                Ok((address, socket)) => {
                    let gate = Gate::new(listener.limits.connections);
                    let (name, counted) = (listener.name.clone(), Arc::clone(&gate));
                    entrances.push(Entrance { name, listener: index, socket, gate: counted });
                    listeners.push(Bound { listener, address, gate });
                }
                Err(error) => faults.push(cannot_bind(listener.place, listener.address, &error)),
            }
        }
        let mut admin = None;
        if let Some(asked) = config.admin {
            match listen::bind(asked.address.value).and_then(TcpListener::from_std) {
                Ok(listener) => admin = Some((asked, listener)),
                Err(error) => faults.push(cannot_bind(asked.address.place, asked.address.value, &error)),
            }
        }
        if !faults.is_empty() {
            return Err(Report::new(&config.sources, faults).into());
        }
        let log = AccessLog::start()?;
        let mut exporter = Exporter::new();
        let workers: std::io::Result<Vec<_>> =
            (0..config.workers).map(|index| Worker::start(index, &state, log.worker(), exporter.sink())).collect();
        let workers = workers?;
        let doors: Vec<Door> = workers.iter().map(|worker| worker.door.clone()).collect();
        let acceptors =
            entrances.into_iter().map(|entrance| spawn_local(listen::accept(entrance, doors.clone()))).collect();
        let (admin, orders) = match admin {
            Some((asked, listener)) => {
                let (door, orders) = AdminDoor::open(asked, listener)?;
                (Some(door), Some(orders))
            }
            None => (None, None),
        };
        keep_documents(&state, &workers);
        why::allow(&state, &workers);
        exporter.adopt(state.traces.as_ref(), &workers);
        let started = Instant::now();
        let reloaded = None;
        Ok(Self {
            source,
            engine,
            state,
            listeners,
            acceptors,
            workers,
            log,
            exporter,
            started,
            admin,
            orders,
            reloaded,
        })
    }

    /// Where operators' orders come out; there is one taker. Without an admin address there are never any.
    pub fn orders(&mut self) -> mpsc::Receiver<admin::Order> {
        self.orders.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Where operators come in.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|admin| admin.address)
    }

    /// Name, scheme and bound address of every listener.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &'static str, SocketAddr)> {
        self.listeners.iter().map(|Bound { listener, address, .. }| {
            let scheme = if listener.tls.is_some() { "https" } else { "http" };
            (listener.name.as_str(), scheme, *address)
        })
    }

    /// Reads the configuration again, builds a state beside the running one and swaps it in. On an error, which is
    /// logged and returned, nothing has changed; on return no new exchange uses the old snapshot, and no new connection
    /// the old listeners' settings.
    pub async fn reload(&mut self) -> Result<(), String> {
        let name = self.source.name.clone();
        let config = load(&self.source).await;
        // Without colours: the log would show them as what they are made of.
        let done = self.adopt(config).await.map_err(|report| report.render(false));
        match &done {
            Ok(()) => tracing::info!("{name} is reloaded"),
            Err(report) => tracing::error!("{name} is not reloaded, what was running goes on:\n{report}"),
        }
        self.reloaded = Some((Instant::now(), done.as_ref().err().cloned()));
        done
    }

    async fn adopt(&mut self, config: Config) -> Result<(), Report> {
        let (state, config) = build(config, Arc::clone(&self.engine), Some(Arc::clone(&self.state))).await?;
        self.refuse_what_needs_a_restart(&config)?;
        self.state = state;
        for (bound, listener) in self.listeners.iter_mut().zip(config.listeners) {
            bound.gate.allow(listener.limits.connections);
            bound.listener = listener;
        }
        for worker in &self.workers {
            let (done, adopted) = oneshot::channel();
            if worker.orders.send(Order::Adopt(Arc::clone(&self.state), done)).is_ok() {
                let _ = adopted.await;
            }
        }
        keep_documents(&self.state, &self.workers);
        why::allow(&self.state, &self.workers);
        self.exporter.adopt(self.state.traces.as_ref(), &self.workers);
        Ok(())
    }

    /// Connections know their listener by its place, so the order must stay too.
    fn refuse_what_needs_a_restart(&self, config: &Config) -> Result<(), Report> {
        let is_kept = |(listener, Bound { listener: before, .. }): &(&Listener, &Bound)| {
            before.name == listener.name && before.address == listener.address
        };
        let kept = config.listeners.iter().zip(&self.listeners).take_while(is_kept).count();
        let place = match config.listeners.get(kept) {
            Some(listener) => listener.place,
            None if kept != self.listeners.len() || config.workers != self.workers.len() => config.listeners[0].place,
            None if config.admin.as_ref() != self.admin.as_ref().map(|admin| &admin.asked) => {
                config.admin.as_ref().map_or(config.listeners[0].place, |admin| admin.address.place)
            }
            None => return Ok(()),
        };
        let fault = Fault::new(place, "listeners, workers and `admin` cannot change while weir runs")
            .help("restart weir, or undo the change");
        Err(Report::new(&config.sources, vec![fault]))
    }

    /// Stops accepting, lets exchanges in progress end, and closes what is left after `grace`.
    pub async fn shutdown(self, grace: Duration) {
        for acceptor in &self.acceptors {
            acceptor.abort();
        }
        for worker in &self.workers {
            let (done, told) = oneshot::channel();
            if worker.orders.send(Order::Drain(done)).is_ok() {
                let _ = told.await;
            }
        }
        tracing::info!("draining: exchanges in progress may end, within {grace:?}");
        let deadline = tokio::time::Instant::now() + grace;
        let open =
            |workers: &[Worker]| workers.iter().map(|worker| worker.door.open.load(Ordering::Relaxed)).sum::<usize>();
        while open(&self.workers) > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let left = open(&self.workers);
        if left > 0 {
            tracing::warn!("closing {left} connections that are still busy after {grace:?}");
        }
        self.exporter.finish(deadline).await;
        for worker in self.workers {
            // A worker ends when nobody can give it orders.
            drop((worker.orders, worker.door));
            let _ = worker.thread.join();
        }
        self.log.finish();
    }
}

/// Documents are fetched by this thread, through a worker's connections, until nobody uses them.
fn keep_documents(state: &State, workers: &[Worker]) {
    let Some(worker) = workers.first() else { return };
    for document in state.snapshot.documents() {
        if let Some(keeping) = Document::keep(document, Arc::clone(&worker.line)) {
            spawn_local(keeping);
        }
    }
}

fn cannot_bind(place: Place, address: SocketAddr, error: &std::io::Error) -> Fault {
    let fault = Fault::new(place, format!("cannot listen on {address}: {error}"));
    match error.kind() {
        std::io::ErrorKind::AddrInUse => fault.help("another process listens there; stop it, or choose another port"),
        std::io::ErrorKind::PermissionDenied => fault.help("ports below 1024 need root or CAP_NET_BIND_SERVICE"),
        std::io::ErrorKind::AddrNotAvailable => {
            fault.help("no interface of this machine has that address; 0.0.0.0 is all of them")
        }
        _ => fault,
    }
}

/// Reading takes a while, and this thread accepts connections.
async fn load(source: &Source) -> Config {
    let load = Arc::clone(&source.load);
    tokio::task::spawn_blocking(move || load()).await.expect("reading a configuration does not panic")
}

/// Builds off this thread, for compiling takes long; warnings are logged.
async fn build(
    config: Config,
    engine: Arc<Engine>,
    before: Option<Arc<State>>,
) -> Result<(Arc<State>, Config), Report> {
    let build = move || State::build(&config, &engine, before.as_deref()).map(|state| (Arc::new(state), config));
    let (state, config) = tokio::task::spawn_blocking(build).await.expect("building a state does not panic")?;
    if let Some(warnings) = &state.warnings {
        tracing::warn!("the configuration is sound, but look at this:\n{}", warnings.render(false));
    }
    Ok((state, config))
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Source").field(&self.name).finish()
    }
}
