//! One record per exchange, on standard output or in a file: for people on a terminal, JSON lines otherwise.
//!
//! A worker collects its records and hands them over in batches; a thread writes them. If nobody reads, or the disk is
//! full for long, records are dropped and counted: a stuck terminal must not stop the proxy, nor fill its memory.

use std::cell::{Cell, RefCell};
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use super::output::{AGAIN, LogFile, Output, Switch};

/// How long a record may wait for company.
const DELAY: Duration = Duration::from_millis(20);

/// A batch this large leaves at once.
const BATCH: usize = 64 << 10;

/// Batches on their way to the writer.
const QUEUE: usize = 256;

/// What is known about an exchange when it is over.
#[allow(missing_debug_implementations)]
pub struct Record<'a> {
    /// Its id.
    pub exchange: &'a dyn std::fmt::Display,
    /// Its trace, if that is recorded.
    pub trace: Option<&'a str>,
    /// The peer's address.
    pub client: std::net::IpAddr,
    /// As sent.
    pub method: &'a str,
    /// As the client named it, if it did.
    pub host: Option<&'a str>,
    /// The path in its one spelling, and the query.
    pub target: &'a str,
    /// None if the client left before there was one.
    pub status: Option<u16>,
    /// Bytes of the response's body.
    pub bytes: u64,
    /// From the request's head to the response's last byte.
    pub duration: Duration,
    /// The route's name.
    pub route: Option<&'a str>,
    /// The server that it came from, if it did.
    pub endpoint: Option<&'a str>,
    /// Who made the response: `upstream`, `host` or a filter's name.
    pub by: &'a str,
    /// Why, if it is not the upstream's.
    pub reason: Option<&'a str>,
    /// More of it.
    pub detail: Option<&'a str>,
    /// `complete`, or who ended it early.
    pub ended: &'a str,
}

/// Where all workers' records go.
#[derive(Debug)]
pub struct AccessLog {
    sender: WorkerSender,
    switch: Switch,
    writer: std::thread::JoinHandle<()>,
}

/// What the writer shares with everybody else.
#[derive(Debug, Default)]
struct Shared {
    /// Records that were lost.
    lost: AtomicU64,
    /// Whether records are written for people; otherwise for programs.
    for_people: AtomicBool,
    /// Whether the end is near: what cannot be written now never will be.
    is_ending: AtomicBool,
}

impl AccessLog {
    /// Starts the writer, to standard output.
    pub fn start() -> std::io::Result<Self> {
        let (batches, queue) = sync_channel(QUEUE);
        let (shared, switch) = (Arc::new(Shared::default()), Switch::default());
        shared.write_for(None);
        let output = Output::new("access records", switch.clone());
        let writer = Writer { output, shared: Arc::clone(&shared), told: 0 };
        let writer = std::thread::Builder::new().name("weir-access".into()).spawn(move || writer.write(&queue))?;
        Ok(Self { sender: WorkerSender { batches, shared }, switch, writer })
    }

    /// A worker's end.
    pub fn worker(&self) -> WorkerSender {
        self.sender.clone()
    }

    /// From now on records go to this file, or to standard output.
    pub fn to(&self, file: Option<LogFile>) {
        self.sender.shared.write_for(file.as_ref());
        self.switch.to(file);
        self.wake();
    }

    /// From now on records go to the file that has the file's name now.
    pub fn reopen(&self) {
        self.switch.again();
        self.wake();
    }

    /// How many records were lost so far.
    pub fn lost(&self) -> u64 {
        self.sender.shared.lost.load(Ordering::Relaxed)
    }

    /// Waits until all is written that can be; the workers must have ended.
    pub fn finish(self) {
        self.sender.shared.is_ending.store(true, Ordering::Relaxed);
        self.wake();
        drop(self.sender);
        let _ = self.writer.join();
    }

    /// Makes the writer look at what is asked of it. One that has no time has a batch, and looks with that.
    fn wake(&self) {
        let _ = self.sender.batches.try_send(Batch::default());
        self.writer.thread().unpark();
    }
}

impl Shared {
    fn write_for(&self, file: Option<&LogFile>) {
        let for_people = file.is_none() && std::io::stdout().is_terminal();
        self.for_people.store(for_people, Ordering::Relaxed);
    }
}

/// Records on their way.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    count: u64,
}

struct Writer {
    output: Output,
    shared: Arc<Shared>,
    /// Lost records that were told of.
    told: u64,
}

