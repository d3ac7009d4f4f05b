//! The composition root: binds, starts the workers, swaps snapshots, drains.

mod door;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, spawn_local};

use crate::admin;
use crate::clock;
use crate::config::{Config, Fault, Listener, Place, Report};
use crate::listen::{self, Door, Drain};
use crate::plugin::Engine;
use crate::proxy;
use crate::snapshot::{Local, Snapshot};
use door::AdminDoor;

use crate::telemetry::access::{AccessLog, WorkerLog, WorkerSender};

/// How often idle upstream connections are looked through.
const SWEEP: Duration = Duration::from_secs(10);

/// A running proxy. Its methods belong on one control thread.
#[derive(Debug)]
pub struct Server {
    engine: Arc<Engine>,
    snapshot: Arc<Snapshot>,
    /// What was asked for and what was bound.
    listeners: Vec<(Listener, SocketAddr)>,
    acceptors: Vec<JoinHandle<()>>,
    workers: Vec<Worker>,
    log: AccessLog,
    started: Instant,
    /// How many sites, routes and filters it serves.
    serves: [usize; 3],
    admin: Option<AdminDoor>,
    orders: Option<mpsc::Receiver<admin::Order>>,
}

#[derive(Debug)]
struct Worker {
    orders: mpsc::UnboundedSender<Order>,
    door: Door,
    thread: std::thread::JoinHandle<()>,
}

/// What the control thread tells a worker.
enum Order {
    /// Use this snapshot from now on, and say when it is done.
    Adopt(Arc<Snapshot>, oneshot::Sender<()>),
    /// Let connections come to an end, and say when they have been told.
    Drain(oneshot::Sender<()>),
}

impl Server {
    /// Binds, loads the filters and serves. On return every address accepts.
    pub async fn start(config: Config, engine: Arc<Engine>) -> anyhow::Result<Self> {
        let (snapshot, config) = build(config, Arc::clone(&engine), None).await?;
        let mut faults = Vec::new();
        let mut bound = Vec::new();
        for listener in config.listeners {
            let socket = listen::bind(listener.address).and_then(TcpListener::from_std);
            match socket.and_then(|socket| Ok((socket.local_addr()?, socket))) {
                Ok((address, socket)) => bound.push((listener, address, socket)),
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
        let entries = config.entries.len();
        let log = AccessLog::start()?;
        let workers: std::io::Result<Vec<_>> =
            (0..config.workers).map(|index| Worker::start(index, &snapshot, log.worker())).collect();
        let workers = workers?;
        let doors: Vec<Door> = workers.iter().map(|worker| worker.door.clone()).collect();
        let serve = |(listener, address, socket): (Listener, SocketAddr, TcpListener)| {
            let acceptor = spawn_local(listen::accept(socket, doors.clone()));
            ((listener, address), acceptor)
        };
        let (listeners, acceptors) = bound.into_iter().map(serve).unzip();
        let (admin, orders) = match admin {
            Some((asked, listener)) => {
                let (door, orders) = AdminDoor::open(asked, listener)?;
                (Some(door), Some(orders))
            }
            None => (None, None),
        };
        let serves = counts(&snapshot, entries);
        let started = Instant::now();
        Ok(Self { engine, snapshot, listeners, acceptors, workers, log, started, serves, admin, orders })
    }

    /// Where operators' orders come out; there is one taker. Without an admin address there are never any.
    pub fn orders(&mut self) -> mpsc::Receiver<admin::Order> {
        self.orders.take().unwrap_or_else(|| mpsc::channel(1).1)
    }

    /// Where operators come in.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.admin.as_ref().map(|admin| admin.address)
    }

    /// How it is; `config` and the last reload are the caller's knowledge.
    pub fn status(&self, config: &str, last: Option<&(Instant, Option<String>)>) -> admin::Status {
        let [sites, routes, filters] = self.serves;
        admin::Status {
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            config: config.to_owned(),
            uptime: self.started.elapsed().as_secs(),
            workers: self.workers.len(),
            connections: self.workers.iter().map(|worker| worker.door.open.load(Ordering::Relaxed)).sum(),
            listeners: self.addresses().map(|(name, address)| (name.to_owned(), address)).collect(),
            sites,
            routes,
            filters,
            reload: last.map(|(at, report)| admin::Reload { ago: at.elapsed().as_secs(), report: report.clone() }),
        }
    }

    /// Name and bound address of every listener.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, SocketAddr)> {
        self.listeners.iter().map(|(listener, address)| (listener.name.as_str(), *address))
    }

