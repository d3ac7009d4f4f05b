//! `weir plugin swap`: another component for a plugin of the running proxy.

use std::path::PathBuf;

use anyhow::{anyhow, bail};
use clap::Args;
use http::{Method, StatusCode};
use serde_json::Value;

use super::super::admin::{self, send, text};
use super::super::count;
use super::digest;
use super::save::Save;
use crate::config;
use crate::plugin::read_component;

#[derive(Args, Debug)]
#[group(id = "swap")]
pub(in crate::cli) struct Options {
    /// The plugin's name in the configuration
    #[arg(value_name = "NAME")]
    plugin: String,
    /// The component
    #[arg(value_name = "FILE", required_unless_present = "rollback")]
    component: Option<PathBuf>,
    /// Write it to the plugin's file, too, and its digest to where the configuration pins one
    #[arg(long)]
    save: bool,
    /// Take it even if it failed too often before, or wants more than was granted, which it is denied
    #[arg(long)]
    force: bool,
    /// Go back to the component before
    #[arg(long, conflicts_with_all = ["component", "save", "force"])]
    rollback: bool,
    #[command(flatten)]
    admin: admin::Options,
}

pub(super) fn swap(options: &Options) -> anyhow::Result<()> {
    let plugin = segment(&options.plugin);
    let Some(file) = &options.component else {
        return told(&send(&options.admin, Method::POST, &format!("/plugins/{plugin}/rollback"), None)?);
    };
    let component = read_component(file).map_err(|why| anyhow!("cannot read {}: {why}", file.display()))?;
    // What cannot be saved is told before anything has changed.
    let config = options.save.then(|| config::load(&options.admin.file.config));
    let save = config.map(|config| Save::plan(&config, &options.plugin, &component)).transpose()?;
    let force = if options.force { "&force=true" } else { "" };
    let path = format!("/plugins/{plugin}?sha256={}{force}", digest(&component));
    told(&send(&options.admin, Method::PUT, &path, Some(component.into()))?)?;
    let Some(save) = save else { return Ok(()) };
    let saved = save.run().map_err(|error| anyhow!("it serves, but is not saved: {error:#}"))?;
    for line in saved {
        println!("  {line}");
    }
    Ok(())
}

/// Says what became of it.
fn told((status, answer): &(StatusCode, Value)) -> anyhow::Result<()> {
    if *status != StatusCode::OK {
        bail!("not swapped, what was running goes on:\n\n{}", text(&answer["error"]));
    }
    let version = |version: &Value| {
        let digest = text(&version["digest"]);
        format!("version {} ({}, {})", version["number"], digest.get(..12).unwrap_or(digest), text(&version["from"]))
    };
    let (name, to) = (text(&answer["plugin"]), version(&answer["to"]));
    if answer["swapped"] != true {
        println!("{name}: {to} serves already; nothing has changed");
        return Ok(());
    }
    let used = count(answer["filters"].as_u64().unwrap_or_default(), "filter");
    println!("{name}: {to} serves in {used}, in the place of {}", version(&answer["from"]));
    let times = &answer["times"];
    println!(
        "  received in {} ms, compiled in {} ms, configured in {} ms, taken over in {} ms",
        times["receive_ms"], times["compile_ms"], times["configure_ms"], times["adopt_ms"]
    );
    if let Some(time) = answer["probation_ms"].as_u64() {
        println!("  watched for {} s: if it fails too often, the one before comes back", time.div_ceil(1000));
    }
    Ok(())
}

/// A name as one segment of a path.
fn segment(name: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let shown = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    name.bytes().map(shown).collect()
}
