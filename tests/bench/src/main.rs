//! Weir beside its peers: what one request costs each of them. README.md says how it is measured.

#![allow(unreachable_pub)]

mod bare;
mod beside;
mod collector;
mod load;
mod origin;
mod process;
mod report;
mod run;
mod targets;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "Measures Weir beside nginx, HAProxy and bare hyper; without a command it does all of it")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::Options,
}

/// The processes that a run is made of; each can be tried by itself.
#[derive(Debug, Subcommand)]
enum Command {
    /// The least that a hyper proxy can do
    Bare {
        /// Where it listens
        listen: SocketAddr,
        /// The server behind it
        to: SocketAddr,
        /// Microseconds of work that are added to every request
        #[arg(long, default_value_t = 0)]
        plant: u64,
    },
    /// What exchanges notice of others that a filter fails on
    Beside(beside::Options),
    /// Requests through a proxy to an origin of this process, and a line of JSON about them
    Load {
        /// The proxy
        to: SocketAddr,
        /// Where the origin listens
        #[arg(long)]
        origin: SocketAddr,
        /// Requests a second, whatever comes back; without it each connection sends as fast as it is answered
        #[arg(long)]
        rate: Option<f64>,
        /// How long
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
    },
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    match cli.command {
        None => run::run(&cli.run),
        Some(Command::Bare { listen, to, plant }) => bare::serve(listen, to, Duration::from_micros(plant)),
        Some(Command::Beside(options)) => beside::run(&options),
        Some(Command::Load { to, origin, rate, seconds }) => {
            let outcome = load::Generator::new(origin)?.load(to, rate, Duration::from_secs_f64(seconds))?;
            println!("{}", serde_json::to_string(&outcome)?);
            Ok(())
        }
    }
}
