//! From figures to the table that people read, and the bars that Weir is held to.

use crate::run::{Figures, Turn};

/// Below this share of its core a proxy was not saturated: the generator or the origin was the bottleneck.
const SATURATED: f64 = 0.95;

pub fn print(figures: &Figures, rate: f64) {
    println!(
        "\n| proxy | CPU us/request, saturated | requests/s | core used | CPU us/request at {rate:.0}/s | p50 us | p99 us | memory MiB |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    let mut names: Vec<&str> = Vec::new();
    for turn in &figures.turns {
        if !names.contains(&turn.target.as_str()) {
            names.push(&turn.target);
        }
    }
    let mut bottleneck = Vec::new();
    for name in &names {
        let of = |phase, value: fn(&Turn) -> f64| median(figures, name, phase, value);
        #[allow(clippy::cast_precision_loss)]
        let (throughput, memory) = (
            of("saturated", |turn| turn.outcome.requests as f64 / turn.outcome.seconds),
            of("saturated", |turn| turn.memory as f64),
        );
        let busy = of("saturated", |turn| turn.busy);
        if busy < SATURATED {
            bottleneck.push(*name);
        }
        println!(
            "| {name} | {:.2} | {throughput:.0} | {:.0} % | {} | {} | {} | {:.1} |",
            of("saturated", |turn| turn.cpu),
            busy * 100.0,
            figure(of("fixed rate", |turn| turn.cpu), 2),
            figure(of("fixed rate", |turn| turn.outcome.p50), 0),
            figure(of("fixed rate", |turn| turn.outcome.p99), 0),
            memory / 1024.0,
        );
    }
    if !bottleneck.is_empty() {
        println!("\nThe generator or the origin was the bottleneck, not the proxy, for: {}", bottleneck.join(", "));
    }
    bars(figures, &names);
}

/// A figure, if that was measured.
fn figure(value: f64, places: usize) -> String {
    if value.is_nan() { "-".to_owned() } else { format!("{value:.places$}") }
}

fn bars(figures: &Figures, names: &[&str]) {
    let cpu = |name: &str| names.contains(&name).then(|| median(figures, name, "saturated", |turn| turn.cpu));
    let (weir, bare, nginx) = (cpu("weir"), cpu("bare-hyper"), cpu("nginx"));
    println!("\n| bar | measured | |");
    println!("| --- | --- | --- |");
    if let (Some(weir), Some(bare)) = (weir, bare) {
        bar("CPU per request <= 1.10x bare hyper", weir / bare, 1.10, "x");
    }
    if let (Some(weir), Some(nginx)) = (weir, nginx) {
        bar("CPU per request <= 1.00x nginx", weir / nginx, 1.0, "x");
    }
    if let (Some(weir), Some(watched)) = (weir, cpu("weir+watched")) {
        bar("all that tells of its work <= 1.05x without", watched / weir, 1.05, "x");
    }
    if let Some(slope) = slope(figures, names) {
        bar("one more no-op filter <= 0.25 us", slope, 0.25, " us");
    }
    if let (Some(weir), Some(headers), Some(nginx), Some(lua)) = (weir, cpu("weir+headers"), nginx, cpu("nginx+lua")) {
        println!(
            "| (what the small policy adds) | Weir {:.2} us, nginx + Lua {:.2} us | |",
            headers - weir,
            lua - nginx
        );
        bar("a filter on four headers <= 0.50x what nginx + Lua adds", (headers - weir) / (lua - nginx), 0.5, "x");
    }
    if let (Some(weir), Some(nginx)) = (cpu("weir+gzip"), cpu("nginx+gzip")) {
        bar("gzip of 16 KiB of JSON <= 1.10x nginx", weir / nginx, 1.1, "x");
    }
    #[allow(clippy::cast_precision_loss)]
    let memory = middle(figures.idle_memory.iter().map(|kib| *kib as f64 / 1024.0).collect());
    bar("resident memory, idle, two workers <= 40 MiB", memory, 40.0, " MiB");
    bar("`weir demo` answers within 300 ms", middle(figures.demo.clone()), 300.0, " ms");
    if let (Some(planted), Some(bare)) = (cpu("bare-hyper+5us"), bare) {
        let shown = planted - bare;
        let verdict = if (4.0..=7.0).contains(&shown) { "shows" } else { "DOES NOT SHOW: trust nothing above" };
        println!("| negative control: 5 us of planted work | {shown:.2} us | {verdict} |");
    }
}

pub fn bar(name: &str, measured: f64, limit: f64, unit: &str) {
    println!("| {name} | {measured:.2}{unit} | {} |", if measured <= limit { "met" } else { "MISSED" });
}

/// What one more no-op filter costs: the slope of the least-squares line through the chains.
fn slope(figures: &Figures, names: &[&str]) -> Option<f64> {
    let chains =
        [("weir", 0.0), ("weir+noop5", 5.0), ("weir+noop10", 10.0), ("weir+noop20", 20.0), ("weir+noop50", 50.0)];
    let points: Vec<(f64, f64)> = chains
        .iter()
        .filter(|(name, _)| names.contains(name))
        .map(|(name, filters)| (*filters, median(figures, name, "saturated", |turn| turn.cpu)))
        .collect();
    if points.len() < 2 {
        return None;
    }
    #[allow(clippy::cast_precision_loss)]
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |(x, y), point| (x + point.0 / count, y + point.1 / count));
    let (top, bottom) = points
        .iter()
        .fold((0.0, 0.0), |(top, bottom), point| (top + (point.0 - x) * (point.1 - y), bottom + (point.0 - x).powi(2)));
    Some(top / bottom)
}

fn median(figures: &Figures, name: &str, phase: &str, value: impl Fn(&Turn) -> f64) -> f64 {
    middle(figures.turns.iter().filter(|turn| turn.target == name && turn.phase == phase).map(value).collect())
}

pub fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
