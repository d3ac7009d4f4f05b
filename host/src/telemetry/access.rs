//! One record per exchange, on standard output or in a file: for people on a terminal, JSON lines otherwise.
//!
//! A worker collects its records and hands them over in batches; a thread writes them. If nobody reads, or the disk is
//! full for long, records are dropped and counted: a stuck terminal must not stop the proxy, nor fill its memory.

use std::cell::{Cell, RefCell};
use std::io::IsTerminal;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use super::output::{AGAIN, LogFile, Output, Switch};
use super::record::Stamp;

pub use super::record::Record;

/// How long a record may wait for company.
const DELAY: Duration = Duration::from_millis(20);

/// A batch this large leaves at once.
const BATCH: usize = 128 << 10;

/// For the record that makes a batch as large as that.
const ROOM: usize = 4 << 10;

/// Batches on their way to the writer.
const QUEUE: usize = 128;

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

/// A worker's end whose records come out at the other end in batches of JSON lines, and are written nowhere.
pub fn unwritten() -> (WorkerSender, Unwritten) {
    let (batches, queue) = sync_channel(QUEUE);
    (WorkerSender { batches, shared: Arc::default() }, Unwritten(queue))
}

/// Records for whoever looks at them.
#[derive(Debug)]
pub struct Unwritten(Receiver<Batch>);

impl Unwritten {
    /// The last lines that there are.
    pub fn last(&self) -> Option<Vec<u8>> {
        self.0.try_iter().last().map(|batch| batch.bytes)
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
    stamp: RefCell<Stamp>,
    is_ending: Cell<bool>,
}

impl WorkerLog {
    /// An empty batch.
    pub fn new(sender: WorkerSender) -> Rc<Self> {
        Rc::new(Self { sender, batch: RefCell::default(), stamp: RefCell::default(), is_ending: Cell::new(false) })
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
        if is_first {
            bytes.reserve(BATCH + ROOM);
        }
        if self.sender.shared.for_people.load(Ordering::Relaxed) {
            record.for_people(bytes);
        } else {
            record.json(&mut self.stamp.borrow_mut(), bytes);
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
