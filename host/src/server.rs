//! The composition root: binds, starts the workers, swaps what they use, drains.

mod calls;
mod door;
mod ending;
mod files;
mod handover;
mod health;
mod inherit;
mod inspect;
mod listeners;
mod logs;
mod metrics;
mod notify;
mod orders;
mod probation;
mod program;
mod reload;
mod state;
mod swap;
mod traces;
mod upgrade;
mod versions;
mod watch;
mod why;
mod worker;
mod workers;

use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use anyhow::Context;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::spawn_local;

use crate::admin;
use crate::config::{Admin, Config, Fault, Process, Report};
use crate::listen::Stop;
use crate::plugin::{Document, Engine, Substitutes, Warm};
use crate::telemetry::log;

use door::AdminDoor;
pub use handover::Predecessor;
use health::Pulse;
pub use inherit::Inherited;
use listeners::{Bound, Listeners};
use logs::Logs;
pub use notify::Notify;
pub use program::Program;
use reload::Changes;
pub use reload::{Built, Outcome, Reloads};
pub use state::State;
use swap::Swaps;
use traces::Exporter;
pub use upgrade::Successor;
use upgrade::Upgrades;
use versions::{Move, Versions};
use watch::{Item, Watch};
use workers::Workers;

/// Orders that wait; whoever asks waits, too.
const ORDERS: usize = 16;

/// Where the configuration comes from, as often as it is asked for.
#[derive(Clone)]
pub struct Source {
    /// For people.
    pub name: String,
    /// Whether it is reloaded when a file of it changes.
    pub is_watched: bool,
    /// Reads it; slow.
    pub load: Arc<dyn Fn() -> Config + Send + Sync>,
}

/// A running proxy. Its methods belong on one control thread.
#[derive(Debug)]
pub struct Server {
    source: Source,
    engine: Arc<Engine>,
    state: Arc<State>,
    listeners: Listeners,
    workers: Workers,
    exporter: Exporter,
    started: Instant,
    /// When that was, and when what is served was adopted.
    adopted: (SystemTime, SystemTime),
    admin: Option<AdminDoor>,
    /// To whoever opens a door for operators.
    ordered: mpsc::Sender<admin::Order>,
    orders: mpsc::Receiver<admin::Order>,
    changes: Changes,
    versions: Versions,
    swaps: Swaps,
    reloads: Reloads,
    /// How the process was told to be.
    process: Process,
    is_draining: bool,
    upgrades: Upgrades,
    successor: Option<Successor>,
    /// Whether another process accepts on the same sockets.
    is_replaced: bool,
    /// What probes are told.
    pulse: Rc<Pulse>,
    /// Counts the states that were in force.
    number: u64,
    /// Whose turn it is to show something large.
    showing: Arc<Semaphore>,
    /// The configuration that was last read, if it could not be used.
    refused: Option<Arc<Config>>,
    files: Watch,
}

/// Files that have changed.
#[derive(Debug)]
pub struct Changed(Vec<Item>);

/// What there is to do.
#[derive(Debug)]
pub enum Duty {
    /// An operator asks for something.
    Order(admin::Order),
    /// A build has ended.
    Built(Built),
    /// It is time to look at versions of plugins that are on probation.
    Look,
    /// Another process is ready to take over, or is not.
    Upgraded(Result<Successor, String>),
    /// Files have changed.
    Changed(Changed),
}

impl Server {
    /// Loads the filters, takes or binds the listeners' sockets and serves. On return every address accepts.
    pub async fn start(source: Source, engine: Arc<Engine>, mut inherited: Inherited) -> anyhow::Result<Self> {
        let (ordered, orders) = mpsc::channel(ORDERS);
        let since = watch::now();
        let (load, with) = (Arc::clone(&source.load), Arc::clone(&engine));
        let holder = inherited.holder.take();
        let build = move || {
            let state = reload::build(&Arc::new(load()), &with, None, &Substitutes::new())?;
            // As late as it can be: what the process before changes after that is lost with it.
            if let Some(holder) = holder {
                holder.relieve();
            }
            state.begin_stores();
            Ok::<_, Report>(state)
        };
        let state = tokio::task::spawn_blocking(build).await.context("the build broke off")??;
        let exporter = Exporter::new();
        let mut server = Self {
            source,
            engine,
            listeners: Listeners::inheriting(inherited),
            workers: Workers::none(exporter.sink())?,
            exporter,
            started: Instant::now(),
            adopted: (SystemTime::now(), SystemTime::now()),
            admin: None,
            ordered,
            orders,
            changes: Changes::none(),
            versions: Versions::default(),
            swaps: Swaps::default(),
            reloads: Reloads::default(),
            process: Process::default(),
            is_draining: false,
            upgrades: Upgrades::none(),
            successor: None,
            is_replaced: false,
            pulse: Rc::default(),
            number: 0,
            showing: Arc::new(Semaphore::new(1)),
            refused: None,
            files: Watch::start(),
            state: Arc::clone(&state),
        };
        server.take_over(state, Vec::new(), None).await?;
        server.listeners.inherited.close_rest();
        server.watch(since);
        Ok(server)
    }

