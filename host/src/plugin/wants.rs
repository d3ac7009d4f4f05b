//! What a new version of a plugin wants that the one before did not, and that nobody granted.
//!
//! It would be denied all the same. But whoever swaps a component learns here what it is after, before it serves.

use std::sync::Arc;

use super::filter::GRANTED;
use super::manifest::Manifest;
use super::registry::Entry;
use crate::config::{Component, ComponentSource, Entry as EntryConfig, Fault, Plugin};

/// Of a long list the beginning tells what kind it is.
const MOST_NAMED: usize = 8;

/// How to go on without a grant.
const OR_FORCE: &str = "or swap it with --force: then it is denied";

/// Faults for what the entries' new component wants more than the entries before did. Both are all of the plugin's.
pub fn ungranted(plugin: &Plugin, before: &[&Arc<Entry>], after: &[(&EntryConfig, Arc<Entry>)]) -> Vec<Fault> {
    let (Some(old), Some((first, new))) = (before.first(), after.first()) else { return Vec::new() };
    let (old, new) = (&old.filter, &new.filter);
    let mut faults = Vec::new();
    let mut granted = plugin.grants.vars.clone();
    granted.extend(shipped(&plugin.component));
    granted.extend(old.about.grants.vars.iter().cloned());
    let is_granted = |wanted: &&String| granted.iter().any(|prefix| wanted.starts_with(prefix.as_str()));
    let wanted: Vec<&str> =
        new.about.grants.vars.iter().filter(|wanted| !is_granted(wanted)).map(String::as_str).collect();
    if !wanted.is_empty() {
        faults.push(vars(plugin, &wanted));
    }
    for (capability, kind) in GRANTED.iter().filter(|(capability, _)| new.imports.contains(capability)) {
        let is_used = after.iter().any(|(_, entry)| entry.granted.has(kind));
        if old.imports.contains(capability) || is_used {
            continue;
        }
        let field = new.about.schema.as_ref().and_then(|schema| field(schema, kind));
        let what = field.map_or_else(|| format!("a field of the kind `{kind}`"), |field| format!("`{field}`"));
        let message = format!(
            "`{}` wants to use `{capability}`, which the version that runs does not, and no config grants it",
            plugin.component.plugin
        );
        faults.push(
            Fault::new(first.place, message).help(format!("write {what} into the `config` of its entry; {OR_FORCE}")),
        );
    }
    faults
}

fn vars(plugin: &Plugin, wanted: &[&str]) -> Fault {
    let name = &plugin.component.plugin;
    let all: Vec<&str> =
        plugin.grants.vars.iter().map(String::as_str).chain(wanted.iter().copied()).take(MOST_NAMED).collect();
    let line = format!("grants: {{ vars: [{}] }}", all.join(", "));
    let line = match &plugin.component.source {
        ComponentSource::File(_) => format!("write `{line}` into its declaration"),
        ComponentSource::Bundled(_) => format!("write `plugins: {{ {name}: {{ {line} }} }}`"),
    };
    let wanted = wanted[..wanted.len().min(MOST_NAMED)].join("`, `");
    let message =
        format!("`{name}` wants to write variables that begin with `{wanted}`, which the version that runs does not");
    Fault::new(plugin.component.place, message).help(format!("{line}; {OR_FORCE}"))
}

/// The name of a field of this kind.
fn field(schema: &serde_json::Value, kind: &str) -> Option<String> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object)?;
    properties.iter().find_map(|(name, value)| {
        let is_of_kind = value.get("x-weir").is_some_and(|mark| mark == kind);
        if is_of_kind { Some(name.clone()) } else { field(value, kind).map(|inner| format!("{name}.{inner}")) }
    })
}

/// What is granted to a bundled component with weir itself: prefixes of variables. They are granted to the name, whatever
/// has taken the component's place.
pub(super) fn shipped(component: &Component) -> Vec<String> {
    let ComponentSource::Bundled(name) = &component.source else { return Vec::new() };
    let bundled = weir_bundle::find(name).and_then(|bytes| Manifest::read(bytes).ok());
    bundled.and_then(|manifest| manifest.about).map(|about| about.grants.vars).unwrap_or_default()
}
