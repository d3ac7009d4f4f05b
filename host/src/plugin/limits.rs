//! What one instance may use, and how using more ends.

use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use wasmtime::{ResourceLimiter, Result, UpdateDeadline};

use super::tally::Sheet;

/// Table entries: indirect calls of the largest language runtimes need some ten thousand.
const MOST_TABLE_ENTRIES: usize = 100_000;

/// What one component may take of the slots that all share: language runtimes are linked of some tens of modules.
const MOST_MEMORIES: usize = 16;
const MOST_TABLES: usize = 64;
const MOST_MODULES: usize = 200;

/// CPU time and memory of one instance.
#[derive(Debug)]
pub(super) struct Meter {
    cpu: Duration,
    memory: usize,
    /// The thread's CPU time at the first tick of the running hook, or of its part since it last waited.
    started: Option<Duration>,
    /// What was used in the parts before.
    used: Duration,
    /// The size of all memories: a component may have many.
    pub(super) grown: usize,
    table_entries: usize,
    /// Which limit the running hook went over.
    pub(super) exceeded: Option<Exceeded>,
    /// Where it is counted, once it serves a worker.
    sheet: Option<Arc<Sheet>>,
}

/// A limit that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exceeded {
    Cpu,
    Memory,
}

impl Meter {
    pub(super) fn new(memory: usize) -> Self {
        Self {
            cpu: Duration::ZERO,
            memory,
            started: None,
            used: Duration::ZERO,
            grown: 0,
            table_entries: 0,
            exceeded: None,
            sheet: None,
        }
    }

    /// The instance serves the worker that has this sheet; it is counted there until it is gone.
    pub(super) fn count_on(&mut self, sheet: &Arc<Sheet>) {
        sheet.made.add(1);
        sheet.memory.add(self.grown as u64);
        self.sheet = Some(Arc::clone(sheet));
    }

    /// It is counted as gone.
    pub(super) fn count_off(&mut self) {
        if let Some(sheet) = self.sheet.take() {
            sheet.dropped.add(1);
            sheet.memory.take(self.grown as u64);
        }
    }

    /// A hook begins that may use so much CPU time.
    pub(super) fn start(&mut self, cpu: Duration) {
        self.cpu = cpu;
        self.started = None;
        self.used = Duration::ZERO;
        self.exceeded = None;
    }

    /// The hook waits: what the thread does meanwhile is not the filter's.
    pub(super) fn pause(&mut self) {
        if let Some(started) = self.started.take() {
            self.used += thread_time().saturating_sub(started);
        }
    }

    /// The clock ticked during a hook. Ticks are wall time: on a busy machine the thread may hardly have run,
    /// so what counts is its CPU time since the hook's first tick.
    pub(super) fn tick(&mut self) -> UpdateDeadline {
        let now = thread_time();
        let started = *self.started.get_or_insert(now);
        if self.used + now.saturating_sub(started) < self.cpu {
            return UpdateDeadline::Continue(1);
        }
        self.exceeded = Some(Exceeded::Cpu);
        UpdateDeadline::Interrupt
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.count_off();
    }
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0))
}

impl ResourceLimiter for Meter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let grown = self.grown.saturating_add(desired.saturating_sub(current));
        let fits = grown <= self.memory;
        if fits {
            if let Some(sheet) = &self.sheet {
                sheet.memory.add((grown - self.grown) as u64);
            }
            self.grown = grown;
        } else {
            self.exceeded = Some(Exceeded::Memory);
        }
        Ok(fits)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> Result<bool> {
        let entries = self.table_entries.saturating_add(desired.saturating_sub(current));
        let fits = entries <= MOST_TABLE_ENTRIES;
        if fits {
            self.table_entries = entries;
        }
        Ok(fits)
    }

    fn memories(&self) -> usize {
        MOST_MEMORIES
    }

    fn tables(&self) -> usize {
        MOST_TABLES
    }

    fn instances(&self) -> usize {
        MOST_MODULES
    }
}
