//! Changing what is served: a state is built beside the running one, and takes its place. One at a time.
//!
//! Building takes as long as compiling filters takes, so it goes on beside the control thread, which answers operators
//! and signals meanwhile. Whoever asks while a build runs gets one that begins afterwards; all who ask in between share it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_local;

use super::swap::{Made, Swap};
use super::{Server, Source, State, watch};
use crate::config::{Config, Report};
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
    /// The files that the configuration in force names are read again, for these have changed.
    Files(Vec<PathBuf>),
}

/// A change, and who wants to know how it went.
#[derive(Debug)]
struct Run {
    change: Change,
    asked: Vec<oneshot::Sender<Outcome>>,
    /// How many were asked for before.
    number: u64,
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
    Reload(Box<Reload>),
    /// With another component of one plugin.
    Swap(Box<Made>),
}

/// A build of a whole configuration.
#[derive(Debug)]
pub struct Reload {
    run: Run,
    /// When it began, as files are dated.
    since: SystemTime,
    /// How many had been asked for when it began.
    asked_until: u64,
    /// What was read.
    config: Option<Arc<Config>>,
    state: Result<(Arc<State>, Vec<Warm>), String>,
}

/// The changes that were asked for.
#[derive(Debug)]
pub(super) struct Changes {
    waiting: VecDeque<Waiting>,
    is_building: bool,
    asked: u64,
    ended: mpsc::UnboundedSender<Built>,
    ends: mpsc::UnboundedReceiver<Built>,
}

/// How changes went since the start.
#[derive(Clone, Debug, Default)]
pub struct Reloads {
    /// So many serve, or did.
    pub done: u64,
    /// So many were refused: what was running went on.
    pub failed: u64,
    /// When the configuration was last taken over by a reload.
    pub(super) last: Option<Instant>,
    /// What is wrong with the configuration: until one is taken over.
    pub(super) configuration: Option<Failure>,
    /// What is wrong with the files that the configuration in force names: until they can all be used.
    pub(super) files: Option<Failure>,
}

/// A change that was not made.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) at: Instant,
    pub(super) report: String,
}

impl Changes {
    pub(super) fn none() -> Self {
        let (ended, ends) = mpsc::unbounded_channel();
        Self { waiting: VecDeque::new(), is_building: false, asked: 0, ended, ends }
    }

    /// Where builds go that have ended.
    pub(super) fn ended(&self) -> mpsc::UnboundedSender<Built> {
        self.ended.clone()
    }

    /// Whether something is about to change.
    pub(super) fn is_building(&self) -> bool {
        self.is_building
    }

    /// The next build that ends. Giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Built {
        self.ends.recv().await.expect("its sender is beside it")
    }
}

impl Change {
    /// Takes another one in, if one run does for both.
    fn join(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Configuration, Self::Configuration) => {}
            (Self::Files(files), Self::Files(more)) => {
                files.extend(more.iter().cloned());
                files.sort_unstable();
                files.dedup();
            }
            _ => return false,
        }
        true
    }
}

impl Server {
    /// Has the configuration read again and a state built of it beside the running one, which takes its place if it is
    /// sound. How that went is logged, kept for the status, and told to whoever asked.
    pub fn reload(&mut self, asked: Option<oneshot::Sender<Outcome>>) {
        self.change(Change::Configuration, asked);
    }

