//! `weir plugin inspect`: a component as its bytes tell it. Nothing of it is compiled or run.

use std::borrow::Cow;
use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::super::Usage;
use super::{digest, list, plain, powers, say, schema, size};
use crate::plugin::{About, Interface, Manifest, VERSION, bundled, bundled_names, read_component};

#[derive(Args, Debug)]
pub(in crate::cli) struct Options {
    /// A component's file, or the name of a bundled plugin
    #[arg(value_name = "FILE|NAME")]
    what: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn inspect(options: &Options) -> anyhow::Result<()> {
    let what = &options.what;
    let bytes = find(what)?;
    let manifest = Manifest::read(&bytes).map_err(|why| anyhow!("{what} is not a filter: {why}"))?;
    let checked = manifest.check();
    say(&if options.json {
        format!("{:#}\n", as_json(what, &bytes, &manifest, checked.as_ref().err()))
    } else {
        text(what, &bytes, &manifest)
    })?;
    checked.map_err(|why| anyhow!("this weir cannot run {what}: {why}"))
}

/// The bytes of a file, or of a bundled plugin.
fn find(what: &str) -> anyhow::Result<Cow<'static, [u8]>> {
    let path = Path::new(what);
    match bundled(what) {
        Some(bytes) if !path.exists() => Ok(bytes.into()),
        None if !path.exists() && !what.contains(['/', '.']) => Err(Usage(format!(
            "there is neither a file nor a bundled plugin `{what}`; bundled are: {}",
            list(bundled_names())
        ))
        .into()),
        _ => match read_component(path) {
            Ok(bytes) => Ok(bytes.into()),
            Err(why) => Err(anyhow!("cannot read {what}: {why}")),
        },
    }
}

/// All of it for people.
fn text(what: &str, bytes: &[u8], manifest: &Manifest) -> String {
    let unknown = About::default();
    let about = manifest.about.as_ref().unwrap_or(&unknown);
    let mut text = match &manifest.about {
        Some(about) => format!("{} {}\n", plain(&about.name), plain(about.version.as_deref().unwrap_or_default())),
        None => format!("{what} says nothing about itself: it has no manifest, which `weir plugin build` writes\n"),
    };
    if let Some(description) = &about.description {
        text += &format!("  {}\n", plain(description));
    }
    text.push('\n');
    for (key, value) in facts(what, bytes, manifest, about) {
        text += &format!("{key:<14} {value}\n");
    }
    text += "\nit can\n";
    for power in powers::granted(manifest) {
        text += &format!("  {power}\n");
    }
    text += "\nit cannot\n  open files or sockets, see the environment, start programs\n";
    for power in powers::withheld(manifest) {
        text += &format!("  {power}\n");
    }
    text += "\nconfiguration\n";
    match &about.schema {
        Some(schema) => text += &schema::table(schema),
        None => text += "  it does not say what it takes\n",
    }
    text
}

/// What fits on a line each.
fn facts(what: &str, bytes: &[u8], manifest: &Manifest, about: &About) -> Vec<(&'static str, String)> {
    let mut facts = vec![("component", format!("{what}, {}", size(bytes))), ("sha256", digest(bytes))];
    if let Some(contract) = &about.contract {
        facts.push(("contract", format!("{} (this weir speaks {VERSION})", plain(contract))));
    }
    if let Some(place) = &about.place {
        facts.push(("place", plain(place)));
    }
    facts.push(("hooks", list(manifest.hooks())));
    facts.push(("capabilities", list(manifest.capabilities().map(|interface| interface.name.as_str()))));
    let waits =
        if manifest.waits() { "yes: it can wait, so each hook runs on a fiber" } else { "no: its hooks never wait" };
    facts.push(("waits", waits.into()));
    let vars = &about.grants.vars;
    let asks = format!("grants: {{ vars: [{}] }}", list(vars.iter().map(String::as_str)));
    facts.push(("asks for", if vars.is_empty() { "no grants".into() } else { asks }));
    let wasi: Vec<String> = manifest.wasi().map(ToString::to_string).collect();
    if !wasi.is_empty() {
        let names = list(wasi.iter().map(String::as_str));
        facts.push(("WASI", format!("needs `wasi: stub` in its declaration: {names}")));
    }
    facts
}

fn as_json(what: &str, bytes: &[u8], manifest: &Manifest, problem: Option<&String>) -> Value {
    let unknown = About::default();
    let about = manifest.about.as_ref().unwrap_or(&unknown);
    let interface =
        |interface: &Interface| json!({ "interface": interface.to_string(), "functions": interface.functions });
    json!({
        "component": what,
        "size": bytes.len(),
        "sha256": digest(bytes),
        "name": manifest.about.as_ref().map(|about| &about.name),
        "version": about.version,
        "description": about.description,
        "contract": about.contract,
        "place": about.place,
        "hooks": manifest.hooks().collect::<Vec<_>>(),
        "imports": manifest.imports.iter().map(interface).collect::<Vec<_>>(),
        "can": powers::granted(manifest).collect::<Vec<_>>(),
        "waits": manifest.waits(),
        "wasi": manifest.wasi().next().is_some(),
        "grants": { "vars": about.grants.vars },
        "schema": about.schema,
        "problem": problem,
    })
}