    /// Builds a snapshot beside the running one and swaps it in. On an error nothing has changed; on return no new
    /// exchange uses the old one.
    pub async fn reload(&mut self, config: Config) -> Result<(), Report> {
        let (snapshot, config) = build(config, Arc::clone(&self.engine), Some(Arc::clone(&self.snapshot))).await?;
        self.refuse_what_needs_a_restart(&config)?;
        self.serves = counts(&snapshot, config.entries.len());
        self.snapshot = snapshot;
        for worker in &self.workers {
            let (done, adopted) = oneshot::channel();
            if worker.orders.send(Order::Adopt(Arc::clone(&self.snapshot), done)).is_ok() {
                let _ = adopted.await;
            }
        }
        Ok(())
    }

    fn refuse_what_needs_a_restart(&self, config: &Config) -> Result<(), Report> {
        let kept = |listener: &&Listener| {
            self.listeners.iter().any(|(before, _)| before.name == listener.name && before.address == listener.address)
        };
        let changed = config.listeners.iter().find(|listener| !kept(listener));
        let is_admin_kept = config.admin.as_ref() == self.admin.as_ref().map(|admin| &admin.asked);
        let place = match changed {
            Some(listener) => listener.place,
            None if config.listeners.len() != self.listeners.len() || config.workers != self.workers.len() => {
                config.listeners[0].place
            }
            None if !is_admin_kept => {
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
        for worker in self.workers {
            // A worker ends when nobody can give it orders.
            drop((worker.orders, worker.door));
            let _ = worker.thread.join();
        }
        self.log.finish();
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

/// Sites, routes and filters.
fn counts(snapshot: &Snapshot, entries: usize) -> [usize; 3] {
    [snapshot.sites.len(), snapshot.sites.iter().map(|site| site.routes.len()).sum(), entries]
}

/// Builds off this thread: compiling takes long.
async fn build(
    config: Config,
    engine: Arc<Engine>,
    before: Option<Arc<Snapshot>>,
) -> Result<(Arc<Snapshot>, Config), Report> {
    let build = move || {
        Snapshot::build(&config, &engine, before.as_deref(), Vec::new()).map(|snapshot| (Arc::new(snapshot), config))
    };
    tokio::task::spawn_blocking(build).await.expect("building a snapshot does not panic")
}

impl Worker {
    fn start(index: usize, snapshot: &Arc<Snapshot>, log: WorkerSender) -> std::io::Result<Self> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (connections, arrivals) = mpsc::unbounded_channel();
        let door = Door { connections, open: Arc::new(AtomicUsize::new(0)) };
        let (snapshot, open) = (Arc::clone(snapshot), Arc::clone(&door.open));
        let runtime =
            move || Builder::new_current_thread().enable_io().enable_time().build_local(LocalOptions::default());
        let thread = std::thread::Builder::new().name(format!("weir-{index}")).spawn(move || match runtime() {
            Ok(runtime) => {
                let log = WorkerLog::new(log);
                runtime.block_on(work(snapshot, inbox, arrivals, open, Rc::clone(&log)));
                // Ends the connections that are left; their exchanges leave records too.
                drop(runtime);
                log.flush();
            }
            Err(error) => tracing::error!("a worker cannot start: {error}"),
        })?;
        Ok(Self { orders, door, thread })
    }
}

type Arrivals = mpsc::UnboundedReceiver<(std::net::TcpStream, SocketAddr)>;

/// A worker's life: connections and orders come in, until both ends are closed.
async fn work(
    snapshot: Arc<Snapshot>,
    mut orders: mpsc::UnboundedReceiver<Order>,
    mut arrivals: Arrivals,
    open: Arc<AtomicUsize>,
    log: Rc<WorkerLog>,
) {
    let worker = Rc::new(proxy::Worker::new(Local::new(snapshot, None), log));
    let drain = Rc::new(Drain::default());
    spawn_local(clock::run());
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            arrival = arrivals.recv() => {
                let Some((stream, peer)) = arrival else { break };
                let connection = Connection(Arc::clone(&open));
                let (worker, drain) = (Rc::clone(&worker), Rc::clone(&drain));
                spawn_local(async move {
                    let _connection = connection;
                    if let Ok(stream) = tokio::net::TcpStream::from_std(stream) {
                        listen::serve(worker, stream, peer, drain).await;
                    }
                });
            }
            order = orders.recv() => match order {
                Some(Order::Adopt(snapshot, done)) => {
                    worker.adopt(Local::new(snapshot, Some(&worker.local())));
                    let _ = done.send(());
                }
                Some(Order::Drain(done)) => {
                    drain.begin();
                    let _ = done.send(());
                }
                None => break,
            },
            _ = sweep.tick() => worker.local().upstreams.iter().for_each(|pool| pool.sweep()),
        }
    }
}

/// Counts a connection until it is closed, whatever closes it.
struct Connection(Arc<AtomicUsize>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
