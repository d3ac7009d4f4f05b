//! `weir plugin inspect`: a component as its bytes tell it. Nothing of it is compiled or run.

use std::borrow::Cow;
use std::path::Path;

use anyhow::anyhow;
use clap::Args;
use serde_json::{Value, json};

use super::super::Usage;
use super::{digest, list, plain, powers, schema, size};
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
    if options.json {
        println!("{:#}", as_json(what, &bytes, &manifest, checked.as_ref().err()));
    } else {
        print(what, &bytes, &manifest);
    }
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

fn print(what: &str, bytes: &[u8], manifest: &Manifest) {
    let unknown = About::default();
    let about = manifest.about.as_ref().unwrap_or(&unknown);
    match &manifest.about {
        Some(about) => println!("{} {}", plain(&about.name), plain(about.version.as_deref().unwrap_or_default())),
        None => println!("{what} says nothing about itself: it has no manifest, which `weir plugin build` writes"),
    }
    if let Some(description) = &about.description {
        println!("  {}", plain(description));
    }
    let line = |key: &str, value: &str| println!("{key:<14} {value}");
    println!();
    line("component", &format!("{what}, {}", size(bytes)));
    line("sha256", &digest(bytes));
    if let Some(contract) = &about.contract {
        line("contract", &format!("{} (this weir speaks {VERSION})", plain(contract)));
    }
    if let Some(place) = &about.place {
        line("place", &plain(place));
    }
    line("hooks", &list(manifest.hooks()));
    line("capabilities", &list(manifest.capabilities().map(|interface| interface.name.as_str())));
    let waits =
        if manifest.waits() { "yes: it can wait, so each hook runs on a fiber" } else { "no: its hooks never wait" };
    line("waits", waits);
    let vars = about.grants.vars.iter().map(String::as_str);
    line(
        "asks for",
        &if about.grants.vars.is_empty() {
            "no grants".into()
        } else {
            format!("grants: {{ vars: [{}] }}", list(vars))
        },
    );
    let wasi: Vec<String> = manifest.wasi().map(ToString::to_string).collect();
    if !wasi.is_empty() {
        line("WASI", &format!("needs `wasi: stub` in its declaration: {}", list(wasi.iter().map(String::as_str))));
    }
    println!("\nit can");
    for power in powers::granted(manifest) {
        println!("  {power}");
    }
    println!("\nit cannot");
    println!("  open files or sockets, see the environment, start programs");
    for power in powers::withheld(manifest) {
        println!("  {power}");
    }
    println!();
    match &about.schema {
        Some(schema) => print!("configuration\n{}", schema::table(schema)),
        None => println!("configuration\n  it does not say what it takes"),
    }
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
