//! The process and its workers, and what belongs to nothing that has a name.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::{Family, Figures, Labels, Sample, counter, gauge, histogram, labels};
use crate::telemetry::metrics::{Distribution, workers};
use crate::telemetry::traces::SPANS;

pub(super) fn collect(figures: &Figures) -> Vec<Family> {
    let mut families = process(figures.adopted.0);
    families.extend(configuration(figures));
    families.extend(own_work(figures));
    families
}

/// Names that every Prometheus dashboard of processes knows.
fn process(began: SystemTime) -> Vec<Family> {
    let mut build = gauge("weir_build_info", "Always 1; the labels say which Weir this is.");
    build.whole(&labels([("version", env!("CARGO_PKG_VERSION"))]), 1);
    let figure = |name, help, value: Option<Sample>| {
        let mut family = gauge(name, help);
        if let Some(value) = value {
            family.add(&Labels::new(), value);
        }
        family
    };
    let mut cpu = counter("process_cpu_seconds", "CPU time of all threads, in the kernel too.");
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    let spent = Duration::new(spent.tv_sec.try_into().unwrap_or(0), spent.tv_nsec.try_into().unwrap_or(0));
    cpu.add(&Labels::new(), Sample::Number(spent.as_secs_f64()));
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    // One of them is the folder that is being read.
    let open = std::fs::read_dir("/proc/self/fd").map(|files| (files.count() as u64).saturating_sub(1));
    let limit = getrlimit(Resource::Nofile).current;
    vec![
        build,
        figure(
            "process_start_time_seconds",
            "When the process began to serve, in seconds since 1970.",
            Some(Sample::Number(seconds(began))),
        ),
        cpu,
        figure(
            "process_resident_memory_bytes",
            "Memory that the process holds.",
            line("VmRSS:").map(|kibibytes| Sample::Whole(kibibytes << 10)),
        ),
        figure("process_threads", "Threads of the process.", line("Threads:").map(Sample::Whole)),
        figure("process_open_fds", "Descriptors that are open: connections, files.", open.ok().map(Sample::Whole)),
        figure(
            "process_max_fds",
            "Descriptors that may be open.",
            Some(limit.map_or(Sample::Number(f64::INFINITY), Sample::Whole)),
        ),
    ]
}

fn configuration(figures: &Figures) -> Vec<Family> {
    let mut reloads = counter("weir_config_reloads", "Reloads by how they went.");
    for (result, count) in [("good", figures.reloads.0), ("failed", figures.reloads.1)] {
        reloads.whole(&labels([("result", result)]), count);
    }
    let mut is_good = gauge("weir_config_last_reload_successful", "1 unless the last reload failed.");
    is_good.whole(&Labels::new(), u64::from(figures.is_good));
    let mut adopted = gauge(
        "weir_config_last_reload_success_timestamp_seconds",
        "When the configuration that is served was adopted, in seconds since 1970.",
    );
    adopted.add(&Labels::new(), Sample::Number(seconds(figures.adopted.1)));
    let mut swaps = counter("weir_swaps", "Swaps of plugins' components by how they went.");
    let of = figures.swaps;
    for (result, count) in [("good", of.done), ("failed", of.failed), ("taken_back", of.taken_back)] {
        swaps.whole(&labels([("result", result)]), count);
    }
    vec![reloads, is_good, adopted, swaps]
}

/// Since 1970.
fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn own_work(figures: &Figures) -> Vec<Family> {
    let seats = workers();
    let mut running = gauge("weir_workers", "Threads that serve exchanges.");
    running.whole(&Labels::new(), seats.iter().filter(|(_, runs)| *runs).count() as u64);
    let mut gateway = histogram(
        "weir_gateway_latency_seconds",
        "What Weir added until the response's head was there: the time from the request's head on, without the wait for the \
         upstream. What filters wait for counts.",
    );
    gateway.observed(&Labels::new(), Distribution::of(seats.iter().map(|(worker, _)| &worker.gateway)));
    let mut lateness = histogram(
        "weir_worker_lateness_seconds",
        "How late a worker was when it should have looked at its clock, 20 times a second: as long as others had to wait \
         for it. A millisecond is the timer's own.",
    );
    let mut latest =
        gauge("weir_worker_lateness_max_seconds", "The largest lateness of a worker in the last minute or two.");
    for (seat, (worker, _)) in seats.iter().enumerate() {
        let of = labels([("worker", &seat.to_string())]);
        lateness.observed(&of, Distribution::of([&worker.lateness].into_iter()));
        latest.add(&of, Sample::Number(worker.latest().as_secs_f64()));
    }
    let mut spans = counter("weir_trace_spans", "Spans of traces by what became of them.");
    for (result, count) in [("sent", SPANS.sent()), ("dropped", SPANS.dropped())] {
        spans.whole(&labels([("result", result)]), count);
    }
    let mut records =
        counter("weir_access_records_lost", "Access records that were lost because nobody read standard output.");
    records.whole(&Labels::new(), figures.lost.0);
    let mut lines =
        counter("weir_log_lines_lost", "Lines of the log that were lost because nobody read standard error.");
    lines.whole(&Labels::new(), figures.lost.1);
    vec![running, gateway, lateness, latest, spans, records, lines]
}
