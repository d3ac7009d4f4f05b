//! `weir status`, `weir reload`, `weir upgrade` and `weir drain`: questions to a running proxy.

use anyhow::bail;
use bytes::Bytes;
use clap::Args;
use http::{Method, StatusCode};
use serde_json::Value;

use super::run::block_on;
use super::{File, Usage, count, size};
use crate::admin::{At, Call, call};
use crate::config::{self, Admin, AdminAddress};

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    pub(super) file: File,
    /// The running proxy's admin address (or `unix:PATH`), instead of the file's; its token is then read from
    /// `WEIR_ADMIN_TOKEN`
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
}

pub(super) fn status(options: &Options, as_json: bool) -> anyhow::Result<()> {
    let (status, answer) = ask(options, Method::GET, "/status")?;
    if status != StatusCode::OK {
        bail!("{}", answer["error"].as_str().unwrap_or("the answer has no error"));
    }
    if as_json {
        println!("{answer:#}");
        return Ok(());
    }
    let many = |key: &str| count(answer[key].as_u64().unwrap_or_default(), key.trim_end_matches('s'));
    println!(
        "weir {} runs {} (pid {}, {})",
        text(&answer["version"]),
        text(&answer["config"]),
        answer["pid"],
        many("workers")
    );
    println!("  up {}, {}", duration(&answer["uptime"]), many("connections"));
    for listener in answer["listeners"].as_array().into_iter().flatten() {
        println!("  {} listens on {}", text(&listener["name"]), text(&listener["address"]));
    }
    println!("  {}, {}, {} ({})", many("sites"), many("routes"), many("filters"), many("instances"));
    // `local` is always there, and often nobody uses it.
    let is_used = |store: &&Value| store["values"] != 0 || !store["file"].is_null();
    for store in answer["stores"].as_array().into_iter().flatten().filter(is_used) {
        let values = count(store["values"].as_u64().unwrap_or_default(), "value");
        let bytes = |key: &str| size(store[key].as_u64().unwrap_or_default());
        println!("  store {}: {values}, {} of {}", text(&store["name"]), bytes("bytes"), bytes("limit"));
        if let Some(fault) = store["file"]["fault"].as_str() {
            println!("    {fault}");
        }
    }
    for store in answer["remote_stores"].as_array().into_iter().flatten() {
        for server in store["servers"].as_array().into_iter().flatten() {
            let state = match (server["up"].as_bool(), server["fault"].as_str()) {
                (Some(true), _) => "answers".to_owned(),
                (_, Some(fault)) => format!("is out of reach: {fault}"),
                (_, None) => "is being connected to".to_owned(),
            };
            println!("  store {}: {} {state}", text(&store["name"]), text(&server["server"]));
        }
    }
    for drift in answer["drift"].as_array().into_iter().flatten() {
        println!("  not as configured: {} {} {}", text(&drift["kind"]), text(&drift["name"]), text(&drift["words"]));
    }
    if answer["is_draining"] == true {
        println!("  draining: it comes to its end");
    }
    for (key, what) in [("lost_records", "access record"), ("lost_lines", "line")] {
        let lost = answer[key].as_u64().unwrap_or_default();
        if lost > 0 {
            println!("  {} could not be written", count(lost, what));
        }
    }
    if answer["reload"].is_object() && answer["reload"]["report"].is_null() {
        println!("  reloaded {} ago", duration(&answer["reload"]["ago"]));
    }
    for failure in answer["failures"].as_array().into_iter().flatten() {
        let what = match failure["what"].as_str() {
            Some("files") => "files changed and cannot be used",
            _ => "the reload failed",
        };
        let (ago, report) = (duration(&failure["ago"]), text(&failure["report"]));
        println!("  {what}, what was running goes on ({ago} ago):\n\n{report}");
    }
    Ok(())
}

