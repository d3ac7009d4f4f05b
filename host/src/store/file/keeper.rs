//! The thread of a store that waits for its disk, so that nobody else does.

use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::super::Store;
use super::super::memory::{Change, Walk};
use super::disk::Disk;
use super::fault::Fault;
use super::record::{Payload, Record};
use super::{Figures, INTERVAL, Shared, WAITING};

/// How often it is looked whether a file that another process holds is free: soon after that process has let go.
const HELD: Duration = Duration::from_millis(20);
/// How often a file that failed is tried again, and how often what has expired is dropped while nobody writes.
const AGAIN: Duration = Duration::from_secs(1);
/// After that a file that could not be written anew is tried again.
const ANEW: Duration = Duration::from_mins(1);
/// Values that are looked at without letting others to them, and bytes that are written at once, while a file is written anew.
const PIECES: usize = 64;
const PIECE: usize = 256 << 10;

/// What a keeper begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// The values are in the file.
    Read,
    /// They are in memory, and the file lacks some.
    WriteAnew,
}

/// What a thread does for a store.
pub(super) struct Keeper {
    shared: Arc<Shared>,
    /// What is to be done before the store is as any other.
    task: Task,
    /// Dropped once the file was tried.
    tried: Option<SyncSender<()>>,
    /// A record that could not be put on the disk yet.
    held: Option<Vec<u8>>,
    last_commit: Option<Instant>,
    is_failing: bool,
    /// The way through all values, while the file is written anew.
    walk: Option<Walk>,
    /// Not before that.
    anew_again: Option<Instant>,
}

impl Keeper {
    pub(super) fn new(shared: Arc<Shared>, task: Task, tried: SyncSender<()>) -> Self {
        Self {
            shared,
            task,
            tried: Some(tried),
            held: None,
            last_commit: None,
            is_failing: false,
            walk: None,
            anew_again: None,
        }
    }

    pub(super) fn run(mut self) {
        let Some(mut disk) = self.open() else { return };
        let mut last_trim = Instant::now();
        while !self.is_closing() || self.owes() {
            if last_trim.elapsed() >= AGAIN {
                self.shared.memory.trim();
                last_trim = Instant::now();
            }
            if self.is_due() {
                self.commit(&mut disk);
            }
            match self.walk.take() {
                Some(walk) => self.go_on_anew(&mut disk, walk),
                None if self.is_stale(&disk) && self.anew_again.is_none_or(|again| again <= Instant::now()) => {
                    self.begin_anew(&mut disk);
                }
                None => self.rest(),
            }
        }
        disk.give_up_anew();
        self.commit(&mut disk);
        if !self.is_failing {
            // What came behind a commit that had failed before.
            self.commit(&mut disk);
        }
        if self.is_failing {
            tracing::error!(
                "{} is closed without its last changes, which could not be written",
                self.shared.path.display()
            );
        }
        // From here on it is another process's, and nothing is kept any more.
        self.shared.memory.note_nothing();
    }

    /// Opens the file, as often as it takes; none if nobody wants it any more.
    fn open(&mut self) -> Option<Disk> {
        loop {
            match self.try_to_open() {
                Ok(disk) => {
                    self.shared.memory.note_changes(WAITING);
                    self.shared.figures.works();
                    self.shared.figures.bytes.store(disk.length(), Ordering::Relaxed);
                    self.shared.is_open.store(true, Ordering::Release);
                    self.tried = None;
                    return Some(disk);
                }
                Err(fault) => {
                    if self.task == Task::Read {
                        // What was read before the place that cannot be.
                        self.shared.memory.clear();
                    }
                    let wait = if matches!(fault, Fault::Held { .. }) { HELD } else { AGAIN };
                    let said = fault.to_string();
                    if self.shared.figures.fault().as_ref() != Some(&said) {
                        tracing::error!("a store is unavailable: {said}");
                    }
                    self.shared.figures.failed(said);
                    self.tried = None;
                    std::thread::park_timeout(wait);
                    if self.is_closing() {
                        return None;
                    }
                }
            }
        }
    }

