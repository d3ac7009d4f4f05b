//! Which version of each plugin runs, which ran before, and which are refused.
//!
//! Plain data of the control thread: what is served is decided elsewhere, and told to it. Nothing of it is kept on disk:
//! the file is the truth, and a start begins anew.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::{Instant, SystemTime};

use crate::config::ComponentSource;
use crate::plugin::{Digest, Given, Running, Substitute, Substitutes, hex};

use super::probation::Watch;
use super::reload::Failure;

/// Versions of a plugin that can be gone back to.
const MOST_KEPT: usize = 5;

/// Bytes of components that are kept for that, of all plugins together.
const MOST_BYTES: usize = 256 << 20;

/// Refused digests of a plugin; the oldest are forgotten.
const MOST_REFUSED: usize = 32;

/// All plugins, by name.
#[derive(Debug)]
pub(super) struct Versions {
    plugins: BTreeMap<String, History>,
    /// When those on probation were last looked at.
    pub(super) looked: Instant,
}

impl Default for Versions {
    fn default() -> Self {
        Self { plugins: BTreeMap::new(), looked: Instant::now() }
    }
}

/// One plugin's versions.
#[derive(Debug)]
pub(super) struct History {
    pub(super) now: Version,
    /// The newest last.
    pub(super) before: VecDeque<Version>,
    pub(super) refused: VecDeque<Refused>,
    /// The digest of what the configuration names, as far as it was looked at.
    pub(super) configured: Digest,
    /// What was wrong with its file when that last changed; none if nothing was.
    pub(super) failure: Option<Failure>,
    /// As long as the version that runs is on probation.
    pub(super) watch: Option<Watch>,
    newest: u64,
}

/// A component that serves, or did.
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// From 1, in the order in which they came since the start.
    pub(super) number: u64,
    pub(super) given: Given,
    pub(super) from: Origin,
    pub(super) since: SystemTime,
}

/// Where a version came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// This binary.
    Bundled,
    /// The file that the configuration names.
    File(PathBuf),
    /// An operator's hands.
    Upload,
}

/// A component that is not to run again unless somebody insists.
#[derive(Clone, Debug)]
pub(super) struct Refused {
    pub(super) digest: Digest,
    pub(super) why: String,
    pub(super) at: SystemTime,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bundled => formatter.write_str("bundled"),
            Self::File(path) => path.display().fmt(formatter),
            Self::Upload => formatter.write_str("uploaded"),
        }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digest = hex(&self.given.digest);
        write!(formatter, "version {} ({}, {})", self.number, &digest[..12], self.from)
    }
}

/// One version took another's place.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) plugin: String,
    pub(super) from: Version,
    pub(super) to: Version,
    /// Whether what went is not what the configuration names, and so is nowhere but here.
    pub(super) is_unsaved: bool,
}

impl Versions {
    /// A plugin's versions.
    pub(super) fn of(&self, plugin: &str) -> Option<&History> {
        self.plugins.get(plugin)
    }

    pub(super) fn of_mut(&mut self, plugin: &str) -> Option<&mut History> {
        self.plugins.get_mut(plugin)
    }

    /// All, by the plugins' names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &History)> {
        self.plugins.iter().map(|(name, history)| (name.as_str(), history))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut History)> {
        self.plugins.iter_mut().map(|(name, history)| (name.as_str(), history))
    }

    /// Takes note of what runs now; plugins that are gone are forgotten. `back` is the plugin that was to go back to an
    /// earlier version. Says what has changed.
    pub(super) fn serve<'a>(
        &mut self,
        running: &BTreeMap<String, Running>,
        sources: impl Fn(&str) -> Option<&'a ComponentSource>,
        back: Option<&str>,
    ) -> Vec<Move> {
        self.plugins.retain(|name, _| running.contains_key(name));
        let mut moves = Vec::new();
        for (name, running) in running {
            let origin = match sources(name) {
                _ if running.given.digest != running.configured => Origin::Upload,
                Some(ComponentSource::File(path)) => Origin::File(path.clone()),
                _ => Origin::Bundled,
            };
            let Some(history) = self.plugins.get_mut(name) else {
                self.plugins.insert(name.clone(), History::new(running, origin));
                continue;
            };
            let is_unsaved = history.is_unsaved();
            history.configured = running.configured;
            history.failure = None;
            if history.now.given.digest == running.given.digest {
                continue;
            }
            let from =
                if back == Some(name) { history.go_back(running, origin) } else { history.go_on(running, origin) };
            moves.push(Move { plugin: name.clone(), from, to: history.now.clone(), is_unsaved });
        }
        self.trim();
        moves
    }

    /// What a reload must not take from the configuration: components that were refused. What runs goes on in their place.
    pub(super) fn for_reload(&self) -> Substitutes {
        let substitute = |(name, history): (&String, &History)| {
            let refused: Vec<Digest> = history.refused.iter().map(|refused| refused.digest).collect();
            (!refused.is_empty()).then(|| (name.clone(), Substitute::For(refused, history.now.given.clone())))
        };
        self.plugins.iter().filter_map(substitute).collect()
    }

    /// What runs, for a build that is about other things.
    pub(super) fn as_they_are(&self) -> Substitutes {
        let now = |(name, history): (&String, &History)| {
            (name.clone(), Substitute::Always(history.now.given.clone(), history.configured))
        };
        self.plugins.iter().map(now).collect()
    }

    /// Forgets the oldest versions of all until the rest is small enough.
    fn trim(&mut self) {
        let size = |history: &History| history.before.iter().map(|version| version.given.bytes.len()).sum::<usize>();
        while self.plugins.values().map(size).sum::<usize>() > MOST_BYTES {
            let oldest = self.plugins.values_mut().filter(|history| !history.before.is_empty());
            let Some(history) = oldest.min_by_key(|history| history.before[0].since) else { return };
            history.before.pop_front();
        }
    }
}

