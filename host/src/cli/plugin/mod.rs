//! `weir plugin`: what authors of filters and those who are to run them need. One file per command.

mod build;
mod inspect;
mod new;
mod powers;
mod save;
mod schema;
mod scratch;
mod swap;
mod test;

use std::io::Write;

use clap::Subcommand;
use sha2::{Digest, Sha256};

use scratch::Scratch;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make the project of a new filter, in Rust: code, tests, cases and a configuration to try it with
    #[command(
        after_help = "Example: weir plugin new my-filter && cd my-filter && weir plugin build && weir plugin test\n\n\
        The project has a copy of the SDK in its folder `weir`: it needs Rust, and nothing else of Weir's than this \
        command. Exit code: 0, or 2 if the name cannot be used or its folder is there already."
    )]
    New(new::Options),
    /// Build a filter's project to a component
    #[command(after_help = "Example: weir plugin build my-filter\n\
        Example: weir plugin build my-filter -o plugins/my-filter.wasm\n\n\
        A Rust crate is built by cargo. For other languages, `build` in weir-plugin.toml is the command: {wit} stands \
        for a folder with the contract, {world} for the world in it that has just the project's `hooks` and \
        `capabilities`, {output} for the component to write.\n\n\
        The same source in Rust makes the same bytes, wherever it lies; toolchains of other languages may write others \
        each time.")]
    Build(build::Options),
    /// Tell what a filter is, what it can do and what it takes, without running it
    #[command(after_help = "Example: weir plugin inspect my-filter.wasm\n\
        Example: weir plugin inspect request-id --json\n\n\
        Exit code: 0 if this weir can run it, 1 if not.")]
    Inspect(inspect::Options),
    /// Try a filter with cases: requests, what is there, and what is to come of it
    #[command(after_help = "Example: weir plugin test my-filter\n\
        Example: weir plugin test my-filter.wasm --cases cases.yaml --filter refuses\n\n\
        Each case runs through the proxy itself, with the filter in its sandbox; time, chance, documents and answers to \
        the filter's own requests are the case's. Exit code: 0 if all hold, 1 if not, 2 if the file of cases is at \
        fault.")]
    Test(test::Options),
    /// Have another component serve under a plugin's name in the running proxy, without a restart
    #[command(after_help = "Example: weir plugin swap my-filter my-filter.wasm\n\
        Example: weir plugin swap my-filter my-filter.wasm --save\n\
        Example: weir plugin swap my-filter --rollback\n\n\
        Needs `admin:` in the configuration. New exchanges use the component, those in progress end on the one before. It \
        is watched for a while (`probation:`): if it fails too often, the one before comes back by itself. Without --save \
        it serves until the next reload.\n\n\
        Exit code: 0 if it serves, 1 if not; then what was running goes on.")]
    Swap(swap::Options),
}

pub(super) fn plugin(command: &Command) -> anyhow::Result<()> {
    match command {
        Command::New(options) => new::new(options),
        Command::Build(options) => build::build(options),
        Command::Inspect(options) => inspect::inspect(options),
        Command::Test(options) => test::test(options),
        Command::Swap(options) => swap::swap(options),
    }
}

/// Prints a whole text. Who reads only its beginning, as `head` does, is not at fault.
fn say(text: &str) -> std::io::Result<()> {
    match std::io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// As `sha256` in a configuration has it.
fn digest(component: &[u8]) -> String {
    format!("{:x}", Sha256::digest(component))
}

/// `16.4 KiB`, `17.9 MiB`.
fn size(component: &[u8]) -> String {
    let (unit, name) = if component.len() < 1 << 20 { (1 << 10, "KiB") } else { (1 << 20, "MiB") };
    let tenths = component.len() * 10 / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// Names after each other, or that there are none.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(plain).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// Text out of a component on one line, with nothing in it that a terminal would obey.
fn plain(text: &str) -> String {
    let mut shown = String::new();
    for character in text.split_ascii_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if character.is_control() {
            shown.extend(character.escape_debug());
        } else {
            shown.push(character);
        }
    }
    shown
}
