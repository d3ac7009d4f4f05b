//! What filters do, in figures: how often each hook was called, how it ended, what it took, and what its instances use.
//!
//! Every worker writes a [`Sheet`] of its own, and only it does: counting is a load and a store, never a locked
//! instruction. A [`Ledger`] adds the sheets up when somebody reads. It stays with the entry's name when the entry itself
//! is replaced, by a reload or a swap, so figures only grow; those of one version can be told apart.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use super::error::Failure;
use super::hook::{EXPORTS, Hook};
use super::pins::Pins;
use super::trail::{Did, Took};

/// Durations are counted by powers of two.
const BUCKETS: usize = 25;

/// The first bound, in nanoseconds.
const SMALLEST: u64 = 256;

/// Reasons of answers that are told apart.
const MOST_REASONS: usize = 64;

/// Stands for those beyond.
const OTHER: &str = "other";

/// An entry's figures, summed over the workers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Of the hooks that were called, or would have been.
    pub hooks: Vec<HookTally>,
    /// Answers by their reasons' codes.
    pub answers: Vec<(String, u64)>,
    /// Those of one of several alternatives that were not sent.
    pub set_aside: Vec<(String, u64)>,
    /// Exchanges that passed by because their path is among the entry's `except`.
    pub excepted: u64,
    /// Its instances.
    pub instances: Instances,
}

/// One hook's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HookTally {
    /// As the contract calls it.
    pub hook: &'static str,
    /// Calls that let the message go on.
    pub next: u64,
    /// Calls that answered or refused.
    pub answered: u64,
    /// Calls that paused.
    pub paused: u64,
    /// Failures by kind: those that happened.
    pub failed: Vec<(&'static str, u64)>,
    /// How many calls took at most [`HookTally::bounds`], but more than the bound before; the last is above all bounds.
    pub durations: Vec<u64>,
    /// Time on the worker's thread: the filter's, and that of what it asked the host for.
    pub spent: Duration,
    /// Time in which the worker did other things while a call waited.
    pub waited: Duration,
}

/// An entry's instances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Instances {
    /// How many were made.
    pub made: u64,
    /// How many of these are gone.
    pub dropped: u64,
    /// How many are in a hook that waits.
    pub busy: u64,
    /// How many may be kept by bodies.
    pub pinned: u64,
    /// Exchanges that wait for an instance or in a hook.
    pub waiting: u64,
    /// Bytes of memory of all that live.
    pub memory: u64,
}

impl Tally {
    /// Hooks that ran.
    pub fn calls(&self) -> u64 {
        self.hooks.iter().map(HookTally::calls).sum()
    }

    /// Hooks that ran and failed.
    pub fn failures(&self) -> u64 {
        self.hooks.iter().map(HookTally::failures).sum()
    }
}

impl HookTally {
    /// The upper bounds of `durations`.
    pub fn bounds() -> impl Iterator<Item = Duration> {
        (0..BUCKETS - 1).map(|power| Duration::from_nanos(SMALLEST << power))
    }

    /// How often it ran.
    pub fn calls(&self) -> u64 {
        self.next + self.answered + self.paused + self.failures()
    }

    /// How often it ran and failed. Not being called, in quarantine or for want of an instance, is no such failure.
    pub fn failures(&self) -> u64 {
        let is_run = |(kind, _): &&(&str, u64)| !Failure::NOT_CALLED.contains(kind);
        self.failed.iter().filter(is_run).map(|(_, count)| count).sum()
    }
}

/// A figure that one thread writes and any may read.
#[derive(Debug, Default)]
pub(super) struct Figure(AtomicU64);

impl Figure {
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn add(&self, more: u64) {
        self.0.store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    pub(super) fn take(&self, less: u64) {
        self.0.store(self.get().wrapping_sub(less), Ordering::Relaxed);
    }
}

/// What one worker counts for one version of an entry.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    hooks: [OnceLock<Box<HookSheet>>; EXPORTS],
    /// The lock is this worker's, but for the moments in which somebody reads.
    answers: Mutex<Vec<(String, u64)>>,
    set_aside: Mutex<Vec<(String, u64)>>,
    excepted: Figure,
    pub(super) made: Figure,
    pub(super) dropped: Figure,
    pub(super) busy: Figure,
    pub(super) waiting: Figure,
    pub(super) memory: Figure,
    pub(super) pins: Pins,
}

