//! A whole measurement: every proxy in turn, in rounds, so that a slow minute of the machine meets all of them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::Args;
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Serialize;

use crate::collector;
use crate::load::{Generator, Outcome, REQUEST};
use crate::process::{Process, wait_for};
use crate::report;
use crate::targets::{Starter, Target, free_address, weir, weir_config};

/// The proxies' core, and the other.
pub const PROXY: usize = 0;
pub const REST: usize = 1;

#[derive(Args, Debug)]
pub struct Options {
    /// How often every proxy has its turn
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of each phase of a turn
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Requests a second of the phase with a fixed rate
    #[arg(long, default_value_t = 8000.0)]
    rate: f64,
    /// Only these proxies, by name
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Where the raw figures go
    #[arg(long, default_value = "target/bench.json")]
    output: PathBuf,
}

/// One proxy's turn.
#[derive(Clone, Debug, Serialize)]
pub struct Turn {
    pub target: String,
    pub round: usize,
    pub phase: &'static str,
    /// Microseconds of the proxy's CPU time per request.
    pub cpu: f64,
    /// Share of its core that the proxy used.
    pub busy: f64,
    /// Resident KiB at the end.
    pub memory: u64,
    pub outcome: Outcome,
}

/// All that was measured.
#[derive(Debug, Default, Serialize)]
pub struct Figures {
    pub turns: Vec<Turn>,
    /// Resident KiB of an idle Weir with two workers.
    pub idle_memory: Vec<u64>,
    /// Milliseconds from the start of `weir demo` to its first answer.
    pub demo: Vec<f64>,
}

pub fn run(options: &Options) -> Result<()> {
    ensure!(
        std::thread::available_parallelism()?.get() >= 2,
        "this needs two cores: one for the proxy, one for the rest"
    );
    let folder = tempfile::tempdir()?;
    // This thread is the generator and the origin.
    let mut core = CpuSet::new();
    core.set(REST);
    sched_setaffinity(None, &core)?;
    let mut generator = Generator::new(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let origin = generator.origin.address()?;
    let targets = targets(&Starter { core: PROXY, origin, folder: folder.path() }, &options.only)?;
    let mut figures = Figures::default();
    for round in 1..=options.rounds {
        for target in &targets {
            generator.request = target.request;
            eprint!("\rround {round} of {}: {:<24}", options.rounds, target.name);
            // Connections open, caches fill, instances are made.
            generator.load(target.address, None, Duration::from_secs_f64(options.seconds / 3.0))?;
            figures.turns.push(turn(&mut generator, target, round, "saturated", None, options.seconds)?);
            // Compressing takes so long that the rate would be beyond the core.
            if target.request == REQUEST {
                let rate = Some(options.rate);
                figures.turns.push(turn(&mut generator, target, round, "fixed rate", rate, options.seconds)?);
            }
        }
    }
    eprintln!();
    drop(targets);
    for _ in 0..options.rounds {
        figures.idle_memory.push(idle_memory(folder.path(), origin)?);
        figures.demo.push(demo()?);
    }
    if let Some(parent) = options.output.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&options.output, serde_json::to_string_pretty(&figures)?)?;
    report::print(&figures, options.rate);
    println!("raw figures: {}", options.output.display());
    Ok(())
}

fn targets(starter: &Starter<'_>, only: &[String]) -> Result<Vec<Target>> {
    type Start<'a> = Box<dyn Fn(&str) -> Result<Target> + 'a>;
    let weir = |guest: &'static str, count| -> Start<'_> { Box::new(move |name| starter.weir(name, guest, count)) };
    let collector = collector::start()?;
    let all: [(&str, Start<'_>); 17] = [
        ("nginx", Box::new(|_| starter.nginx())),
        ("nginx+forwarded", Box::new(|_| starter.nginx_forwarded())),
        ("haproxy", Box::new(|_| starter.haproxy())),
        ("bare-hyper", Box::new(|name| starter.bare(name, 0))),
        ("bare-hyper+5us", Box::new(|name| starter.bare(name, 5))),
        ("weir", weir("noop", 0)),
        ("weir+watched", Box::new(move |name| starter.weir_watched(name, collector))),
        ("weir+noop5", weir("noop", 5)),
        ("weir+noop10", weir("noop", 10)),
        ("weir+noop20", weir("noop", 20)),
        ("weir+noop50", weir("noop", 50)),
        ("weir+headers", weir("headers", 1)),
        ("nginx+lua", Box::new(|_| starter.nginx_lua())),
        ("nginx+gzip", Box::new(|_| starter.nginx_gzip())),
        ("weir+gzip", Box::new(|name| starter.weir_gzip(name))),
        ("weir+file", Box::new(|name| starter.weir_file(name))),
        ("nginx+file", Box::new(|_| starter.nginx_file())),
    ];
    let wanted = |name: &str| only.is_empty() || only.iter().any(|wanted| wanted == name);
    all.into_iter().filter(|(name, _)| wanted(name)).map(|(name, start)| start(name)).collect()
}

fn turn(
    generator: &mut Generator,
    target: &Target,
    round: usize,
    phase: &'static str,
    rate: Option<f64>,
    seconds: f64,
) -> Result<Turn> {
    let before = target.process.cpu()?;
    let outcome = generator.load(target.address, rate, Duration::from_secs_f64(seconds))?;
    let used = target.process.cpu()?.saturating_sub(before).as_secs_f64();
    ensure!(outcome.bad == 0, "{}: {} answers were not 200", target.name, outcome.bad);
    #[allow(clippy::cast_precision_loss)]
    let cpu = used * 1e6 / outcome.requests as f64;
    let memory = target.process.memory()?;
    Ok(Turn { target: target.name.clone(), round, phase, cpu, busy: used / outcome.seconds, memory, outcome })
}

fn idle_memory(folder: &Path, origin: SocketAddr) -> Result<u64> {
    let address = free_address();
    let file = folder.join("idle.yaml");
    // Nobody serves the origin now, so there is no route to it. The chain runs all the same.
    let config = weir_config(address, origin, 2, "noop", 0);
    let config = config.replace("  - routes:", "  - chain: [request-id]\n    routes:").replace("/*", "/none");
    std::fs::write(&file, config)?;
    let mut command = Command::new(weir()?);
    command.args(["--log", "error", "run", "-c"]).arg(&file);
    let process = Process::start(PROXY, &command)?;
    wait_for(address)?;
    // Two exchanges, so that both workers have been used.
    get(address)?;
    get(address)?;
    process.memory()
}

fn demo() -> Result<f64> {
    let address = free_address();
    let started = Instant::now();
    // Both cores, as a person would start it; this thread keeps to one.
    let mut child = Command::new("taskset")
        .args(["-c", "0,1"])
        .arg(weir()?)
        .args(["demo", "--listen", &address.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    while get(address).is_err() {
        ensure!(started.elapsed() < Duration::from_secs(20), "`weir demo` does not answer");
        std::thread::sleep(Duration::from_millis(1));
    }
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    child.kill()?;
    child.wait()?;
    Ok(milliseconds)
}

fn get(address: SocketAddr) -> Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 "), "{answer}");
    Ok(())
}
