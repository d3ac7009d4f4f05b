//! The command line: one file per command. Reads arguments, prints, and turns outcomes into exit codes; what a command
//! does is done elsewhere.

mod admin;
mod demo;
mod explain;
mod plugin;
mod proxy;
mod run;
mod schema;
mod signals;
mod validate;
mod why;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

use crate::config::Report;

/// A programmable reverse proxy and API gateway: every policy is a sandboxed WebAssembly filter.
#[derive(Debug, Parser)]
#[command(name = "weir", version, after_help = "Start with `weir demo`: it needs nothing and prints what to try.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// What the log on standard error holds: error, warn, info or debug
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log: LevelFilter,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the configuration; SIGHUP reloads it, SIGTERM drains and ends
    #[command(after_help = "Example: weir run -c weir.yaml --watch\n\n\
        Filters, certificates, keys and other files that the configuration names are used anew whenever they change; \
        the configuration itself only with --watch, SIGHUP or `weir reload`. A fault changes nothing. \
        A line `listening on ...` says that an address accepts connections. SIGUSR1 opens the files of log and records \
        again, SIGUSR2 upgrades as `weir upgrade` does. Exit code: 0 after a drain, 1 after a \
        failure, 2 for a configuration that cannot be served.")]
    Run(run::Options),
    /// Check all that `run` would, filters and their configuration included, without opening a port
    #[command(after_help = "Example: weir validate -c weir.yaml && kill -HUP \"$(pidof weir)\"\n\n\
        Exit code: 0 if the configuration is sound, 2 if not.")]
    Validate(File),
    /// Tell which route serves a request and why not the others, its chain, and where each part was written
    #[command(after_help = "Example: weir explain https://api.example.com/users/7 -X DELETE -H 'X-Version: 2'")]
    Explain(explain::Options),
    /// Proxy to one upstream, without a file
    #[command(
        after_help = "Example: weir proxy --listen 127.0.0.1:8080 --to http://127.0.0.1:3000 --plugin request-id"
    )]
    Proxy(proxy::Options),
    /// Serve a small demonstration in one process, and print what to try
    #[command(after_help = "Example: weir demo --listen 127.0.0.1:9000\n\
        Example: weir demo --write my-proxy")]
    Demo(demo::Options),
    /// Make the running proxy read its configuration again
    #[command(after_help = "Example: weir reload -c weir.yaml\n\n\
        Needs `admin:` in the configuration. Exit code: 0 if the new configuration serves, 1 if not; then what was \
        running goes on.")]
    Reload(admin::Options),
    /// Have a process of the binary as it is now take over from the running one, and turn nobody away
    #[command(after_help = "Example: cp weir-0.2 /usr/local/bin/weir.new && \
        mv /usr/local/bin/weir.new /usr/local/bin/weir && weir upgrade -c weir.yaml\n\n\
        As SIGUSR2. Needs `admin:` in the configuration. Exit code: 0 if the new process serves, 1 if not; then what was \
        running goes on.")]
    Upgrade(admin::Options),
    /// Tell who decided what about an exchange that is over, with reasons, times and lines of the configuration
    #[command(after_help = "Example: weir why 6f1c0d9e8b7a45f3a2c41d5e00000007\n\
        Example: weir why last --status 403\n\
        Example: weir why last 20 --by authz\n\n\
        Needs `admin:` in the configuration. Refusals and failures are kept, and one in so many of the rest \
        (`why: { keep: 1000, sample: 100 }`). Exit code: 0 if there is a story, 1 if not.")]
    Why(why::Asked),
    /// Make the running proxy end, when its exchanges have ended
    #[command(after_help = "Example: weir drain -c weir.yaml\n\n\
        As SIGTERM. Needs `admin:` in the configuration. Returns when the drain has begun.")]
    Drain(admin::Options),
    /// Tell how the running proxy is
    #[command(after_help = "Example: weir status --admin http://127.0.0.1:9180 --json")]
    Status {
        #[command(flatten)]
        options: admin::Options,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Build filters, and tell what they are
    #[command(
        subcommand,
        after_help = "Example: weir plugin build my-filter && weir plugin inspect my-filter/my-filter.wasm"
    )]
    Plugin(plugin::Command),
    /// Print the JSON Schema of the configuration
    #[command(after_help = "Example: weir schema > weir.schema.json\n\n\
        In an editor with the YAML language server, the first line `# yaml-language-server: $schema=weir.schema.json` \
        makes it complete keys and show what they mean.")]
    Schema,
}

#[derive(Args, Debug)]
struct File {
    /// The configuration
    #[arg(short, long = "config", value_name = "FILE", default_value = "weir.yaml")]
    config: PathBuf,
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            let _ = message.print();
            return if message.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let log = match crate::telemetry::log::start(cli.log) {
        Ok(log) => log,
        Err(error) => return fail(&error.into()),
    };
    let done = match cli.command {
        Command::Run(options) => run::run(&options),
        Command::Validate(File { config }) => validate::validate(&config),
        Command::Explain(options) => explain::explain(&options),
        Command::Proxy(options) => proxy::proxy(&options),
        Command::Demo(options) => demo::demo(&options),
        Command::Reload(options) => admin::reload(&options),
        Command::Upgrade(options) => admin::upgrade(&options),
        Command::Why(options) => why::why(&options),
        Command::Drain(options) => admin::drain(&options),
        Command::Status { options, json } => admin::status(&options, json),
        Command::Plugin(command) => plugin::plugin(&command),
        Command::Schema => {
            schema::schema();
            Ok(())
        }
    };
    log.finish();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// `1 site`, `2 sites`.
fn count(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Bytes in the largest unit that leaves a whole number.
fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", bytes / unit),
        None => format!("{bytes}B"),
    }
}

/// The command cannot be meant as it was written.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

/// Whether standard error shows colours: <https://no-color.org>.
fn has_colours() -> bool {
    let is_off = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !is_off && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

fn fail(error: &anyhow::Error) -> ExitCode {
    if error.is::<Usage>() {
        eprintln!("error: {error}");
        return ExitCode::from(2);
    }
    match error.downcast_ref::<Report>() {
        Some(report) => {
            eprintln!("{}", report.render(has_colours()));
            ExitCode::from(2)
        }
        None => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}
