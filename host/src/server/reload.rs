//! Changing what is served: a state is built beside the running one, and takes its place. One at a time.
//!
//! Building takes as long as compiling filters takes, so it goes on beside the control thread, which answers operators
//! and signals meanwhile. Whoever asks while a build runs gets one that begins afterwards; all who ask in between share it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use super::{Server, Source, State};
use crate::config::Report;
use crate::plugin::{Engine, Warm};

/// How often it is looked whether an old state is still used.
const LOOK: Duration = Duration::from_millis(100);

/// What is wrong, as text, if the change was not made.
pub type Outcome = Result<(), String>;

/// What is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The configuration is read again, with every file that it names.
    Configuration,
}

/// A change, and who wants to know how it went.
#[derive(Debug)]
struct Run {
    change: Change,
    asked: Vec<oneshot::Sender<Outcome>>,
}

/// A build that has ended.
#[derive(Debug)]
pub struct Built {
    run: Run,
    state: Result<(Arc<State>, Vec<Warm>), String>,
}

/// The changes that were asked for.
#[derive(Debug)]
pub(super) struct Changes {
    waiting: VecDeque<Run>,
    is_building: bool,
    ended: mpsc::UnboundedSender<Built>,
    ends: mpsc::UnboundedReceiver<Built>,
}

/// How changes went since the start.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reloads {
    /// So many serve, or did.
    pub done: u64,
    /// So many were refused: what was running went on.
    pub failed: u64,
}

impl Changes {
    pub(super) fn none() -> Self {
        let (ended, ends) = mpsc::unbounded_channel();
        Self { waiting: VecDeque::new(), is_building: false, ended, ends }
    }

    /// The next build that ends. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Built {
        self.ends.recv().await.expect("its sender is beside it")
    }
}

impl Server {
    /// Has the configuration read again and a state built of it beside the running one, which takes its place if it is
    /// sound. How that went is logged, kept for the status, and told to whoever asked.
    pub fn reload(&mut self, asked: Option<oneshot::Sender<Outcome>>) {
        self.change(Change::Configuration, asked);
    }

    pub(super) fn change(&mut self, change: Change, asked: Option<oneshot::Sender<Outcome>>) {
        match self.changes.waiting.iter_mut().find(|run| run.change == change) {
            Some(run) => run.asked.extend(asked),
            None => self.changes.waiting.push_back(Run { change, asked: asked.into_iter().collect() }),
        }
        self.begin();
    }

    /// Begins the next build, unless one goes on.
    fn begin(&mut self) {
        if self.changes.is_building {
            return;
        }
        let Some(run) = self.changes.waiting.pop_front() else { return };
        self.changes.is_building = true;
        let (change, source) = (run.change.clone(), self.source.clone());
        let (engine, before) = (Arc::clone(&self.engine), Arc::clone(&self.state));
        let (lines, ended) = (self.workers.lines(), self.changes.ended.clone());
        spawn_local(async move {
            let build = move || {
                let state = build(&change, &source, &engine, Some(&before))?;
                let warm = state.snapshot.warm(&before.snapshot, &lines);
                Ok::<_, Report>((state, warm))
            };
            // Without colours: the log would show them as what they are made of.
            let state = match tokio::task::spawn_blocking(build).await {
                Ok(state) => state.map_err(|report| report.render(false)),
                Err(failed) => Err(format!("error: the build broke off: {failed}")),
            };
            let _ = ended.send(Built { run, state });
        });
    }

    /// Puts a state that was built into the place of the running one, if it is sound. On an error nothing has changed;
    /// otherwise no new exchange uses the old snapshot, and no new connection the old listeners' settings.
    pub(super) async fn finish(&mut self, built: Built) {
        let Built { run, state } = built;
        let door = self.admin.as_ref().map(|door| door.address);
        let outcome = match state {
            Ok((state, warm)) => self.adopt(state, warm).await.map_err(|report| report.render(false)),
            Err(report) => Err(report),
        };
        let name = &self.source.name;
        match &outcome {
            Ok(()) => {
                self.reloads.done += 1;
                tracing::info!("{name} is reloaded");
                if let Some(new) = self.admin.as_ref().filter(|new| Some(new.address) != door) {
                    new.announce();
                }
            }
            Err(report) => {
                self.reloads.failed += 1;
                tracing::error!("{name} is not reloaded, what was running goes on:\n{report}");
            }
        }
        self.reloaded = Some((Instant::now(), outcome.as_ref().err().cloned()));
        for asked in run.asked {
            // Who asked may have gone.
            let _ = asked.send(outcome.clone());
        }
        self.changes.is_building = false;
        self.begin();
    }
}

/// Builds the state that a change leads to; what did not change is taken over from the one before. Slow: reads files and
/// compiles filters. Warnings are logged.
pub(super) fn build(
    change: &Change,
    source: &Source,
    engine: &Arc<Engine>,
    before: Option<&State>,
) -> Result<Arc<State>, Report> {
    let config = match change {
        Change::Configuration => Arc::new((source.load)()),
    };
    let state = State::build(config, engine, before)?;
    if let Some(warnings) = &state.warnings {
        tracing::warn!("the configuration is sound, but look at this:\n{}", warnings.render(false));
    }
    Ok(Arc::new(state))
}

/// Keeps a state that was replaced until nobody uses it, so that it is freed here and not on a worker: with thousands of
/// routes that takes milliseconds.
pub(super) fn retire(state: Arc<State>) {
    spawn_local(async move {
        while Arc::strong_count(&state) > 1 || Arc::strong_count(&state.snapshot) > 1 {
            tokio::time::sleep(LOOK).await;
        }
        // Not on this thread either: it accepts connections.
        let _ = tokio::task::spawn_blocking(move || drop(state)).await;
    });
}