    /// Waits for what there is to do next. Giving up the wait loses nothing.
    pub async fn duty(&mut self) -> Duty {
        tokio::select! {
            Some(order) = self.orders.recv() => Duty::Order(order),
            built = self.changes.next() => Duty::Built(built),
            () = self.versions.time_to_look() => Duty::Look,
            attempt = self.upgrades.next() => Duty::Upgraded(attempt),
            changed = self.files.next() => Duty::Changed(Changed(changed)),
        }
    }

    /// Does it. What takes long goes on beside, and ends as a duty of its own.
    pub async fn perform(&mut self, duty: Duty) {
        match duty {
            Duty::Order(order) => self.obey(order),
            Duty::Built(built) => self.finish(built).await,
            Duty::Look => self.look_at_probation(),
            Duty::Upgraded(attempt) => self.conclude(attempt),
            Duty::Changed(Changed(items)) => self.changed(items),
        }
    }

    /// Says where it listens, for whoever reads the log.
    pub fn announce(&self) {
        self.listeners.iter().for_each(Bound::announce);
        self.admin.iter().for_each(AdminDoor::announce);
    }

    /// Uses what the names of its logs' files stand for now.
    pub fn reopen_logs(&self) {
        self.workers.log().reopen();
        log::reopen();
        tracing::info!("the files of the log and of the records are opened again");
    }

    /// Name, scheme and bound address of every listener.
    pub fn addresses(&self) -> impl Iterator<Item = (&str, &'static str, SocketAddr)> {
        self.listeners.iter().map(|bound| (bound.name.as_str(), bound.scheme, bound.address))
    }

    /// Has everything be as this state says, and takes note of what became of plugins by it. New versions are on probation,
    /// but for that of the plugin that was to go back.
    async fn take_over(&mut self, state: Arc<State>, warm: Vec<Warm>, back: Option<&str>) -> Result<Vec<Move>, Report> {
        // What they did is forgotten with them.
        let before = self.calls_of_leaving(&state);
        self.adopt(state, warm).await?;
        let config = Arc::clone(&self.state.config);
        let source = |name: &str| config.plugin(name).ok().map(|plugin| &plugin.component.source);
        let moves = self.versions.serve(self.state.snapshot.plugins(), source, back);
        for moved in moves.iter().filter(|moved| back != Some(moved.plugin.as_str())) {
            self.put_on_probation(&moved.plugin, before.get(&moved.plugin).copied());
        }
        Ok(moves)
    }

    /// Has everything be as this state says: what it needs is bound and started before, and what it does not have comes to
    /// an end behind. On an error nothing has changed.
    async fn adopt(&mut self, state: Arc<State>, warm: Vec<Warm>) -> Result<(), Report> {
        let config = Arc::clone(&state.config);
        let failed = |faults| Report::new(&config.sources, faults);
        let grace = config.process.drain.grace;
        let plan = self.listeners.plan(&config);
        let is_open = |asked: &&Admin| self.admin.as_ref().is_some_and(|door| door.is_at(asked));
        let door = state.admin.as_ref().filter(|asked| !is_open(asked));
        let door = door
            .map(|asked| {
                AdminDoor::open(
                    asked,
                    state.operators.as_ref(),
                    &self.ordered,
                    &self.pulse,
                    &mut self.listeners.inherited,
                )
            })
            .transpose();
        let logs = Logs::open(&config.process, &self.process);
        let (plan, door, logs) = match (plan, door, logs) {
            (Ok(plan), Ok(door), Ok(logs)) => (plan, door, logs),
            (plan, door, logs) => {
                let faults = [plan.err(), door.err().map(|fault| vec![fault]), logs.err()];
                return Err(failed(faults.into_iter().flatten().flatten().collect()));
            }
        };
        let ids = plan.ids(&self.listeners);
        let workers = self.workers.start(&state, &ids).map_err(|error| {
            failed(vec![Fault::nowhere(format!("cannot start a worker: {error}")).help("lower `workers`")])
        })?;
        logs.switch(self.workers.log()).await;
        self.process = config.process.clone();
        self.workers.adopt(&state, &ids, (workers, warm), grace).await;
        for gone in self.listeners.take(plan, &config, self.workers.doors()) {
            let id = gone.id;
            tracing::info!(listener = gone.name, "no longer listening on {}", gone.address);
            self.workers.forget(id, gone.close(Stop::Closing).await, grace);
        }
        self.pulse.watch(self.workers.orders());
        match (&state.admin, door) {
            (_, Some(new)) => self.admin = Some(new),
            (Some(asked), None) => self.admin.iter_mut().for_each(|door| door.change(asked, state.operators.as_ref())),
            (None, None) => self.admin = None,
        }
        if !Arc::ptr_eq(&self.state, &state) {
            reload::retire(std::mem::replace(&mut self.state, state));
        }
        self.number += 1;
        self.pulse.serve();
        self.keep_documents();
        why::allow(config.why, self.workers.stories());
        self.exporter.adopt(config.traces.as_ref(), self.workers.lines().first());
        Ok(())
    }

    /// Documents are fetched by this thread, through a worker's connections, until nobody uses them.
    fn keep_documents(&self) {
        let lines = self.workers.lines();
        let Some(line) = lines.first() else { return };
        for document in self.state.snapshot.documents() {
            if let Some(keeping) = Document::keep(document, Arc::clone(line)) {
                spawn_local(keeping);
            }
        }
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_tuple("Source").field(&self.name).finish()
    }
}
