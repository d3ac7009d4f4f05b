//! A store on servers that speak Redis's protocol: one, one that sentinels name, or a cluster.
//!
//! It has the functions of [`Store`](super::Store) as futures, which a hook waits for. Nothing of it runs on the workers
//! but writing down what is asked and reading what came of it: a thread of its own (`weir-stores`) has the connections of
//! all stores. So all workers share a connection, and one look tells whether a server is out of reach.
//!
//! What fails here is what filters are told: an operation that was under way when its time ran out, or the connection
//! broke, may have been done or not.

mod answer;
mod cluster;
mod compose;
mod health;
mod link;
mod resp;
mod script;
mod settings;
mod way;

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use tokio::runtime::{Builder, Handle};
use tokio::time::Instant;

pub use self::health::{Counted, ServerState};
pub use self::settings::{Address, Dial, Dialled, Login, Servers, Settings, Tls, Wire};

use self::answer::has_forgotten;
use self::cluster::Cluster;
use self::compose::{Asked, Composer};
use self::health::{Counts, Health, Refusals};
use self::link::{Link, Request};
use self::resp::Value;
use self::way::{Find, Way};
use super::step::check_steps;
use super::{Error, Operation, Options, Outcome, Stand, Step};

/// A store on Redis or Valkey.
#[derive(Debug)]
pub struct Redis {
    settings: Arc<Settings>,
    dial: Arc<dyn Dial>,
    counts: Arc<Counts>,
    refusals: Refusals,
    /// From the first use on.
    servers: OnceLock<Result<Found, Error>>,
}

/// Where operations go.
#[derive(Debug)]
enum Found {
    One(Link),
    Cluster(Arc<Cluster>),
}

impl Redis {
    /// A store that is not looked for before it is used or [started](Self::start).
    pub fn new(settings: Settings, dial: Arc<dyn Dial>) -> Self {
        Self {
            settings: Arc::new(settings),
            dial,
            counts: Arc::default(),
            refusals: Refusals::default(),
            servers: OnceLock::new(),
        }
    }

    /// As configured.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Each server that is known.
    pub fn servers(&self) -> Vec<ServerState> {
        match self.servers.get() {
            Some(Ok(Found::One(link))) => vec![link.health.state()],
            Some(Ok(Found::Cluster(cluster))) => cluster.servers(),
            Some(Err(_)) | None => Vec::new(),
        }
    }

    /// What was counted.
    pub fn counted(&self) -> Counted {
        self.counts.counted()
    }

    /// Connects, if it was not told to before; does not wait for that.
    pub fn start(&self) {
        let _ = self.found();
    }

    fn found(&self) -> Result<&Found, Error> {
        self.servers.get_or_init(|| self.find()).as_ref().map_err(|error| *error)
    }

    fn find(&self) -> Result<Found, Error> {
        let Some(runtime) = runtime() else { return Err(Error::Unavailable) };
        let Settings { name, servers, login, database, timeout, .. } = &*self.settings;
        let (find, server) = match servers {
            Servers::Cluster(_) => {
                return Ok(Found::Cluster(Cluster::open(runtime, &self.settings, &self.dial, &self.counts)));
            }
            Servers::One(address) => (Find::At(address.clone()), address.to_string()),
            Servers::Sentinels { sentinels, master, login } => (
                Find::Master {
                    sentinels: sentinels.clone(),
                    name: master.clone(),
                    login: login.clone(),
                    first: AtomicUsize::new(0),
                },
                master.clone(),
            ),
        };
        let way = Way {
            dial: Arc::clone(&self.dial),
            find,
            login: login.clone(),
            database: *database,
            patience: way::patience(*timeout),
        };
        let health = Health::new(&name.as_str().into(), server);
        Ok(Found::One(Link::open(runtime, way, *timeout, health, &self.counts, None)))
    }
}

/// What each function of a store comes to here.
impl Redis {
    /// See [`Store::get`](super::Store::get).
    pub fn get(self: &Arc<Self>, owner: &str, key: &str) -> impl Future<Output = Result<Option<Bytes>, Error>> + use<> {
        let asked = self.composer(owner).get(key);
        let this = Arc::clone(self);
        async move { this.text(this.one(asked?).await?) }
    }

    /// See [`Store::set`](super::Store::set).
    pub fn set(
        self: &Arc<Self>,
        owner: &str,
        key: &str,
        value: &[u8],
        options: Options,
    ) -> impl Future<Output = Result<(), Error>> + use<> {
        let asked = self.composer(owner).set(key, value, options);
        let this = Arc::clone(self);
        async move { this.one(asked?).await.map(drop) }
    }

    /// See [`Store::delete`](super::Store::delete).
    pub fn delete(self: &Arc<Self>, owner: &str, key: &str) -> impl Future<Output = Result<bool, Error>> + use<> {
        let asked = self.composer(owner).delete(key);
        let this = Arc::clone(self);
        async move { Ok(this.number(&this.one(asked?).await?)? != 0) }
    }

    /// See [`Store::increment`](super::Store::increment).
    pub fn increment(
        self: &Arc<Self>,
        owner: &str,
        key: &str,
        by: i64,
        ttl: Option<u64>,
    ) -> impl Future<Output = Result<i64, Error>> + use<> {
        let asked = self.composer(owner).increment(key, by, ttl);
        let this = Arc::clone(self);
        async move { this.number(&this.one(asked?).await?) }
    }

