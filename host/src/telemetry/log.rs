//! The log, on standard error or in a file: for people on a terminal, JSON otherwise.
//!
//! A thread writes it. If nobody reads, lines are dropped and counted: a stuck terminal must not stop a worker, and a
//! filter may log on every exchange. What a file does not take goes to standard error.

use std::io::{self, IsTerminal, Write};
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, dynamic_filter_fn};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{fmt, registry};

use super::output::{LogFile, Output, Switch};

/// Lines on their way to the writer.
const QUEUE: usize = 4096;

/// How long the end of the process, or a change of the file, waits for the lines before it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that were lost, from the start on.
static LOST: AtomicU64 = AtomicU64::new(0);

/// The process has one log.
static LOG: OnceLock<Log> = OnceLock::new();

/// Whether lines are for people; otherwise for programs.
static FOR_PEOPLE: AtomicBool = AtomicBool::new(false);

/// Whether lines go to a file.
static IN_FILE: AtomicBool = AtomicBool::new(false);

enum Message {
    Line(Vec<u8>),
    /// Answered when everything before it is written.
    Flush(Sender<()>),
}

/// The running log.
#[derive(Clone, Debug)]
pub struct Log {
    queue: SyncSender<Message>,
    switch: Switch,
}

/// Switches the log on for this process.
pub fn start(most: LevelFilter) -> io::Result<Log> {
    let (queue, lines) = sync_channel(QUEUE);
    let switch = Switch::default();
    let output = Output::new("the log", switch.clone());
    std::thread::Builder::new().name("weir-log".into()).spawn(move || write(&lines, output))?;
    FOR_PEOPLE.store(io::stderr().is_terminal(), Ordering::Relaxed);
    let for_people = || FOR_PEOPLE.load(Ordering::Relaxed);
    let writer = |queue: &SyncSender<Message>| {
        let queue = queue.clone();
        move || Line { bytes: Vec::new(), queue: queue.clone() }
    };
    let people = fmt::layer().with_writer(writer(&queue)).with_target(false).without_time();
    let programs = fmt::layer().json().flatten_event(true).with_writer(writer(&queue)).with_target(false);
    // A second call in one process keeps the first.
    let _ = registry()
        .with(most)
        .with(people.with_filter(dynamic_filter_fn(move |_, _| for_people())))
        .with(programs.with_filter(dynamic_filter_fn(move |_, _| !for_people())))
        .try_init();
    let log = Log { queue, switch };
    Ok(LOG.get_or_init(|| log).clone())
}

/// From now on lines go to this file, or to standard error; those before it are written first.
pub fn to(file: Option<LogFile>) {
    let Some(log) = LOG.get() else { return };
    log.flush();
    IN_FILE.store(file.is_some(), Ordering::Relaxed);
    FOR_PEOPLE.store(file.is_none() && io::stderr().is_terminal(), Ordering::Relaxed);
    log.switch.to(file);
}

/// From now on this is the process's standard error; what it was is closed.
pub fn standard_error_is(stream: OwnedFd) -> io::Result<()> {
    if let Some(log) = LOG.get() {
        log.flush();
    }
    rustix::stdio::dup2_stderr(stream)?;
    FOR_PEOPLE.store(!IN_FILE.load(Ordering::Relaxed) && io::stderr().is_terminal(), Ordering::Relaxed);
    Ok(())
}

/// From now on lines go to the file that has the file's name now.
pub fn reopen() {
    if let Some(log) = LOG.get() {
        log.switch.again();
        // It is made at once, not with the next line.
        let _ = log.queue.try_send(Message::Line(Vec::new()));
    }
}

/// How many lines were lost so far.
pub fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

impl Log {
    /// Waits until all that was logged is written, but not for ever.
    pub fn finish(self) {
        self.flush();
    }

    fn flush(&self) {
        let (done, written) = channel();
        if self.queue.try_send(Message::Flush(done)).is_ok() {
            let _ = written.recv_timeout(PATIENCE);
        }
    }
}

fn write(queue: &Receiver<Message>, mut output: Output) {
    let mut told = 0;
    for message in queue {
        match message {
            Message::Line(line) => {
                let (mut rest, mut stderr) = (line.as_slice(), io::stderr());
                if output.write(&mut rest, &mut stderr).is_err() && output.is_file() {
                    // Where standard error is closed there is nobody to tell.
                    let _ = stderr.write_all(rest);
                }
            }
            Message::Flush(done) => drop(done.send(())),
        }
        let lost = lost();
        if lost > told {
            let missing = lost - std::mem::replace(&mut told, lost);
            tracing::warn!("{missing} lines of the log were lost: they were not taken as fast as they came");
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
        }
    }
}
