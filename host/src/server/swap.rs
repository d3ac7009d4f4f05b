//! Swapping one plugin's component: built beside the running state like a reload, but with everything else as it is.
//!
//! One path for all: components from operators' hands, files that changed, and versions that come back.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::task::spawn_local;

use super::reload::{Built, Failure};
use super::versions::Move;
use super::{Server, State, watch};
use crate::admin::{NotSwapped, SwapAnswer, SwapTimes, Swapped, Upload};
use crate::config::{Fault, Plugin, Report};
use crate::plugin::{self, Digest, Given, Outbound, Warm};
use crate::snapshot::SwapSteps;

/// A swap that was asked for.
#[derive(Debug)]
pub(super) struct Swap {
    plugin: String,
    what: What,
    answer: Option<SwapAnswer>,
    asked: Instant,
    received: Duration,
}

/// How swaps went since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Swaps {
    /// Another component serves, or did.
    pub(super) done: u64,
    /// What was running went on.
    pub(super) failed: u64,
    /// The version before came back by itself, because the new one failed.
    pub(super) taken_back: u64,
}

/// What is to serve.
#[derive(Debug)]
enum What {
    /// This; if it is forced, even though it was refused before or wants more than was granted.
    Given { given: Given, differs: Option<String>, force: bool },
    /// What the plugin's file holds, if it is another component than before.
    File,
    /// The version before.
    Back,
    /// The version before, if this one still serves, because it failed in this way.
    Away { digest: Digest, why: String },
}

/// What a build needs to know.
struct Job {
    plugin: Plugin,
    /// None if it is to be read.
    given: Option<Given>,
    /// The digest of what the configuration names, as it was last looked at.
    configured: Digest,
    /// Why the component with this digest is refused, if it is.
    refused: Vec<(Digest, String)>,
    may_want_more: bool,
    is_of_file: bool,
}

/// A build that has ended.
#[derive(Debug)]
pub struct Made {
    swap: Swap,
    /// When it began, as files are dated.
    since: SystemTime,
    waited: Duration,
    /// The digest of what the configuration names.
    configured: Digest,
    /// None if there is nothing to change.
    new: Result<Option<New>, String>,
}

#[derive(Debug)]
struct New {
    state: Arc<State>,
    warm: Vec<Warm>,
    steps: SwapSteps,
}

impl Swap {
    fn new(plugin: String, what: What, answer: Option<SwapAnswer>) -> Self {
        Self { plugin, what, answer, asked: Instant::now(), received: Duration::ZERO }
    }

    /// A component from an operator's hands.
    pub(super) fn uploaded(upload: Upload, answer: SwapAnswer) -> Self {
        let Upload { plugin, component, digest, differs, force, received } = upload;
        let what = What::Given { given: Given { digest, bytes: component }, differs, force };
        Self { received, ..Self::new(plugin, what, Some(answer)) }
    }

    /// What a plugin's file holds now.
    pub(super) fn from_file(plugin: String) -> Self {
        Self::new(plugin, What::File, None)
    }

    /// The version before: an operator asks for it.
    pub(super) fn rollback(plugin: String, answer: SwapAnswer) -> Self {
        Self::new(plugin, What::Back, Some(answer))
    }

    /// The version before, if the one with this digest still serves, because it failed in this way.
    pub(super) fn back(plugin: String, digest: Digest, why: String) -> Self {
        Self::new(plugin, What::Away { digest, why }, None)
    }

    /// Whether it goes before all that wait.
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self.what, What::Away { .. })
    }

    fn tell(self, answer: Result<Swapped, NotSwapped>) {
        if let Some(asked) = self.answer {
            // Who asked may have gone.
            let _ = asked.send(answer);
        }
    }
}

impl Server {
    /// Begins to build what a swap leads to, and says whether that goes on; if not, the swap was answered.
    pub(super) fn begin_swap(&mut self, swap: Swap) -> bool {
        let job = match self.job(&swap) {
            Ok(Some(job)) => job,
            Ok(None) => {
                let answer = self.swapped(&swap.plugin, None, SwapTimes::default());
                swap.tell(answer);
                return false;
            }
            Err(why) => {
                tracing::error!("`{}` is not swapped: {why}", swap.plugin);
                self.swaps.failed += 1;
                swap.tell(Err(why));
                return false;
            }
        };
        let (before, lines) = (Arc::clone(&self.state), self.workers.lines());
        let (since, waited, ended) = (watch::now(), swap.asked.elapsed(), self.changes.ended());
        spawn_local(async move {
            let known = job.configured;
            let built = tokio::task::spawn_blocking(move || job.build(&before, &lines)).await;
            let broken = |error| (known, Err(format!("error: the build broke off: {error}")));
            let (configured, new) = built.unwrap_or_else(broken);
            let _ = ended.send(Built::Swap(Box::new(Made { swap, since, waited, configured, new })));
        });
        true
    }

