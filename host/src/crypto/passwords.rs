//! Passwords are computed off the workers: each takes up to a second of CPU, in which a worker would serve nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::password::{Check, Error};

/// Checks that may wait.
const MOST_WAITING: usize = 64;

/// What those that wait may take together, on each thread: filters have some seconds for a hook, and a check that comes later
/// than that is of no use to anybody.
const MOST_WORK: Duration = Duration::from_secs(3);

/// A few threads of low priority, started with the first password, and a bounded queue before them. Each thread uses up
/// to 64 MiB while it computes.
#[derive(Debug)]
pub struct Passwords {
    desk: Arc<Desk>,
    most_threads: usize,
    most_waiting: usize,
}

/// What the threads and those who ask share.
#[derive(Debug, Default)]
struct Desk {
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Job>,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

struct Job {
    check: Check,
    password: Vec<u8>,
    answer: oneshot::Sender<Result<bool, Error>>,
}

impl Passwords {
    /// Half of the cores may compute passwords, one at least.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::with_limits((cores / 2).max(1), MOST_WAITING)
    }

    /// So many threads, and so many checks that wait for one.
    pub fn with_limits(most_threads: usize, most_waiting: usize) -> Self {
        Self { desk: Arc::default(), most_threads, most_waiting }
    }

    /// Whether the password belongs to the hash. It waits for its turn from this call on; dropping the future gives
    /// the turn up.
    pub fn verify(&self, hash: &str, password: Vec<u8>) -> impl Future<Output = Result<bool, Error>> + Send + use<> {
        let queued = self.queue(hash, password);
        // No answer comes if the threads have ended in between.
        async move { queued?.await.unwrap_or(Err(Error::Overloaded)) }
    }

    fn queue(&self, hash: &str, password: Vec<u8>) -> Result<oneshot::Receiver<Result<bool, Error>>, Error> {
        let check = Check::new(hash, &password)?;
        let (answer, receiver) = oneshot::channel();
        let mut state = self.desk.state();
        if self.is_full(&state, &check) {
            // Those whose client has gone take no place from those who are here.
            state.waiting.retain(|job| !job.answer.is_closed());
        }
        if self.is_full(&state, &check) {
            return Err(Error::Overloaded);
        }
        if state.idle <= state.waiting.len() && state.threads < self.most_threads {
            let desk = Arc::clone(&self.desk);
            let started = std::thread::Builder::new().name("weir-password".into()).spawn(move || work(&desk));
            match started {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => {
                    tracing::error!("cannot start a thread for passwords: {error}");
                    return Err(Error::Overloaded);
                }
                // Those that are there will come to it.
                Err(_) => {}
            }
        }
        state.waiting.push_back(Job { check, password, answer });
        drop(state);
        self.desk.called.notify_one();
        Ok(receiver)
    }

    /// Whether one more would wait too long. Where nobody waits there is room for any.
    fn is_full(&self, state: &State, check: &Check) -> bool {
        let work: Duration = state.waiting.iter().map(|job| job.check.takes()).sum();
        let threads = u32::try_from(self.most_threads).unwrap_or(u32::MAX);
        let is_too_long = !state.waiting.is_empty() && work + check.takes() > MOST_WORK.saturating_mul(threads);
        is_too_long || state.waiting.len() >= self.most_waiting
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Passwords {
    fn drop(&mut self) {
        let mut state = self.desk.state();
        state.is_closed = true;
        state.waiting.clear();
        drop(state);
        self.desk.called.notify_all();
    }
}

impl Desk {
    /// Nothing under this lock can panic half-way.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next check, or none at the end.
    fn next(&self) -> Option<Job> {
        let mut state = self.state();
        loop {
            if state.is_closed {
                return None;
            }
            if let Some(job) = state.waiting.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }
}

fn work(desk: &Desk) {
    let _left = Left(desk);
    // On Linux this is about the calling thread alone; elsewhere it would be about the whole process. If it is not
    // allowed, passwords compete with the workers as equals.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, 10);
    while let Some(job) = desk.next() {
        if !job.answer.is_closed() {
            let _ = job.answer.send(job.check.run(&job.password));
        }
    }
}

/// A thread that ends, however it does, can be replaced.
struct Left<'a>(&'a Desk);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.state().threads -= 1;
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Job")
    }
}
