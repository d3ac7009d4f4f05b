//! One case on its stage: its configuration built, what it gives put in place, its steps played.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::task::spawn_local;

use super::ears::Ears;
use super::matching::list;
use super::origin::{Origin, Pieces};
use super::outside::Outside;
use super::seen::{LONGEST, Record, Reply, Seen};
use super::{Difference, Subject, compare};
use crate::clock;
use crate::config::cases::{self, Case, Cases, Step};
use crate::config::{Fault, Located, Network, Report};
use crate::plugin::{Document, Engine, Exchange, ExchangeId, Outbound, Peer, Shelf, Station, Tls, Variables, Warm};
use crate::proxy::{self, Connection, Listener};
use crate::snapshot::{Local, Snapshot};
use crate::store::{Options, Store};
use crate::telemetry::access::{Unwritten, WorkerLog, unwritten};
use crate::telemetry::traces::queue;
use crate::upstream::{Error, RequestBody};

/// Ticks that one step may bring: somebody who lets a year pass means something else.
const MOST_TICKS: usize = 10_000;

/// Everything that the steps of a case share.
struct Stage<'a> {
    subject: &'a Subject,
    snapshot: Arc<Snapshot>,
    worker: proxy::Worker,
    log: Rc<WorkerLog>,
    records: Unwritten,
    listeners: Vec<String>,
    origin: Origin,
    outside: Outside,
    shelf: Shelf,
    /// Relative names of documents are relative to this.
    folder: PathBuf,
    ears: &'a Ears,
    /// Filters that tick: their place, how often, and when next.
    ticks: Vec<(usize, Duration, Duration)>,
}

/// Plays a case; what is not as it was to be.
pub(super) async fn play(
    cases: &Cases,
    case: &Case,
    subject: &Subject,
    engine: &Arc<Engine>,
    ears: &Ears,
) -> std::io::Result<Vec<Difference>> {
    spawn_local(clock::run());
    let origin = Origin::open().await?;
    let config = case.configuration(&cases.sources, &subject.name, subject.component.as_deref(), origin.address);
    let built = Snapshot::build(&config, engine, None, &HashMap::new(), Vec::new());
    let snapshot = match (built, &case.refused) {
        (Err(report), Some(expected)) => return Ok(compare::refused(expected, &report)),
        (Err(report), None) => return Ok(vec![unsound(case, &report)]),
        (Ok(_), Some(expected)) => return Ok(compare::refused(expected, &Report::new(&cases.sources, Vec::new()))),
        (Ok(snapshot), None) => Arc::new(snapshot),
    };
    let outside = Outside::default();
    let line: Arc<dyn Outbound> = Arc::new(outside.clone());
    let (sender, records) = unwritten();
    let log = WorkerLog::new(sender);
    let station = Station { outbound: line, ticks: true };
    let local = Local::new(Arc::clone(&snapshot), &station, Warm::default(), None).await;
    // Nobody asks why, and no case is traced.
    let worker = proxy::Worker::new(local, Rc::clone(&log), Arc::default(), queue().0);
    let up = clock::uptime();
    let ticks = worker.local().pools.ticking().into_iter().map(|(place, every)| (place, every, up + every));
    let folder = cases.sources.first().and_then(|source| source.path.parent()).unwrap_or(Path::new(""));
    let mut stage = Stage {
        subject,
        ticks: ticks.collect(),
        snapshot,
        worker,
        log,
        records,
        listeners: config.listeners.iter().map(|listener| listener.name.clone()).collect(),
        origin,
        outside,
        shelf: Shelf::default(),
        folder: folder.to_owned(),
        ears,
    };
    let mut differences = stage.furnish(case).await;
    for (number, step) in case.steps.iter().enumerate() {
        let mut found = match tokio::time::timeout(LONGEST, stage.step(number, step)).await {
            Ok(found) => found?,
            Err(_) => vec![Difference::new(step.place, "time", format!("at most {LONGEST:?}"), "no end")],
        };
        if case.steps.len() > 1 {
            let name = step.name.as_deref().map_or_else(|| format!("step {}", number + 1), str::to_owned);
            for difference in &mut found {
                difference.what = format!("{name}: {}", difference.what);
            }
        }
        differences.append(&mut found);
    }
    Ok(differences)
}

fn unsound(case: &Case, report: &Report) -> Difference {
    Difference::new(case.name.place, "this cannot be served", "", report.render(false))
}