#[derive(Debug, Default)]
struct HookSheet {
    next: Figure,
    spent: Figure,
    durations: [Figure; BUCKETS],
    answered: Figure,
    paused: Figure,
    waited: Figure,
    failed: [Figure; Failure::KINDS.len()],
}

impl Sheet {
    /// A hook was called, or would have been.
    pub(super) fn count(&self, hook: Hook, did: Did, took: Option<&Took>) {
        if did == Did::Excepted {
            self.excepted.add(1);
            return;
        }
        let sheet = self.hooks[hook.index()].get_or_init(Box::default);
        match did {
            Did::Next => sheet.next.add(1),
            Did::Answered | Did::SetAside => sheet.answered.add(1),
            Did::Paused => sheet.paused.add(1),
            Did::Failed(kind) => sheet.failed[usize::from(kind)].add(1),
            Did::Excepted | Did::Unfinished => {}
        }
        let is_run =
            !matches!(did, Did::Failed(kind) if Failure::NOT_CALLED.contains(&Failure::KINDS[usize::from(kind)]));
        if let Some(took) = took.filter(|_| is_run) {
            let spent = took.spent();
            sheet.spent.add(spent);
            sheet.durations[bucket(spent)].add(1);
            let waited = took.waited();
            if waited > 0 {
                sheet.waited.add(waited);
            }
        }
    }

    /// An answer had this reason.
    pub(super) fn answered(&self, code: &str) {
        add_reason(&mut lock(&self.answers), code, 1);
    }

    /// An answer that was not sent had this reason.
    pub(super) fn set_aside(&self, code: &str) {
        add_reason(&mut lock(&self.set_aside), code, 1);
    }

    /// Adds what only grows.
    fn add_to(&self, tally: &mut Tally) {
        for (index, sheet) in self.hooks.iter().enumerate() {
            if let Some(sheet) = sheet.get() {
                sheet.add_to(tally.hook(Hook::name_of(index)));
            }
        }
        for (code, count) in lock(&self.answers).iter() {
            add_reason(&mut tally.answers, code, *count);
        }
        for (code, count) in lock(&self.set_aside).iter() {
            add_reason(&mut tally.set_aside, code, *count);
        }
        tally.excepted += self.excepted.get();
        tally.instances.made += self.made.get();
        tally.instances.dropped += self.dropped.get();
    }

    /// Adds how it is now.
    fn add_now(&self, instances: &mut Instances) {
        instances.busy += self.busy.get();
        instances.pinned += self.pins.count();
        instances.waiting += self.waiting.get();
        instances.memory += self.memory.get();
    }
}

impl HookSheet {
    fn add_to(&self, tally: &mut HookTally) {
        tally.next += self.next.get();
        tally.answered += self.answered.get();
        tally.paused += self.paused.get();
        for (kind, figure) in Failure::KINDS.iter().zip(&self.failed) {
            let count = figure.get();
            match tally.failed.iter_mut().find(|(known, _)| known == kind) {
                Some((_, sum)) => *sum += count,
                None if count > 0 => tally.failed.push((kind, count)),
                None => {}
            }
        }
        for (sum, figure) in tally.durations.iter_mut().zip(&self.durations) {
            *sum += figure.get();
        }
        tally.spent += Duration::from_nanos(self.spent.get());
        tally.waited += Duration::from_nanos(self.waited.get());
    }
}

impl Tally {
    fn hook(&mut self, hook: &'static str) -> &mut HookTally {
        let place = self.hooks.iter().position(|known| known.hook == hook).unwrap_or_else(|| {
            self.hooks.push(HookTally { hook, durations: vec![0; BUCKETS], ..HookTally::default() });
            self.hooks.len() - 1
        });
        &mut self.hooks[place]
    }
}

/// The figures of one name in one chain, whichever version of the entry bears it.
#[derive(Debug, Default)]
pub(super) struct Ledger(Mutex<Book>);

#[derive(Debug, Default)]
struct Book {
    versions: u64,
    /// What the workers count now, by version.
    open: Vec<(u64, Arc<Sheet>)>,
    /// What was counted on sheets that are closed.
    closed: Tally,
}