impl History {
    fn new(running: &Running, from: Origin) -> Self {
        let now = Version { number: 1, given: running.given.clone(), from, since: SystemTime::now() };
        Self {
            now,
            before: VecDeque::new(),
            refused: VecDeque::new(),
            configured: running.configured,
            failure: None,
            watch: None,
            newest: 1,
        }
    }

    /// The version that a rollback goes to.
    pub(super) fn previous(&self) -> Option<&Version> {
        self.before.iter().rev().find(|version| self.refusal(&version.given.digest).is_none())
    }

    /// Whether what runs is not what the configuration names.
    pub(super) fn is_unsaved(&self) -> bool {
        self.now.given.digest != self.configured
    }

    /// Why this component is refused, if it is.
    pub(super) fn refusal(&self, digest: &Digest) -> Option<&Refused> {
        self.refused.iter().find(|refused| refused.digest == *digest)
    }

    /// This component is not to run again unless somebody insists.
    pub(super) fn refuse(&mut self, digest: Digest, why: String) {
        self.pardon(&digest);
        self.refused.push_back(Refused { digest, why, at: SystemTime::now() });
        if self.refused.len() > MOST_REFUSED {
            self.refused.pop_front();
        }
    }

    /// Somebody insists.
    pub(super) fn pardon(&mut self, digest: &Digest) {
        self.refused.retain(|refused| refused.digest != *digest);
    }

    /// Another version runs. Returns the one before.
    fn go_on(&mut self, running: &Running, from: Origin) -> Version {
        self.watch = None;
        self.newest += 1;
        let now = Version { number: self.newest, given: running.given.clone(), from, since: SystemTime::now() };
        let before = std::mem::replace(&mut self.now, now);
        self.before.push_back(before.clone());
        if self.before.len() > MOST_KEPT {
            self.before.pop_front();
        }
        before
    }

    /// An earlier version runs again; those that came after it are forgotten. Returns the one before.
    fn go_back(&mut self, running: &Running, from: Origin) -> Version {
        let known = self.before.iter().rposition(|version| version.given.digest == running.given.digest);
        let Some(place) = known else { return self.go_on(running, from) };
        self.watch = None;
        self.before.truncate(place + 1);
        match self.before.pop_back() {
            Some(earlier) => std::mem::replace(&mut self.now, Version { since: SystemTime::now(), ..earlier }),
            None => self.now.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What runs, and what the configuration names, each told by a byte.
    fn running(given: u8, configured: u8) -> BTreeMap<String, Running> {
        let given = Given { digest: [given; 32], bytes: vec![given; 4].into() };
        BTreeMap::from([("banner".to_owned(), Running { given, configured: [configured; 32] })])
    }

    fn serve(versions: &mut Versions, given: u8, configured: u8, back: Option<&str>) -> Vec<(u64, u64)> {
        let source = ComponentSource::File("banner.wasm".into());
        let moves = versions.serve(&running(given, configured), |_| Some(&source), back);
        moves.iter().map(|moved| (moved.from.number, moved.to.number)).collect()
    }

    #[test]
    fn versions_go_on_and_back() {
        let mut versions = Versions::default();
        assert_eq!(serve(&mut versions, 1, 1, None), []);
        assert_eq!(serve(&mut versions, 2, 1, None), [(1, 2)]);
        assert_eq!(serve(&mut versions, 3, 1, None), [(2, 3)]);
        assert_eq!(serve(&mut versions, 3, 1, None), []);
        let history = versions.of("banner").unwrap();
        assert_eq!((history.now.from.clone(), history.is_unsaved()), (Origin::Upload, true));
        assert_eq!(history.previous().unwrap().number, 2);
        assert_eq!(serve(&mut versions, 2, 1, Some("banner")), [(3, 2)]);
        assert_eq!(serve(&mut versions, 1, 1, Some("banner")), [(2, 1)]);
        let history = versions.of("banner").unwrap();
        assert_eq!((history.previous().is_none(), history.is_unsaved()), (true, false));
        assert_eq!(history.now.from, Origin::File("banner.wasm".into()));
        // Numbers are not used again.
        assert_eq!(serve(&mut versions, 3, 3, None), [(1, 4)]);
    }

    #[test]
    fn what_is_refused_is_passed_over_until_it_is_pardoned() {
        let mut versions = Versions::default();
        for version in [1, 2, 3] {
            serve(&mut versions, version, version, None);
        }
        assert!(versions.for_reload().is_empty());
        let history = versions.of_mut("banner").unwrap();
        history.refuse([2; 32], "it failed".into());
        assert_eq!(history.previous().unwrap().number, 1);
        let substitutes = versions.for_reload();
        assert!(
            matches!(&substitutes["banner"], Substitute::For(refused, instead) if *refused == [[2; 32]] && instead.digest == [3; 32])
        );
        let history = versions.of_mut("banner").unwrap();
        history.pardon(&[2; 32]);
        assert_eq!(history.previous().unwrap().number, 2);
    }

    #[test]
    fn old_versions_are_forgotten() {
        let mut versions = Versions::default();
        for version in 0..20 {
            serve(&mut versions, version, version, None);
        }
        let numbers: Vec<u64> = versions.of("banner").unwrap().before.iter().map(|version| version.number).collect();
        assert_eq!(numbers, [15, 16, 17, 18, 19]);
        versions.serve(&BTreeMap::new(), |_| None, None);
        assert!(versions.of("banner").is_none());
    }
}