    /// See [`Store::compare_and_swap`](super::Store::compare_and_swap).
    pub fn compare_and_swap(
        self: &Arc<Self>,
        owner: &str,
        key: &str,
        expected: Option<&[u8]>,
        new: Option<&[u8]>,
        options: Options,
    ) -> impl Future<Output = Result<bool, Error>> + use<> {
        let asked = self.composer(owner).swap(key, expected, new, options);
        let this = Arc::clone(self);
        async move { Ok(this.number(&this.one(asked?).await?)? != 0) }
    }

    /// See [`Store::batch`](super::Store::batch). On a cluster, operations on keys of different servers have no order.
    pub fn batch(
        self: &Arc<Self>,
        owner: &str,
        operations: &[Operation<'_>],
    ) -> impl Future<Output = Result<Vec<Outcome>, Error>> + use<> {
        let batch = self.composer(owner).batch(operations);
        let this = Arc::clone(self);
        async move { this.many(batch?).await }
    }

    /// See [`Store::advance`](super::Store::advance). On a cluster, steps whose keys are in different slots take a round trip
    /// each.
    pub fn advance(
        self: &Arc<Self>,
        owner: &str,
        steps: &[Step<'_>],
    ) -> impl Future<Output = Result<Vec<Stand>, Error>> + use<> {
        let is_cluster = matches!(self.settings.servers, Servers::Cluster(_));
        let rows = check_steps(steps).and_then(|()| self.composer(owner).advance(steps, !is_cluster));
        let this = Arc::clone(self);
        async move {
            let mut stands = Vec::new();
            for asked in rows? {
                let Value::List(parts) = this.one(asked).await? else { return Err(this.unexpected()) };
                for [value, taken] in parts.as_chunks().0 {
                    stands.push(Stand { value: this.number(value)?, taken: this.number(taken)? != 0 });
                }
                if stands.last().is_none_or(|last| !last.taken) {
                    break;
                }
            }
            Ok(stands)
        }
    }

    fn composer<'a>(&'a self, owner: &'a str) -> Composer<'a> {
        Composer::new(&self.settings.prefix, owner)
    }

    /// Sends one command, in full if need be.
    async fn one(&self, asked: Asked) -> Result<Value, Error> {
        let Asked { slot, request, in_full } = asked;
        let began = Instant::now();
        let until = began + self.settings.timeout;
        let mut reply = self.send(slot, request, until).await;
        if let (Some(in_full), Ok(value)) = (in_full, &reply)
            && has_forgotten(value)
        {
            reply = self.send(slot, in_full, until).await;
        }
        let reply = self.counted_from(began, reply)?;
        self.checked(reply)
    }

    async fn send(&self, slot: u16, request: Request, until: Instant) -> Result<Value, Error> {
        match self.found()? {
            Found::One(link) => {
                let replies = link.ask(request, until).await?;
                replies.into_iter().next().ok_or(Error::Unavailable)
            }
            Found::Cluster(cluster) => {
                let mut replies = cluster.ask(vec![(slot, request)], until).await;
                replies.pop().unwrap_or(Err(Error::Unavailable))
            }
        }
    }

    /// Sends operations in one go, but for those that cannot be done anyway.
    async fn many(&self, batch: Vec<compose::Composed>) -> Result<Vec<Outcome>, Error> {
        let began = Instant::now();
        let until = began + self.settings.timeout;
        let sound = batch.iter().filter_map(|(_, asked)| asked.as_ref().ok());
        let mut replies = match self.found()? {
            Found::One(link) => {
                let all = Request::together(sound.map(|asked| &asked.request));
                let replies = if all.commands == 0 { Ok(Vec::new()) } else { link.ask(all, until).await };
                self.counted_from(began, replies)?.into_iter().map(Ok).collect::<Vec<_>>().into_iter()
            }
            Found::Cluster(cluster) => {
                let all = sound.map(|asked| (asked.slot, asked.request.clone())).collect();
                let replies = cluster.ask(all, until).await;
                self.counts.took(began.elapsed());
                for error in replies.iter().filter_map(|reply| reply.as_ref().err()) {
                    self.counts.failed_with(*error);
                }
                replies.into_iter()
            }
        };
        let outcomes = batch.into_iter().map(|(kind, asked)| {
            let reply = asked.and_then(|_| replies.next().unwrap_or(Err(Error::Unavailable)));
            let outcome = reply.and_then(|reply| self.outcome(kind, self.checked(reply)?));
            outcome.unwrap_or_else(Outcome::Failed)
        });
        Ok(outcomes.collect())
    }

    fn counted_from<T>(&self, began: Instant, reply: Result<T, Error>) -> Result<T, Error> {
        self.counts.took(began.elapsed());
        reply.inspect_err(|error| self.counts.failed_with(*error))
    }

    /// The server is not what it was; behind sentinels there is another one.
    fn find_again(&self) {
        if let Some(Ok(Found::One(link))) = self.servers.get() {
            link.find_again();
        }
    }
}

/// The thread of all stores' connections; none if it cannot be started.
fn runtime() -> Option<&'static Handle> {
    static RUNTIME: OnceLock<Option<Handle>> = OnceLock::new();
    let start = || {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let serve = move || runtime.block_on(std::future::pending::<()>());
        std::thread::Builder::new().name("weir-stores".into()).spawn(serve)?;
        Ok::<_, std::io::Error>(handle)
    };
    let started = RUNTIME.get_or_init(|| {
        start()
            .inspect_err(|error| tracing::error!("no store on Redis can be used, its thread cannot start: {error}"))
            .ok()
    });
    started.as_ref()
}