impl Stage<'_> {
    /// Puts documents and values where the case has them.
    async fn furnish(&mut self, case: &Case) -> Vec<Difference> {
        let mut differences = self.place_documents(&case.documents).await;
        for document in self.documents() {
            if !is_given(&case.documents, &document, &self.folder) {
                self.shelf.fetch(&document).await;
            }
            spawn_local(self.shelf.clone().keep(document));
        }
        for (name, key, value) in &case.stored {
            let stored =
                self.store(&name.value).map(|(store, owner)| store.set(&owner, key, value, Options::default()));
            if let Some(Err(error)) = stored {
                differences.push(Difference::new(name.place, format!("kv: {key}"), "a value", error.to_string()));
            }
        }
        differences
    }

    fn documents(&self) -> Vec<Arc<Document>> {
        self.snapshot.documents().map(Arc::clone).collect()
    }

    fn store(&self, name: &str) -> Option<(&dyn Store, String)> {
        let owner = self.snapshot.entries().first()?.identity().to_owned();
        self.snapshot.store(name).map(|store| (&**store, owner))
    }

    /// Fetches what is given, then leaves what the next fetch brings.
    async fn place_documents(&self, given: &[(Located<String>, cases::Document)]) -> Vec<Difference> {
        let mut differences = Vec::new();
        for (name, texts) in given {
            let known = self.documents();
            let called: Vec<_> = known.iter().filter(|it| it.is_called(&name.value, &self.folder)).collect();
            if called.is_empty() {
                let names = list(known.iter().map(|document| self.name(document)));
                let expected = format!("a document that the configuration names: {names}");
                differences.push(Difference::new(name.place, "documents", expected, &name.value));
            }
            for document in called {
                self.shelf.put(&document.name(), texts.first.clone());
                self.shelf.fetch(document).await;
                self.shelf.put(&document.name(), texts.then.clone());
            }
        }
        differences
    }

    /// A document's name as its author wrote it.
    fn name(&self, document: &Document) -> String {
        let name = document.name();
        Path::new(&name).strip_prefix(&self.folder).map_or(name.clone(), |short| short.display().to_string())
    }

    async fn step(&mut self, number: usize, step: &Step) -> std::io::Result<Vec<Difference>> {
        self.ears.begin();
        self.outside.begin(&step.answers);
        let mut differences = self.pass(step).await;
        differences.extend(self.place_documents(&step.documents).await);
        self.origin.begin(&step.upstream).await?;
        let (reply, vars) = self.exchange(number, step).await;
        // Filters that wait when it is over are tasks; what they wait for is here.
        for _ in 0..16 {
            tokio::task::yield_now().await;
        }
        self.log.flush();
        let record = self.records.last().map(|lines| Record::read(&lines)).unwrap_or_default();
        let (calls, odd) = self.outside.asked();
        let seen = Seen {
            reply,
            record,
            received: self.origin.received(),
            calls,
            odd,
            vars: vars.read(),
            heard: self.ears.step(),
            counted: self.snapshot.counted().map(|(_, counted)| counted).collect(),
        };
        let stored = |store: &str, key: &str| {
            let (store, owner) = self.store(store)?;
            store.get(&owner, key).ok().flatten().map(|value| value.to_vec())
        };
        differences.extend(compare::step(step, &self.subject.name, &seen, &stored));
        Ok(differences)
    }

    /// Lets time pass, tick by tick.
    async fn pass(&mut self, step: &Step) -> Vec<Difference> {
        let end = clock::uptime().saturating_add(step.advance);
        let mut count = 0;
        while let Some(next) = self.ticks.iter_mut().filter(|(.., next)| *next <= end).min_by_key(|(.., next)| *next) {
            let (place, every, at) = *next;
            next.2 += every;
            count += 1;
            if count > MOST_TICKS {
                let got = format!("more of {every:?} each");
                return vec![Difference::new(step.place, "advance", format!("at most {MOST_TICKS} ticks"), got)];
            }
            clock::advance(at.saturating_sub(clock::uptime()));
            self.worker.local().pools.tick(place).await;
        }
        clock::advance(end.saturating_sub(clock::uptime()));
        Vec::new()
    }

    /// One exchange through the proxy.
    async fn exchange(&self, number: usize, step: &Step) -> (Reply, Variables) {
        let request = &step.request;
        let listener = self.listeners.iter().position(|name| *name == request.listener).unwrap_or_default();
        let peer = Peer {
            address: request.peer,
            is_trusted: request.is_trusted,
            scheme: if request.tls.is_some() { "https" } else { "http" },
            listener: request.listener.as_str().into(),
            tls: request.tls.clone().map(|tls| Tls {
                version: tls.version,
                cipher: tls.cipher,
                server_name: tls.server_name,
            }),
        };
        let trusted: Arc<[Network]> = if request.is_trusted { [only(request.peer)].into() } else { [].into() };
        let connection = Connection::new(Listener::new(listener), peer, None, &trusted, Rc::new(()));
        let id = ExchangeId(request.id.unwrap_or(number as u128 + 1));
        let body = match request.body.clone() {
            None => RequestBody::default(),
            Some(body) if body.has_length => RequestBody::whole(body.pieces.concat().into()),
            Some(body) => RequestBody::made(Pieces::of(body).map_err(|error| Error::ClientBody(error.to_string()))),
        };
        let mut exchange = Exchange::begin(id, clock::moment(), &connection.peer, request.head.clone());
        let vars = exchange.with_variables(&step.vars);
        let response = proxy::serve(&self.worker, &connection, exchange, body).await;
        (Reply::read(response).await, vars)
    }
}

fn is_given(given: &[(Located<String>, cases::Document)], document: &Document, folder: &Path) -> bool {
    given.iter().any(|(name, _)| document.is_called(&name.value, folder))
}

/// Just this address.
fn only(address: IpAddr) -> Network {
    Network { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
}

/// What a fault says, and what to do.
pub(super) fn words(fault: &Fault) -> String {
    match &fault.help {
        Some(help) => format!("{} ({help})", fault.message),
        None => fault.message.clone(),
    }
}