impl Ledger {
    /// The number of one more version.
    pub(super) fn version(&self) -> u64 {
        let mut book = lock(&self.0);
        book.versions += 1;
        book.versions
    }

    /// One more worker's sheet.
    pub(super) fn open(&self, version: u64, sheet: &Arc<Sheet>) {
        lock(&self.0).open.push((version, Arc::clone(sheet)));
    }

    /// Nothing more is counted on this sheet.
    pub(super) fn close(&self, sheet: &Arc<Sheet>) {
        let mut book = lock(&self.0);
        if let Some(place) = book.open.iter().position(|(_, open)| Arc::ptr_eq(open, sheet)) {
            book.open.swap_remove(place);
            sheet.add_to(&mut book.closed);
        }
    }

    /// All that was ever counted.
    pub(super) fn read(&self) -> Tally {
        let book = lock(&self.0);
        let open = book.open.iter().map(|(_, sheet)| sheet.as_ref());
        sum(book.closed.clone(), open)
    }

    /// What workers count of this version; nothing once none of them uses it.
    pub(super) fn read_version(&self, wanted: u64) -> Tally {
        let book = lock(&self.0);
        let open = book.open.iter().filter(|(version, _)| *version == wanted);
        sum(Tally::default(), open.map(|(_, sheet)| sheet.as_ref()))
    }
}

fn sum<'a>(mut tally: Tally, sheets: impl Iterator<Item = &'a Sheet>) -> Tally {
    for sheet in sheets {
        sheet.add_to(&mut tally);
        sheet.add_now(&mut tally.instances);
    }
    tally
}

fn add_reason(reasons: &mut Vec<(String, u64)>, code: &str, more: u64) {
    let find = |code: &str| reasons.iter().position(|(known, _)| known == code);
    let place = find(code).or_else(|| if reasons.len() < MOST_REASONS { None } else { find(OTHER) });
    match place {
        Some(place) => reasons[place].1 += more,
        None if reasons.len() < MOST_REASONS => reasons.push((code.to_owned(), more)),
        None => reasons.push((OTHER.to_owned(), more)),
    }
}

/// The first bound that is not below.
fn bucket(nanoseconds: u64) -> usize {
    let above = nanoseconds.saturating_sub(1) / SMALLEST;
    (above.bit_width() as usize).min(BUCKETS - 1)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_of_its_bound() {
        for (power, bound) in HookTally::bounds().enumerate() {
            let bound = u64::try_from(bound.as_nanos()).unwrap();
            assert_eq!((bucket(bound), bucket(bound + 1)), (power, power + 1), "{bound}");
        }
        assert_eq!((bucket(0), bucket(u64::MAX)), (0, BUCKETS - 1));
    }

    #[test]
    fn what_was_counted_stays_when_the_version_goes() {
        let ledger = Ledger::default();
        let (old, new) = (ledger.version(), ledger.version());
        let (before, after) = (Arc::<Sheet>::default(), Arc::<Sheet>::default());
        ledger.open(old, &before);
        ledger.open(new, &after);
        before.count(Hook::Request, Did::Next, None);
        before.answered("no-rule");
        before.busy.add(1);
        after.count(Hook::Request, Did::Failed(0), None);
        ledger.close(&before);
        let all = ledger.read();
        assert_eq!((all.calls(), all.failures(), all.instances.busy), (2, 1, 0));
        assert_eq!(all.answers, [("no-rule".to_owned(), 1)]);
        assert_eq!(ledger.read_version(new).calls(), 1);
        assert_eq!(ledger.read_version(old), Tally::default());
    }

    #[test]
    fn reasons_beyond_the_most_count_as_others() {
        let sheet = Sheet::default();
        for index in 0..MOST_REASONS + 10 {
            sheet.answered(&format!("reason-{index}"));
        }
        sheet.answered("reason-0");
        let mut tally = Tally::default();
        sheet.add_to(&mut tally);
        assert_eq!(tally.answers.len(), MOST_REASONS + 1);
        assert_eq!(tally.answers[0], ("reason-0".to_owned(), 2));
        assert_eq!(tally.answers[MOST_REASONS], (OTHER.to_owned(), 10));
    }
}