    pub(super) fn change(&mut self, change: Change, asked: Option<oneshot::Sender<Outcome>>) {
        let number = self.changes.asked;
        self.changes.asked += 1;
        let known = self.changes.waiting.iter_mut().find_map(|waiting| match waiting {
            Waiting::Reload(run) => run.change.join(&change).then_some(run),
            Waiting::Swap(_) => None,
        });
        match known {
            Some(run) => {
                run.asked.extend(asked);
                run.number = number;
            }
            None => {
                let run = Run { change, asked: asked.into_iter().collect(), number };
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
        let substitutes = match run.change {
            Change::Configuration => self.versions.for_reload(),
            Change::Files(_) => self.versions.as_they_are(),
        };
        let (since, asked_until) = (watch::now(), self.changes.asked);
        let (change, source) = (run.change.clone(), self.source.clone());
        let (engine, before) = (Arc::clone(&self.engine), Arc::clone(&self.state));
        let (lines, ended) = (self.workers.lines(), self.changes.ended.clone());
        spawn_local(async move {
            let build = move || {
                let config = read(&change, &source, &before);
                let state = build(&config, &engine, Some(&before), &substitutes).map(|state| {
                    state.begin_stores();
                    let warm = state.snapshot.warm(&before.snapshot, &lines);
                    (state, warm)
                });
                // Without colours: the log would show them as what they are made of.
                (Some(config), state.map_err(|report| report.render(false)))
            };
            let (config, state) = tokio::task::spawn_blocking(build)
                .await
                .unwrap_or_else(|failed| (None, Err(format!("error: the build broke off: {failed}"))));
            let _ = ended.send(Built::Reload(Box::new(Reload { run, since, asked_until, config, state })));
        });
        true
    }

    /// Puts a state that was built into the place of the running one, if it is sound. On an error nothing has changed;
    /// otherwise no new exchange uses the old snapshot, and no new connection the old listeners' settings.
    pub(super) async fn finish(&mut self, built: Built) {
        match built {
            Built::Reload(reload) => self.finish_reload(*reload).await,
            Built::Swap(made) => self.finish_swap(*made).await,
        }
        self.changes.is_building = false;
        self.begin();
    }

    async fn finish_reload(&mut self, reload: Reload) {
        let Reload { run, since, asked_until, config, state } = reload;
        let door = self.admin.as_ref().map(|door| door.at.clone());
        let outcome = match state {
            Ok(_) if self.is_draining() => Err("error: this weir is ending".to_owned()),
            Ok((state, warm)) => match self.take_over(state, warm, None).await {
                Ok(moves) => Ok(self.notes(&moves)),
                Err(report) => Err(report.render(false)),
            },
            Err(report) => Err(report),
        };
        self.say(&run.change, &outcome);
        self.keep(&run.change, &outcome);
        if run.change == Change::Configuration {
            self.refused = config.filter(|_| outcome.is_err());
            // Files that had changed before it began were read with it.
            if outcome.is_ok() {
                self.changes.waiting.retain(|waiting| match waiting {
                    Waiting::Reload(run) => run.number >= asked_until || run.change == Change::Configuration,
                    Waiting::Swap(_) => true,
                });
            }
        }
        if outcome.is_ok() {
            self.adopted.1 = SystemTime::now();
        }
        if let Some(new) = self.admin.as_ref().filter(|new| Some(&new.at) != door.as_ref()) {
            new.announce();
        }
        self.watch(since);
        for asked in run.asked {
            // Who asked may have gone.
            let _ = asked.send(outcome.clone());
        }
    }

    /// For whoever reads the log.
    fn say(&self, change: &Change, outcome: &Outcome) {
        let name = &self.source.name;
        match (change, outcome) {
            (Change::Configuration, Ok(notes)) => {
                for note in notes {
                    tracing::warn!("{note}");
                }
                tracing::info!("{name} is reloaded");
            }
            (Change::Configuration, Err(report)) => {
                tracing::error!("{name} is not reloaded, what was running goes on:\n{report}");
            }
            (Change::Files(files), Ok(_)) => tracing::info!("{} changed, and what is there now is used", list(files)),
            (Change::Files(files), Err(report)) => {
                tracing::error!("{} changed and cannot be used, what was running goes on:\n{report}", list(files));
            }
        }
    }

    /// For whoever asks how the server is.
    fn keep(&mut self, change: &Change, outcome: &Outcome) {
        let reloads = &mut self.reloads;
        let at = Instant::now();
        let failure = outcome.as_ref().err().map(|report| Failure { at, report: report.clone() });
        match failure {
            None => reloads.done += 1,
            Some(_) => reloads.failed += 1,
        }
        match change {
            Change::Files(_) => reloads.files = failure,
            Change::Configuration if failure.is_some() => reloads.configuration = failure,
            Change::Configuration => {
                (reloads.last, reloads.configuration, reloads.files) = (Some(at), None, None);
            }
        }
    }
}

/// The configuration that a change leads to. Slow: reads files.
fn read(change: &Change, source: &Source, before: &State) -> Arc<Config> {
    match change {
        Change::Configuration => Arc::new((source.load)()),
        Change::Files(_) => Arc::clone(&before.config),
    }
}

/// Builds the state of a configuration; what did not change is taken over from the one before, and what is in
/// `substitutes` takes the place of components that it names. Slow: reads files and compiles filters. Warnings are logged.
pub(super) fn build(
    config: &Arc<Config>,
    engine: &Arc<Engine>,
    before: Option<&State>,
    substitutes: &Substitutes,
) -> Result<Arc<State>, Report> {
    let state = State::build(Arc::clone(config), engine, before, substitutes)?;
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

/// The first of them, and how many more there are.
fn list(files: &[PathBuf]) -> String {
    let first = files.first().map(|file| file.display().to_string()).unwrap_or_default();
    match files.len() {
        0 | 1 => first,
        many => format!("{first} and {} more", many - 1),
    }
}
