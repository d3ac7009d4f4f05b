//! Versions of plugins, and where what runs is not what the configuration names.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{InForce, millis};
use crate::admin::{Drift, PluginVersion, RefusedComponent, Use};
use crate::plugin::hex;
use crate::server::Server;
use crate::server::versions::{History, Move, Origin, Version, Versions};

/// Uses of one plugin that are named; the rest are counted.
const MOST_USES: usize = 20;

/// One plugin's versions as they are shown.
#[derive(Clone, Debug)]
pub(in crate::server) struct Known {
    pub(super) serves: PluginVersion,
    pub(super) before: Vec<PluginVersion>,
    pub(super) refused: Vec<RefusedComponent>,
    pub(super) probation_ms: Option<u64>,
    pub(super) configured: String,
    pub(super) failure: Option<String>,
}

impl Versions {
    /// All, by the plugins' names.
    pub(in crate::server) fn views(&self) -> BTreeMap<String, Known> {
        self.iter().map(|(name, history)| (name.to_owned(), history.known())).collect()
    }

    /// The plugins of which something else runs than the configuration names.
    pub(super) fn drift(&self) -> impl Iterator<Item = Drift> {
        self.iter().filter_map(|(name, history)| {
            Some(Drift { kind: "plugin", name: name.to_owned(), words: history.drift(name)? })
        })
    }
}

impl History {
    fn known(&self) -> Known {
        let refused = self.refused.iter().map(|refused| RefusedComponent {
            digest: hex(&refused.digest),
            why: refused.why.clone(),
            at: seconds(refused.at),
        });
        Known {
            serves: self.now.view(),
            before: self.before.iter().map(Version::view).collect(),
            refused: refused.collect(),
            probation_ms: self.probation_ms(),
            configured: hex(&self.configured),
            failure: self.failure.as_ref().map(|failure| failure.report.clone()),
        }
    }

    /// How long what serves is still watched.
    pub(in crate::server) fn probation_ms(&self) -> Option<u64> {
        self.watch.map(|watch| millis(watch.left()))
    }

    /// Why something else runs than the configuration names, and what to do; nothing if it does not.
    fn drift(&self, name: &str) -> Option<String> {
        let now = &self.now;
        if self.failure.is_some() {
            return Some(format!(
                "{now} goes on, because its file has changed and is not taken; GET /plugins says why"
            ));
        }
        if !self.is_unsaved() {
            return None;
        }
        Some(match (self.refusal(&self.configured), &now.from) {
            (Some(refused), _) => format!(
                "{now} serves, and what the configuration names is refused, because {}; `weir plugin swap {name} FILE \
                 --force` takes it again",
                refused.why
            ),
            (None, Origin::Upload) => {
                format!("{now} serves until a reload; `weir plugin swap {name} FILE --save` writes it to the file")
            }
            (None, _) => format!("{now} serves until a reload, after a rollback"),
        })
    }
}

impl Version {
    pub(in crate::server) fn view(&self) -> PluginVersion {
        PluginVersion {
            number: self.number,
            digest: hex(&self.given.digest),
            from: self.from.to_string(),
            since: seconds(self.since),
        }
    }
}

impl InForce {
    /// How many filters of chains are of this plugin, and the first of them.
    pub(in crate::server) fn uses(&self, plugin: &str) -> (usize, Vec<Use>) {
        let all = self.config.entries.iter().filter(|entry| entry.component.plugin == plugin);
        let first = all.clone().take(MOST_USES).map(|entry| {
            let (site, route) = entry.owner.clone();
            Use { site, route, filter: entry.name.clone() }
        });
        (all.clone().count(), first.collect())
    }
}

impl Server {
    /// What became of plugins by a reload, for those who asked for it.
    pub(in crate::server) fn notes(&self, moves: &[Move]) -> Vec<String> {
        let new = moves.iter().map(|Move { plugin, from, to, is_unsaved }| {
            let lost = if *is_unsaved { ", which was not saved" } else { "" };
            format!("`{plugin}`: {to} serves in the place of {from}{lost}")
        });
        let kept = self.versions.iter().filter_map(|(name, history)| {
            let refused = history.refusal(&history.configured).filter(|_| history.is_unsaved())?;
            let now = &history.now;
            Some(format!("`{name}`: {now} goes on, because what the configuration names is refused: {}", refused.why))
        });
        new.chain(kept).collect()
    }
}

/// Since 1970.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