impl Writer {
    fn write(mut self, batches: &Receiver<Batch>) {
        for Batch { bytes, count } in batches {
            let mut rest = bytes.as_slice();
            // While it waits here the queue fills, and then records are lost.
            while self.output.write(&mut rest, &mut std::io::stdout().lock()).is_err() {
                // A closed pipe ends the records, not the proxy.
                if !self.output.is_file() {
                    break;
                }
                if self.shared.is_ending.load(Ordering::Relaxed) {
                    self.shared.lost.fetch_add(count, Ordering::Relaxed);
                    break;
                }
                std::thread::park_timeout(AGAIN);
            }
            self.tell();
        }
    }

    fn tell(&mut self) {
        let lost = self.shared.lost.load(Ordering::Relaxed);
        let missing = lost - self.told;
        if missing > 0 {
            let why = if self.output.is_file() { "could not be written" } else { "was not read" };
            let what = if self.output.is_file() { "their file" } else { "standard output" };
            tracing::warn!("{missing} access records were lost: {what} {why}");
            self.told = lost;
        }
    }
}

/// What a worker thread is given to make its [`WorkerLog`].
#[derive(Clone, Debug)]
pub struct WorkerSender {
    batches: SyncSender<Batch>,
    shared: Arc<Shared>,
}

/// One worker's records.
#[derive(Debug)]
pub struct WorkerLog {
    sender: WorkerSender,
    batch: RefCell<Batch>,
    is_ending: Cell<bool>,
}

impl WorkerLog {
    /// An empty batch.
    pub fn new(sender: WorkerSender) -> Rc<Self> {
        Rc::new(Self { sender, batch: RefCell::default(), is_ending: Cell::new(false) })
    }

    /// The worker ends: from here on it is the proxy that breaks exchanges off.
    pub fn end(&self) {
        self.is_ending.set(true);
    }

    /// Whether the worker ends.
    pub fn is_ending(&self) -> bool {
        self.is_ending.get()
    }

    /// Adds a record; it is written soon.
    pub fn add(self: &Rc<Self>, record: &Record<'_>) {
        let mut batch = self.batch.borrow_mut();
        let Batch { bytes, count } = &mut *batch;
        let is_first = bytes.is_empty();
        if self.sender.shared.for_people.load(Ordering::Relaxed) {
            record.for_people(bytes);
        } else {
            record.json(bytes);
        }
        *count += 1;
        let is_full = bytes.len() >= BATCH;
        drop(batch);
        if is_full {
            self.flush();
        } else if is_first {
            let log = Rc::clone(self);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(DELAY).await;
                log.flush();
            });
        }
    }

    /// Hands the batch over.
    pub fn flush(&self) {
        let batch = self.batch.take();
        let count = batch.count;
        if count > 0 && self.sender.batches.try_send(batch).is_err() {
            self.sender.shared.lost.fetch_add(count, Ordering::Relaxed);
        }
    }
}

impl Record<'_> {
    fn json(&self, line: &mut Vec<u8>) {
        let time = super::time::rfc3339(SystemTime::now());
        let milliseconds = self.duration.as_secs_f64() * 1e3;
        let _ =
            write!(line, r#"{{"time":"{time}","exchange":"{}","client":"{}","status":"#, self.exchange, self.client);
        match self.status {
            Some(status) => drop(write!(line, "{status}")),
            None => line.extend(b"null"),
        }
        let _ = write!(line, r#","bytes":{},"ms":{milliseconds:.3}"#, self.bytes);
        for (key, value) in [
            ("method", Some(self.method)),
            ("host", self.host),
            ("target", Some(self.target)),
            ("route", self.route),
            ("endpoint", self.endpoint),
            ("by", Some(self.by)),
            ("reason", self.reason),
            ("detail", self.detail),
            ("ended", Some(self.ended)),
            ("trace", self.trace),
        ] {
            let Some(value) = value else { continue };
            let _ = write!(line, r#","{key}":"#);
            let _ = serde_json::to_writer(&mut *line, value);
        }
        line.extend(b"}\n");
    }

    fn for_people(&self, line: &mut Vec<u8>) {
        let status = self.status.map_or("---".to_owned(), |status| status.to_string());
        let milliseconds = self.duration.as_secs_f64() * 1e3;
        let host = self.host.unwrap_or_default().escape_debug();
        let target = self.target.escape_debug();
        let _ =
            write!(line, "{status} {} {host}{target} {}B {milliseconds:.1}ms by {}", self.method, self.bytes, self.by);
        for more in [self.reason, self.detail.filter(|detail| !detail.is_empty())].into_iter().flatten() {
            let _ = write!(line, ": {}", more.escape_debug());
        }
        if self.ended != "complete" {
            let _ = write!(line, " ({})", self.ended);
        }
        let _ = writeln!(line, " [{}]", self.exchange);
    }
}
