//! What exchanges notice of others that a filter fails on: one in a hundred traps, or loops until its CPU limit.
//!
//! A loop holds its worker for the whole limit, so the exchanges beside it wait; what keeps them fast is that such a filter is
//! put aside. The control switches that off, and must show the loops.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::load::{Generator, Ill, Outcome};
use crate::process::{Process, wait_for};
use crate::report::{bar, middle};
use crate::run::{PROXY, REST};
use crate::targets::{free_address, weir};

/// One in a hundred.
const ILL: Ill = Ill { every: 100, request: b"GET /bench HTTP/1.1\r\nHost: bench.example\r\nX-Fail: 1\r\n\r\n" };

/// The most that others' 99th percentile may grow beside traps, and beside loops.
const TRAPS: f64 = 1.5;
const LOOPS: f64 = 3.0;

#[derive(Args, Debug)]
pub struct Options {
    /// How often each case has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds that are measured in each turn; as many before that are not
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Requests a second
    #[arg(long, default_value_t = 2000.0)]
    rate: f64,
}

/// A filter, and whether some requests make it fail.
struct Case {
    name: &'static str,
    how: &'static str,
    quarantine: &'static str,
    ill: Option<Ill>,
}

const CASES: [Case; 4] = [
    Case { name: "nobody fails", how: "panic", quarantine: "", ill: None },
    Case { name: "1 % trap", how: "panic", quarantine: "", ill: Some(ILL) },
    Case { name: "1 % loop", how: "spin", quarantine: "", ill: Some(ILL) },
    Case { name: "1 % loop, quarantine off", how: "spin", quarantine: ", quarantine: off", ill: Some(ILL) },
];

pub fn run(options: &Options) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut core = CpuSet::new();
    core.set(REST);
    sched_setaffinity(None, &core)?;
    let mut generator = Generator::new(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mut turns: Vec<[(Outcome, Outcome); 4]> = Vec::new();
    for round in 1..=options.rounds {
        let mut turn = || -> Result<_> {
            let mut outcomes = Vec::new();
            for case in &CASES {
                eprint!("\rround {round} of {}: {:<24}", options.rounds, case.name);
                outcomes.push(measure(&mut generator, case, options, folder.path())?);
            }
            Ok(outcomes)
        };
        if let Ok(turn) = turn()?.try_into() {
            turns.push(turn);
        }
    }
    eprintln!();
    print(&turns, options.rate);
    Ok(())
}

/// The first seconds, in which a filter may be put aside, and those after them.
fn measure(generator: &mut Generator, case: &Case, options: &Options, folder: &Path) -> Result<(Outcome, Outcome)> {
    let address = free_address();
    let file = folder.join("beside.yaml");
    let guest = weir_tests::guest("fail");
    let (how, quarantine, origin) = (case.how, case.quarantine, generator.origin.address()?);
    let config = format!(
        "version: 1\nworkers: 1\naccess_log: false\nlisteners: {{ bench: {{ address: \"{address}\" }} }}\n\
         upstreams: {{ origin: {{ endpoints: [\"http://{origin}\"] }} }}\n\
         plugins: {{ ill: {{ file: \"{}\"{quarantine} }} }}\n\
         sites:\n  - chain: [{{ plugin: ill, on_failure: open, config: {{ hook: on-request, how: {how} }} }}]\n    \
         routes: [{{ path: /*, upstream: origin }}]\n",
        guest.display()
    );
    fs::write(&file, config)?;
    let mut command = Command::new(weir()?);
    command.args(["--log", "error", "run", "-c"]).arg(&file);
    let _process = Process::start_silent(PROXY, &command)?;
    wait_for(address)?;
    let time = Duration::from_secs_f64(options.seconds);
    let first = generator.mixed_load(address, Some(options.rate), time, case.ill)?;
    let then = generator.mixed_load(address, Some(options.rate), time, case.ill)?;
    Ok((first, then))
}

fn print(turns: &[[(Outcome, Outcome); 4]], rate: f64) {
    println!("\n| beside, at {rate:.0}/s | p50 us | p99 us | p99 us of the seconds before | others that failed |");
    println!("| --- | --- | --- | --- | --- |");
    let of = |case: usize, value: fn(&(Outcome, Outcome)) -> f64| {
        middle(turns.iter().map(|turn| value(&turn[case])).collect())
    };
    let failed = |case: usize| turns.iter().map(|turn| turn[case].0.bad + turn[case].1.bad).sum::<u64>();
    for (index, case) in CASES.iter().enumerate() {
        println!(
            "| {} | {:.0} | {:.0} | {:.0} | {} |",
            case.name,
            of(index, |(_, then)| then.p50),
            of(index, |(_, then)| then.p99),
            of(index, |(first, _)| first.p99),
            failed(index)
        );
    }
    let grown = |case: usize| of(case, |(_, then)| then.p99) / of(0, |(_, then)| then.p99);
    println!("\n| bar | measured | |");
    println!("| --- | --- | --- |");
    #[allow(clippy::cast_precision_loss)]
    let all = (0..CASES.len()).map(failed).sum::<u64>() as f64;
    bar("exchanges that fail because another one does <= 0", all, 0.0, "");
    bar("p99 beside 1 % that trap <= 1.50x", grown(1), TRAPS, "x");
    bar("p99 beside 1 % that loop, once the filter is put aside <= 3.00x", grown(2), LOOPS, "x");
    let shown = grown(3);
    let verdict = if shown > LOOPS { "shows" } else { "DOES NOT SHOW: trust nothing above" };
    println!("| negative control: the same with quarantine off | {shown:.2}x | {verdict} |");
}