    fn try_to_open(&self) -> Result<Disk, Fault> {
        let Shared { path, memory, time, .. } = &*self.shared;
        if self.task == Task::WriteAnew {
            return Disk::open(path, |_| Some(()));
        }
        let (mut last, mut changes, mut refused) = (0, 0_u64, 0_u64);
        let read = |payload: Payload<'_>| {
            last = last.max(payload.time);
            let now = last;
            for change in payload {
                changes += 1;
                refused += u64::from(memory.restore(change?, now).is_err());
            }
            Some(())
        };
        let mut disk = Disk::open(path, read)?;
        time.is_after(last);
        memory.trim();
        if refused > 0 {
            tracing::warn!("{refused} values of {} find no room in its store, and are dropped", path.display());
        }
        // As long as a change is on average, for each value that is there.
        let values = memory.usage().values as u64;
        disk.set_base(disk.length().checked_div(changes).unwrap_or_default() * values);
        Ok(disk)
    }

    /// Whether the file lacks what was written while it was closed, and there is hope yet.
    fn owes(&self) -> bool {
        self.task == Task::WriteAnew && !self.is_failing && self.anew_again.is_none()
    }

    fn is_stale(&self, disk: &Disk) -> bool {
        self.task == Task::WriteAnew && self.walk.is_none() || disk.is_stale()
    }

    fn is_closing(&self) -> bool {
        self.shared.is_closing.load(Ordering::Acquire)
    }

    /// Whether there is something to commit, and it is time for it.
    fn is_due(&self) -> bool {
        let has_some = self.held.is_some() || self.shared.is_changed.load(Ordering::Relaxed);
        has_some && self.last_commit.is_none_or(|last| last.elapsed() >= self.pause())
    }

    /// How long it takes until the next commit, at least.
    fn pause(&self) -> Duration {
        if self.is_failing { AGAIN } else { INTERVAL }
    }

    /// Waits until there is something to do, or to look at.
    fn rest(&self) {
        let has_some = self.held.is_some() || self.shared.is_changed.load(Ordering::Relaxed);
        let wait = match self.last_commit {
            Some(last) if has_some => self.pause().saturating_sub(last.elapsed()),
            _ => AGAIN,
        };
        std::thread::park_timeout(wait);
    }

    /// Puts on the disk what has changed. If that fails, changes are refused until it succeeds.
    fn commit(&mut self, disk: &mut Disk) {
        let Shared { path, memory, figures, .. } = &*self.shared;
        let Some(record) = self.held.take().or_else(|| self.collect()) else { return };
        let began = Instant::now();
        let appended = disk.append(&record);
        let took = began.elapsed();
        self.last_commit = Some(Instant::now());
        figures.bytes.store(disk.length(), Ordering::Relaxed);
        match appended {
            Ok(()) => {
                figures.commits.fetch_add(1, Ordering::Relaxed);
                figures.nanoseconds.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
                if self.is_failing {
                    tracing::info!("{} can be written again", path.display());
                    memory.refuse_changes(false);
                    figures.works();
                    self.is_failing = false;
                }
                figures.held.store(0, Ordering::Release);
            }
            Err(error) => {
                self.held = Some(record);
                figures.failures.fetch_add(1, Ordering::Relaxed);
                let said = format!(
                    "{} cannot be written: {error}; until it can, changes are refused as unavailable",
                    path.display()
                );
                if !self.is_failing {
                    tracing::error!("{said}");
                    memory.refuse_changes(true);
                }
                figures.failed(said);
                self.is_failing = true;
            }
        }
    }

    /// A record of what has changed, if anything has.
    fn collect(&self) -> Option<Vec<u8>> {
        // Before the changes are taken: what comes behind them sets it again.
        self.shared.is_changed.store(false, Ordering::SeqCst);
        let held = &self.shared.figures.held;
        held.store(1, Ordering::Release);
        let changes = self.shared.memory.take_changes();
        let many: usize = changes.iter().map(Vec::len).sum();
        held.store(many as u64, Ordering::Release);
        if many == 0 {
            return None;
        }
        let mut record = Record::new(self.shared.time.now());
        changes.iter().flatten().for_each(|change: &Change| record.add(change));
        Some(record.finish())
    }

    fn begin_anew(&mut self, disk: &mut Disk) {
        match disk.begin_anew() {
            Ok(()) => self.walk = Some(Walk::new()),
            Err(error) => self.put_off(&error),
        }
    }

    /// Writes one piece more of the new file; after the last one, that takes the old one's place.
    fn go_on_anew(&mut self, disk: &mut Disk, mut walk: Walk) {
        let mut record = Record::new(self.shared.time.now());
        let mut has_more = true;
        while has_more && record.len() < PIECE {
            match self.shared.memory.next(&mut walk, PIECES) {
                Some(found) => found.iter().for_each(|change| record.add(change)),
                None => has_more = false,
            }
        }
        if let Err(error) = disk.add_anew(&record.finish()) {
            return self.put_off(&error);
        }
        if has_more {
            self.walk = Some(walk);
            return;
        }
        // The values that were just written may be newer than the last commit: with one more the whole is as at one moment.
        self.commit(disk);
        if self.is_failing || !disk.has_anew() {
            disk.give_up_anew();
            self.anew_again = Some(Instant::now() + ANEW);
            return;
        }
        match disk.finish_anew() {
            Ok(()) => self.task = Task::Read,
            Err(error) => self.put_off(&error),
        }
        self.shared.figures.bytes.store(disk.length(), Ordering::Relaxed);
    }

    fn put_off(&mut self, error: &std::io::Error) {
        self.anew_again = Some(Instant::now() + ANEW);
        tracing::warn!(
            "{} grows: it cannot be written anew without what is out of date ({error}), and is tried again in {ANEW:?}",
            self.shared.path.display()
        );
    }
}

impl Figures {
    pub(super) fn failed(&self, said: String) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(said);
    }

    fn works(&self) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
