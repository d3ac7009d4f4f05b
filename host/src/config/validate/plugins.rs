//! Which component a plugin's name stands for.

use std::collections::{HashMap, HashSet};

use super::{Check, MOST_MEMORY};
use crate::config::fault::{closest, quoted, suggestion};
use crate::config::file;
use crate::config::read::Named;
use crate::config::{Component, ComponentSource, Limits, Located, Place};

/// The declared plugins; none for a faulty one.
pub(super) struct Plugins {
    declared: HashMap<String, Option<(Component, Limits)>>,
    used: HashSet<String>,
}

impl Plugins {
    pub(super) fn new(check: &mut Check, named: &Named<file::Plugin>) -> Self {
        let mut declared = HashMap::new();
        for (name, plugin) in &named.0 {
            let sound = plugin.as_ref().and_then(|plugin| check.plugin(name, plugin));
            declared.insert(name.value.clone(), sound);
        }
        Self { declared, used: HashSet::new() }
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
    ) -> Option<(Component, Limits)> {
        self.used.insert(name.to_owned());
        if let Some(declared) = self.declared.get(name) {
            return declared.clone();
        }
        if weir_bundle::find(name).is_some() {
            let source = ComponentSource::Bundled(name.to_owned());
            return Some((Component { source, sha256: None, place }, Limits::default()));
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
        self.used.clear();
    }

    /// What is declared and used nowhere.
    pub(super) fn unused(self) -> Vec<Component> {
        let Self { declared, used } = self;
        let rest = declared.into_iter().filter(|(name, _)| !used.contains(name));
        rest.filter_map(|(_, declared)| declared.map(|(component, _)| component)).collect()
    }
}

impl Check {
    fn plugin(&mut self, name: &Located<String>, plugin: &file::Plugin) -> Option<(Component, Limits)> {
        let limits = self.limits(plugin.limits.as_ref(), Limits::default());
        let sha256 = plugin.sha256.as_ref().and_then(|digest| self.digest(digest));
        let component = match &plugin.file {
            Some(file) => Component { source: ComponentSource::File(self.path(file)), sha256, place: file.place },
            None if weir_bundle::find(&name.value).is_some() => {
                Component { source: ComponentSource::Bundled(name.value.clone()), sha256, place: name.place }
            }
            None => {
                let help =
                    suggestion(&name.value, "bundled plugins", weir_bundle::PLUGINS.iter().map(|(name, _)| *name));
                let message = format!("no plugin `{}` is bundled, so it needs a `file`", name.value);
                self.missing(name.place, message, &help);
                return None;
            }
        };
        Some((component, limits))
    }

    fn digest(&mut self, digest: &Located<String>) -> Option<Located<[u8; 32]>> {
        let text = digest.value.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let pairs = text.chunks(2).map(|pair| Some((digit(pair[0])? << 4) | digit(*pair.get(1)?)?));
        let bytes: Option<Vec<u8>> = pairs.collect();
        let value = bytes.and_then(|bytes| bytes.try_into().ok());
        if value.is_none() {
            self.fault(digest.place, format!("{} is not a SHA-256 digest", quoted(&digest.value))).help =
                Some("write 64 hexadecimal digits; `sha256sum FILE` prints them".into());
        }
        Some(Located { value: value?, place: digest.place })
    }

    /// The limits that are written, and the rest as it was.
    pub(super) fn limits(&mut self, written: Option<&file::Limits>, mut limits: Limits) -> Limits {
        if let Some(memory) = written.and_then(|limits| limits.memory.as_ref()) {
            let bytes = usize::try_from(memory.value.0).unwrap_or(usize::MAX);
            if !(64 << 10..=MOST_MEMORY).contains(&bytes) {
                self.fault(memory.place, "a plugin's memory is from 64KiB to 1GiB");
            }
            limits.memory = bytes;
        }
        if let Some(cpu) = written.and_then(|limits| limits.cpu.as_ref()) {
            if !(1..=60_000).contains(&cpu.value.0.as_millis()) {
                self.fault(cpu.place, "a hook's CPU time is from 1ms to 60s");
            }
            limits.cpu = cpu.value.0;
        }
        limits
    }
}