    /// What is to be built; nothing if it serves already.
    fn job(&self, swap: &Swap) -> Result<Option<Job>, NotSwapped> {
        let plugin = self.state.config.plugin(&swap.plugin).map_err(NotSwapped::Unknown)?.clone();
        let Some(history) = self.versions.of(&swap.plugin) else { return Ok(None) };
        let (given, may_want_more) = match &swap.what {
            What::Given { differs: Some(words), .. } => return Err(NotSwapped::Faulty(words.clone())),
            What::Given { given, .. } if given.digest == history.now.given.digest => return Ok(None),
            What::Given { given, force, .. } => {
                if let Some(refused) = history.refusal(&given.digest).filter(|_| !force) {
                    return Err(NotSwapped::Conflict(format!(
                        "this component is refused, because {}; --force (`?force=true`) takes it again",
                        refused.why
                    )));
                }
                (Some(given.clone()), *force)
            }
            What::File => (None, false),
            What::Away { digest, .. } if *digest != history.now.given.digest => return Ok(None),
            What::Back | What::Away { .. } => {
                let none = || NotSwapped::Conflict(format!("there is no version of `{}` before this one", swap.plugin));
                (Some(history.previous().ok_or_else(none)?.given.clone()), true)
            }
        };
        let refused = history.refused.iter().map(|refused| (refused.digest, refused.why.clone())).collect();
        let is_of_file = given.is_none();
        Ok(Some(Job { plugin, given, configured: history.configured, refused, may_want_more, is_of_file }))
    }

    /// Puts what was built into the place of what serves. On an error nothing has changed.
    pub(super) async fn finish_swap(&mut self, made: Made) {
        let Made { swap, since, waited, configured, new } = made;
        if let Some(history) = self.versions.of_mut(&swap.plugin) {
            history.configured = configured;
        }
        let began = Instant::now();
        let (new, steps) = match new {
            Ok(Some(New { state, warm, steps })) => (Ok(Some((state, warm))), steps),
            Ok(None) => (Ok(None), SwapSteps::default()),
            Err(report) => (Err(report), SwapSteps::default()),
        };
        let adopted = match new {
            Ok(Some(_)) if self.is_draining() => Err("error: this weir is ending".to_owned()),
            Ok(Some((state, warm))) => {
                let back = matches!(swap.what, What::Back | What::Away { .. }).then_some(swap.plugin.as_str());
                self.take_over(state, warm, back).await.map_err(|report| report.render(false))
            }
            Ok(None) => Ok(Vec::new()),
            Err(report) => Err(report),
        };
        match (&adopted, &swap.what) {
            (Err(_), _) => self.swaps.failed += 1,
            (Ok(moves), _) if moves.is_empty() => {}
            (Ok(_), What::Away { .. }) => self.swaps.taken_back += 1,
            (Ok(_), _) => self.swaps.done += 1,
        }
        self.remember(&swap, &adopted);
        let answer = match adopted {
            Ok(moves) => {
                self.watch(since);
                for moved in &moves {
                    log(&swap, moved);
                }
                let own = moves.iter().find(|moved| moved.plugin == swap.plugin);
                let times = SwapTimes {
                    receive_ms: millis(swap.received),
                    wait_ms: millis(waited),
                    compile_ms: millis(steps.compile),
                    configure_ms: millis(steps.configure),
                    adopt_ms: millis(began.elapsed()),
                };
                self.swapped(&swap.plugin, own, times)
            }
            Err(report) => {
                match &swap.what {
                    What::File => tracing::error!(
                        plugin = swap.plugin,
                        "the file of `{}` changed and cannot be used, what was running goes on:\n{report}",
                        swap.plugin
                    ),
                    _ => tracing::error!(
                        plugin = swap.plugin,
                        "`{}` is not swapped, what was running goes on:\n{report}",
                        swap.plugin
                    ),
                }
                Err(NotSwapped::Faulty(report))
            }
        };
        swap.tell(answer);
    }

