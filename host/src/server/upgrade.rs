//! Another process takes over, of a new binary perhaps, and nobody is turned away meanwhile.
//!
//! The other gets the listening sockets and builds its state while this one serves. Then it gets the files of stores, whose
//! values this one still has in memory. Once it accepts, this one accepts no more, and lets what is open end. The sockets are
//! never closed, so whoever connects waits for one of the two. If the other does not come so far, this one goes on as if
//! nothing had been, and takes the files back.

use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use super::ending::{CLOSING, close_stores};
use super::handover::{ACCEPTING, FREE, READY, Socket, VARIABLE, VERSION, YOURS, send};
use super::{Notify, Program, Server};
use crate::store;

/// What a process that does not come to serve said is told so far, its end.
const MOST_WORDS: usize = 16 << 10;

/// How long the words of a process that has ended may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What service managers say to one process only.
const NOT_PASSED_ON: [&str; 5] = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "WATCHDOG_PID"];

/// Who wants to know the number of the process that took over, or why there is none.
pub(super) type Asked = oneshot::Sender<Result<u32, String>>;

/// What became of an attempt.
type Attempt = Result<Successor, String>;

/// A process that accepts, and waits to be told that it is the one.
#[derive(Debug)]
pub struct Successor {
    pid: u32,
    channel: UnixStream,
}

/// The process that replaces this one, if it comes to it. One at a time.
#[derive(Debug)]
pub(super) struct Upgrades {
    program: Option<Program>,
    going: Option<Going>,
    ended: mpsc::UnboundedSender<Attempt>,
    ends: mpsc::UnboundedReceiver<Attempt>,
}

/// An attempt that goes on.
#[derive(Debug)]
struct Going {
    asked: Option<Asked>,
    /// How many changes of the configuration there had been.
    changes: u64,
    /// The other's process once it is there; taken if nobody wants it any more.
    child: Arc<Mutex<Slot>>,
}

/// A child that others may end.
#[derive(Debug)]
enum Slot {
    Empty,
    Running(Child),
    Unwanted,
}

impl Upgrades {
    pub(super) fn none() -> Self {
        let (ended, ends) = mpsc::unbounded_channel();
        Self { program: None, going: None, ended, ends }
    }

    /// The next attempt that ends. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Attempt {
        self.ends.recv().await.expect("its sender is beside it")
    }
}

impl Server {
    /// It was started by this command, and another process can be, too.
    pub fn can_be_replaced_by(&mut self, program: Program) {
        self.upgrades.program = Some(program);
    }

    /// Has another process take over; how that went is logged.
    pub fn upgrade(&mut self) {
        self.upgrade_for(None);
    }

    /// The same, and it is told to whoever asked.
    pub(super) fn upgrade_for(&mut self, asked: Option<Asked>) {
        let child = Arc::new(Mutex::new(Slot::Empty));
        let changes = self.reloads.done + self.reloads.failed;
        match self.prepare_upgrade() {
            Ok((program, sockets)) => {
                let path = program.path.display();
                tracing::info!("upgrading: {path} is started, and gets {} sockets", sockets.len());
                self.upgrades.going = Some(Going { asked, changes, child: Arc::clone(&child) });
                let (timeout, ended) = (self.process.upgrade.timeout, self.upgrades.ended.clone());
                spawn_local(async move {
                    let attempt = move || attempt(&program, &sockets, timeout, &child);
                    let attempt = tokio::task::spawn_blocking(attempt).await;
                    let _ =
                        ended.send(attempt.unwrap_or_else(|failed| Err(format!("the attempt broke off: {failed}"))));
                });
            }
            Err(why) => {
                tracing::error!("not upgraded, this process goes on: {why}");
                let _ = asked.map(|asked| asked.send(Err(why)));
            }
        }
    }

    fn prepare_upgrade(&self) -> Result<(Program, Vec<Socket>), String> {
        if std::process::id() == 1 {
            return Err("this is process 1, with which its container ends; start another container instead".to_owned());
        }
        if self.upgrades.going.is_some() {
            return Err("an upgrade is going on already".to_owned());
        }
        let program = self.upgrades.program.clone().ok_or("this process is no service")?;
        let listeners = self.listeners.iter().map(super::Bound::pass_on);
        let sockets = listeners.chain(self.admin.iter().map(super::AdminDoor::pass_on)).collect::<std::io::Result<_>>();
        Ok((program, sockets.map_err(|error| format!("the sockets cannot be passed on: {error}"))?))
    }

    /// Makes the other the one, or goes on without it.
    pub(super) fn conclude(&mut self, attempt: Attempt) {
        let Some(Going { asked, changes, .. }) = self.upgrades.going.take() else {
            // It was given up in the last moment.
            return attempt.into_iter().for_each(|successor| signal(successor.pid, Signal::KILL));
        };
        let outcome = match attempt {
            Ok(successor) => {
                let pid = successor.pid;
                // What changed meanwhile the other may have missed.
                if self.changes.is_building() || self.reloads.done + self.reloads.failed != changes {
                    signal(pid, Signal::HUP);
                }
                tracing::info!("upgraded: process {pid} serves, and this one comes to its end");
                self.successor = Some(successor);
                self.retire();
                // Those that a reload has opened since the other asked.
                spawn_local(close_stores());
                Ok(pid)
            }
            Err(why) => {
                tracing::error!("not upgraded, this process goes on: {why}");
                Err(why)
            }
        };
        if let Some(asked) = asked {
            // Who asked may have gone.
            let _ = asked.send(outcome);
        }
    }

