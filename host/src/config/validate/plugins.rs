//! Which component a plugin's name stands for.

use std::collections::{BTreeMap, HashMap};

use super::Check;
use crate::config::fault::{closest, quoted, suggestion};
use crate::config::filters;
use crate::config::read::{Named, OneOrMore};
use crate::config::{
    Component, ComponentSource, Grants, Isolation, Limits, Located, Place, Plugin, Probation, Quarantine,
};

/// A plugin as entries begin with it.
#[derive(Clone)]
pub(super) struct Declared {
    pub(super) component: Component,
    pub(super) limits: Limits,
    pub(super) isolation: Isolation,
    pub(super) grants: Grants,
    pub(super) quarantine: Option<Quarantine>,
    probation: Option<Probation>,
}

/// The declared plugins; none for a faulty one.
pub(super) struct Plugins {
    declared: HashMap<String, Option<Declared>>,
    /// Bundled ones that are named without being declared.
    named: HashMap<String, Declared>,
}

impl Plugins {
    pub(super) fn new(check: &mut Check, named: &Named<filters::Plugin>) -> Self {
        let mut declared = HashMap::new();
        for (name, plugin) in &named.0 {
            let sound = plugin.as_ref().and_then(|plugin| check.plugin(name, plugin));
            declared.insert(name.value.clone(), sound);
        }
        Self { declared, named: HashMap::new() }
    }

    pub(super) fn is_known(&self, name: &str) -> bool {
        self.declared.contains_key(name) || weir_bundle::find(name).is_some()
    }

    /// The component of that name. None if there is a fault, noted here or before. `chains` are what the name could be
    /// instead; where only a plugin can stand, that is said.
    pub(super) fn find<'a>(
        &mut self,
        check: &mut Check,
        name: &str,
        place: Place,
        mut chains: impl Iterator<Item = &'a str>,
        is_only_plugin: bool,
    ) -> Option<Declared> {
        if let Some(declared) = self.declared.get(name) {
            return declared.clone();
        }
        if weir_bundle::find(name).is_some() {
            let declared = Declared {
                component: Component {
                    plugin: name.to_owned(),
                    source: ComponentSource::Bundled(name.to_owned()),
                    sha256: None,
                    wasi: None,
                    place,
                },
                limits: Limits::default(),
                isolation: Isolation::default(),
                grants: Grants::default(),
                quarantine: Some(Quarantine::default()),
                probation: Some(Probation::default()),
            };
            self.named.entry(name.to_owned()).or_insert_with(|| declared.clone());
            return Some(declared);
        }
        let message = format!("there is no plugin {}", quoted(name));
        if is_only_plugin && chains.any(|chain| chain == name) {
            check.fault(place, message).help =
                Some(format!("`{name}` is a chain: write its name alone, without `plugin:`"));
            return None;
        }
        let mut names: Vec<&str> = weir_bundle::PLUGINS.iter().map(|(name, _)| *name).collect();
        names.extend(self.declared.keys().map(String::as_str));
        let what = if is_only_plugin { "plugins" } else { "plugins and chains" };
        for chain in chains.filter(|_| !is_only_plugin) {
            names.push(chain);
        }
        names.sort_unstable();
        let mut help = suggestion(name, what, names.iter().copied());
        if closest(name, names).is_none() {
            help += "; one of your own is declared under `plugins:` with its `file:`";
        }
        check.fault(place, message).help = Some(help);
        None
    }

    pub(super) fn forget_uses(&mut self) {
        self.named.clear();
    }

    /// What is declared or used, by name.
    pub(super) fn all(self) -> Vec<Plugin> {
        let declared = self.declared.into_iter().filter_map(|(name, declared)| Some((name, declared?)));
        let all: BTreeMap<String, Declared> = declared.chain(self.named).collect();
        let plugin = |declared| {
            let Declared { component, grants, limits, probation, .. } = declared;
            Plugin { component, grants, limits, probation }
        };
        all.into_values().map(plugin).collect()
    }
}

impl Check {
    fn plugin(&mut self, name: &Located<String>, plugin: &filters::Plugin) -> Option<Declared> {
        let limits = self.limits(plugin.limits.as_ref(), Limits::default());
        let grants = Grants { vars: self.prefixes(plugin.grants.as_ref()) };
        let quarantine = self.quarantine(plugin.quarantine.as_ref());
        let probation = self.probation(plugin.probation.as_ref());
        let sha256 = plugin.sha256.as_ref().and_then(|digests| self.digests(digests));
        let (source, place) = match &plugin.file {
            Some(file) => (ComponentSource::File(self.path(file)), file.place),
            None if weir_bundle::find(&name.value).is_some() => {
                (ComponentSource::Bundled(name.value.clone()), name.place)
            }
            None => {
                let help =
                    suggestion(&name.value, "bundled plugins", weir_bundle::PLUGINS.iter().map(|(name, _)| *name));
                let message = format!("no plugin `{}` is bundled, so it needs a `file`", name.value);
                self.missing(name.place, message, &help);
                return None;
            }
        };
        let component = Component { plugin: name.value.clone(), source, sha256, wasi: plugin.wasi, place };
        let isolation = plugin.isolation.unwrap_or_default();
        Some(Declared { component, limits, isolation, grants, quarantine, probation })
    }

    /// The prefixes of variables that are sound.
    fn prefixes(&mut self, grants: Option<&filters::Grants>) -> Vec<String> {
        let written = grants.and_then(|grants| grants.vars.as_deref()).unwrap_or_default();
        let mut prefixes = Vec::new();
        for prefix in written {
            if is_prefix(&prefix.value) {
                prefixes.push(prefix.value.clone());
                continue;
            }
            let likely = format!("{}.", prefix.value.trim_end_matches(['.', '*']).to_ascii_lowercase());
            let help = if is_prefix(&likely) {
                format!("write `{likely}`")
            } else {
                "write words of a-z, 0-9, _ and -, each with a dot behind it, as in `user.`".to_owned()
            };
            self.fault(prefix.place, format!("{} is not a prefix of variables", quoted(&prefix.value))).help =
                Some(help);
        }
        prefixes
    }

    /// The digests, if all are sound.
    fn digests(&mut self, digests: &Located<OneOrMore<Located<String>>>) -> Option<Located<Vec<[u8; 32]>>> {
        let sound: Vec<_> = digests.value.0.iter().filter_map(|digest| self.digest(digest)).collect();
        (sound.len() == digests.value.0.len()).then_some(Located { value: sound, place: digests.place })
    }

    fn digest(&mut self, digest: &Located<String>) -> Option<[u8; 32]> {
        let text = digest.value.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = text.chunks(2).map(|pair| Some((digit(pair[0])? << 4) | digit(*pair.get(1)?)?));
        let bytes: Option<Vec<u8>> = pairs.collect();
        let value = bytes.and_then(|bytes| bytes.try_into().ok());
        if value.is_none() {
            self.fault(digest.place, format!("{} is not a SHA-256 digest", quoted(&digest.value))).help =
                Some("write 64 hexadecimal digits; `sha256sum FILE` prints them".into());
        }
        value
    }
}

/// Words, each with a dot behind it.
fn is_prefix(text: &str) -> bool {
    let is_word = |word: &str| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    };
    text.strip_suffix('.').is_some_and(|words| words.split('.').all(is_word))
}