pub(super) fn reload(options: &Options) -> anyhow::Result<()> {
    let (status, answer) = ask(options, Method::POST, "/reload")?;
    match (status, answer["report"].as_str()) {
        (StatusCode::OK, _) => {
            println!("reloaded");
            for note in answer["notes"].as_array().into_iter().flatten() {
                println!("  {}", text(note));
            }
        }
        (_, Some(report)) => bail!("not reloaded, what was running goes on:\n\n{report}"),
        _ => bail!("{}", text(&answer["error"])),
    }
    Ok(())
}

pub(super) fn upgrade(options: &Options) -> anyhow::Result<()> {
    let (status, answer) = ask(options, Method::POST, "/upgrade")?;
    match (status, answer["report"].as_str()) {
        (StatusCode::OK, _) => println!("upgraded: process {} serves", answer["pid"]),
        (_, Some(report)) => bail!("not upgraded, what was running goes on: {report}"),
        _ => bail!("{}", text(&answer["error"])),
    }
    Ok(())
}

pub(super) fn drain(options: &Options) -> anyhow::Result<()> {
    let (status, answer) = ask(options, Method::POST, "/drain")?;
    if status != StatusCode::OK {
        bail!("{}", text(&answer["error"]));
    }
    println!("draining: it ends when its exchanges have ended");
    Ok(())
}

/// Asks the running proxy.
pub(super) fn ask(options: &Options, method: Method, path: &str) -> anyhow::Result<(StatusCode, Value)> {
    send(options, method, path, None)
}

/// Asks the running proxy, with a component if there is one to send.
pub(super) fn send(
    options: &Options,
    method: Method,
    path: &str,
    component: Option<Bytes>,
) -> anyhow::Result<(StatusCode, Value)> {
    let (at, token) = match &options.admin {
        Some(url) => (address(url)?, std::env::var("WEIR_ADMIN_TOKEN").ok()),
        None => {
            let config = config::load(&options.file.config);
            // A file with faults elsewhere still says where the proxy is: it may be what the operator asks about.
            let Some(admin) = &config.admin else {
                config.sound(Vec::new())?;
                let message = format!(
                    "{} has no `admin:`, so the running proxy cannot be asked; add `admin: {{ address: 127.0.0.1:9180 }}` \
                     and restart it, or name it with --admin URL",
                    options.file.config.display()
                );
                return Err(Usage(message).into());
            };
            (at(admin)?, admin.token.as_ref().map(|token| token.reveal().to_owned()))
        }
    };
    let answer = block_on(async { call(&Call { at, token: token.as_deref(), method, path, component }).await })?;
    if answer.0 == StatusCode::UNAUTHORIZED {
        let from =
            if options.admin.is_some() { "the variable WEIR_ADMIN_TOKEN" } else { "the file's `admin: { token }`" };
        bail!("the running proxy wants another token than {from} has, or has none");
    }
    Ok(answer)
}

/// Where the file's proxy is asked.
fn at(admin: &Admin) -> Result<At, Usage> {
    let address = &admin.address.value;
    match address {
        _ if admin.tls.is_some() => Err(Usage(format!(
            "the running proxy speaks TLS to operators, which this command does not; ask it with curl, as in \
             `curl --cacert ca.pem https://{address}/status`, or give it a socket: `address: unix:/run/weir.sock`"
        ))),
        AdminAddress::Tcp(address) => Ok(At::Tcp(*address)),
        AdminAddress::Unix(path) => Ok(At::Unix(path.clone())),
    }
}

fn address(url: &str) -> Result<At, Usage> {
    if let Some(path) = url.strip_prefix("unix:") {
        return Ok(At::Unix(path.into()));
    }
    if url.starts_with("https://") {
        return Err(Usage(format!("this command does not speak TLS; ask {url} with curl, as in `curl {url}/status`")));
    }
    let bare = url.strip_prefix("http://").unwrap_or(url).replace("localhost", "127.0.0.1");
    let parsed = bare.trim_end_matches('/').parse();
    parsed.map(At::Tcp).map_err(|_| Usage(format!("`{url}` is not an admin URL; write http://127.0.0.1:9180")))
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn duration(seconds: &Value) -> String {
    let seconds = seconds.as_u64().unwrap_or_default();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
    }
}
