//! `weir plugin test`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use serde_json::json;

use super::{Scratch, say};
use crate::cli::run::engine;
use crate::cli::{Usage, count};
use crate::config::Report;
use crate::config::cases::{self, Case, Cases};
use crate::plugin::{Manifest, bundled, read_component};
use crate::trial::{self, Difference, Subject, Verdict};

/// As a worker's.
const STACK: usize = 4 << 20;

/// The file of cases in a project.
const FILE: &str = "cases.yaml";

#[derive(Args, Debug)]
pub(in crate::cli) struct Options {
    /// The filter: a project's folder, which is built, a component's file, or the name of a bundled plugin
    #[arg(value_name = "DIR|FILE|NAME", default_value = ".")]
    filter: PathBuf,
    /// The cases; cases.yaml in the project, or beside the component, if not said
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// Only the cases whose names have this in them
    #[arg(long = "filter", value_name = "TEXT")]
    only: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Print the JSON Schema of a file of cases, for editors
    #[arg(long, exclusive = true)]
    schema: bool,
}

/// Not every case holds.
#[derive(Debug, thiserror::Error)]
#[error("cases that do not hold: {0} of {1}")]
struct Failed(u64, u64);

pub(super) fn test(options: &Options) -> anyhow::Result<()> {
    // A thread, because its time is the cases' from then on.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || run(options))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn run(options: &Options) -> anyhow::Result<()> {
    if options.schema {
        return Ok(say(&format!("{:#}\n", cases::schema()))?);
    }
    let file = options.cases.clone().unwrap_or_else(|| beside(&options.filter));
    let cases = cases::load(&file).map_err(|error| {
        let help = if options.cases.is_some() { "" } else { "; `--cases FILE` names another file" };
        Usage(format!("cannot read {}: {error}{help}", file.display()))
    })?;
    if !cases.faults.is_empty() {
        return Err(Report::new(&cases.sources, cases.faults).into());
    }
    let is_wanted = |case: &Case| options.only.as_ref().is_none_or(|only| case.name.value.contains(only));
    if !cases.cases.iter().any(is_wanted) {
        let only = options.only.as_deref().unwrap_or_default();
        return Err(Usage(format!("no case in {} has `{only}` in its name", file.display())).into());
    }
    let (subject, _scratch) = subject(&options.filter)?;
    let (mut told, mut held, mut failed) = (Vec::new(), 0, 0);
    trial::run(&cases, &subject, engine()?, is_wanted, |case, verdict| {
        *(if verdict.differences.is_empty() { &mut held } else { &mut failed }) += 1;
        if options.json {
            told.push(as_json(&cases, case, verdict));
        } else {
            // Who reads only the beginning is not at fault.
            let _ = say(&for_people(&cases, case, verdict));
        }
    })?;
    if options.json {
        say(&format!("{:#}\n", json!({ "filter": subject.name, "held": held, "failed": failed, "cases": told })))?;
    } else {
        say(&format!("\n{}: {held} hold, {failed} do not\n", count(held + failed, "case")))?;
    }
    if failed > 0 { Err(Failed(failed, held + failed).into()) } else { Ok(()) }
}

/// Where a filter's cases are if nobody says.
fn beside(filter: &Path) -> PathBuf {
    if filter.is_dir() { filter.join(FILE) } else { filter.with_file_name(FILE) }
}

/// The filter that is meant; a project is built, and its component kept as long as it is needed.
fn subject(filter: &Path) -> anyhow::Result<(Subject, Option<Scratch>)> {
    if filter.is_dir() {
        let component = weir_componentize::build_project(filter)?;
        let scratch = Scratch::new()?;
        let file = scratch.path().join("filter.wasm");
        std::fs::write(&file, &component.bytes).with_context(|| format!("cannot write {}", file.display()))?;
        return Ok((Subject { name: component.name, component: Some(file) }, Some(scratch)));
    }
    if let Some(name) = filter.to_str().filter(|name| !filter.exists() && bundled(name).is_some()) {
        return Ok((Subject { name: name.to_owned(), component: None }, None));
    }
    let bytes = read_component(filter).map_err(|why| anyhow!("cannot read {}: {why}", filter.display()))?;
    let manifest = Manifest::read(&bytes).map_err(|why| anyhow!("{}: {why}", filter.display()))?;
    let stem = filter.file_stem().and_then(|stem| stem.to_str());
    let Some(name) = manifest.about.map(|about| about.name).or_else(|| stem.map(str::to_owned)) else {
        bail!("{} has no name: `weir plugin build` gives it one", filter.display());
    };
    let file = std::path::absolute(filter).with_context(|| format!("cannot find {}", filter.display()))?;
    Ok((Subject { name, component: Some(file) }, None))
}

fn as_json(cases: &Cases, case: &Case, verdict: &Verdict) -> serde_json::Value {
    let differences = verdict.differences.iter().map(|difference| {
        json!({
            "what": difference.what,
            "place": cases.line_of(difference.place),
            "expected": difference.expected,
            "got": difference.got,
        })
    });
    json!({
        "name": case.name.value,
        "place": cases.line_of(case.name.place),
        "holds": verdict.differences.is_empty(),
        "differences": differences.collect::<Vec<_>>(),
        "log": verdict.log,
        "ms": verdict.took.as_secs_f64() * 1e3,
    })
}

fn for_people(cases: &Cases, case: &Case, verdict: &Verdict) -> String {
    let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let paint = |text: &str, code: u8| if colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let name = super::plain(&case.name.value);
    let milliseconds = verdict.took.as_secs_f64() * 1e3;
    if verdict.differences.is_empty() {
        return format!("{}  {name} ({milliseconds:.1} ms)\n", paint("holds", 32));
    }
    let mut text = format!("{}  {name} ({milliseconds:.1} ms)\n", paint("FAILS", 31));
    for difference in &verdict.differences {
        text += &format!("  {}: {}\n", cases.line_of(difference.place), super::plain(&difference.what));
        text += &changes(difference);
    }
    if !verdict.log.is_empty() {
        text += "  logged:\n";
        for line in &verdict.log {
            text += &format!("    {}\n", harmless(line));
        }
    }
    text
}

/// What was to come and what came: on one line each, or only the lines that differ.
fn changes(difference: &Difference) -> String {
    let Difference { expected, got, .. } = difference;
    if !expected.contains('\n') && !got.contains('\n') {
        return format!("    expected  {}\n    got       {}\n", harmless(expected), harmless(got));
    }
    if expected.is_empty() {
        return got.lines().map(|line| format!("    {}\n", harmless(line))).collect();
    }
    let (expected, got): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let same = expected.iter().zip(&got).take_while(|(one, other)| one == other).count();
    let behind = |lines: &[&str]| lines.len() - same;
    let end = expected.iter().rev().zip(got.iter().rev()).take_while(|(one, other)| one == other).count();
    let end = end.min(behind(&expected)).min(behind(&got));
    let mut text = String::from("    - expected\n    + got\n");
    let shown = |text: &mut String, mark: &str, lines: &[&str]| {
        for line in lines {
            *text += &format!("    {mark} {}\n", harmless(line));
        }
    };
    shown(&mut text, " ", &expected[same.saturating_sub(2)..same]);
    shown(&mut text, "-", &expected[same..expected.len() - end]);
    shown(&mut text, "+", &got[same..got.len() - end]);
    shown(&mut text, " ", &expected[expected.len() - end..(expected.len() - end + 2).min(expected.len())]);
    text
}

/// With nothing in it that a terminal would obey.
fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() }).collect()
}