    /// Keeps what is wrong with a plugin's file until a good one comes, and pardons what was forced.
    fn remember(&mut self, swap: &Swap, adopted: &Result<Vec<Move>, String>) {
        if let What::File = swap.what {
            self.reloads.done += u64::from(adopted.as_ref().is_ok_and(|moves| !moves.is_empty()));
            self.reloads.failed += u64::from(adopted.is_err());
        }
        let Some(history) = self.versions.of_mut(&swap.plugin) else { return };
        match (&swap.what, adopted) {
            (What::File, adopted) => {
                let failure = |report: &String| Failure { at: Instant::now(), report: report.clone() };
                history.failure = adopted.as_ref().err().map(failure);
            }
            (What::Given { given, force: true, .. }, Ok(_)) => history.pardon(&given.digest),
            _ => {}
        }
    }

    /// What an operator is told about a swap that went well.
    fn swapped(&self, plugin: &str, moved: Option<&Move>, times: SwapTimes) -> Result<Swapped, NotSwapped> {
        let history = self.versions.of(plugin);
        let history = history.ok_or_else(|| NotSwapped::Unknown(format!("there is no plugin `{plugin}` any more")))?;
        let (filters, used_by) = self.in_force().uses(plugin);
        Ok(Swapped {
            plugin: plugin.to_owned(),
            swapped: moved.is_some(),
            from: moved.map_or(&history.now, |moved| &moved.from).view(),
            to: history.now.view(),
            filters,
            used_by,
            probation_ms: history.probation_ms(),
            times,
        })
    }
}

impl Job {
    /// The digest of what the configuration names now, and the state with the component. Slow: compiles.
    fn build(self, before: &State, lines: &[Arc<dyn Outbound>]) -> (Digest, Result<Option<New>, String>) {
        let config = &before.config;
        let wrong = |fault| Err(Report::new(&config.sources, vec![fault]).render(false));
        let component = &self.plugin.component;
        let (given, configured) = match self.given {
            Some(given) => (given, self.configured),
            None => match plugin::read(component) {
                Ok(given) if given.digest == self.configured => return (given.digest, Ok(None)),
                Ok(given) => (given.clone(), given.digest),
                Err(fault) => return (self.configured, wrong(fault)),
            },
        };
        let name = &component.plugin;
        let serves = before.snapshot.plugins().get(name).map(|running| running.given.digest);
        // Whoever saved what serves has changed its pin, too, which the next reload reads.
        if serves == Some(given.digest) {
            return (configured, Ok(None));
        }
        if self.is_of_file {
            if let Some((_, why)) = self.refused.iter().find(|(digest, _)| *digest == given.digest) {
                let refused = format!("this file's component is refused, because {why}");
                let help = format!("`weir plugin swap {name} FILE --force` takes it again");
                return (configured, wrong(Fault::new(component.place, refused).help(help)));
            }
            if let Err(fault) = plugin::check_pin(component, &given.digest) {
                return (configured, wrong(fault));
            }
        }
        let built = before.with_component(&self.plugin, given, configured, self.may_want_more);
        let new = built.map_err(|report| report.render(false)).map(|(state, mut steps)| {
            let began = Instant::now();
            let warm = state.snapshot.warm(&before.snapshot, lines);
            steps.configure += began.elapsed();
            Some(New { state: Arc::new(state), warm, steps })
        });
        (configured, new)
    }
}

/// Says that another version serves.
fn log(swap: &Swap, moved: &Move) {
    let Move { plugin, from, to, .. } = moved;
    match &swap.what {
        What::Away { why, .. } => tracing::error!(
            plugin,
            "{from} of `{plugin}` is taken back, because {why}; {to} serves again, and the other one is refused until \
             `weir plugin swap {plugin} FILE --force`"
        ),
        What::Back => tracing::info!(plugin, "`{plugin}` goes back from {from} to {to}"),
        What::Given { .. } => tracing::info!(plugin, "`{plugin}` is swapped: {to} serves in the place of {from}"),
        What::File => tracing::info!(
            plugin,
            "the file of `{plugin}` changed, and what is there now is used: {to} serves in the place of {from}"
        ),
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
