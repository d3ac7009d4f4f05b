//! Whether a version that was just swapped in fails too often: then the one before comes back by itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::swap::Swap;
use super::versions::Versions;
use super::{Server, State};
use crate::config::Probation;
use crate::plugin::Entry;

/// How often versions on probation are looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A version on probation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    rule: Probation,
    began: Instant,
    /// How the version before did.
    before: Calls,
}

/// How calls went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Calls {
    all: u64,
    failed: u64,
}

impl Calls {
    /// Those of all entries of a plugin, since they have its present version.
    pub(super) fn of<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Self {
        entries.map(|entry| entry.tally_of_version()).fold(Self::default(), |calls, tally| Self {
            all: calls.all + tally.calls(),
            failed: calls.failed + tally.failures(),
        })
    }

    /// Failed ones of a thousand.
    fn share(self) -> u64 {
        self.failed.saturating_mul(1000).checked_div(self.all).unwrap_or(0)
    }
}

impl Watch {
    pub(super) fn begin(rule: Probation, before: Calls) -> Self {
        Self { rule, began: Instant::now(), before }
    }

    /// How long it still lasts.
    pub(super) fn left(&self) -> Duration {
        self.rule.time.saturating_sub(self.began.elapsed())
    }
}

/// Whether so many calls failed that the version must go: the rule's share, and clearly more than before.
fn is_too_much(rule: &Probation, now: Calls, before: Calls) -> bool {
    let tells = |calls: Calls| calls.all >= u64::from(rule.calls);
    if !tells(now) {
        return false;
    }
    let before = if tells(before) { before.share() } else { 0 };
    // Twice as many; or, of what failed more often than not, half of the calls that went well.
    let more = (before * 2).min(before + (1000 - before) / 2);
    now.share() >= u64::from(rule.percent * 10).max(more) && now.share() > before
}

impl Versions {
    /// Waits until versions on probation should be looked at; for ever if there is none.
    pub(super) async fn time_to_look(&self) {
        if self.iter().any(|(_, history)| history.watch.is_some()) {
            // Other duties in between do not put it off.
            tokio::time::sleep_until((self.looked + LOOK).into()).await;
        } else {
            std::future::pending::<()>().await;
        }
    }
}

impl Server {
    /// How the versions did that this state does not have.
    pub(super) fn calls_of_leaving(&self, state: &State) -> HashMap<String, Calls> {
        let stays =
            |name: &str, digest| state.snapshot.plugins().get(name).is_some_and(|new| new.given.digest == digest);
        let leaving = self.versions.iter().filter(|(name, history)| !stays(name, history.now.given.digest));
        leaving.map(|(name, _)| (name.to_owned(), Calls::of(self.state.snapshot.entries_of(name)))).collect()
    }

    /// The plugin's version is watched from now on, if its declaration does not say otherwise and it could go back.
    pub(super) fn put_on_probation(&mut self, plugin: &str, before: Option<Calls>) {
        let rule = self.state.config.plugin(plugin).ok().and_then(|plugin| plugin.probation);
        let Some(history) = self.versions.of_mut(plugin).filter(|history| history.previous().is_some()) else { return };
        history.watch = rule.map(|rule| Watch::begin(rule, before.unwrap_or_default()));
    }

    /// Looks at every version on probation: one that fails too often goes, and one whose time is over stays.
    pub(super) fn look_at_probation(&mut self) {
        self.versions.looked = Instant::now();
        let mut failed = Vec::new();
        for (name, history) in self.versions.iter_mut() {
            let Some(watch) = history.watch else { continue };
            let calls = Calls::of(self.state.snapshot.entries_of(name));
            let is_aside = self.state.snapshot.entries_of(name).any(|entry| entry.quarantined().is_some());
            if is_aside || is_too_much(&watch.rule, calls, watch.before) {
                history.watch = None;
                let aside = if is_aside { ", and it was put in quarantine" } else { "" };
                let Calls { all, failed: of } = calls;
                let why = format!("{of} of {all} calls failed within {:.1?}{aside}", watch.began.elapsed());
                history.refuse(history.now.given.digest, why.clone());
                failed.push((name.to_owned(), history.now.given.digest, why));
            } else if watch.left().is_zero() {
                history.watch = None;
                let Calls { all, failed } = calls;
                let number = history.now.number;
                tracing::info!("version {number} of `{name}` has passed its probation: {failed} of {all} calls failed");
            }
        }
        for (plugin, digest, why) in failed {
            self.swap(Swap::back(plugin, digest, why));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_a_share_and_more_than_before() {
        let rule = Probation::default();
        let of = |failed, all| Calls { all, failed };
        let cases = [
            // Too few calls tell nothing.
            (of(19, 19), of(0, 0), false),
            (of(4, 20), of(0, 0), true),
            (of(3, 20), of(0, 1000), false),
            (of(200, 1000), of(0, 1000), true),
            // The one before was hardly better.
            (of(250, 1000), of(150, 1000), false),
            (of(300, 1000), of(150, 1000), true),
            // The one before failed often, too.
            (of(700, 1000), of(600, 1000), false),
            (of(800, 1000), of(600, 1000), true),
            (of(1000, 1000), of(1000, 1000), false),
            // What it did in a few calls does not count.
            (of(200, 1000), of(10, 10), true),
        ];
        for (now, before, wanted) in cases {
            assert_eq!(is_too_much(&rule, now, before), wanted, "{now:?} after {before:?}");
        }
    }
}
