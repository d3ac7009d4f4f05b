//! What one instance may use, and how using more ends.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, Result, UpdateDeadline};

/// Table entries: indirect calls of the largest language runtimes need some ten thousand.
const MOST_TABLE_ENTRIES: usize = 100_000;

/// CPU time and memory of one instance.
#[derive(Debug)]
pub(super) struct Meter {
    cpu: Duration,
    memory: usize,
    /// The thread's CPU time at the first tick of the running hook.
    started: Option<Duration>,
    /// Which limit the running hook went over.
    pub(super) exceeded: Option<Exceeded>,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    Cpu,
    Memory,
}

impl Meter {
    pub(super) fn new(limits: crate::config::Limits) -> Self {
        Self { cpu: limits.cpu, memory: limits.memory, started: None, exceeded: None }
    }

    /// A hook begins.
    pub(super) fn start(&mut self) {
        self.started = None;
        self.exceeded = None;
    }

    /// The clock ticked during a hook. Ticks are wall time: on a busy machine the thread may hardly have run,
    /// so what counts is its CPU time since the hook's first tick.
    pub(super) fn tick(&mut self) -> UpdateDeadline {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        let now = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0));
        let started = *self.started.get_or_insert(now);
        if now.saturating_sub(started) < self.cpu {
            return UpdateDeadline::Continue(1);
        }
        self.exceeded = Some(Exceeded::Cpu);
        UpdateDeadline::Interrupt
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let fits = desired <= self.memory;
        if !fits {
            self.exceeded = Some(Exceeded::Memory);
        }
        Ok(fits)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        Ok(desired <= MOST_TABLE_ENTRIES)
    }
}
