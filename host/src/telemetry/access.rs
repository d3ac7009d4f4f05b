//! One record per exchange, on standard output: for people on a terminal, JSON lines otherwise.
//!
//! A worker collects its records and hands them over in batches; a thread writes them. If nobody reads, records are
//! dropped and counted: a stuck terminal must not stop the proxy, nor fill its memory.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

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
    batches: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
    for_people: bool,
    writer: std::thread::JoinHandle<()>,
}

impl AccessLog {
    /// Starts the writer.
    pub fn start() -> std::io::Result<Self> {
        let (batches, queue) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&lost);
        let writer = std::thread::Builder::new().name("weir-access".into()).spawn(move || write(&queue, &counter))?;
        Ok(Self { batches, lost, for_people: std::io::stdout().is_terminal(), writer })
    }

    /// A worker's end.
    pub fn worker(&self) -> WorkerSender {
        WorkerSender { batches: self.batches.clone(), lost: Arc::clone(&self.lost), for_people: self.for_people }
    }

    /// Waits until all is written; the workers must have ended.
    pub fn finish(self) {
        drop(self.batches);
        let _ = self.writer.join();
    }
}

fn write(batches: &Receiver<Vec<u8>>, lost: &AtomicU64) {
    for batch in batches {
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            tracing::warn!("{missing} access records were lost: standard output was not read");
        }
        // A closed pipe ends the records, not the proxy.
        let mut stdout = std::io::stdout().lock();
        let _ = stdout.write_all(&batch).and_then(|()| stdout.flush());
    }
}

/// A worker's end whose records come out at the other end in batches of JSON lines, and are written nowhere.
pub fn unwritten() -> (WorkerSender, Receiver<Vec<u8>>) {
    let (batches, queue) = sync_channel(QUEUE);
    (WorkerSender { batches, lost: Arc::default(), for_people: false }, queue)
}

/// What a worker thread is given to make its [`WorkerLog`].
#[derive(Clone, Debug)]
pub struct WorkerSender {
    batches: SyncSender<Vec<u8>>,
    lost: Arc<AtomicU64>,
    for_people: bool,
}

/// One worker's records.
#[derive(Debug)]
pub struct WorkerLog {
    sender: WorkerSender,
    batch: RefCell<(Vec<u8>, u64)>,
}

impl WorkerLog {
    /// An empty batch.
    pub fn new(sender: WorkerSender) -> Rc<Self> {
        Rc::new(Self { sender, batch: RefCell::default() })
    }

    /// Adds a record; it is written soon.
    pub fn add(self: &Rc<Self>, record: &Record<'_>) {
        let mut batch = self.batch.borrow_mut();
        let (bytes, count) = &mut *batch;
        let is_first = bytes.is_empty();
        if self.sender.for_people {
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
        let (batch, count) = self.batch.take();
        if count > 0 && self.sender.batches.try_send(batch).is_err() {
            self.sender.lost.fetch_add(count, Ordering::Relaxed);
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
