//! Changing what is served: a state is built beside the running one, and takes its place. One at a time.
//!
//! Building takes as long as compiling filters takes, so it goes on beside the control thread, which answers operators
//! and signals meanwhile. Whoever asks while a build runs gets one that begins afterwards; all who ask in between share it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use super::swap::{Made, Swap};
use super::{Server, Source, State};
use crate::config::Report;
use crate::plugin::{Engine, Substitutes, Warm};

/// How often it is looked whether an old state is still used.
const LOOK: Duration = Duration::from_millis(100);

/// What became of plugins by the change; or what is wrong, as text, if it was not made.
pub type Outcome = Result<Vec<String>, String>;

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

/// What waits for its turn.
#[derive(Debug)]
enum Waiting {
    Reload(Run),
    Swap(Swap),
}

/// A build that has ended.
#[derive(Debug)]
pub enum Built {
    /// Of a whole configuration.
    Reload(Reload),
    /// With another component of one plugin.
    Swap(Box<Made>),
}

/// A build of a whole configuration.
#[derive(Debug)]
pub struct Reload {
    run: Run,
    state: Result<(Arc<State>, Vec<Warm>), String>,
}

/// The changes that were asked for.
#[derive(Debug)]
pub(super) struct Changes {
    waiting: VecDeque<Waiting>,
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

    /// Where builds go that have ended.
    pub(super) fn ended(&self) -> mpsc::UnboundedSender<Built> {
        self.ended.clone()
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
        let known = self.changes.waiting.iter_mut().find_map(|waiting| match waiting {
            Waiting::Reload(run) if run.change == change => Some(run),
            _ => None,
        });
        match known {
            Some(run) => run.asked.extend(asked),
            None => {
                let run = Run { change, asked: asked.into_iter().collect() };
                self.changes.waiting.push_back(Waiting::Reload(run));
            }
        }
        self.begin();
    }

    /// Has another component of one plugin serve, if it can. How that went is logged, and told to whoever asked.
    pub(super) fn swap(&mut self, swap: Swap) {
        if swap.is_urgent() {
            self.changes.waiting.push_front(Waiting::Swap(swap));
        } else {
            self.changes.waiting.push_back(Waiting::Swap(swap));
        }
        self.begin();
    }

    /// Begins the next build, unless one goes on.
    fn begin(&mut self) {
        while !self.changes.is_building {
            self.changes.is_building = match self.changes.waiting.pop_front() {
                Some(Waiting::Reload(run)) => self.begin_reload(run),
                Some(Waiting::Swap(swap)) => self.begin_swap(swap),
                None => return,
            };
        }
    }

    fn begin_reload(&mut self, run: Run) -> bool {
        let substitutes = self.versions.for_reload();
        let (change, source) = (run.change.clone(), self.source.clone());
        let (engine, before) = (Arc::clone(&self.engine), Arc::clone(&self.state));
        let (lines, ended) = (self.workers.lines(), self.changes.ended.clone());
        spawn_local(async move {
            let build = move || {
                let state = build(&change, &source, &engine, Some(&before), &substitutes)?;
                let warm = state.snapshot.warm(&before.snapshot, &lines);
                Ok::<_, Report>((state, warm))
            };
            // Without colours: the log would show them as what they are made of.
            let state = match tokio::task::spawn_blocking(build).await {
                Ok(state) => state.map_err(|report| report.render(false)),
                Err(failed) => Err(format!("error: the build broke off: {failed}")),
            };
            let _ = ended.send(Built::Reload(Reload { run, state }));
        });
        true
    }

    /// Puts a state that was built into the place of the running one, if it is sound. On an error nothing has changed;
    /// otherwise no new exchange uses the old snapshot, and no new connection the old listeners' settings.
    pub(super) async fn finish(&mut self, built: Built) {
        match built {
            Built::Reload(reload) => self.finish_reload(reload).await,
            Built::Swap(made) => self.finish_swap(*made).await,
        }
        self.changes.is_building = false;
        self.begin();
    }

    async fn finish_reload(&mut self, Reload { run, state }: Reload) {
        let door = self.admin.as_ref().map(|door| door.address);
        let outcome = match state {
            Ok((state, warm)) => match self.take_over(state, warm, None).await {
                Ok(moves) => Ok(self.notes(&moves)),
                Err(report) => Err(report.render(false)),
            },
            Err(report) => Err(report),
        };
        let name = &self.source.name;
        match &outcome {
            Ok(notes) => {
                self.reloads.done += 1;
                notes.iter().for_each(|note| tracing::warn!("{note}"));
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
    }
}

/// Builds the state that a change leads to; what did not change is taken over from the one before. Slow: reads files and
/// compiles filters. Warnings are logged.
pub(super) fn build(
    change: &Change,
    source: &Source,
    engine: &Arc<Engine>,
    before: Option<&State>,
    substitutes: &Substitutes,
) -> Result<Arc<State>, Report> {
    let config = match change {
        Change::Configuration => Arc::new((source.load)()),
    };
    let state = State::build(config, engine, before, substitutes)?;
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
