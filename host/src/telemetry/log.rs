//! The log, on standard error: for people on a terminal, JSON otherwise.
//!
//! A thread writes it. If nobody reads, lines are dropped and counted: a stuck terminal must not stop a worker, and a
//! filter may log on every exchange.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::metrics::LOST_LINES;

/// Lines on their way to the writer.
const QUEUE: usize = 4096;

/// How long the end of the process waits for a reader.
const PATIENCE: Duration = Duration::from_secs(1);

static LOST: AtomicU64 = AtomicU64::new(0);

enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(Sender<()>),
}

/// The running log.
#[derive(Debug)]
pub struct Log(SyncSender<Message>);

/// Switches the log on for this process.
pub fn start(most: LevelFilter) -> io::Result<Log> {
    let (sender, queue) = sync_channel(QUEUE);
    std::thread::Builder::new().name("weir-log".into()).spawn(move || write(&queue))?;
    let lines = sender.clone();
    let writer = move || Line { bytes: Vec::new(), queue: lines.clone() };
    let registry = tracing_subscriber::registry().with(most);
    // A second call in one process keeps the first.
    let _ = if io::stderr().is_terminal() {
        registry.with(fmt::layer().with_writer(writer).with_target(false).without_time()).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(writer).with_target(false)).try_init()
    };
    Ok(Log(sender))
}

impl Log {
    /// Waits until all that was logged is written, but not for ever.
    pub fn finish(self) {
        let (done, written) = channel();
        if self.0.try_send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

fn write(queue: &Receiver<Message>) {
    for message in queue {
        match message {
            // Where standard error is closed there is nobody to tell.
            Message::Line(line) => drop(io::stderr().write_all(&line)),
            Message::Flush(done) => drop(done.send(())),
        }
        let lost = LOST.swap(0, Ordering::Relaxed);
        if lost > 0 {
            tracing::warn!("{lost} lines of the log were lost: standard error was not read");
        }
    }
}

/// One event's line, sent when it is whole.
struct Line {
    bytes: Vec<u8>,
    queue: SyncSender<Message>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if self.queue.try_send(Message::Line(std::mem::take(&mut self.bytes))).is_err() {
            LOST.fetch_add(1, Ordering::Relaxed);
            LOST_LINES.add(1);
        }
    }
}