    /// The process that takes over, if it was found: from here on it is the one.
    pub fn replaced_by(&mut self, notify: &Notify) -> Option<u32> {
        let Successor { pid, mut channel } = self.successor.take()?;
        self.is_replaced = true;
        // Operators are to reach the other only.
        self.admin.take().into_iter().for_each(super::AdminDoor::leave);
        notify.hand_over(pid);
        // It goes on without, if it does not hear that.
        let _ = channel.write_all(YOURS);
        Some(pid)
    }

    /// Gives up an attempt that goes on.
    pub(super) fn forget_upgrade(&mut self) {
        let Some(going) = self.upgrades.going.take() else { return };
        tracing::warn!("the upgrade is given up, for this weir is ending");
        let slot = std::mem::replace(&mut *lock(&going.child), Slot::Unwanted);
        if let Slot::Running(mut child) = slot {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn lock(slot: &Mutex<Slot>) -> std::sync::MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn signal(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let _ = pid.map(|pid| kill_process(pid, signal));
}

/// Starts the other process and waits until it accepts. If it does not, it is ended, and what it said is told.
fn attempt(program: &Program, sockets: &[Socket], timeout: Duration, slot: &Mutex<Slot>) -> Attempt {
    let deadline = Instant::now() + timeout;
    let path = program.path.display();
    let (mut channel, theirs) = UnixStream::pair().map_err(|error| format!("no socket to speak on: {error}"))?;
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).stdin(OwnedFd::from(theirs)).stderr(Stdio::piped());
    command.env(VARIABLE, format!("{VERSION} {}", std::process::id()));
    for name in NOT_PASSED_ON {
        command.env_remove(name);
    }
    let mut child = command.spawn().map_err(|error| format!("{path} cannot be started: {error}"))?;
    // With the command its end of the socket closes here.
    drop(command);
    let pid = child.id();
    let words = child.stderr.take().map(listen);
    {
        let mut slot = lock(slot);
        if let Slot::Unwanted = *slot {
            let _ = child.kill();
            let _ = child.wait();
            return Err("this weir is ending".to_owned());
        }
        *slot = Slot::Running(child);
    }
    let mut converse = || {
        let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
        channel.set_write_timeout(Some(left()))?;
        channel.set_read_timeout(Some(left()))?;
        let sent = send(&channel, sockets, std::io::stderr().as_fd());
        let heard = hear(&channel, READY);
        sent.and(heard)?;
        store::file::close(CLOSING);
        channel.write_all(FREE)?;
        channel.set_read_timeout(Some(left()))?;
        hear(&channel, ACCEPTING)
    };
    let agreed = converse();
    let slot = std::mem::replace(&mut *lock(slot), Slot::Empty);
    let Slot::Running(mut child) = slot else { return Err("this weir is ending".to_owned()) };
    let said = || {
        let Some((all, done)) = words else { return Vec::new() };
        // One that has ended may have left a child that holds its standard error.
        let _ = done.recv_timeout(LAST_WORDS);
        std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner))
    };
    match agreed {
        Ok(()) => {
            // From here on it speaks for itself.
            let _ = std::io::stderr().write_all(&said());
            Ok(Successor { pid, channel })
        }
        Err(error) => {
            let ended = child.try_wait();
            let is_late = matches!(ended, Ok(None)) && is_timeout(&error);
            // One that ends by itself closes the socket a moment before.
            if is_late || !waited(&mut child) {
                let _ = child.kill();
            }
            let how = match child.wait() {
                _ if is_late => format!("did not serve within {timeout:?} and was ended"),
                Ok(status) => format!("did not come to serve ({status})"),
                Err(error) => format!("got lost: {error}"),
            };
            store::file::take_back();
            let said = String::from_utf8_lossy(&said()).trim_end().to_owned();
            let said = if said.is_empty() { "; it said nothing".to_owned() } else { format!("; it said:\n{said}") };
            Err(format!("{path} (process {pid}) {how}{said}"))
        }
    }
}

/// Waits for this word.
fn hear(mut channel: &UnixStream, word: &[u8]) -> std::io::Result<()> {
    let mut heard = vec![0; word.len()];
    channel.read_exact(&mut heard)?;
    if heard == word { Ok(()) } else { Err(std::io::Error::other("it says what no weir says")) }
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut)
}

/// Whether it ended by itself within a moment.
fn waited(child: &mut Child) -> bool {
    let deadline = Instant::now() + LAST_WORDS;
    while Instant::now() < deadline {
        if !matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    false
}

/// Collects the end of what is said, until nobody can say more: then that is told.
fn listen(mut words: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, Receiver<()>) {
    let (done, is_done) = channel();
    let all = Arc::new(Mutex::new(Vec::new()));
    let said = Arc::clone(&all);
    let listener = move || {
        let mut room = [0; 4096];
        while let Ok(length @ 1..) = words.read(&mut room) {
            let mut said: std::sync::MutexGuard<'_, Vec<u8>> = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.extend_from_slice(&room[..length]);
            let too_much = said.len().saturating_sub(MOST_WORDS);
            said.drain(..too_much);
        }
        let _ = done.send(());
    };
    // Without it nothing is told, and that is all.
    let _ = std::thread::Builder::new().name("weir-upgrade".into()).spawn(listener);
    (all, is_done)
}
